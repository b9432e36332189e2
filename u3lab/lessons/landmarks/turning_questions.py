"""The quiz of notebook 03b: factorisation, frames, and keypoints as a bottleneck."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network has learnt poses of one chair from turns between its views alone. Its loss is exactly 0. You know "
        "nothing else. Which of these can it still not tell you?",
        ("By which turn view 3 goes over into view 8.",
         "Whether view 3 shows the chair from the front.",
         "Which two of 100 views show the chair from nearly the same side.",
         "Whether views 3 and 8 are half a turn apart."),
        1,
        ("That is Φ(x₈) Φ(x₃)⁻¹. A common turn h on the right cancels.",
         "With Φ also Φ h has the loss 0, for every turn h. Where the front is was never told; one view that somebody "
         "names settles it.",
         "Φ(x) Φ(x′)⁻¹ is then near the identity, whatever h is.",
         "That is a turn between two views, and h cancels.")),
    Question(
        "Free codes, no network: ten films, each of another chair, and pairs only within a film. How many turns are "
        "left free when the loss is 0?",
        ("None.", "One for all ten films.", "One for each film, ten.", "One for each picture."),
        2,
        ("The loss sees quotients only; a common factor always drops out.",
         "One would be left if every film were tied to the next by some pair. None is.",
         "Each film is a connected part of its own. One network for all films can remove nine of these, but nothing in "
         "the loss forces it to.",
         "Within a film the pairs tie the codes together.")),
    Question(
        "In space, someone checks that \"a common turn changes nothing\" with h Φ(x) in place of Φ(x) h, and finds a "
        "larger loss. Why?",
        ("h Φ(gx) (h Φ(x))⁻¹ = h g h⁻¹, which is another turn than g.",
         "Because h was too large.",
         "Because of rounding.",
         "Then Φ had not solved the task."),
        0,
        ("On the left h means: the camera's axes are renamed, and g is written in these. On the right it renames the "
         "thing's axes, which no pair mentions. In the plane all turns commute, and there is no difference.",
         "Small ones raise it as well, only less.",
         "In double precision the right side gives zero to 15 digits and the left side does not.",
         "If Φ is exact, Φ h is exact too, and h Φ in general is not.")),
    Question(
        "A round table with a single round leg stands on the turntable. Pairs of views and their turns are given as "
        "for chairs. What will a network learn about the azimuth?",
        ("The azimuth, but with half the accuracy.",
         "The azimuth up to one turn h.",
         "Nothing: the views at all azimuths are the same picture, and one picture has one code.",
         "The azimuth, if there are enough pairs."),
        2,
        ("There is nothing in a view that depends on the azimuth, so no part of it can be found.",
         "That is so for things that look different from every side.",
         "Φ(gx) = Φ(x) since gx = x, but Φ(gx) = g Φ(x) is asked for. Both hold only for g = 1; the loss stays high "
         "however long one trains.",
         "More pairs repeat the same contradiction.")),
    Question(
        "In a keypoint autoencoder the appearance encoder is given the *target* itself, instead of another picture of "
        "the same person. Training goes well and x̂ is sharp. What has become of the keypoints?",
        ("They are better, since the pictures are sharper.",
         "They are worthless: everything needed to draw the target comes through the appearance encoder.",
         "They are the same.",
         "They lie on the edges of the picture."),
        1,
        ("Sharp pictures are not the goal. What do the points have to say, if the features tell all?",
         "The bottleneck is bypassed. The source has to differ from the target in geometry, and in nothing else.",
         "No: what made the points useful was that the source does not know where parts are in the target.",
         "They can lie anywhere; nothing in the loss depends on them.")),
    Question(
        "K is raised from 10 to 500 and σ made so small that a point's place is known to a thousandth of the picture. "
        "The error of x̂ falls. Why should this worry you?",
        ("It should not: a smaller error is better.",
         "1,000 precise numbers can carry much of how the target looks, such as its light. Then the points are no pure "
         "geometry any more, and a swap mixes both.",
         "The network gets too slow.",
         "500 points do not fit on 64 × 64 pixels."),
        1,
        ("Of the picture, yes. But the loss is a means: what was wanted are points that say where parts are.",
         "The bottleneck has to be narrow. How narrow is a choice that the loss does not make for you.",
         "Perhaps, but that is not what makes the points worse.",
         "They may share places; nothing forbids it.")),
    Question(
        "The network Γ that compares x̂ with x′ in the loss was trained on a million labelled photos. What is then no "
        "longer true?",
        ("That the keypoints were learnt without landmark labels.",
         "That the whole method needs no labels.",
         "That the keypoints follow the target.",
         "That the swap works."),
        1,
        ("Nobody has marked a landmark: that is still true.",
         "Labels came in through the back door. A network that has learnt to colour grey photos does the same job and "
         "has never seen a label.",
         "They do, with either network.",
         "It does, with either network.")),
    Question(
        "\"Equivariance learns from the data to a simple space, a generator from a simple space to the data.\" Where "
        "does the keypoint autoencoder stand?",
        ("It is a generator: it draws pictures from random points.",
         "It is both: pictures are mapped to points that move as the picture moves, and pictures are drawn from these.",
         "It is neither, since it has no labels.",
         "It is equivariance only: x̂ is thrown away."),
        1,
        ("Its points come from a picture. No distribution of points was ever asked for.",
         "The points are the simple space. Nobody asks for Φ(gx) = gΦ(x); it follows, because the picture has to be "
         "drawn again from them.",
         "None of the three needs labels.",
         "After training, yes. But without drawing x̂ there would be nothing to learn from.")),
)
