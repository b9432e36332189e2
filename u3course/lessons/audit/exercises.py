"""The exercises of chapter 8: fill in a finding from its rim, carry a cell between patients, count flips."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.judging import not_contiguous
from u3course.course.words import task

Cell = tuple[slice, slice]


def filled(x: Tensor, where: Tensor, steps: int) -> Tensor:
    """Pictures (B,1,H,W) after so many steps, in each of which pixels in ``where`` become their four neighbours' mean.

    After many it is :func:`u3lab.audit.lesion.fill`, which solves for the end at once. Beyond the border a pixel's own
    value counts as its neighbour.
    """
    for _ in range(steps):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        around = (p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:]) / 4
        x = torch.where(where, around, x)
    return x


def _holes(g: torch.Generator) -> Iterator[tuple]:
    small = torch.zeros(1, 1, 3, 3)
    small[..., 1, 1] = 1.0
    small[..., 0, 1] = 0.4
    yield small, small == 1, 1
    for B, H, W, steps, dtype in ((2, 6, 5, 3, torch.float64), (1, 8, 8, 40, torch.float32),
                                  (3, 5, 9, 2, torch.float64)):
        x, where = torch.rand(B, 1, H, W, generator=g, dtype=dtype), torch.rand(B, 1, H, W, generator=g) < 0.4
        yield not_contiguous(x), where, steps


FILL = task("8-fill", filled, _holes)


def _blurred(x: Tensor, where: Tensor, steps: int) -> Tensor:
    for _ in range(steps):
        x = torch.where(where, F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1), x)
    return x


def carried(score: Callable[[Tensor], Tensor], healthy: Tensor, ill: Tensor, cell: Cell) -> tuple[Tensor, Tensor]:
    """How far the log-odds (N) rise in ``healthy`` (N,1,H,W) with the cell of ``ill``, and fall in ``ill`` with theirs.

    ``cell`` holds the slices of its rows and of its columns; picture n is paired with picture n.
    """
    rows, columns = cell
    given, taken = healthy.clone(), ill.clone()
    given[..., rows, columns] = ill[..., rows, columns]
    taken[..., rows, columns] = healthy[..., rows, columns]
    return score(given) - score(healthy), score(ill) - score(taken)


class _Score:
    """A network's place is taken by a sum with weights, which differ from pixel to pixel."""

    def __init__(self, g: torch.Generator, side: int, dtype: torch.dtype) -> None:
        self.weights = torch.randn(1, side, side, generator=g, dtype=dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return (x * self.weights).flatten(1).sum(1).tanh()


def _cells(g: torch.Generator) -> Iterator[tuple]:
    for count, side, rows, columns, dtype in (
            (1, 2, slice(0, 1), slice(1, 2), torch.float64), (4, 6, slice(2, 4), slice(3, 6), torch.float32),
            (3, 5, slice(0, 5), slice(1, 2), torch.float64)):
        healthy, ill = (torch.rand(count, 1, side, side, generator=g, dtype=dtype) for _ in range(2))
        yield _Score(g, side, dtype), not_contiguous(healthy), ill, (rows, columns)


TRANSPLANT = task("8-transplant", carried, _cells)


def _given_back(score: Callable[[Tensor], Tensor], healthy: Tensor, ill: Tensor, cell: Cell) -> tuple[Tensor, Tensor]:
    """With the ill slice's own cell carried back into it."""
    up, _ = carried(score, healthy, ill, cell)
    return up, torch.zeros_like(up)


def turned(before: Tensor, after: Tensor, ill: Tensor) -> Tensor:
    """Of log-odds (N) before and after a change: the share of right answers that flip, of ill and of healthy, (2)."""
    right = (before > 0) == ill
    flip = (before > 0) != (after > 0)
    return torch.stack([flip[right & (ill == kind)].float().mean() for kind in (True, False)])


def _answers(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([2.0, -1.0, 1.0, -3.0, -2.0]), torch.tensor([-1.0, 2.0, 1.0, 1.0, -1.0]),
           torch.tensor([True, True, True, False, False]))
    for count in (12, 40, 25):  # float32 alone: `.float().mean()` is what a share of bools is made by
        ill = torch.arange(count) % 3 == 0
        before = torch.randn(count, generator=g) + 2 * ill - 1
        yield before, before + torch.randn(count, generator=g) + 0.5, ill


TURNED = task("8-flips", turned, _answers)


def _right(odds: Tensor, ill: Tensor) -> Tensor:
    """The share of right answers, of the ill and of the healthy."""
    return torch.stack([((odds > 0) == ill)[ill == kind].float().mean() for kind in (True, False)])


def _wrong(odds: Tensor, ill: Tensor) -> Tensor:
    return 1 - _right(odds, ill)


EXERCISES = {"8": (FILL, TRANSPLANT, TURNED)}
