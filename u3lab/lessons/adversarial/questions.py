"""The quiz of chapter 6b: what a small change does to a picture, and what follows from it."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "An attack by PGD has ε = 2/255 and the norm \"linf\". What is true of the picture that it makes?",
        ("At most two of its pixels differ from the original's.",
         "Each colour value of each pixel differs by at most two grey levels from the original's.",
         "Its values differ by two grey levels on average; a few may differ by far more.",
         "It is two steps of the attack away from the original."),
        1,
        ("ε does not count pixels: nearly all of them may change, each by very little.",
         "L∞ is the greatest change of all values, red, green and blue, wherever they are. It says nothing about how "
         "many change.",
         "A bound on an average is what \"l2\" gives (the root mean square): there single values may change by more "
         "than ε.",
         "The length of a step is α, and their number is of no account: after each of them Π leads back into the "
         "ball.")),
    Question(
        "Each of the 150,000 values of a photo is moved up or down by two grey levels. Signs drawn by lot do almost "
        "nothing to the answer; those of the attack change it. Why?",
        ("The random picture is further away from the original.",
         "Networks are trained with random noise, so they are used to it.",
         "In a random direction the many small effects cancel; the attack gives each of them the same sign.",
         "The attack puts its changes on the object and its outline, where they count; the noise is everywhere."),
        2,
        ("Both are at the same distance, two grey levels in every value, whichever norm you take.",
         "These networks were not trained against it in particular, and the argument does not need it: it holds for "
         "a linear classifier with any weights.",
         "For a gradient w the attack changes log Φ_y, to first order, by ε‖w‖₁, random signs by about ε‖w‖₂. For the "
         "shipped networks and pictures the first is some 200 times larger.",
         "FGSM moves every value with a gradient that is not 0, by the same ε, on the object and off it.")),
    Question(
        "A linear detector on saliency maps tells the attacks of a test set from genuine, noisy and blurred pictures. "
        "May it guard a network?",
        ("Yes, if it was fitted on many attacks, and tested on pictures and attacks that it was not fitted on.",
         "Yes, once its threshold is strict enough.",
         "No: an attacker who knows it puts its answer into the loss, and goes down both at once.",
         "No: saliency cannot be computed for an attacked picture."),
        2,
        ("That is needed for an honest figure, but the figure is for attacks that took no notice of the detector.",
         "A stricter threshold refuses more genuine pictures, and an attacker can aim below it as well.",
         "A detector with a gradient can be fooled as well. Attacks made in that way looked more genuine to it than "
         "genuine pictures do, and most still fooled the network. The lecture shows it as a property of saliency, no "
         "defence.",
         "It can, as for any picture; the detector's features are made of just that.")),
    Question(
        "An attack of one grey level leads SqueezeNet to nearly any class. The same file is shown to another network, "
        "which keeps its answer. What follows?",
        ("That this attack fits this network. One that is made for the other network does as well there.",
         "The other network is robust: it may be used where attacks are feared.",
         "The attack was too weak; a stronger one would carry over.",
         "The file was damaged on the way."),
        0,
        ("Both networks fall to attacks of their own, and hardly ever to each other's, at this size.",
         "Its own attacks turn it just as easily: in the table both are turned in nearly every case.",
         "It may, and larger changes do carry over more often. But nothing here has shown it.",
         "It was written as whole levels and read again; the first network is still fooled by it.")),
)
