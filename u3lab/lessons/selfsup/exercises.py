"""The exercises of chapters 2, 2b and 2c: learning without labels; answers that nobody can know; mutual information."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, drawn, not_contiguous


def upright_loss(net: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Tensor:
    """The loss of the turns g (B) of pictures x (B,3,S,S): the cross-entropy of the scores of what was turned."""
    views = torch.stack([one.rot90(int(k), (1, 2)) for one, k in zip(x, g, strict=True)])
    return F.cross_entropy(net(views), g)


def info_nce(a: Tensor, b: Tensor, tau: float) -> Tensor:
    """InfoNCE of the codes of two views, (N,D) each, both ways: row i of ``a`` belongs to row i of ``b`` alone."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    scores, own = a @ b.T / tau, torch.arange(len(a))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def gain(val: Tensor, test: Tensor, floor_val: Tensor, floor_test: Tensor) -> Tensor:
    """What each seed gains on the test over its floor, (S), each at the layer that is best on validation; all (L,S)."""
    ours, theirs = (int(one.mean(1).argmax()) for one in (val, floor_val))
    return test[ours] - floor_test[theirs]


class Corners(nn.Module):
    """A tiny network: the means of the four corners of each colour, and a linear layer of fixed weights."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype) -> None:
        super().__init__()
        self.linear = nn.Parameter(torch.randn(12, 4, generator=g, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, 2).flatten(1) @ self.linear


def _upright_cases(g: torch.Generator) -> Iterator[tuple]:
    for turns, size, dtype in (([1], 2, torch.float64), ([0, 1, 2, 3, 3], 4, torch.float32),
                               ([3, 1], 6, torch.float64)):
        yield Corners(g, dtype), drawn(g, len(turns), 3, size, size, dtype=dtype), torch.tensor(turns)


UPRIGHT = Exercise(
    id="2-upright", title="Turn, predict, compare", minutes=6, difficulty="medium", points=4,
    goal="Make the question and its answer. Turn each picture of x by its number g of quarter turns to the left, ask "
         "the network about what you turned, and return the cross-entropy of its scores: one number for the batch, a "
         "mean. `net` is encoder and head in one: pictures (B,3,S,S) → scores of the four turns (B,4).",
    signature="def my_upright(net, x, g):   # a network, (B,3,S,S), whole numbers from 0 to 3 (B) → the loss",
    hints=(
        "There are three steps: views, scores, loss. Which of x and g is the network allowed to see, and which is the "
        "target?",
        "`picture.rot90(k, (1, 2))` turns one picture (3,S,S) by k quarter turns to the left; k has to be a plain "
        "number, `int(g[i])`. `torch.stack` makes a batch of a list of pictures.",
        "`torch.nn.functional.cross_entropy(scores, target)` takes scores (B,4) before any softmax, and the numbers "
        "of the right classes (B), which are g."),
    reference=upright_loss, judge=by_cases(upright_loss, _upright_cases, (
        Mistake("net(views) → net(x)", "you asked about the pictures as they are: the network has to see what you "
                "turned"),
        Mistake("one.rot90(int(k) → one.rot90(-int(k)", "you turned to the right; g counts quarter "
                "turns to the left, so `rot90(k, (1, 2))` with k itself"),
        Mistake("F.cross_entropy(net(views), g) → F.cross_entropy(net(views), g, reduction='sum')", "that is the sum "
                "over the batch; the loss is the mean"),
        Mistake(("F.cross_entropy(net(views), g) → F.cross_entropy(net(views).softmax(1), g)",
                 "F.cross_entropy(net(views), g) → -net(views)[torch.arange(len(g)), g].mean()"), "cross-entropy "
                "takes the scores as they are and makes the softmax itself: give it no probabilities, and do not "
                "leave the softmax out"),
    ), rtol=1e-3, atol=1e-5))


def _nce_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.5
    for count, length, tau, dtype in ((5, 3, 0.2, torch.float64), (1, 4, 0.5, torch.float32),
                                      (7, 16, 1.0, torch.float32)):
        yield drawn(g, count, length, dtype=dtype), drawn(g, count, length, dtype=dtype), tau


CONTRAST = Exercise(
    id="2-contrast", title="Find your other half", minutes=10, difficulty="medium", points=5,
    goal="`a` and `b` hold the codes of two views of the same N pictures, in the same order. The similarity of two "
         "codes is their cosine, over τ. Return the mean of two losses: each a_i has to choose its b_i out of all N, "
         "and each b_i its a_i; both are cross-entropies, means over the batch. No loop.",
    signature="def my_contrast(a, b, tau):   # (N,D), (N,D), a number → the loss",
    hints=(
        "Start with the matrix of all similarities, (N,N): entry (i, j) compares a_i with b_j. Where in it are the "
        "pairs that belong together?",
        "A cosine is an inner product of codes of length 1: `F.normalize(a, dim=1)`. All of them at once are a matrix "
        "product, `a @ b.T`; then divide by τ.",
        "Row i is a classification with N classes whose right one is i: `F.cross_entropy(scores, torch.arange(N))`. "
        "For the other way take the columns, `scores.T`. Return the mean of both."),
    reference=info_nce, judge=by_cases(info_nce, _nce_cases, (
        Mistake("F.normalize(a, dim=1), F.normalize(b, dim=1) → a, b", "these are inner products; a cosine needs codes "
                "of length 1, so normalise each row first"),
        Mistake("F.normalize(a, dim=1), F.normalize(b, dim=1) → F.normalize(a, dim=0), F.normalize(b, dim=0)", "you "
                "normalised the columns; a code is a row, dim=1"),
        Mistake(("return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → "
                 "return F.cross_entropy(scores, own)",
                 "return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → "
                 "return F.cross_entropy(scores.T, own)"),
                "that is one way only: a_i chooses among all b, and b_i among all a; return the mean of both"),
        Mistake("/ tau → * tau", "you multiplied by τ: a small τ is to make the differences larger, so divide"),
        Mistake("(F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2 → -scores.diagonal().mean()",
                "you only pull together what belongs together. Then one code for all pictures is the best answer; the "
                "softmax over the row pushes the others away"),
    ), rtol=1e-3, atol=1e-5))


def _gain_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[0.2, 0.4], [0.5, 0.3]]), torch.tensor([[0.6, 0.5], [0.3, 0.4]]),
           torch.tensor([[0.3, 0.2], [0.1, 0.2]]), torch.tensor([[0.2, 0.1], [0.3, 0.4]]))
    for layers, seeds, dtype in ((5, 3, torch.float64), (4, 1, torch.float32), (6, 4, torch.float64)):
        yield tuple(not_contiguous(torch.rand(layers, seeds, generator=g, dtype=dtype)) for _ in range(4))


GAIN = Exercise(
    id="2-gain", title="An honest gain", minutes=6, difficulty="medium", points=4,
    goal="Of a task and of its floor you have what each layer finds, with each seed: on validation photos and on test "
         "photos, four tables (L,S) of L layers and S seeds. Return the gain of each seed on the test. Task and floor "
         "each read at their own best layer, one for all seeds; nothing may be chosen by the test.",
    signature="def my_gain(val, test, floor_val, floor_test):   # four tables (L,S) → (S)",
    hints=(
        "Which table may say which layer is read? And how do several seeds agree on one layer?",
        "`val.mean(1)` is a number for each layer, the mean over seeds; `.argmax()` is the layer. The floor has a best "
        "layer of its own, by `floor_val`.",
        "Then subtract row from row: `test[layer] - floor_test[other]` has a number for each seed, task and floor with "
        "the same seed."),
    reference=gain, judge=by_cases(gain, _gain_cases, (
        Mistake("in (val, floor_val) → in (test, floor_test)", "you chose the layer on the test: the best of several "
                "is lucky, so the gain comes out too large. Choose on validation"),
        Mistake("floor_test[theirs] → floor_test[ours]", "you read the floor at the task's layer; the floor may be "
                "better elsewhere. It has a best layer of its own"),
        Mistake("return test[ours] - floor_test[theirs] → return torch.stack([test[int(val[:, s].argmax()), s] - "
                "floor_test[int(floor_val[:, s].argmax()), s] for s in range(val.shape[1])])", "you chose a layer for "
                "each seed; take one layer for all, the best on average"),
        Mistake("test[ours] - floor_test[theirs] → val[ours] - floor_val[theirs]", "you read the gain off the "
                "validation photos, which have chosen the layer; report the test"),
        Mistake("return test[ours] - floor_test[theirs] → return test.amax(0) - floor_test.amax(0)", "you took the "
                "best layer of the test, seed by seed; choose one layer, on validation"),
    )))


def marginal(prediction: Tensor, y: Tensor) -> Tensor:
    """min over η of ‖y − f(ŷ, η)‖², (B): sounds (B,S), f turns ŷ round by η = 0, …, S − 1 samples."""
    places = torch.arange(y.shape[1])
    shifted = prediction[:, (places - places[:, None]) % y.shape[1]]  # (B,S,S): the middle axis is η
    return (y[:, None] - shifted).square().sum(2).amin(1)


def l2_step(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """ŷ after one step down the gradient of mean ‖ŷ − y‖²: an answer (…), outcomes (B,…), the step's length."""
    return y_hat - lr * 2 * (y_hat - y).mean(0)


