"""The exercises of chapters 1 and 1b: adapters, folding, parameters, the score; predicted adapters, masked losses.

What the library does in modules, for any convolution, stands here as a function for the plain one.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, drawn
from u3lab.universal.score import GAMMA, LEAST, POINTS

NEAR = {"rtol": 1e-3, "atol": 1e-4}  # a convolution may add in any order


def parallel(x: Tensor, f: Tensor, alpha: Tensor, stride: int) -> Tensor:
    """y = f ∗ x + α ∗ x: x is (B,C,H,W), f (D,C,k,k) with k odd, α (D,C)."""
    v = F.conv2d(x, f, stride=stride, padding=f.shape[-1] // 2)
    return v + F.conv2d(x, alpha[:, :, None, None], stride=stride)


def serial(x: Tensor, f: Tensor, alpha: Tensor) -> Tensor:
    """v = f ∗ x, y = v + α ∗ v: x is (B,C,H,W), f (D,C,k,k) with k odd, α (D,D)."""
    v = F.conv2d(x, f, padding=f.shape[-1] // 2)
    return v + F.conv2d(v, alpha[:, :, None, None])


def fold(f: Tensor, alpha: Tensor) -> Tensor:
    """One bank of filters for f ∗ x + α ∗ x: α (D,C) is added to the centre tap of f (D,C,k,k)."""
    folded, centre = f.clone(), f.shape[-1] // 2
    folded[:, :, centre, centre] += alpha
    return folded


def _parallel_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first with as many outputs as inputs: a slip then shows in values, before it is a clash of shapes."""
    yield (torch.arange(1.0, 10).view(1, 1, 3, 3),
           torch.tensor([[[[0.0, 1.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, -1.0]]]]), torch.tensor([[2.0]]), 1)
    for batch, inputs, outputs, k, stride, size, dtype in (
            (2, 4, 4, 3, 1, (6, 7), torch.float32), (1, 3, 3, 5, 1, (5, 6), torch.float64),
            (1, 4, 4, 3, 2, (6, 8), torch.float32), (2, 3, 5, 3, 3, (5, 7), torch.float64)):
        shapes = (batch, inputs, *size), (outputs, inputs, k, k), (outputs, inputs)
        yield (*(drawn(g, *shape, dtype=dtype) for shape in shapes), stride)


def _serial_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]]), torch.tensor([[[[1.0]], [[0.0]]], [[[1.0]], [[-1.0]]]]),
           torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
    for batch, inputs, outputs, k, dtype in ((2, 4, 4, 3, torch.float32), (1, 3, 3, 5, torch.float64),
                                             (1, 3, 5, 3, torch.float32)):
        shapes = (batch, inputs, 6, 7), (outputs, inputs, k, k), (outputs, outputs)
        yield tuple(drawn(g, *shape, dtype=dtype) for shape in shapes)


PARALLEL = Exercise(
    id="1-parallel", title="The parallel adapter", minutes=10, difficulty="medium", points=4,
    goal="The filters f are shared by all domains; beside them stand 1×1 filters α of this domain. Return "
         "y = f ∗ x + α ∗ x. Both have the same stride; f is padded by (k − 1)/2 on each side, k is odd, and there is "
         "no bias. Compared with the notebook's lines, the stride is new, k may be any odd number, and α is a matrix.",
    signature="def my_parallel(x, f, alpha, stride):   # (B,C,H,W), (D,C,k,k), (D,C), a number → (B,D,H′,W′)",
    hints=(
        "If torch says that two sizes must match: print the shapes of f ∗ x and of α ∗ x. Without padding the first is "
        "smaller than x; with a stride, both have to be.",
        "`torch.nn.functional.conv2d(x, w, stride=…, padding=…)` takes filters w of shape (D,C,rows,columns). α is a "
        "matrix, (D,C): as 1×1 filters it is (D,C,1,1). A filter of one tap needs no padding.",
        "`conv2d(x, f, stride=stride, padding=f.shape[-1] // 2)` is f ∗ x. For α ∗ x put `alpha[:, :, None, None]` in "
        "the place of f, and leave out the padding. y is their sum."),
    reference=parallel, judge=by_cases(parallel, _parallel_cases, (
        Mistake("F.conv2d(x, alpha[:, :, None, None], stride=stride) → F.conv2d(v, alpha[:, :, None, None])", "your α "
                "looks at f ∗ x, which the filters have made: that is the serial adapter. The parallel one looks at x "
                "itself"),
        Mistake(("None, None], stride=stride) → None, None])", "F.conv2d(x, alpha[:, :, None, None], stride=stride) → "
                 "F.conv2d(F.avg_pool2d(x, stride), alpha[:, :, None, None])"), "with stride 1 it is right, but with "
                "a larger one f ∗ x and α ∗ x must have one size and look at the same places: give the stride to both "
                "convolutions, and do not average x"),
        Mistake(("padding=f.shape[-1] // 2 → padding=0", "padding=f.shape[-1] // 2 → padding=1",
                 "None, None], stride=stride) → None, None], stride=stride, padding=f.shape[-1] // 2)"), "f ∗ x and "
                "α ∗ x have different sizes and cannot be added: f is padded by (k − 1)/2 on each side, "
                "`f.shape[-1] // 2`, whatever k is, and the 1×1 filters α not at all"),
        Mistake("v + F → v * F", "you multiplied f ∗ x with α ∗ x. With α = 0 nothing would be left of the shared "
                "network; add them"),
        Mistake("return v + → return x + v +", "you added x as well. The residual is α ∗ x, which is added to f ∗ x"),
    ), **NEAR))

