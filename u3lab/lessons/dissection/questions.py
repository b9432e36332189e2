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
)
