"""The quiz of notebook 02b: ambiguity, its four cures, and the switch."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A cup on a grey photo is red in seven of ten cases and blue in three; nothing in the photo tells which. A "
        "network with the L2 loss has learnt from endless such photos. What colour does it give the cup?",
        ("Red, since that is more probable.",
         "Sometimes red, sometimes blue, seven times out of ten the former.",
         "A purple that is nearer to red: seven parts of red and three of blue.",
         "Grey, since it has no answer."),
        2,
        ("That would be the best answer to another loss: to the number of wrong answers, or, pixel by pixel, to the "
         "absolute error, whose best answer is the median.",
         "A network of this kind gives one answer to one input. To answer at random it would have to be given chances "
         "to draw from.",
         "The mean has the least expected squared distance. No cup has this colour; that does not matter to the loss.",
         "Grey would be the mean of colours that cancel out. Red and blue do not.")),
    Question(
        "Instead, the network gives each pixel its own chances of red and blue, learnt with cross-entropy. They are "
        "exactly right: 0.7 and 0.3 everywhere on the cup. You draw a picture from them. What does the cup look like?",
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
        "min over η of ‖y − f(ŷ, η)‖²: the minimum over η is inside the loss. How do you get the gradient with respect "
        "to ŷ?",
        ("Find the best η without gradients, hold it, and derive the distance with respect to ŷ.",
         "Derive through the search for η as well; otherwise the gradient is wrong.",
         "There is none: a minimum cannot be derived.",
         "Average the gradients over all η."),
        0,
        ("At the best η, to change η a little changes nothing at first order (and among finitely many η the best one "
         "stays the best). So only ŷ's own part remains: the envelope theorem.",
         "What would come through the search is multiplied by the derivative of the distance with respect to η, and "
         "that is 0 at the minimum.",
         "It can be, everywhere but where two η are equally good. There a step to either side is fine.",
         "That is the gradient of the mean over η, whose best ŷ is a ghost again.")),
    Question(
        "A ball bounces without any loss, filmed from a random moment on. A network shall tell whether the film runs "
        "forwards or backwards. After long training it is right in half of the cases. What do you conclude?",
        ("The network is too small.",
         "The films are too short.",
         "There is no better answer: forwards and backwards films are equally probable.",
         "The rate was too high."),
        2,
        ("First ask what the best of all observers could do. Here it is half, for any network.",
         "No length helps: the reverse of a film without loss is such a film again, and as probable.",
         "p(film) = p(reversed film), so by Bayes' rule each answer has the chance ½. With friction it would not be "
         "so.",
         "A good rate would show the same. Work out the best rate of success *before* you tune.")),
    Question(
        "The switch is trained on as many pairs of one film as of two. Of a picture x and a sound y its score is 0 "
        "before the sigmoid. What does it say?",
        ("x and y are surely of different films.",
         "x and y occur together as often as if they had nothing to do with each other.",
         "x and y never occur.",
         "The network has not learnt anything."),
        1,
        ("That would be a score of −∞, the chance 0. A score of 0 is the chance ½.",
         "log p(x,y)/p(x)p(y) = 0 means p(x,y) = p(x) p(y): that they meet is no more frequent than by chance.",
         "Of pairs that never occur, matched or not, the loss says nothing at all.",
         "It may have learnt it: for this pair, ½ can be the best answer.")),
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
