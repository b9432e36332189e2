"""The exercises of chapter 1: both residual adapters and folding; those that count are in ``counting``.

What the library does in modules, for any convolution, stands here as a function for the plain one.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
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
        yield (*_drawn(g, batch, inputs, outputs, k, size, dtype),
               not_contiguous(torch.randn(outputs, inputs, generator=g, dtype=dtype)), stride)


def _serial_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]]), torch.tensor([[[[1.0]], [[0.0]]], [[[1.0]], [[-1.0]]]]),
           torch.tensor([[0.0, 2.0], [3.0, 0.0]]))
    for batch, inputs, outputs, k, dtype in ((2, 4, 4, 3, torch.float32), (1, 3, 3, 5, torch.float64),
                                             (1, 3, 5, 3, torch.float32)):
        yield (*_drawn(g, batch, inputs, outputs, k, (6, 7), dtype),
               not_contiguous(torch.randn(outputs, outputs, generator=g, dtype=dtype)))


def _drawn(g: torch.Generator, batch: int, inputs: int, outputs: int, k: int, size: tuple[int, int],
           dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """An input and filters, neither contiguous."""
    return (not_contiguous(torch.randn(batch, inputs, *size, generator=g, dtype=dtype)),
            not_contiguous(torch.randn(outputs, inputs, k, k, generator=g, dtype=dtype)))


def _f(x: Tensor, f: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, f, stride=stride, padding=f.shape[-1] // 2)


def _alpha(x: Tensor, alpha: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(x, alpha[:, :, None, None], stride=stride)


_TURNED = ("you turned the filters upside down and left to right, as the convolution of mathematics does; the ∗ of "
           "networks, `conv2d`, takes them as they are")
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
        Mistake(lambda x, f, a, s: _f(x, f, s) + _alpha(_f(x, f, s), a), "your α looks at f ∗ x, which the filters "
                "have made: that is the serial adapter. The parallel one looks at x itself"),
        Mistake(lambda x, f, a, s: _f(x, f, s) + _alpha(x, a.T, s), "α is transposed: as in f, the first axis counts "
                "outputs and the second inputs, (D,C)"),
        Mistake(lambda x, f, a, s: _f(x, f, s) + _alpha(x, a), "with stride 1 it is right, but with a larger one f ∗ x "
                "and α ∗ x have different sizes and cannot be added: give the stride to both convolutions"),
        Mistake(lambda x, f, a, s: _f(x, f) + _alpha(x, a), "with stride 1 it is right, but the stride is not used: "
                "give it to both convolutions"),
        Mistake(lambda x, f, a, s: F.conv2d(x, f, stride=s) + _alpha(x, a, s), "f has no padding, so f ∗ x is smaller "
                "than α ∗ x; pad by (k − 1)/2, which is `f.shape[-1] // 2`"),
        Mistake(lambda x, f, a, s: F.conv2d(x, f, stride=s, padding=1) + _alpha(x, a, s), "the padding is always 1, "
                "and that is right only for 3×3 filters; it is (k − 1)/2, `f.shape[-1] // 2`"),
        Mistake(lambda x, f, a, s: _f(x, f, s) + F.conv2d(x, a[:, :, None, None], stride=s, padding=f.shape[-1] // 2),
                "f ∗ x and α ∗ x have different sizes and cannot be added: f is padded by (k − 1)/2 on each side, and "
                "the 1×1 filters α not at all"),
        Mistake(lambda x, f, a, s: _f(x, f, s) + _alpha(F.avg_pool2d(x, s), a), "you averaged x before α, to bring it "
                "to the size of f ∗ x; α takes single places of x, as a convolution with the same stride does"),
        Mistake(lambda x, f, a, s: _alpha(x, a, s), "that is α ∗ x, the adapter alone; f ∗ x is missing"),
        Mistake(lambda x, f, a, s: _f(x, f, s), "that is f ∗ x, the shared filters alone; α ∗ x is missing"),
        Mistake(lambda x, f, a, s: _f(x, f, s) * _alpha(x, a, s), "you multiplied f ∗ x with α ∗ x. With α = 0 nothing "
                "would be left of the shared network; add them"),
        Mistake(lambda x, f, a, s: parallel(x, f, a, s) / 2, "that is the mean of both. With α = 0 the shared filters "
                "would count half; take the sum"),
        Mistake(lambda x, f, a, s: _f(x, f, s) - _alpha(x, a, s), "you subtracted α ∗ x; add it"),
        Mistake(lambda x, f, a, s: x + parallel(x, f, a, s), "you added x as well. The residual is α ∗ x, which is "
                "added to f ∗ x"),
        Mistake(lambda x, f, a, s: parallel(x, f.flip(2, 3), a, s), _TURNED),
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
        Mistake(lambda x, f, a: _alpha(_f(x, f), a), "that is α ∗ v alone. With α = 0 nothing would be left of the "
                "shared network: add v"),
        Mistake(lambda x, f, a: _f(x, f), "that is v, the shared filters alone; α ∗ v is missing"),
        Mistake(lambda x, f, a: _f(x, f) + _alpha(x, a), "your α looks at x: that is the parallel adapter. The serial "
                "one looks at v, which the filters have made"),
        Mistake(lambda x, f, a: x + _alpha(_f(x, f), a), "you added x to α ∗ v; what is adapted is v = f ∗ x: add v"),
        Mistake(lambda x, f, a: serial(x, f, a.T), "α is transposed: its first axis counts outputs, its second inputs"),
        Mistake(lambda x, f, a: _f(x, f) + _alpha(serial(x, f, a), a), "α is applied twice: it looks at v, not at what "
                "it has adapted already"),
        Mistake(lambda x, f, a: serial(x, f, a) + _alpha(serial(x, f, a), a), "the whole adapter is applied twice; "
                "y = v + α ∗ v, once"),
        Mistake(lambda x, f, a: _f(x + _alpha(x, a), f), "your adapter stands before the filters, f ∗ (x + α ∗ x); the "
                "serial one comes behind them"),
        Mistake(lambda x, f, a: _f(x, f) - _alpha(_f(x, f), a), "you took α ∗ v off; add it"),
        Mistake(lambda x, f, a: serial(x, f, a) / 2, "that is the mean of v and α ∗ v; take the sum"),
        Mistake(lambda x, f, a: F.conv2d(x, f) + _alpha(F.conv2d(x, f), a), "f has no padding, so y is smaller than x; "
                "pad by (k − 1)/2, which is `f.shape[-1] // 2`"),
        Mistake(lambda x, f, a: serial(x, f.flip(2, 3), a), _TURNED),
    ), **NEAR))


def _fold_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]), torch.tensor([[0.5]])
    for inputs, outputs, k, dtype in ((4, 4, 3, torch.float32), (3, 3, 5, torch.float64), (2, 2, 1, torch.float32),
                                      (3, 5, 3, torch.float64)):
        yield (not_contiguous(torch.randn(outputs, inputs, k, k, generator=g, dtype=dtype)),
               not_contiguous(torch.randn(outputs, inputs, generator=g, dtype=dtype)))


def _tap(f: Tensor, change: Tensor, rows: slice | int, columns: slice | int) -> Tensor:
    """f with something added at some of its taps."""
    changed = f.clone()
    changed[:, :, rows, columns] += change
    return changed


def _centre(f: Tensor) -> Tensor:
    return f[:, :, f.shape[-1] // 2, f.shape[-1] // 2]


_CORNER = ("you added α at a corner. The 1×1 filters look at the middle of what f looks at, so α belongs to the centre "
           "tap")
_ROW = "α is added along a whole row or column; it belongs to one tap of each filter, the centre"
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
        Mistake(lambda f, a: _tap(f, a, 0, 0), _CORNER),
        Mistake(lambda f, a: _tap(f, a, -1, -1), _CORNER),
        Mistake(lambda f, a: f + a[:, :, None, None], "α is added to all taps, as if it looked at k × k places; it "
                "looks at one, the centre"),
        Mistake(lambda f, a: f + a[:, :, None, None] / f[0, 0].numel(), "α is spread over all taps: that would average "
                "x over the window. α looks at one place, the centre"),
        Mistake(lambda f, a: _tap(f, a[..., None], f.shape[-1] // 2, slice(None)), _ROW),
        Mistake(lambda f, a: _tap(f, a[..., None], slice(None), f.shape[-1] // 2), _ROW),
        Mistake(lambda f, a: _tap(f, a, 1, 1), "the tap [1, 1] is the centre of 3×3 filters only; in general it is "
                "[k // 2, k // 2]"),
        Mistake(lambda f, a: f + torch.einsum("oc,cikl->oikl", a, f), "that is (I + α) f, the folding of the serial "
                "adapter: it mixes the filters. The parallel one adds α at the centre tap"),
        Mistake(lambda f, a: fold(f, a.T), "α is transposed: as in f, the first axis counts outputs and the second "
                "inputs, (D,C)"),
        Mistake(lambda f, a: fold(f, a - _centre(f)), "you put α in the place of the centre tap; add it to what f has "
                "there"),
        Mistake(lambda f, a: fold(f, a * _centre(f) - _centre(f)), "you multiplied the centre tap with α; add it"),
        Mistake(lambda f, a: fold(f, a * _centre(f)), "you added α times the centre tap; add α itself"),
        Mistake(lambda f, a: fold(torch.zeros_like(f), a), "that is α alone, as k×k filters; add them to f"),
        Mistake(lambda f, a: fold(f, -a), "you took α off; add it"),
    )))

EXERCISES = (PARALLEL, SERIAL, FOLD, COUNT, SCORE)
