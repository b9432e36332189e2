"""The exercises of chapters 2, 2b and 2c: pretext tasks; answers that nobody can know; mutual information."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, drawn, not_contiguous


def rebalance(counts: Tensor, gamma: float, alpha: float) -> tuple[Tensor, Tensor]:
    """w (Q) ∝ ((1−γ) p̃ + γ/Q)^−α with Σ p̃ w = 1, and what w tends to as p̃ → 0; ``counts`` (Q) are of pixels."""
    prior = counts / counts.sum()  # p̃
    heavy = ((1 - gamma) * prior + gamma / len(prior)) ** -alpha
    mean = (prior * heavy).sum()  # over the pixels
    return heavy / mean, (gamma / len(prior)) ** -alpha / mean


def farthest(every: Tensor, chosen: Tensor) -> int:
    """The row of ``every`` (P,n) whose nearest of the ``chosen`` (K,n), in Hamming distance, is the farthest."""
    distance = (every[:, None] != chosen).sum(2)  # (P,K)
    return int(distance.amin(1).argmax())


def _counts(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([7.0, 2.0, 1.0]), 0.5, 1.0
    yield torch.tensor([50.0, 50.0, 0.0, 0.0]), 0.25, 2.0  # colours that never occur
    for bins, gamma, alpha, dtype in ((1, 0.3, 1.0, torch.float32), (6, 0.9, 0.5, torch.float64),
                                      (30, 0.1, 1.5, torch.float32)):
        drawn = torch.rand(2 * bins, generator=g, dtype=dtype)[::2] ** 3
        yield (1000 * drawn).round() + 1, gamma, alpha


REBALANCE = Exercise(
    id="2-rebalance", title="What a rare colour counts", minutes=15, difficulty="medium", points=4,
    goal="You have counted the pixels of each of Q colours in many photos. Return two things. First the weights w (Q): "
         "w ∝ ((1−γ) p̃ + γ/Q)^(−α), scaled so that the mean of w over all the *pixels* is 1. Then the ceiling, one "
         "number: the weight of a colour that never occurs.",
    signature="def my_weights(counts, gamma, alpha):   # (Q), a number, a number → (Q) and one number",
    hints=(
        "Take four lines: the shares p̃, the power, the scale, the ceiling. Test by hand: with γ = 1 all colours count "
        "the same, and then w and the ceiling have to be 1.",
        "There are N pixels, of which N p̃_q have the colour q. So the mean of w over the pixels is Σ p̃ w, and not the "
        "mean over the colours.",
        "γ/Q is a number; Q is `len(counts)`. The minus in the exponent makes what is rare heavy. What is left of the "
        "power when p̃ is 0? It has to be scaled by the same number as w.",
        "`p = counts / counts.sum()` and `w = ((1 - gamma) * p + gamma / len(p)) ** -alpha`. The scale is "
        "`(p * w).sum()`; the ceiling is `(gamma / len(p)) ** -alpha`, divided by it."),
    reference=rebalance, judge=by_cases(rebalance, _counts, (
        Mistake(("(prior * heavy).sum() → heavy.new_ones(())", "(prior * heavy).sum() → heavy.sum()",
                 "(prior * heavy).sum() → heavy.mean()",
                 "(prior * heavy).sum() → (((1 - gamma) * prior + gamma / len(prior)) * heavy).sum()"), "your weights "
                "have another scale: divide by Σ p̃ w, with p̃ itself, so that a pixel counts 1 on average. It is "
                "their mean over the *pixels* that is 1, not their sum or their mean over the colours"),
        Mistake(("(gamma / len(prior)) ** -alpha / mean → (heavy / mean).max()",
                 "(gamma / len(prior)) ** -alpha / mean → mean.new_tensor((gamma / len(prior)) ** -alpha)",
                 "(gamma / len(prior)) ** -alpha / mean → mean.new_tensor(torch.inf)"), "the weights are right. The "
                "ceiling is the formula at p̃ = 0, where γ/Q is left, scaled as they are: finite, and more than the "
                "largest of them"),
        Mistake("(1 - gamma) * prior → (1 - gamma) * counts", "you mixed the counts with γ/Q; mix the shares p̃, which "
                "are the counts divided by their sum"),
        Mistake(("gamma / len(prior)) ** → gamma) **", "(1 - gamma) * prior → prior",
                 "(1 - gamma) * prior + gamma / len(prior) → prior ;; (gamma / len(prior)) ** -alpha → torch.inf"),
                "the mixture is (1−γ) p̃ + γ/Q: with γ instead of γ/Q, or without (1−γ), it would sum to more than 1, "
                "and without γ a colour that never occurs has an infinite weight"),
        Mistake("((1 - gamma) * prior + gamma / len(prior)) ** -alpha → 1 - ((1 - gamma) * prior + gamma / len(prior)) "
                ";; (gamma / len(prior)) ** -alpha → (1 - gamma / len(prior))", "you took 1 minus the mixture: so a "
                "colour a thousand times rarer is hardly heavier. Take the power −α"),
    )))


def _permutations(g: torch.Generator) -> Iterator[tuple]:
    """At first four permutations of four tiles; the answers by other rules differ in some case at the latest."""
    yield (torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3], [1, 2, 3, 0], [3, 2, 1, 0]]),
           torch.tensor([[0, 1, 2, 3], [3, 2, 0, 1]]))
    for count, kept, tiles in ((40, 3, 9), (60, 6, 6), (30, 1, 5), (80, 12, 9), (50, 4, 9), (70, 8, 5)):
        drawn = torch.stack([torch.randperm(tiles, generator=g) for _ in range(count + kept)])
        yield not_contiguous(drawn[:count]), drawn[count:]


PERMUTATIONS = Exercise(
    id="2-permutations", title="The next permutation", minutes=10, difficulty="medium", points=3,
    goal="Some permutations are chosen already, and one more is wanted that is as far from them as can be. The Hamming "
         "distance of two permutations is the number of places at which they differ. For each candidate take the "
         "distance to the *nearest* chosen one. Return the number of the candidate, from 0, for which it is largest; "
         "of several, the first.",
    signature="def my_next(every, chosen):   # candidates (P,n), those chosen already (K,n) → a number",
    hints=(
        "Make a table of distances first, one row for each candidate and one column for each chosen one, (P,K).",
        "`every[:, None] != chosen` compares all with all and has the shape (P,K,n). Summed over the last axis it "
        "counts the places that differ.",
        "The nearest is the minimum along axis 1, `.amin(1)`; the best candidate is where that is largest, "
        "`.argmax()`, which gives the first of several."),
    reference=farthest, judge=by_number(farthest, _permutations, (
        Mistake(("amin(1) → sum(1)", "amin(1) → amax(1)", "distance.amin(1) → distance[:, -1]",
                 "distance.amin(1) → distance[:, 0]"), "look at all of the chosen ones, and take the distance to the "
                "nearest, the minimum: with the mean or the sum (as in the paper), the farthest, the first or the last "
                "a candidate may be far from most and nearly equal to one"),
        Mistake(("argmax → argmin", "distance.amin(1).argmax() → (distance > 0).all(1).double().argmax()"), "that is "
                "the candidate that is nearest to the chosen ones, or the first that is not chosen yet; the farthest "
                "is wanted"),
        Mistake("!= → ==", "you counted the places that are equal; the Hamming distance counts those that differ"),
        Mistake(("(every[:, None] != chosen) → (every[:, None] - chosen).abs()",
                 "(every[:, None] != chosen) → (every[:, None] - chosen).square()"), "you took how far the numbers lie "
                "apart, or its square. They are names of tiles: only equal or not equal counts"),
        Mistake(("distance.amin(1).argmax() → len(every) - 1 - distance.amin(1).flip(0).argmax()", "argmax → max"),
                "of several that are equally far take the first, not the last, and return its number, not the distance "
                "itself"),
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


EXERCISES = {"2": (REBALANCE, PERMUTATIONS), "2b": (STEP, MARGINAL, SWITCH), "2c": (JOINT, LOSS, AT)}