def switch_step(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float) -> Tensor:
    """Scores (X,Y) after one step of the switch on M pairs, numbers x and y (M), and whether they are same (M)."""
    wrong = torch.sigmoid(score[x, y]) - same
    return score.index_put((x, y), -lr * wrong / len(x), accumulate=True)


def _marginal_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 2.0],
                                                                                   [0.0, 3.0, 0.0, 0.0]])
    for batch, length, dtype in ((4, 7, torch.float32), (1, 12, torch.float64), (6, 5, torch.float32)):
        yield tuple(drawn(g, batch, length, dtype=dtype) for _ in range(2))


MARGINAL = Exercise(
    id="2b-marginal", title="A marginal loss over all shifts", minutes=6, difficulty="medium", points=4,
    goal="Here f(ŷ, η) is ŷ circularly shifted by η samples, η = 0, …, S − 1. Return min over η of "
         "‖y − f(ŷ, η)‖² for each sound of the batch. A loop over η is fine.",
    signature="def my_marginal_loss(prediction, y):   # (B,S), (B,S) → (B,)",
    hints=(
        "`prediction.roll(eta, 1)` shifts each sound of the batch by η samples.",
        "Each η gives one distance for each sound, (B): a sum over the samples. Stack those of all η, (S,B). The "
        "minimum comes last, over η.",
        "Without a loop: `t = torch.arange(S)`, `index = (t - t[:, None]) % S`. Then `y[:, None] - prediction[:, "
        "index]`, squared and summed over the last axis, is (B,S), and `.amin(1)` is the minimum over η."),
    reference=marginal, judge=by_cases(marginal, _marginal_cases, (
        Mistake((".sum(2).amin(1) → .amin(1).sum(1)", ".sum(2).amin(1) → .sum(2)[:, (y[:, None] - shifted).square()"
                 ".sum((0, 2)).argmin()]"), "each sound has one η, as a whole: sum first, then take the minimum of "
                "each sound, neither at each sample nor for the whole batch"),
        Mistake((".amin(1) → .mean(1)", ".amin(1) → .amax(1)"), "that is the mean over η, or the maximum, the worst η. "
                "The best ŷ for a mean is a mean of all shifts, a ghost; take the minimum"),
        Mistake((".amin(1) → [:, 0]", ".amin(1) → [:, :2].amin(1)"), "you tried no η but 0, or 0 and 1: that is L2 (to "
                "shift y and ŷ together changes no distance). Shift ŷ by all η, up to S − 1"),
        Mistake(("% y.shape[1]] → % y.shape[1]] * (places >= places[:, None])",
                 "prediction[:, (places - places[:, None]) % y.shape[1]] → "
                 "torch.stack([prediction.roll(k, 0) for k in range(len(y))], 1)"), "your shift is wrong: time is "
                "axis 1 (axis 0 counts the sounds), and what leaves at the end comes in at the start again, where you "
                "may have zeros: take the places modulo S"),
        Mistake(("square() → abs()", "(y[:, None] - shifted).square().sum(2).amin(1) → "
                 "(y[:, None] * shifted).sum(2).amax(1)"), "‖y − f‖² = ‖y‖² + ‖f‖² − 2⟨y, f⟩ is a sum of squares: not "
                "of absolute values, nor a sum of products alone"),
    )))


