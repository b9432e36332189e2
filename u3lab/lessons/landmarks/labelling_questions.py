"""The quiz of notebook 03: spheres, degeneracy, precision, certainty, shortcuts and left and right."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network gives every pixel of every picture the same code. Which demand does it meet, and which does it not?",
        ("It is invariant, Φ(x; u) = Φ(gx; gu) everywhere, but not distinctive: no pixel can be told from another.",
         "It is distinctive but not invariant.",
         "Neither: a constant has nothing to do with the pictures.",
         "Both: its loss is the least that there can be."),
        0,
        ("The two sides are equal since everything is. That is why invariance alone teaches nothing: the loss is 0 and "
         "the codes are useless.",
         "The other way round: two pixels with one code cannot be told apart.",
         "It is true that it has nothing to do with them. Yet invariance asks for no more than that.",
         "The least of the *invariance* loss, 0. The loss of labelling is high for it, since p is flat and most places "
         "are far from gu.")),
    Question(
        "Why does the loss ask for Σ ‖u′ − gu‖^γ p(u′|u), and not only for the best place to be right?",
        ("It is faster to compute.",
         "The best place is a jump from cell to cell and has no gradient, and it would not tell a sharp p from a "
         "nearly flat one.",
         "It makes the codes shorter.",
         "So that points outside of the picture count as well."),
        1,
        ("It is slower: all places enter.",
         "The mean distance under p has a gradient to every code, and falls both when p moves to the right place "
         "(accuracy) and when it gets narrower there (precision).",
         "On the contrary: narrow p need long codes.",
         "Queries whose gu has left the picture are left out, whatever the loss.")),
    Question(
        "Two pixels have codes of the same direction. The code of A is long, that of B short. What does the network "
        "say?",
        ("A is the same part of the object as B, but it is less sure of B.",
         "A is nearer to the camera.",
         "A is brighter.",
         "B lies on another object."),
        0,
        ("S is a product of two codes, so a short one makes p flat whatever it is compared with. That costs least "
         "where the network would be wrong anyway.",
         "Nothing in the loss knows of depth.",
         "Brightness may be one reason of being sure. It is not what the length means.",
         "A background that moves by itself gets short codes here. But a short code may be a covered ear as well.")),
    Question(
        "Faces and their backgrounds are moved by one and the same warp. After the training, walls have longer codes "
        "than if they had gone their own way. Why?",
        ("The training was too short.",
         "The network is too large.",
         "Since they move together, the place of a wall relative to the face can be told, and told surely.",
         "Walls are easier to see than eyes."),
        2,
        ("With more training it gets more certain, not less.",
         "A smaller one would do the same, less well.",
         "A background that moves by a warp of its own has no fixed place beside the face. Then short codes are the "
         "best that the network can do there.",
         "A plain wall shows nothing at all. The network tells its place by the face next to it.")),
    Question(
        "A labeller with zeros around its pictures is trained with warps that move things by two pixels at most. It "
        "gives *every* picture, of a face or of a wall, the same pattern of colours. What has it learnt?",
        ("The mean face.",
         "Where a pixel lies in the picture: convolutions see the border of zeros, and that place is nearly invariant "
         "if nothing moves far.",
         "Nothing: these are its random weights.",
         "That faces are symmetric."),
        1,
        ("A wall has no face, and gets the same pattern.",
         "A shortcut. Mirrored borders hide the frame, and large shifts, cut from a larger canvas, make it useless.",
         "Random weights give a pattern that depends on the picture. And the loss has fallen.",
         "The pattern has a left and a right; symmetry is another difficulty.")),
    Question(
        "A face is nearly symmetric, and its picture may be mirrored. The codes of the left and of the right eye are "
        "different in our labeller. Would they be if half of the pairs mirrored the face, and g did so too?",
        ("Yes, since the two eyes are two points of the object.",
         "Yes, since mirroring changes the colours.",
         "No: then no network could be certain of anything.",
         "Hardly: a mirrored left eye looks like a right one, and g says that its code has to be that of the left."),
        3,
        ("They are. But how should the network know which of the two it looks at, if each may be seen as the other?",
         "It does not change them.",
         "It could still be certain of the nose, and of eyes against mouths.",
         "What a picture cannot tell, no loss can teach. The best answer to two equal possibilities is a p with two "
         "peaks, or one code for both.")),
    Question(
        "A labeller that has seen no labels is judged by a linear regression of marked landmarks, fitted on 20 faces. "
        "Which rival makes its error worth reporting?",
        ("A network trained on thousands of other labels.",
         "The mean shape of the 20 faces, which does not look at the picture, and a network trained on the same 20 "
         "labels alone.",
         "None: an error in per cent speaks for itself.",
         "The same labeller on the 20 faces that the regression was fitted to."),
        1,
        ("It is interesting as a ceiling. It had more labels, so it is no fair rival.",
         "The mean shape is the floor: an error near it means that nothing was read off the picture. The other shows "
         "what the same labels are worth without the labeller.",
         "Five per cent may be excellent or worse than not looking at all. It depends on how much faces differ.",
         "That measures how well a regression fits what it was fitted to.")),
)
