"""The quiz of chapter 5b: what a made picture shows of a class, of a channel, and of a network."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "Why is the score of a class maximised, and not its probability?",
        ("The probability cannot be differentiated.",
         "The probability also grows when the other scores fall, without any sign of the class itself.",
         "The score lies between 0 and 1.",
         "Both give the same picture."),
        1,
        ("It can; it is flat where it is near 0 or 1, though.",
         "⟨e_k, Φ(x)⟩ asks for the class. log p asks besides that the rivals be absent; that makes other pictures.",
         "It is the probability that does.",
         "Only far from 0 and 1, where p hardly moves, do the two pull differently; the pictures differ.")),
    Question(
        "A network gives its made picture of a zebra a probability of 1.00. What does that show?",
        ("That the network knows what a zebra looks like.",
         "That the picture would convince a person.",
         "Hardly anything: the picture was made until it said so.",
         "That the prior is a good one."),
        2,
        ("Noise without any form can get the same number.",
         "People were not asked; ask them, or at least another network.",
         "A search that maximises a number will end with a high number. Ask a network that had no part in it.",
         "Without any prior the number is as high.")),
    Question(
        "Two networks of one family recognise each other's pictures, and a network of another family does not. Which "
        "number tells how general the pictures are?",
        ("That of the sister, since it had no part in the making.",
         "That of the other family.",
         "The mean of both.",
         "The makers' own probability."),
        1,
        ("It had no part, but it has the same design and was trained alike: it shares the taste.",
         "What another design recognises too is less likely to be a taste of one.",
         "A mean of two questions answers neither.",
         "That one was maximised.")),
    Question(
        "A network with a thousand classes of everyday things is shown a slice of a lung. It answers with one of them. "
        "What does the answer tell?",
        ("What the slice resembles in texture or form, of the things that it knows.",
         "That the slice has an odd shape.",
         "That the patient is ill.",
         "That the network is certain."),
        0,
        ("It has to choose among its classes, and nothing else is on offer.",
         "It says so of every slice, of every patient.",
         "It has never been told what illness is.",
         "It may be, or not: certainty is a number of its own, and a low one does not make the question a good one.")),
)