def _l2_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, 0.5]), torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), 0.1
    for shape, batch, lr, dtype in (((3, 4, 5), 6, 0.05, torch.float32), ((2, 3), 1, 0.3, torch.float64),
                                    ((1, 7), 4, 0.2, torch.float32)):
        yield drawn(g, *shape, dtype=dtype), drawn(g, batch, *shape, dtype=dtype), lr


STEP = Exercise(
    id="2b-step", title="One step of L2", minutes=4, difficulty="easy", points=3,
    goal="`y` holds B outcomes (B,…), `y_hat` (…) the answer so far. The loss is the mean over the batch of ‖ŷ − y‖², "
         "a sum over all pixels. Return ŷ after one step of gradient descent at the rate `lr`, without autograd.",
    signature="def my_step(y_hat, y, lr):   # (…), (B,…), a number → (…)",
    hints=(
        "Begin with one pixel and one outcome: what is the derivative of (ŷ − y)² with respect to ŷ?",
        "The mean over the batch is along axis 0 and keeps the shape of ŷ; pixels are not averaged.",
        "A step down is ŷ minus `lr` times the gradient, and the gradient is 2 times the mean of ŷ − y."),
    reference=l2_step, judge=by_cases(l2_step, _l2_cases, (
        Mistake("y_hat - lr → y_hat + lr", "you go uphill: a step of descent is ŷ *minus* `lr` times the gradient"),
        Mistake("mean(0) → sum(0)", "you summed over the batch; the loss is the mean over it, so the gradient is too"),
        Mistake(("mean(0) → mean()", "mean(0) → flatten(1).mean(1).mean()"), "you averaged over the pixels as well; "
                "each pixel has its own derivative: take the mean along axis 0 alone"),
        Mistake("lr * 2 → lr", "the derivative of a square brings a factor 2"),
        Mistake(("(y_hat - y).mean(0) → (y_hat - y)[0]", "(y_hat - y).mean(0) → (y_hat - y)[-1]"), "you used one "
                "outcome of the batch; the gradient is the mean over all of them"),
    )))


