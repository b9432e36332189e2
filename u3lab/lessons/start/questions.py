"""The quiz of chapter 0."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network answers 'dome' for a photo, with probability 0.95. What does that say?",
        ("There is a dome in the photo, and the chance of an error is 5 %.",
         "Among the classes that it knows, it finds 'dome' by far the best.",
         "95 % of the picture is a dome."),
        1,
        ("Only if the photo is like those that it was trained and tested on, and even then not exactly. It answers as "
         "surely for a slice of a brain.",
         "Its probabilities sum to 1 over its own list. If the true thing is not on the list, it spends them all the "
         "same.",
         "The number is about classes, not about areas.")),
    Question(
        "What happens to a picture when the slider σ goes up?",
        ("Each pixel becomes a mean over more of its neighbours.",
         "The picture becomes darker.",
         "The picture becomes smaller."),
        0,
        ("σ is the width of the bell g_σ in pixels: the wider it is, the more neighbours count.",
         "The weights of the bell sum to 1, so the mean brightness stays.",
         "It keeps its number of pixels; only its detail is lost.")),
    Question(
        "The dog's answer flips at a small σ, the coffee's at a large one. What may you conclude?",
        ("Dogs are harder for networks than cups.",
         "For the answer 'German shepherd' on this photo, the network needs fine detail.",
         "The network does not know dogs."),
        1,
        ("One picture of each is an anecdote. For that you would need many pictures of both.",
         "That is what the experiment shows: with the detail gone, the answer is gone. Where that detail lies, "
         "chapter 6 asks.",
         "It gave the right breed at σ = 0, and another breed after that.")),
    Question(
        "A template of conv1 gives 6 at one place and 3 at another. What may you conclude?",
        ("The first patch looks twice as much like the template.",
         "The sum of products is larger there: the patch is more alike, or has more contrast, or both.",
         "The second place has none of what the template shows."),
        1,
        ("⟨w, patch⟩ doubles if the patch keeps its look and gets twice the contrast.",
         "The product knows no difference between a good likeness that is faint and a poor one that is strong.",
         "3 is more than 0: some of it is there, or much contrast of another kind.")),
    Question(
        "Cut into 2×2 parts and shuffled, most photos keep their name. With a single part sharp and the rest blurred, "
        "about half of them have a part with which they keep it. What does that say of the network?",
        ("Its answer depends little on how such parts are arranged; how many it needs differs from photo to photo.",
         "It needs the arrangement of the parts above all.",
         "One part is enough for it."),
        0,
        ("That is what both numbers say together, for parts of this size. For smaller ones the first number falls as "
         "well, and part of that is due to the seams.",
         "Then shuffling would have done the harm.",
         "For about half of the photos, and for them only the best of four parts, which was chosen when the answers "
         "were known. The others need two or three.")),
    Question(
        "Animals are taken for things more often before buildings than in nature. Between the same photos, scrambled, "
        "the difference is small. Why was that measured as well?",
        ("To make the experiment larger.",
         "To show that scrambling is harmless.",
         "To show that it is what the photo shows that counts, and not its colours."),
        2,
        ("More pictures of the same kind would do that. These are there to rule something out.",
         "It is not harmless: more answers become wrong, on both kinds of photos alike.",
         "Stone is grey and a meadow is green. Scrambled, the colours stay, and most of the effect goes.")),
    Question(
        "On five small questions, a linear probe of the code is better than one of the pixels on some, and not on all. "
        "What follows for a sixth?",
        ("The code will be better.",
         "Nothing; but one can measure it, and the pixels are a floor that has to be beaten.",
         "Pixels are as good as a network."),
        1,
        ("Where a thing always stands in the middle and looks the same, pixels may do as well.",
         "That is why every chapter puts a floor and a rival beside its numbers.",
         "Not for the questions on which they lost by far.")),
)
