"""The quiz of chapter 6: what the notebook shows, asked once more."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A colleague prefers guided backprop to the gradient, because its map is a clean drawing of the dog. You "
        "shuffle the weights of the classifier, and the drawing hardly changes. What have you learnt?",
        ("The network still recognises the dog.",
         "Most of the drawing does not depend on the class at all.",
         "Guided backprop is robust, so it can be trusted more.",
         "The gradient would not have changed either."),
        1,
        ("With the classifier shuffled it has no idea of a dog. That the map stays is no evidence that it knows one.",
         "A map that survives the loss of the classifier shows which edges reach the neurons, not what speaks for a "
         "dog.",
         "Robust against the loss of what it should explain: that is a fault, not a virtue.",
         "Section 6 measures it: the gradient's map does change, and so does Grad-CAM's.")),
    Question(
        "In the pointing game on mosaics of four pictures, deconvnet puts a share of 0.25 on the right tile. What "
        "does that say?",
        ("It finds the right tile in a quarter of the games.",
         "It marks a quarter of the right tile.",
         "It is as good as a map that knows nothing of the class.",
         "It is bad on this network; on any other it would do better."),
        2,
        ("The score is no count of games. It is the share of the map's strength that lies on the right tile, on "
         "average.",
         "The share is of the map, not of the tile: how much of all strength lies there.",
         "Each tile is asked for once, and the four shares sum to 1: whoever ignores the question gets 1/4.",
         "On both networks of the long table it stays at chance, for it does not ask for the class.")),
    Question(
        "The gradient of a score at a layer is multiplied by the activations of that layer. What does the product "
        "tell that the gradient does not?",
        ("How much each activation contributes to this score, to first order.",
         "How the score would change if an activation grew.",
         "Nothing: a factor does not change where a map is strong.",
         "The probability of the class."),
        0,
        ("Where there is no activation there is no contribution, however large the gradient. Without biases the "
         "products sum to the score.",
         "That is what the gradient says by itself.",
         "The factor differs from place to place: where the activation is 0, the product is 0.",
         "Scores become probabilities only with the softmax over all classes.")),
    Question(
        "A paper uses the sum of the mask's 28 × 28 cells for ‖m‖₁ and λ = 0.001. In this course ‖m‖₁ is a mean. "
        "Which λ gives the same energy?",
        ("0.001: λ is the same in every paper.",
         "About 0.8.",
         "About 0.0000013.",
         "It cannot be said without the picture."),
        1,
        ("Then the size would cost 784 times less than in the paper, and the mask would cover far too much.",
         "The sum is 28 · 28 = 784 times the mean, so λ has to be 784 times larger: 0.784.",
         "That is the wrong way round: a mean is smaller than a sum, so its price must be higher.",
         "The factor between sum and mean is the number of cells, whatever the picture.")),
    Question(
        "A network for chest X-rays gives 'pneumonia'. The mask of section 7 lies on this patient's lung, "
        "not on the marker of the portable machine. What may you conclude?",
        ("The network never uses the marker.",
         "For this patient and this answer, taking that part of the lung away makes the answer fall.",
         "The patient has pneumonia in that part of the lung.",
         "The network is safe to use in other hospitals."),
        1,
        ("One map is for one answer. For the next patient the marker may decide.",
         "Exactly what the definition says, and no more. It is compared with blur, for this picture and this network.",
         "The map shows what the network used. Whether the network is right is another question.",
         "For that you need a test on patients of other hospitals; no map can replace it.")),
)