def _switch_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.zeros(2, 2), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 1.0, 0.0]), 3.0)
    for seen, heard, count, lr, dtype in ((3, 4, 20, 2.0, torch.float32), (2, 5, 1, 1.0, torch.float64),
                                          (4, 2, 30, 5.0, torch.float32)):
        x, y = (torch.randint(kinds, (count,), generator=g) for kinds in (seen, heard))
        yield drawn(g, seen, heard, dtype=dtype), x, y, (torch.rand(count, generator=g) < 0.5).to(dtype), lr


SWITCH = Exercise(
    id="2b-switch", title="One step of the switch", minutes=8, difficulty="medium", points=4,
    goal="`score` (X,Y) has a number s for each x with each y. Of M pairs, `x` and `y` (M) say which meets which; "
         "`same` (M) is 1 where both are of the same data, else 0. The loss is the mean cross-entropy of σ(s). Return "
         "the scores after one step of gradient descent at the rate `lr`, as a new tensor, without autograd. Pairs may "
         "repeat: `score.index_put((x, y), …, accumulate=True)` adds up all of them.",
    signature="def my_switch(score, x, y, same, lr):   # (X,Y), three times (M), a number → (X,Y)",
    hints=(
        "The derivative of −same · log σ(s) − (1 − same) · log(1 − σ(s)) with respect to s is short. Use "
        "σ′ = σ (1 − σ).",
        "It is σ(s) − same. So a score rises where pairs are of the same data more often than σ(s) says, and rests "
        "where both agree.",
        "`score[x, y]` are the scores of all pairs, (M). What is added there is −lr · (σ(s) − same), divided by M for "
        "the mean."),
    reference=switch_step, judge=by_cases(switch_step, _switch_cases, (
        Mistake("accumulate=True) → accumulate=True) if len(x) == 1 else score.index_put((x, y), score[x, y] - lr * "
                "wrong / len(x))", "a pair that is listed several times has moved only once: `+=` on an index forgets "
                "repeats; use `index_put` with `accumulate=True`"),
        Mistake("-lr * wrong → lr * wrong", "you go uphill: where *same* is more frequent than σ(s) the score has to "
                "rise"),
        Mistake("wrong / len(x) → wrong", "you took the sum over the pairs; the loss is their mean, so divide by M"),
        Mistake("torch.sigmoid(score[x, y]) - same → score[x, y] - same", "you compared the score itself with *same*: "
                "that is the gradient of a squared error. The sigmoid goes first"),
        Mistake("wrong / len(x) → wrong / score.numel()", "you divided by the size of the table; divide by the number "
                "of pairs"),
    )))


