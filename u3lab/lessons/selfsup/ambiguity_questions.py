"""The quiz of notebook 02b: ambiguity, its four cures, and the switch."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network predicts where a ball will be in the next frame, as two coordinates, not as a picture. The ball "
        "goes to the left or to the right, equally probably, and nothing tells which. The loss is the squared "
        "distance. What does it answer after long training?",
        ("The left place in half of the cases and the right one in the others.",
         "Two places at half strength.",
         "A place in the middle, where the ball never goes.",
         "The place that was more frequent in its last batches."),
        2,
        ("A network gives one answer to one input. To answer at random it would have to be given chances to draw from.",
         "Two coordinates are one place. The two ghosts need a picture, in which both places can be grey.",
         "The mean of both places has the least expected squared distance. Sharp, sure, and wrong each time.",
         "With a rate that falls, the last batches are averaged as all others are; and the mean is the best answer "
         "to them, too.")),
    Question(
        "A network colours a grey photo of a cup. It gives each pixel its own chances of red and blue, learnt with "
        "cross-entropy. They are exactly right: 0.7 and 0.3 everywhere on the cup. You draw a picture from them. What "
        "does the cup look like?",
        ("Red or blue as a whole, with the right chances.",
         "Confetti: each pixel is red or blue for itself.",
         "Purple, as with L2.",
         "Red as a whole, always."),
        1,
        ("For that, the pixels would have to be drawn together. Each has the right chances, but that all pixels of a "
         "cup agree is nowhere in the family.",
         "Independent pixels cannot say \"all red or all blue\". The family is too simple, although every single "
         "chance is right.",
         "Purple is the *mean* of what is drawn. A drawn pixel is red or blue.",
         "That is the most probable colour of each pixel, not a sample. It is a fine picture, but it says nothing of "
         "blue.")),
    Question(
        "A network learns with min over η of ‖y − f(ŷ, η)‖², where η leaves a sound or turns its sign. y₁ happens nine "
        "times out of ten. Trained with one seed it answers y₀, with another y₁. What is wrong?",
        ("Nothing: the loss is 0 for either, and how probable they are is nowhere in it.",
         "The gradient: the search for η has to be differentiated as well.",
         "The training is too short: in the end it would answer y₁.",
         "f should have been told that y₁ is more probable."),
        0,
        ("Which of the two it becomes is decided by the first weights. If p matters to you, take another cure.",
         "What would come through the search is multiplied by a derivative that is 0 (or, between two values of η, is "
         "not there at all). The gradient is right.",
         "At y₀ the loss is 0 and the gradient is 0. There is nothing that would draw it to y₁.",
         "f only says what can happen. Chances would need a family of distributions, such as a mixture.")),
    Question(
        "A ball bounces without any loss, filmed from a random moment on. A network should tell whether the film runs "
        "forwards or backwards. After long training it is right in half of the cases. What do you conclude?",
        ("The network is too small.",
         "The films are too short.",
         "There is no better answer: forwards and backwards films are equally probable.",
         "The learning rate was too high."),
        2,
        ("First ask what the best of all observers could do. Here it is half, for any network.",
         "No length helps: the reverse of a film without loss is such a film again, and as probable.",
         "p(film) = p(reversed film), so by Bayes' rule each answer has the chance ½. With friction it would not be "
         "so.",
         "A good learning rate would show the same. Work out the best rate of success *before* you tune.")),
    Question(
        "A switch that could not be better is trained on as many pairs of one film as of two. For a picture x and a "
        "sound y its score before the sigmoid is 0. What does it say?",
        ("x and y are surely of different films.",
         "x and y occur together as often as if they had nothing to do with each other.",
         "x and y never occur.",
         "The network has not learnt anything."),
        1,
        ("That would be a score of −∞, the chance 0. A score of 0 is the chance ½.",
         "log p(x,y)/p(x)p(y) = 0 means p(x,y) = p(x) p(y): that they meet is no more frequent than by chance.",
         "Of pairs that never occur, matched or not, the loss says nothing at all.",
         "That could be so of a bad switch, whose scores are near 0 for all pairs. This one gives the best answer, and "
         "for this pair it is ½.")),
    Question(
        "Pictures and sounds of a hospital's ultrasound machines are paired for the switch. Films with sound come from "
        "three machines, and each machine hums differently. Pairs of two films are drawn from all films. The switch "
        "soon is right in five of six cases. What has it probably learnt?",
        ("To hear the blood flow that it sees.",
         "To tell machines apart: the hum and the frame of the picture give two thirds of the wrong pairs away.",
         "Nothing: five of six is chance.",
         "To count heart beats in the picture and in the sound."),
        1,
        ("Perhaps. But there is a much easier way to be right that often, and networks take it.",
         "Pairs of one film agree in the machine, always. Of pairs of two films, two thirds do not. Who answers "
         "\"same\" where the machines agree is right in all of the first and two thirds of the second: 5/6. Draw "
         "the other film from the same machine.",
         "Chance is one half, since both halves are equally frequent.",
         "Then it would be better than five of six. The very number points to three machines.")),
)