SERIAL = Exercise(
    id="1-serial", title="The serial adapter", minutes=5, difficulty="easy", points=2,
    goal="Here the adapter stands behind the shared filters: v = f ∗ x, then y = v + α ∗ v, with 1×1 filters α. The "
         "stride is 1, f is padded by (k − 1)/2 on each side, and there is no bias. Return y.",
    signature="def my_serial(x, f, alpha):   # (B,C,H,W), (D,C,k,k), (D,D) → (B,D,H,W)",
    hints=(
        "Test it by hand: with α = 0, y has to be f ∗ x. If it is 0 everywhere, v is missing from the sum.",
        "Take two lines: v first, then y. x is not needed any more once there is v.",
        "`v = torch.nn.functional.conv2d(x, f, padding=f.shape[-1] // 2)`. α ∗ v is made in the same way from v, with "
        "`alpha[:, :, None, None]` as filters and no padding; y is the sum of v and that."),
    reference=serial, judge=by_cases(serial, _serial_cases, (
        Mistake("return v + → return", "that is α ∗ v alone. With α = 0 nothing would be left of the shared network: "
                "add v"),
        Mistake("F.conv2d(v, → F.conv2d(x,", "your α looks at x: that is the parallel adapter. The serial one looks at "
                "v, which the filters have made"),
        Mistake("return v + → return x +", "you added x to α ∗ v; what is adapted is v = f ∗ x: add v"),
        Mistake(("F.conv2d(v, alpha → F.conv2d(v + F.conv2d(v, alpha[:, :, None, None]), alpha",
                 lambda x, f, a: serial(serial(x, f, a), torch.eye(len(a))[:, :, None, None].to(f), a)), "α is applied "
                "twice, or the whole adapter: y = v + α ∗ v, once"),
        Mistake("return v + F.conv2d(v, alpha[:, :, None, None]) → return F.conv2d(x + F.conv2d(x, alpha[:, :, None, "
                "None]), f, padding=f.shape[-1] // 2)", "your adapter stands before the filters, f ∗ (x + α ∗ x); the "
                "serial one comes behind them"),
    ), **NEAR))


def _fold_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]), torch.tensor([[0.5]])
    for inputs, outputs, k, dtype in ((4, 4, 3, torch.float32), (3, 3, 5, torch.float64), (2, 2, 1, torch.float32),
                                      (3, 5, 3, torch.float64)):
        yield (drawn(g, outputs, inputs, k, k, dtype=dtype),
               drawn(g, outputs, inputs, dtype=dtype))


