"""The quiz of chapter 7b: what directions, probes and cuts can tell."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "On new pictures, a combination of many units finds a concept with a higher IoU than the best single unit "
        "does. Why?",
        ("It has more weights, and with enough weights everything fits.",
         "Several units each hold a part of the concept, and others, with negative weights, tell what is not it.",
         "Its thresholds are lower, so it is on more often.",
         "The network was trained once more, for this concept."),
        1,
        ("On the pictures of the fit, perhaps. These are new ones, and there only what holds in general helps.",
         "The concept is spread over units: one for its texture, one for a part, one for what stands next to it. A "
         "direction gathers them.",
         "Single units and combinations get the same binary maps, with the same thresholds.",
         "The network stays as it is; Net2Vec fits one weight for each unit.")),
    Question(
        "Two networks have random vectors for twenty concepts, so they share nothing. Yet Σ K^Φ K^Ψ / (‖K^Φ‖ ‖K^Ψ‖), "
        "over all i and j, comes out near 0.8. Why?",
        ("Even random networks learn how concepts are related.",
         "The diagonals agree in any two networks: each concept is like itself.",
         "The vectors were not centred.",
         "There are too few concepts; with more of them it would be nearer to 1."),
        1,
        ("Nothing was learnt here: the vectors were drawn by lot, for each network anew.",
         "Twenty ones in the same places outweigh the small random entries around them. Leave the diagonal out, and "
         "compare with shuffled concepts.",
         "Centring leaves it nearly as high: it does not take the diagonal away.",
         "It falls: the entries beside the diagonal grow in number with C², the diagonal with C.")),
    Question(
        "A probe is trained on a layer, but its gradient also reaches the network, which learns along. The accuracy on "
        "new pictures goes up. What does it tell?",
        ("How much of the labels can be read off the layer with a linear map.",
         "The same as before, since the probe is still linear.",
         "That the layer uses these labels for its own task.",
         "What the network can learn from these labels, and no longer what it had learnt before."),
        3,
        ("That holds for the layer as it is now. The layer that you wanted to know has gone.",
         "The probe is linear, but it looks at something else now: the features have moved to please it.",
         "A probe never tells that, held apart or not: it reads, and the network need not read the same.",
         "A probe is a measuring device. If it changes what it measures, it measures itself: detach the features.")),
    Question(
        "One unit is set to 0 at all places. The accuracy over all classes hardly changes. Is the unit of no "
        "importance?",
        ("That is not known: a few classes may lose much, and the mean over many classes hides it.",
         "Yes: what does not change the accuracy is not used.",
         "Yes: the other units have learnt to stand in for it.",
         "The test says nothing: a unit cannot be 0 at all places."),
        0,
        ("Look at each class. Often single units are of weight for some classes and of nearly none for the rest.",
         "The accuracy is a mean over classes. The loss of one class can be large in it and still look small.",
         "They have learnt nothing since the cut. Whether they can do without it has to be asked class by class.",
         "It can: after a ReLU, 0 is what a silent unit gives. Only where 0 is no usual value, the unit's mean is the "
         "better choice.")),
    Question(
        "A unit fits grass with a high IoU, and sheep stand on grass. May you say that the network uses this unit to "
        "recognise sheep?",
        ("Yes: it finds grass, and grass speaks for sheep.",
         "Yes, if a linear probe also reads grass off this layer.",
         "No: that the unit detects grass does not say that an answer depends on it. Silence it, and see whether "
         "\"sheep\" suffers.",
         "No: an answer never depends on a single unit."),
        2,
        ("It speaks for sheep to you. Whether it does to the network, the IoU does not tell: it only compares masks.",
         "The probe reads, too. That something can be read does not mean that the network reads it.",
         "Detecting is a correlation with labels, using is a cause of the answer. Only an intervention tells them "
         "apart.",
         "It may: silence one after the other, and some classes fall with one unit.")),
)
