"""The quiz of chapter 7: what a unit stands for, what a direction stands for, and what the network uses."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "With the same share of 0.005, unit 12 has the threshold T = 30 and unit 40 has T = 2. What follows?",
        ("Unit 12 is the better detector.",
         "Over the whole data set both are on at the same share of places; their values have different scales.",
         "Unit 40 is on at more places than unit 12.",
         "In every picture half a percent of the places lies above T."),
        1,
        ("T says how strong the values of a unit are, not what they fit. For that its mask is compared with labels.",
         "T_k is a quantile of the unit's own values, over all pictures and places. It makes strong and weak units "
         "comparable.",
         "By definition both are on at one place in 200.",
         "The share is one of the whole data set. A picture without the thing may have no such place, and another one "
         "many.")),
    Question(
        "Why are intersections and unions added up over all pictures before they are divided?",
        ("To save time: there is only one division.",
         "The mean of the pictures' IoUs is always larger, so it would flatter the units.",
         "A picture with three pixels of the concept would else count as much as one that is full of it, and a picture "
         "without the concept has no useful IoU.",
         "So that false alarms in pictures without the concept do not count."),
        2,
        ("The time goes into the features, not into divisions.",
         "It may be larger or smaller.",
         "In a picture without the concept, the IoU is 0 for one wrong pixel as for a thousand, and 0/0 for none. In "
         "the sum each pixel counts once.",
         "They do count: they are in the union. Whoever leaves such pictures out does not see them.")),
    Question(
        "At IoU > 0.04 one network has more detectors than another. What may you say?",
        ("It has more at 0.04; whether the order holds at other thresholds has to be shown.",
         "It has more understandable units, since below 0.04 a unit is no better than chance.",
         "A share of 0.04 of its units can be understood.",
         "Its other units stand for nothing."),
        0,
        ("0.04 is a convention. Sweep it, and show the number of detectors as a curve.",
         "0.04 was chosen, not derived. What chance gives depends on the size of the concept.",
         "0.04 is a ratio of areas, asked of each unit by itself.",
         "Below the threshold, for these labels. They may stand for something that nobody has labelled.")),
    Question(
        "Of all labelled concepts a unit fits sheep best, and horse and cow nearly as well. You write \"sheep\" beside "
        "it. What is wrong?",
        ("Nothing: the best label is the meaning of the unit.",
         "The unit is spoilt: a good one stands for one concept.",
         "The threshold T was too low, so other animals came in.",
         "It may stand for farm animals, or for what these three share. \"Sheep\" is the best word of this list, and "
         "no more."),
        3,
        ("The best of a list depends on the list. Without the label sheep the same unit would be named horse.",
         "Nothing in training asks for one concept per unit. Related concepts often share units.",
         "A higher T makes the mask smaller; the three animals still look alike to the unit.",
         "A unit can serve several related concepts. What has no label can never win, be it the better name.")),
    Question(
        "On new pictures, a combination of many units finds a concept with a much higher IoU than the best single unit "
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
        "The features of a layer are turned by a random rotation, and the next layer first turns them back, so every "
        "answer stays the same. Far fewer units are detectors after that. What does this show?",
        ("The turned network is worse.",
         "Concepts are no longer in the features: no linear map can find them.",
         "That single units fit concepts does not follow from the power to tell classes apart: the same space can be "
         "had with axes that mean little.",
         "Single units never mean anything."),
        2,
        ("All its answers are the same: nothing is lost that the next layers could use.",
         "Turn the weights of a linear map along, and it finds as much as before.",
         "The space and its power are the same before and after; only the axes have changed. That the axes fit "
         "concepts is a finding of its own.",
         "Before the turn many fitted a concept better than random axes do. That is what asks for an explanation.")),
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