FOLD = Exercise(
    id="1-fold", title="One convolution again", minutes=10, difficulty="medium", points=3,
    goal="A trained parallel adapter need not cost time: f ∗ x + α ∗ x is f′ ∗ x with other filters of the same size "
         "(k odd, f padded by (k − 1)/2). Return f′, and leave f as it is: other domains need it.",
    signature="def my_fold(f, alpha):   # (D,C,k,k), (D,C) → f′: (D,C,k,k)",
    hints=(
        "If the check says that f was changed: `g = f` is another name for the same numbers; `f.clone()` has numbers "
        "of its own.",
        "Write α as a bank of k×k filters that are 0 nearly everywhere. At which tap does such a filter see the place "
        "of x that the 1×1 filter saw?",
        "`folded = f.clone()`; then add α to `folded[:, :, c, c]`, where c = k // 2 is the number of the middle row "
        "and column."),
    reference=fold, judge=by_cases(fold, _fold_cases, (
        Mistake(("centre, centre] → 0, 0]", "centre, centre] → -1, -1]", "centre, centre] → 1, 1]",
                 "centre, centre] += alpha → centre] += alpha[..., None]",
                 "centre, centre] += alpha → :, centre] += alpha[..., None]"), "you added α at another tap, at a "
                "corner or along a whole row or column, or at [1, 1], which is the centre of 3×3 filters only. The "
                "1×1 filters look at the middle of what f looks at: the centre tap, [k // 2, k // 2]"),
        Mistake((":, centre, centre] += alpha → :] += alpha[..., None, None]",
                 ":, centre, centre] += alpha → :] += alpha[..., None, None] / f[0, 0].numel()"), "α is added to all "
                "taps, or spread over them, which would average x over the window; it looks at one place, the centre"),
        Mistake(lambda f, a: f + torch.einsum("oc,cikl->oikl", a, f), "that is (I + α) f, the folding of the serial "
                "adapter: it mixes the filters. The parallel one adds α at the centre tap"),
        Mistake(("+= alpha → = alpha", "+= alpha → *= alpha", "+= alpha → += alpha * f[:, :, centre, centre]"), "α is "
                "added to what f has at the centre tap: it does not take its place, and multiplies nothing"),
    )))


def share(convolutions: list[tuple[int, int, int]]) -> float:
    """Weights of parallel adapters over those of the convolutions (C_in, C_out, k) that they stand beside."""
    added = sum(inputs * outputs for inputs, outputs, _ in convolutions)
    return added / sum(inputs * outputs * k * k for inputs, outputs, k in convolutions)


def score(errors: Tensor, baseline: Tensor) -> Tensor:
    """S = Σ α max(0, E_max − E)^γ, with E_max = 2 × the baseline's error, at least 0.02, and α = 1000 E_max^(−γ)."""
    most = (2 * baseline).clamp(min=LEAST)
    alpha = POINTS * most**-GAMMA
    return (alpha * (most - errors).clamp(min=0) ** GAMMA).sum()


def _list_cases(g: torch.Generator) -> Iterator[tuple]:
    yield ([(1, 2, 5), (2, 4, 3)],)
    yield ([(4, 6, 3)],)
    yield ([(3, 64, 7), (64, 64, 3), (64, 128, 3), (128, 32, 5)],)


COUNT = Exercise(
    id="1-count", title="What a domain costs", minutes=10, difficulty="easy", points=2,
    goal="Beside each k×k convolution of a list stands a parallel adapter, which has a 1×1 filter for each pair of "
         "input and output. How many weights do the adapters add, as a share of those in all the convolutions? Do not "
         "count biases, batch norms and heads.",
    signature="def my_share(convolutions):   # a list of (C_in, C_out, k) → a number such as 0.1",
    hints=(
        "Test it by hand: for convolutions of 3×3 alone it has to be 1/9, whatever their channels.",
        "A convolution of C_in to C_out channels has C_in · C_out filters of k · k weights each. How many has its "
        "adapter?",
        "Add up the weights of all adapters, then those of all convolutions: "
        "`for inputs, outputs, k in convolutions`. Divide once, at the end."),
    reference=share, judge=by_number(share, _list_cases, (
        Mistake((lambda found: sum(1 / k**2 for _, _, k in found) / len(found),
                 lambda found: sum(1 / k**2 for _, _, k in found)), "you divided for each convolution and added up the "
                "shares, or took their mean, so that a small one counts as much as a large one; add up first, then "
                "divide once"),
        Mistake(tuple(f"added = sum(inputs * outputs → added = sum({one}" for one in (
                    "outputs**2", "inputs**2", "inputs + outputs", "outputs")), "there is a 1×1 filter for each pair "
                "of input and output: C_in · C_out. C_out² is what a serial adapter has, which takes the outputs, and "
                "C_in² would lead from inputs to inputs; you may have added C_in and C_out, or counted one weight for "
                "each output"),
        Mistake(lambda found: 1 / share(found), "that is upside down: what is there over what is added"),
        Mistake((" / sum(inputs * outputs * k * k for inputs, outputs, k in convolutions) → ",
                 lambda found: share(found) / (1 + share(found))), "divide the adapters' weights, and divide by those "
                "of the convolutions alone, not by all weights"),
        Mistake("k * k → k", "a filter of k×k has k · k weights; you took k"),
    )))


