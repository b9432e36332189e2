"""The quiz of chapter 4: what an untrained network knows, and what it makes up."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "The deep image prior fills a hole in a photo. How does it know what belongs there?",
        ("From the photos that the network was trained on.",
         "From the visible rest of this photo, and from the structure of the network.",
         "From the code z₀, which holds a blurred version of the picture.",
         "From the pixels on the border of the hole alone, as smooth filling does."),
        1,
        ("It was trained on none: its weights were drawn at random, and then fitted to the visible pixels of this one "
         "photo.",
         "The same filters work everywhere, at several scales. What explains the visible part well goes on into the "
         "hole.",
         "z₀ is noise, and stays as it was drawn; all of the picture is in the weights.",
         "It does more: patterns that are far away continue into the hole. Compare it with the biharmonic filling.")),
    Question(
        "An untrained network is fitted to a noisy photo for many thousand steps. What does it show at the end?",
        ("The clean photo: noise can never be drawn by a convolutional network.",
         "A blurred photo, since its filters are small.",
         "The noisy photo: it can draw the noise as well, it only takes much longer.",
         "Noise alone, since noise has the larger variance."),
        2,
        ("It can: the network has more weights than there are values in the picture. That is why one has to stop "
         "early.",
         "Blur comes at the beginning only. Later steps bring the details, and after them the noise.",
         "Impedance is high, not infinite. Whoever stops in time has a denoiser; whoever goes on has a copy.",
         "Nothing makes the photo go away again: the loss counts every value of the noisy photo.")),
    Question(
        "Two losses are compared: 0.010 for a photo and 0.012 for white noise, both after 200 steps. Was the network "
        "nearly as fast on noise?",
        ("Yes, the difference is small.",
         "Yes, if both runs had the same seed.",
         "No: losses must be compared at the same learning rate.",
         "That cannot be said: the noise may have a larger variance, and what counts is the share of it that is "
         "missing."),
        3,
        ("For a picture with a variance of 0.012 a loss of 0.012 would mean that nothing was drawn but the mean "
         "colour.",
         "The seed changes little here. The scale of the two losses is the question.",
         "That is so, and was granted; it does not make the losses comparable.",
         "Divide by the variance first. Then 1 means nothing but the mean colour, for every picture.")),
    Question(
        "A hole lies over a part of a retina. The prior is run with five seeds, and in two of the pictures a thin "
        "vessel crosses the hole. What follows?",
        ("The vessel is there with a probability of 40 %.",
         "The prior invents here: show where the seeds disagree, and do not diagnose from such a place.",
         "Five seeds are too few; with a hundred the truth would come out.",
         "The two runs should have been stopped earlier."),
        1,
        ("The seeds are drawn from the network's starting weights, not from possible eyes: their shares are no "
         "probability of a vessel.",
         "What is in the hole was never seen. The disagreement tells where the answer depends on chance.",
         "A hundred seeds show what the prior likes. What is behind the hole they cannot know.",
         "When to stop decides how much noise comes in. It does not bring back what was hidden.")),
    Question(
        "For large holes Ulyanov et al. leave out the skip connections, which lead fine scales across. Why?",
        ("With them the network has too many weights.",
         "They slow the network down, and large holes take long.",
         "Through them the fine scales can explain the visible pixels alone, and the coarse ones, which span the "
         "hole, learn less.",
         "They work with small pictures only."),
        2,
        ("A few channels across are a small part of the weights.",
         "They are cheap. The reason is what they let the network do.",
         "A shallow path fits the visible part quickly, but knows nothing of what is far away. In a large hole it "
         "draws what z₀ brings: noise.",
         "They work at any size; for small holes and text they help.")),
)
