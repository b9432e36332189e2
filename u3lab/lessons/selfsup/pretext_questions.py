"""The quiz of notebook 02: where supervision comes from, shortcuts, temperature, and pictures without an upright."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "Somebody proposes to write a program that labels a million scans by itself, and to train the network Φ on "
        "its labels. Why does that not solve the problem?",
        ("A program is slower than a person: a million scans would take it as long as radiologists.",
         "Such a program already does what Φ is to learn. Anyone who had it would not need Φ.",
         "Labels from a program are always wrong, and a network cannot learn from wrong labels.",
         "It does solve the problem: a pretext task is such a program."),
        1,
        ("It is faster by far. That is not where the difficulty lies.",
         "From a picture to its label is the very function that we look for. The way out is another label: one that is "
         "easy to get from the picture and hard to get from what is left of it.",
         "They may be right often. But a program that is often right is the network that we wanted to have.",
         "A pretext task does not guess the label that we want. It asks for something that is known for certain, "
         "since we have taken it out of the picture ourselves.")),
    Question(
        "A network is asked which of four ways up a picture is. On photos of streets it reaches 90 %. On slices of "
        "tissue under a microscope it stays at 25 %, however long it trains. What do you do?",
        ("Train ten times longer, with a larger network.",
         "Turn the slices by less than 90 degrees.",
         "Choose another task: on a microscope's table a slice has no upright, so there is nothing to find.",
         "Nothing: a task that is not solved teaches more."),
        2,
        ("If the answer is not in the picture, no network finds it. With few pictures it would only learn these by "
         "heart.",
         "That makes other wrong questions, and brings in interpolation, which a network can see.",
         "The answer came from the photographer, who holds the camera upright. Nobody did so here. Colour, erased "
         "parts or two views of one slice are still there to ask for.",
         "A hard task may teach much, an impossible one nothing: the gradient is noise.")),
    Question(
        "An invented case: a network solves jigsaw puzzles of 3×3 tiles without a gap between them, 98 % right. With a "
        "gap of five pixels it gets 60 % right. A linear probe finds more in the features of the *second* network. "
        "Why? (Our own small encoder did not find this shortcut in 80 steps.)",
        ("A gap makes pictures smaller, and small pictures are easier.",
         "The first network matches edges that go on from tile to tile. For that it need not know what the picture "
         "shows.",
         "The probe is broken: the better network has the better features.",
         "By chance: the one seed happened to be better."),
        1,
        ("The second task is harder, as its score shows.",
         "This is a shortcut: a way to be right without learning what the task was made for. The score of the pretext "
         "task cannot tell you; a probe, or switching the defence on and off, can.",
         "Better *at the puzzle*. Nobody wants puzzles solved. The score that counts is that of another task.",
         "It may be, for one seed; that is why tables have three. But there is a reason to expect it.")),
    Question(
        "At a pixel of a grey shirt the network says: red 0.5, blue 0.4, and ten other colours 0.01 each. Which colour "
        "does the annealed mean f_T give with T = 1, and which with T → 0?",
        ("T = 1: purple, the mean. T → 0: red, the likeliest.",
         "T = 1: red. T → 0: purple.",
         "Both give red.",
         "T = 1: red or blue, drawn by chance. T → 0: always red."),
        0,
        ("T = 1 leaves the distribution as it is, and its mean is what L2 would answer. A small T sharpens it until "
         "the largest has all.",
         "The other way round: dividing log Ẑ by a small T makes differences larger.",
         "Only if T is small, or if red were nearly certain.",
         "f_T draws nothing. It is a mean, of a sharper distribution the smaller T is.")),
    Question(
        "A clinic has 50,000 unlabelled CT slices of the chest, all lying the same way, and 50,000 pictures of tissue "
        "under the microscope. It has labels for 200 of each. Somebody wants to pretrain on the task \"which way is "
        "up\" for both. What is the best plan?",
        ("Take it for both: a task that works on photos of streets, animals and people works on scans as well.",
         "Take it for neither: scans are grey, and a grey picture does not tell which way is up.",
         "See for each whether it can be solved; then compare it with random weights, by a probe, on new patients.",
         "Train on several tasks, and take for each collection the one with the highest pretext score."),
        2,
        ("It needs an upright, and a microscope has none.",
         "That speaks against colour as the target, for the chest. Upright does not need colours.",
         "Expect upright to fail for tissue. For the chest it can be solved, which is necessary and not enough: if the "
         "table of the scanner or a letter in the corner gives the turn away, the network may look at nothing else. "
         "200 labels are few to train on, but enough to compare.",
         "A high score may be a shortcut or an easy question. It cannot be compared between tasks either.")),
)
