"""The quizzes of chapter 1: what is shared, what is kept, what a prior and a score say, which method to take (01);
what a chart of gains, a learnet, a mask and a changed unit say (01b)."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network with parallel adapters serves ten domains. What do they share, and what does each of them own?",
        ("They share all weights and one head; a number tells the network which domain a picture is from.",
         "They share the filters f. Each owns its 1×1 filters α, its batch norms where the network has any, and its "
         "head.",
         "They share the 1×1 filters α. Each owns its filters f, and its head.",
         "They share all filters and batch norms. Each owns its head, and nothing else."),
        1,
        ("Then to train one domain would change weights that all the others use. And the domains have different "
         "classes, so one head would not do.",
         "Nearly all weights are in f, which is stored once and stays as it is. Beside a 3×3 convolution, α has one "
         "ninth of its weights.",
         "The other way round: what is large would be stored ten times, and what is small once.",
         "That is the rival called \"features\". It costs least, but no filter can be adjusted to a domain whose "
         "pictures look different.")),
    Question(
        "Domain 1 was trained with adapters, and its answers to some pictures were written down. Nine more domains "
        "were added and trained. The answers for domain 1 are still the same, bit for bit. Why?",
        ("The nine were trained with a small learning rate, so the shared weights hardly moved.",
         "The prior λ‖w − w₀‖² held the shared weights where they were.",
         "Nothing that these answers depend on was changed: f is frozen, and α, batch norms and head belong to domain "
         "1 alone.",
         "Each new domain begins with α = 0, so it answers as the network did before."),
        2,
        ("\"Hardly\" would make the answers almost the same. How much that is would have to be measured again after "
         "each new domain.",
         "A prior pulls; it does not hold. Weights under a prior come to lie near w₀, not exactly there. And what is "
         "not trained needs no prior.",
         "The same numbers go through the same operations. So it is true of every picture on that machine, and not "
         "only of those that were tried.",
         "That is how a new domain begins. It says nothing about domain 1, nor about what the training does later.")),
    Question(
        "A whole network is fine-tuned with few labels. To its loss you add λ‖w − w₀‖², where w₀ are the weights of "
        "the source network, or the usual weight decay λ‖w‖². Both leave out the head. What do they say if λ is large?",
        ("The first says: stay the source network, unless the labels have strong reasons. The second says the same of "
         "a network whose weights are all 0.",
         "Both say the same: the weights should be small.",
         "The first forbids to learn anything; the second lets the network learn whatever it wants.",
         "Both say: trust the labels more than what was learnt before."),
        0,
        ("Both are priors, with different centres. Few labels leave much to the prior, so it matters that one centre "
         "knows something of pictures and the other nothing. For adapters they agree: there, α = 0 is the source.",
         "The first lets a weight be as large as it is in the source. Only for adapters, whose w₀ is 0, are the two "
         "the same.",
         "λ is a price, not a ban, and the head is free of it. The second has its price as well: it draws all weights "
         "to 0, whatever the source had learnt.",
         "A large λ says the opposite: trust the prior, and believe the labels only where they insist.")),
    Question(
        "A hospital has ten scanners, and about twenty labelled scans from each. Models go to the scanners over a slow "
        "line. The first scanner's model has been approved and must stay exactly as it is. On validation patients, a "
        "head on frozen features misses too much. Ten fine-tuned copies, parallel adapters, and one network trained on "
        "all scans together are about equally good. Which do you take, and why?",
        ("Frozen features with a head for each scanner: least to send, and nothing changes for the first one.",
         "Ten fine-tuned copies: each has all its weights for its own scanner, and the first stays as it is.",
         "Parallel adapters: the shared network is sent once, then a little for each scanner, and nothing that the "
         "first one uses is changed.",
         "One network trained on all scans together: there is one model to send, and two hundred scans say more than "
         "twenty."),
        2,
        ("Both reasons are true, but the result says that it misses too much. What is small and exact has to be good "
         "enough, too.",
         "The first does stay as it is. But ten whole networks go over the slow line, for a result that adapters reach "
         "with far less. And twenty scans have to fit all weights of each.",
         "It is the only one that meets all demands: good enough, small to send, exact for the first scanner, few "
         "weights for few labels. Had the head on frozen features been as good, it would have been the better choice.",
         "More scans may help. But with each new scanner this network is trained again, so the model of the first "
         "scanner changes, and has to be approved again.")),
    Question(
        "Method A makes one error less in a hundred pictures than the fine-tuned network where that is nearly perfect. "
        "Method B does so where it is often wrong. In all other domains both make as many errors as it does. Their "
        "mean accuracies are the same; why does A have the higher S?",
        ("S counts in how many domains a method beats the fine-tuned network.",
         "α gives a domain the more weight, the more test pictures it has.",
         "S adds up accuracies, so a nearly perfect domain brings more points in any case.",
         "Where the fine-tuned network is nearly perfect, E_max is small, and the same gain is a larger share of it."),
        3,
        ("Each beats it in one domain. S asks how far, as a share of E_max.",
         "α = 1000 / E_max² makes a domain without errors worth 1000 points. How many pictures it has is not in it.",
         "The fine-tuned network itself gets 250 points in an easy domain and 250 in a hard one.",
         "A domain brings 1000 (1 − E/E_max)² points. From 2 % of errors to 1 %, 250 become about 563; from 40 % to "
         "39 %, they become about 263.")),
    Question(
        "A classifier of lesions was trained on slices of a few patients. It is right on most of the slices of the "
        "same patients that were held out, and no better than chance on new patients. What has it most likely learnt?",
        ("To find lesions; the new patients only have lesions of another kind.",
         "To recognise slices of these patients: those that were held out lie next to others that it has seen, with "
         "their labels.",
         "To find lesions, until it was trained too long. It should have been stopped when the held-out slices were "
         "best.",
         "To find lesions, as the held-out slices show; the new patients were bad luck."),
        1,
        ("Nothing here shows that it finds any. What it knows of these patients is enough to explain the result.",
         "Neighbouring slices are nearly the same picture. Split by patient: then the validation asks what the clinic "
         "will ask.",
         "The held-out slices cannot tell when to stop: they are as good as known, and look good all the time.",
         "The held-out slices show nothing of the kind, for they are nearly copies of what was learnt. Only new "
         "patients tell what new patients can expect; if they are too few, find more.")),
)

SECOND = (
    Question(
        "Look at the first chart of section 1. Fine-tuning with λ = 1 around the source gains 1.9 points [−1.4, +5.2] "
        "over λ = 0, with five labels of each class. What may you say?",
        ("With five labels a prior around the source helps, by about two points.",
         "With five labels a prior around the source does not help.",
         "In these runs the mean was better. Whether it helps these domains, nine runs cannot tell.",
         "λ = 1 is the best price for five labels."),
        2,
        ("The interval contains 0: a gain of nothing, and even a small loss, fit these runs as well.",
         "That is not shown either: a gain of five points fits these runs as well. Not decided is not the same as no.",
         "A mean, its interval and what the runs were made of. The nine runs come from three domains; of others they "
         "say nothing.",
         "It has the highest mean of several prices that were tried, and the highest of several is high by luck, too. "
         "Choose λ on validation pictures, then look at the test once.")),
    Question(
        "You believe that each weight lies within about σ of the source's. Until now there were 50 labels; now there "
        "are 1,000. The loss is a mean over the labels, plus λ‖w − w₀‖². What becomes of λ?",
        ("It becomes a twentieth: λ = 1/(2σ²N), and N is twenty times as large.",
         "It stays the same, for the belief is the same.",
         "It becomes twenty times as large, since there are twenty times as many terms.",
         "It becomes 0, since many labels need no prior."),
        0,
        ("The belief weighs as much as before, the labels weigh twenty times as much together. A mean divides both by "
         "N.",
         "That would be so if the loss were a sum. In a mean each label weighs 1/N, and so must the prior.",
         "The mean does not grow with the number of its terms. And the more labels, the less a prior should weigh.",
         "It becomes small, not 0. How small it may be depends on σ and on the number of weights.")),
    Question(
        "Twenty scanners colour the same tissue differently, and each of ten more will do so in its own way. The "
        "colour cast is no simple formula, and one slide alone does not show it. You have labelled slides of the "
        "twenty, but only a few of each new one, without labels. What do you try first?",
        ("Train adapters for each new scanner on its few slides.",
         "Divide each slide by its mean colour: that needs no training.",
         "Fine-tune one network on the twenty, with a prior around the source.",
         "Train a learnet on the twenty, let it look at the few slides of a new one, and compare it with one α for "
         "all."),
        3,
        ("They have no labels, so there is nothing to train on.",
         "It is the simple rival, and you should measure it. But it has a formula in mind, a product in each channel, "
         "and here there is none.",
         "A good floor, and for pictures that show their own cast perhaps enough. But one slide alone does not show "
         "it, so this network cannot know which cast it sees.",
         "Many domains that differ in few ways, and pictures that show it only together: that is the learnet's case. "
         "The rival tells whether it pays.")),
    Question(
        "A quarter of the scenes have no normals. You leave them out of this task's mean, as in the formula of section "
        "3. When does that go wrong?",
        ("Never: what is missing costs nothing.",
         "When normals are missing just where they are hard to measure, as on dark and shiny surfaces.",
         "When more than half of the labels are missing.",
         "When the other tasks have all of their labels."),
        1,
        ("It is no error of the sum. But a mean over what is there says nothing of what is not.",
         "The mask repairs gaps that came by chance. Here the network learns from easy surfaces, and the test, too, "
         "has labels only for them. Nobody sees the error.",
         "Then there is less to learn from, as with fewer pictures. That alone makes nothing wrong.",
         "Tasks may have any number of labels. Each has a mean of its own, so a task with few of them does not count "
         "less.")),
    Question(
        "After adaptation, units of fire9 have a median correlation of 0.2 with themselves as they were, units of "
        "fire3 almost 1. Someone concludes: the adapters leave early layers alone and change late ones. What is "
        "missing?",
        ("Nothing: that is what the curves show.",
         "A test of whether 0.2 is more than 0.",
         "How much each layer's own adapter changes. Units of fire9 also get what all layers below have changed.",
         "The accuracy, which tells whether the change was good."),
        2,
        ("The correlations say how much a unit's answers differ. Where the difference began, they do not say.",
         "Whether anything is left of a unit is another question. This one is where the change comes from.",
         "Small changes add up on the way. Compare ‖α‖ with ‖f‖ in each layer, or switch on one layer's adapter "
         "alone.",
         "Worth knowing, but it says nothing about which layer has changed what.")),
)