def _error_cases(g: torch.Generator) -> Iterator[tuple]:
    """In each but the last some error is above E_max; in the third a baseline is nearly perfect."""
    yield torch.tensor([0.1, 0.0, 0.5]), torch.tensor([0.1, 0.2, 0.2])
    yield 0.4 * torch.rand(10, 3, generator=g)[:, 1], 0.02 + 0.3 * torch.rand(10, generator=g)
    yield torch.tensor([0.012, 0.3, 0.5]).double(), torch.tensor([0.004, 0.25, 0.1]).double()
    yield torch.tensor([0.3]), torch.tensor([0.2])


SCORE = Exercise(
    id="1-score", title="The score of the decathlon", minutes=15, difficulty="medium", points=3,
    goal="Return S = Σ_d α_d max(0, E_max,d − E_d)², summed over the domains. E are the errors, E_max is twice the "
         "baseline's error, but at least 0.02, and α = 1000 / E_max². So no error at all is worth 1000 points in a "
         "domain, and an error like the baseline's 250 where that is 0.01 or more.",
    signature="def my_score(errors, baseline):   # (D,) both, shares in [0,1] → S, a number",
    hints=(
        "If the check says that points were given for bad errors: the square of a negative number is positive. What "
        "is below 0 has to become 0 before it is squared.",
        "Work with all domains at once: E_max and α are tensors (D,) as well. `t.clamp(min=…)` takes care of what "
        "must not be smaller; it is needed twice.",
        "`most = (2 * baseline).clamp(min=0.02)`, then `(most - errors).clamp(min=0)`. Square that, multiply it with "
        "`1000 / most**2`, and sum over the domains."),
    reference=score, judge=by_number(score, _error_cases, (
        Mistake(").clamp(min=0) → )", "the maximum with 0 is missing: where E is above E_max the difference is "
                "negative, and its square gives points for bad errors"),
        Mistake(("** GAMMA → ** 1", "most**-GAMMA → most**-1", "GAMMA → 1"), "a square is missing, in the difference "
                "or in α, which is 1000 / E_max²; without them, a gain near E_max would count as much as one near 0"),
        Mistake(("(2 * baseline).clamp(min=LEAST) → 2 * baseline", "(2 * baseline).clamp → 2 * baseline.clamp"),
                "E_max may become smaller than 0.02, or you took 0.02 as the least error of the baseline, which is "
                "half of it: where the baseline is nearly perfect, one picture would then decide over hundreds of "
                "points"),
        Mistake("alpha * (most → (most", "α is missing: 1000 / E_max² gives 1000 points to each domain without errors"),
        Mistake((lambda e, b: score(1 - e, 1 - b), "most - errors → errors - most"), "points are given where E is "
                "large: the difference has the wrong sign, or you took accuracies, 1 − E, in place of errors"),
    )))


def predicted(z: Tensor, P: Tensor, M: Tensor, M_out: Tensor) -> Tensor:
    """α_d = M′ diag(P z_d) M for several domains: z (D,U), P (R,U), M (R,C_in), M′ (C_out,R) → (D,C_out,C_in)."""
    w = z @ P.T
    return (M_out * w[:, None, :]) @ M


def masked(losses: Tensor, m: Tensor, price: float) -> Tensor:
    """λ_t / N_t Σ_i m_i ℓ_i with N_t = Σ_i m_i, and 0 if N_t is 0: losses (B), m (B) of True and False → a scalar."""
    return price * losses.where(m, torch.zeros_like(losses)).sum() / m.sum().clamp(min=1)


