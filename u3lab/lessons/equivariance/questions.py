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
)
