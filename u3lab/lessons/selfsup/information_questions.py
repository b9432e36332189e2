"""The quiz of notebook 02c: mutual information, clusters without labels, and where it goes wrong."""

from __future__ import annotations

from u3lab.course.definitions import Question

QUIZ = (
    Question(
        "A network gives the same class, with certainty, to every picture and to every view of it. Both views agree "
        "always. What is the mutual information of the two answers, in nats?",
        ("ln k: they agree perfectly.", "0: the answer tells nothing.", "1, since the agreement is 100 %.",
         "It depends on how many pictures there are."),
        1,
        ("ln k needs agreement *and* even use of all k classes: I = H(z) + H(z′) − H(z, z′).",
         "Whoever hears the class of one view has learnt nothing: it is always the same. H(z) = 0, and I is never more "
         "than that. This is why agreement alone collapses, and information does not.",
         "Agreement is no information. One class for all agrees as well as it can.",
         "P is a one in a corner, for any number of pictures.")),
    Question(
        "You cluster digits with IIC into three clusters. The two views of a picture differ by small shifts only. The "
        "clusters come out as thin, middling and thick strokes, at an information near ln 3. What happened?",
        ("The optimisation ended in a poor optimum; a smaller rate, kept up for longer, would find the digits.",
         "The network is too small to tell digits apart, and took what it could.",
         "Nothing failed: thickness survives a shift as well as the digit does. Change it between the views.",
         "λ is too small, so that the classes are not evenly used."),
        2,
        ("The information is at its bound. No other clusters could be better, for this loss.",
         "A larger one would find the thickness as well, for the same reason.",
         "What the views leave as it is may become a cluster. The choice of views is where *you* say what does not "
         "matter: the supervision of a method without labels.",
         "A larger λ asks for even use of the classes. Those three are used evenly.")),
    Question(
        "Ten classes. In a batch of 100 pairs, two *independent*, one-hot answers have an information of about 0.4 "
        "nats, in one of 5,000 it is 0.008. Why?",
        ("Large batches are harder to learn from, since the network has to fit more pairs at once.",
         "Some of the 100 cells of P are fuller by chance; the excess is about (k − 1)²/2n.",
         "The network has learnt more in the small batch, which it saw more often.",
         "Rounding: float32 has seven digits, and P has many small cells."),
        1,
        ("Nothing is learnt here. The answers are independent, so that the true value is 0.",
         "(10 − 1)²/200 = 0.4 and 81/10,000 = 0.008. With many classes and small batches the loss rewards chance; "
         "compare losses of one batch size, and judge on all pictures.",
         "They are independent by construction.",
         "It would be 10⁻⁷ or so.")),
    Question(
        "A network segments pictures into narrow stripes of three classes in turn, whatever is in the picture. Which "
        "loss calls this excellent?",
        ("The information of the joint that is pooled over all displacements of up to three places.",
         "The cross-entropy with true labels.",
         "The mean over displacements of the information of each.",
         "None: stripes tell nothing of a picture."),
        2,
        ("Pooled, all pairs of stripes are about equally frequent: P_ij ≈ P_i P_j, and the information is near 0.",
         "Nobody has labels here; and if somebody had, stripes would not fit them.",
         "For one displacement at a time, the class here tells the class there for certain: the information is high at "
         "every displacement, although it is another pairing each time.",
         "They tell nothing, and yet the mean of informations is at its best: a loss does not know what we meant.")),
    Question(
        "Brain slices, three tissues. On clean slices k-means on single grey values names most pixels rightly. What is "
        "the honest conclusion?",
        ("Learnt features are better in general, so the comparison must have been unfair to the network.",
         "Here a tissue is a grey value, so sorting grey values is right, until a field changes them.",
         "k-means has seen the labels, since its clusters get the names of tissues in the end.",
         "Segmentation of brains is solved, as most pixels of these slices are named rightly."),
        1,
        ("They were not, here. A rival that wins is a result.",
         "The average brain has clean contrast. A field that darkens one side makes a tissue's grey value depend on "
         "its place; there k-means loses, and what is around a pixel, or a corrected field, helps.",
         "It sees grey values only; its clusters are named afterwards, as those of all methods here.",
         "These are six slices of an *average* of healthy brains. No patient looks like that.")),
)
