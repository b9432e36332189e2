"""The quiz on equivariance and equivalence: what changes with the picture, and how alike two networks are."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
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
    Question(
        "At conv1 the error of M_g for a picture upside down is 0. Has the network learnt that edges may be upside "
        "down?",
        ("Yes: photos of reflections in water teach it.",
         "No: conv1 is linear and its filters span nearly all that they see, so the turned patch can be computed.",
         "No: the error is 0 because nothing of the picture is left at conv1.",
         "Yes: its filters come in pairs that are mirror images of each other."),
        1,
        ("An untrained conv1 with as many filters would do as well: this is algebra, not learning.",
         "64 filters over 27 numbers lose next to nothing. What can be computed from the patch can be computed "
         "from the features.",
         "The opposite: nearly everything is left there, and that is why it works.",
         "They do not. W mixes many filters for each output; one partner alone leaves an error.")),
    Question(
        "For a mirrored picture, the features of a middle layer are replaced by those of the picture itself with "
        "their places mirrored, and the answer gets worse than if nothing is done. How can that be?",
        ("Mirroring the places costs resolution.",
         "The grid does not lie in the middle of the picture.",
         "The places were mirrored and the channels were not: no picture has such features.",
         "The network was never trained with mirrored pictures."),
        2,
        ("Places are only swapped; no value changes.",
         "It does: that is why these sections use 223 pixels.",
         "Each \"/\" was moved to the other side and is still called \"/\". What follows has never met such a thing.",
         "It was: most networks are, and that is why doing nothing is good here.")),
)
