"""The quiz of chapter 5: what an inversion shows, of the network and of the prior."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "An inversion without a prior looks like noise, yet its code equals that of the photo. What follows?",
        ("The optimisation has not converged.",
         "Many pictures have this code, and most of them do not look like photos.",
         "The layer holds no information on the photo.",
         "The network cannot tell the photo from any other picture."),
        1,
        ("Its code error is small: it has done what it was asked to.",
         "The layer throws something away. All pictures that differ only in that have one code, and the prior chooses "
         "among them.",
         "A natural picture with the same code shows the photo well; the information is there.",
         "From other photos it can: they have other codes. What it cannot tell apart are the members of this class.")),
    Question(
        "An inverter was trained on photos with the L2 loss, and draws blurred pictures. Why?",
        ("It was not trained for long enough.",
         "The code holds only what is blurred.",
         "The best answer to that loss is the mean of all photos that have this code.",
         "Its filters are too small for sharp edges."),
        2,
        ("With more training the blur stays: it is the minimum of this loss.",
         "Inversion by optimisation finds sharp pictures with the same code.",
         "The mean of an edge that may lie here or there is a soft one: E[x | y].",
         "The same network, trained with another loss, draws finer structure.")),
    Question(
        "Two inversions of one code show a dog with different fur. What do you know of the fur in the photo?",
        ("At most what both have in common: the code leaves the rest open.",
         "The sharper one is right.",
         "The mean of both is right.",
         "The one with the smaller code error is right."),
        0,
        ("Both have the same code. Whatever differs between them is not in the code.",
         "Sharpness comes from the prior, not from the code.",
         "The mean of two pictures need not even have the same code.",
         "At equal codes, to within what the network can tell, neither is preferred.")),
    Question(
        "A doctor sees the inversion of a scan from a network's late layer, by a generator that was trained on scans. "
        "It shows a clear vessel. What may she conclude?",
        ("The vessel is in the scan.",
         "The network has seen the vessel.",
         "A scan with a vessel there would have nearly this code, and such scans are common in the training set.",
         "The generator is wrong."),
        2,
        ("The generator fills in what usually belongs there.",
         "Not even that: a code without the vessel's trace may be drawn with one.",
         "That is all: what the code leaves open, the training set decides.",
         "It does what it was made for. It answers another question.")),
    Question(
        "A search from noise ends at a picture without a face. Another one begins at the photo, and ends near it with "
        "a tenth of the error. What follows?",
        ("The layer has forgotten the face.",
         "The second search has cheated, so it says nothing.",
         "The code still asked for the face, and the first search did not find it.",
         "The prior cannot draw faces."),
        2,
        ("Then a picture without a face could have had as small an error.",
         "It may not be used to draw the photo; it may be used to show that a better answer exists.",
         "There is a picture with a much smaller error, and it has the face: what failed is the search.",
         "It has just drawn one.")),
    Question(
        "A linear map guesses a little of a new photo's layout from all its scores, nothing from the best class, and "
        "as much as before from all but the ten best scores. Where is that knowledge?",
        ("In the class that the network is sure of.",
         "In the many small differences between classes that are not in the picture.",
         "In the linear map: it has learnt the photos by heart.",
         "In the ten best scores alone."),
        1,
        ("The best class alone told nothing.",
         "Nine hundred and ninety scores of classes that are not there still say something of places.",
         "It was judged on other photos.",
         "Without them the guess was as good as before.")),
)