def _predicted_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first with as many inputs as outputs and as R: a slip then shows in values, before it is a clash of shapes."""
    yield (torch.tensor([[1.0, 0.0], [1.0, 2.0]]), torch.tensor([[1.0, -1.0], [2.0, 1.0]]),
           torch.tensor([[1.0, 3.0], [0.0, 1.0]]), torch.tensor([[1.0, 2.0], [-1.0, 1.0]]))
    for domains, numbers, rank, inputs, outputs, dtype in (
            (3, 3, 3, 3, 3, torch.float64), (1, 5, 2, 4, 3, torch.float32), (4, 6, 3, 5, 7, torch.float64)):
        shapes = (domains, numbers), (rank, numbers), (rank, inputs), (outputs, rank)
        yield tuple(drawn(g, shape, dtype=dtype) for shape in shapes)


PREDICTED = Exercise(
    id="1b-predicted", title="Adapters from z", minutes=15, difficulty="medium", points=4,
    goal="Give the adapters of several domains at once: for each row z of `z`, W(z) = M′ diag(P z) M. Make no diagonal "
         "matrix: `torch.diag` would need a loop over the domains, and nearly all that it writes are zeros.",
    signature="def my_adapters(z, P, M, M_out):   # (D,U), (R,U), (R,C_in), (C_out,R) → (D,C_out,C_in)",
    hints=(
        "Begin with w, one row for each domain, (D,R). Row d is P z_d; for all domains at once that is a product of z "
        "with P transposed.",
        "What does M′ diag(w) do to M′? It multiplies column r of M′ by w_r. So a product of numbers, place by place, "
        "is enough.",
        "`M_out * w[:, None, :]` has the shape (D,C_out,R): a copy of M′ for each domain, its columns multiplied by w. "
        "What is left is `@ M`."),
    reference=predicted, judge=by_cases(predicted, _predicted_cases, (
        Mistake(lambda z, P, M, M_out: (M_out @ M).expand(len(z), -1, -1), "that is M′ M, the same for all domains: w, "
                "the one part that z decides, is missing"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T)[:, :, None]) @ M, "your w multiplies the rows of M′; "
                "M′ diag(w) multiplies its columns, one for each of the R numbers"),
        Mistake(lambda z, P, M, M_out: (M_out + (z @ P.T)[:, None, :]) @ M, "you added w to M′; a diagonal matrix "
                "multiplies"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T).relu()[:, None, :]) @ M, "you clipped w at 0; its numbers "
                "may be negative"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T).softmax(1)[:, None, :]) @ M, "you put w through a softmax; "
                "it is P z as it is"),
    ), rtol=1e-3, atol=1e-5))


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    """The loss of a label that is not there may be anything, also infinite: −log 0."""
    yield torch.tensor([1.0, 2.0, 6.0, 3.0]), torch.tensor([True, False, True, False]), 1.0
    yield torch.rand(6, generator=g, dtype=torch.float64), torch.tensor([True] * 5 + [False]), 0.5
    yield torch.tensor([torch.inf, 2.0, torch.inf]), torch.tensor([False, True, False]), 2.0
    yield torch.tensor([0.5, 2.0]).double(), torch.tensor([False, False]), 1.0
    yield torch.rand(1, generator=g), torch.tensor([True]), 3.0


MASKED = Exercise(
    id="1b-masked", title="A loss with gaps", minutes=10, difficulty="easy", points=3,
    goal="Return λ_t / N_t · Σ_i m_i ℓ_i of one task, for any batch. m says which pictures have a label, N_t is how "
         "many, and if there are none, the loss is 0. Where there is no label, ℓ_i means nothing: it may even be "
         "infinite, as −log 0 is.",
    signature="def my_masked(losses, m, price):   # (B,), (B,) of True and False, λ_t → a scalar",
    hints=(
        "If the check shows nan: 0 · ∞ is nan, so to multiply with the mask is not enough. And 0 / 0 is nan too.",
        "`losses[m]` has only those that count. How many are there, and what is to happen if it is none?",
        "`losses[m].sum()` of none is 0. Divide it by N_t, but by no less than 1: `m.sum().clamp(min=1)`. Then comes "
        "the price."),
    reference=masked, judge=by_cases(masked, _masked_cases, (
        Mistake("m.sum().clamp(min=1) → m.sum()", "in a batch without labels it is 0 / 0, nan, and one step with nan "
                "spoils all weights. A task without labels costs 0"),
        Mistake("losses.where(m, torch.zeros_like(losses)) → (losses * m)", "where there is no label ℓ may be "
                "infinite, and 0 · ∞ is nan: choose with the mask, do not multiply"),
        Mistake("m.sum().clamp(min=1) → len(m)", "you divided by all B pictures. Then a task counts the less, the more "
                "of its labels are missing; divide by N_t"),
        Mistake(" / m.sum().clamp(min=1) → ", "that is the sum; divide it by N_t, the number of labels"),
        Mistake("m.sum().clamp(min=1) → (m.sum() + 1)", "you divided by N_t + 1. It is never 0, but every loss is too "
                "small; let N_t be at least 1"),
    )))


EXERCISES = {"1": (PARALLEL, SERIAL, FOLD, COUNT, SCORE), "1b": (PREDICTED, MASKED)}
