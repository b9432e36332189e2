"""The quiz of chapter 6b: what a small change does to a picture, to features, and to a claim."""

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
         "genuine pictures do, and most still fooled the network. The talk shows it as a property of saliency, no "
         "defence.",
         "It can, as for any picture; the detector's features are made of just that.")),
    Question(
        "The picture is mirrored left and right. In which pair should the first quantity be invariant, and the second "
        "equivariant?",
        ("The score of \"cat\"; the heat map of where the cat is.",
         "The heat map of where the cat is; the score of \"cat\".",
         "The score of \"cat\"; the score of \"dog\".",
         "How far from the left border the nose is; the heat map of where the cat is."),
        0,
        ("The score should stay the same, the map should be mirrored as the picture is: it changes, in a way that is "
         "known from g alone.",
         "The other way round: a map that stayed where it was would be wrong after mirroring.",
         "Both should stay the same: two invariant quantities.",
         "Both change, and both as g says: the nose is then as far from the right border. Two equivariant ones.")),
    Question(
        "The lower half of network A is stitched to the upper half of network B by a fitted 1×1 convolution, and the "
        "whole answers nearly as B does on new pictures. A random stitch does not. What does that prove?",
        ("A and B have learnt the same features, channel by channel, only in a different order and at another scale.",
         "A can take the place of B for any task.",
         "B's lower half was not needed in B either.",
         "Up to a linear map of channels, A's features hold what B's upper half needs to give these answers."),
        3,
        ("Each of B's channels may be a mixture of all of A's: no channel needs a partner of its own.",
         "Tested were the answers of B on pictures of one kind. For another task, or the other way from B to A, "
         "nothing was shown.",
         "A's lower half did that work; without either there is nothing for the upper half to work on.",
         "That, and no more: the map takes nothing from the neighbouring sites, so the information was at the same "
         "place in A's features.")),
)
