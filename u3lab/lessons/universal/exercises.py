"""The exercises of chapter 1: both residual adapters and folding; those that count are in ``counting``.

What the library does in modules, for any convolution, stands here as a function for the plain one.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, drawn
from u3lab.lessons.universal.counting import COUNT, SCORE

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

EXERCISES = (PARALLEL, SERIAL, FOLD, COUNT, SCORE)