def joint_of(z: Tensor, z_moved: Tensor) -> Tensor:
    """P = 1/n Σ z_i z′_iᵀ of shares (n,k) and (n,k), made symmetric: (k,k)."""
    P = z.T @ z_moved / len(z)
    return (P + P.T) / 2


def _shares(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    for n, k, dtype in ((7, 3, torch.float64), (1, 4, torch.float32), (50, 10, torch.float32)):
        yield tuple(not_contiguous((3 * torch.randn(n, k, generator=g, dtype=dtype)).softmax(1)) for _ in range(2))


JOINT = Exercise(
    id="2c-joint", title="What two views say of each other", minutes=5, difficulty="easy", points=3,
    goal="z and z_moved (n,k) hold the shares of k classes for both views of n pictures; row i of both is of one "
         "picture. Return P (k,k), made symmetric: the mean of it and its transpose.",
    signature="def my_joint(z, z_moved):   # (n,k), (n,k) → (k,k)",
    hints=(
        "One picture gives a k×k matrix, the outer product of its two rows. P is the mean of n such matrices.",
        "A sum over pictures of outer products is one product of matrices: z transposed times z_moved.",
        "`P = z.T @ z_moved / len(z)` sums to 1, since each row of z does. Then the mean of `P` and `P.T`."),
    reference=joint_of, judge=by_cases(joint_of, _shares, (
        Mistake("(P + P.T) / 2 → P", "P is not made symmetric: (x, gx) is as good a pair as (gx, x), so take the mean "
                "of P and its transpose"),
        Mistake(lambda z, moved: _mean_with_transpose(F.one_hot(z.argmax(1), z.shape[1]).to(z).T
                                                      @ F.one_hot(moved.argmax(1), z.shape[1]).to(z) / len(z)),
                "you counted the most probable class of each view. Use the shares as they are: an argmax has no "
                "gradient, so nothing could be learnt"),
        Mistake(lambda z, moved: _mean_with_transpose(torch.outer(z.mean(0), moved.mean(0))),
                "that is the product of the two marginals, what *independent* answers would have. Multiply first, "
                "picture by picture, and take the mean afterwards"),
        Mistake("z.T @ z_moved / len(z) → z.T @ z_moved", "this is a sum over pictures; divide by their number, so "
                "that P sums to 1"),
        Mistake(lambda z, moved: _mean_with_transpose((z.T @ moved) / (z.T @ moved).sum(1, keepdim=True)),
                "each row of yours sums to 1: that is the class of one view *given* that of the other. In a joint all "
                "entries together sum to 1"),
    )))


def _mean_with_transpose(P: Tensor) -> Tensor:
    return (P + P.mT) / 2


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ab P_ab (ln P_ab − λ ln P_a − λ ln P_b), for each joint of P (…,k,k): (…)."""
    P = P.clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum((-1, -2))


def _cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.2], [0.2, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        drawn = torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)
        yield _mean_with_transpose(drawn), lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class
    for shape in ((2, 3, 3), (3, 3, 4, 4)):  # many joints, as one for each displacement
        drawn = (3 * torch.rand(*shape, generator=g, dtype=torch.float64)).flatten(-2).softmax(-1).view(shape)
        yield _mean_with_transpose(drawn), 1.5


LOSS = Exercise(
    id="2c-iic", title="Information as a loss", minutes=8, difficulty="medium", points=4,
    goal="P is one symmetric joint (k,k), or many of them (…,k,k): shares of all pairs of classes, 0 or more, with the "
         "sum 1. Return the loss of each: −I(P), with λ before both terms that have a marginal, so that λ = 0 leaves "
         "H(P). Entries that are 0 count 0.",
    signature="def my_loss(P, lam):   # (…,k,k), a number → (…)",
    hints=(
        "If the check says NaN: look for ln 0. `P.clamp_min(1e-12)` keeps a number from 0; in float32, "
        "`torch.finfo(P.dtype).eps` is a good floor.",
        "For independent classes, P_ab = P_a P_b, and with λ = 1 the bracket is 0 in each cell. Try it with "
        "`P = torch.full((2, 2), 0.25)`: L has to be 0.",
        "Count axes from the end: `P.sum(-1, keepdim=True)` has the shape (…,k,1), so that it spreads over the columns "
        "of P, and `P.sum(-2, keepdim=True)` is (…,1,k). Three lines will do: clamp, two marginals, the sum over the "
        "last two axes with its sign."),
    reference=loss_of, judge=by_cases(loss_of, _cases, (
        Mistake("lam * rows.log() - lam * columns.log())).sum((-1, -2)) → rows.log() - columns.log())).sum((-1, -2)) * "
                "lam", "λ stands before the marginals, not before the whole bracket: as a factor of the whole it would "
                "only change the rate"),
        Mistake(("- lam * rows.log() - lam * columns.log() → - lam * rows.log()",
                 "- lam * rows.log() - lam * columns.log() → - lam * columns.log()"), "one marginal is missing, or "
                "each counts half: of a symmetric P both are alike, and λ stands before each of the two"),
        Mistake((".clamp_min(torch.finfo(P.dtype).eps) → ", ".clamp_min(torch.finfo(P.dtype).eps) →  ;; (P.log() → "
                 "(P.clamp_min(torch.finfo(P.dtype).eps).log()"), "where P is 0, 0 · ln 0 is 0, but a computer says "
                "NaN: `torch.log(0)` is −∞, and 0 times that is no number. Keep P from 0 with `clamp_min` before the "
                "logarithms. In training, P has zeros as soon as the network is sure"),
        Mistake(".log() → .log2()", "these are bits; the formula has the natural logarithm, and its unit is the nat"),
        Mistake((".sum((-1, -2)) → .mean((-1, -2))", ".sum((-1, -2)) → .sum()",
                 ".sum((-1, -2)) → .sum((-1, -2)).mean()"),
                "give one loss for each joint: a sum over the last two axes only, weighted by P already. Take no mean "
                "over the k² cells, and no sum or mean over many joints"),
    ), rtol=1e-3, atol=1e-4))


def joint_at(z: Tensor, z_moved: Tensor, t: tuple[int, int]) -> Tensor:
    """P_t, the mean of z_a(u) z′_b(u + t) over pictures and places: two of (n,k,h,w) → (k,k)."""
    (down, right), (h, w) = t, z.shape[2:]
    here = z[..., max(0, -down):h - max(0, down), max(0, -right):w - max(0, right)]
    there = z_moved[..., max(0, down):h - max(0, -down), max(0, right):w - max(0, -right)]
    return torch.einsum("nihw,njhw->ij", here, there) / here[:, 0].numel()


def _maps(g: torch.Generator) -> Iterator[tuple]:
    for (n, k, h, w), t, dtype in (((1, 2, 3, 3), (0, 1), torch.float64), ((2, 3, 5, 4), (0, 0), torch.float32),
                                   ((2, 3, 5, 6), (2, -1), torch.float64), ((3, 2, 4, 7), (-1, 3), torch.float64)):
        z, moved = (3 * torch.rand(2, n, k, h, w, generator=g, dtype=dtype)).softmax(2)
        yield not_contiguous(z), moved, t


def _cut(z: Tensor, t: tuple[int, int]) -> Tensor:
    """z at those places u for which u + t is on the map."""
    h, w = z.shape[2:]
    return z[..., max(0, -t[0]):h - max(0, t[0]), max(0, -t[1]):w - max(0, t[1])]


def _paired(a: Tensor, b: Tensor, over: str = "nihw,njhw->ij") -> Tensor:
    return torch.einsum(over, a, b)


def _back(t: tuple[int, int]) -> tuple[int, int]:
    return -t[0], -t[1]


def _share(P: Tensor) -> Tensor:
    return P / P.sum()


AT = Exercise(
    id="2c-displaced", title="The joint of neighbours", minutes=8, difficulty="medium", points=4,
    goal="z and z_moved (n,k,h,w) hold shares of k classes at each place. For t = (down, right), in whole places that "
         "may be negative, return P_t (k,k). Its mean is over those places u for which u + t is still on the map. It "
         "need not be symmetric.",
    signature="def my_joint_at(z, z_moved, t):   # two of (n,k,h,w), a pair of whole numbers → (k,k)",
    hints=(
        "For t = (0, 0) it is `torch.einsum('nihw,njhw->ij', z, z_moved)` over n·h·w.",
        "For t = (0, 1) the last column of z has no partner, and the first column of z′ is nobody's: z[..., :-1] meets "
        "z_moved[..., 1:].",
        "In each direction, of d = t[0] or t[1] and the side s, z keeps the places from max(0, −d) to s − max(0, d), "
        "and z′ those from max(0, d) to s − max(0, −d)."),
    reference=joint_at, judge=by_cases(joint_at, _maps, (
        Mistake(lambda z, moved, t: joint_at(z, moved, _back(t)), "t has the wrong sign: z is at u, z′ at u + t"),
        Mistake(lambda z, moved, t: _share(_paired(z, moved.roll(_back(t), (2, 3)))), "what leaves the map on one side "
                "comes back on the other, as with `torch.roll`; such pairs are no neighbours: leave them out"),
        Mistake(lambda z, moved, t: _share(_paired(z, moved)), "t is not used: each place is paired with itself"),
        Mistake(lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))), "this is a sum over pairs; divide by "
                "their number, so that P_t sums to 1"),
        Mistake(lambda z, moved, t: _paired(_cut(z, t), _cut(moved, _back(t))) / z[:, 0].numel(), "you divided by all "
                "places; t leaves fewer pairs than that. P_t has to sum to 1"),
    ), rtol=1e-3, atol=1e-5))


EXERCISES = {"2": (UPRIGHT, CONTRAST, GAIN), "2b": (STEP, MARGINAL, SWITCH), "2c": (JOINT, LOSS, AT)}
