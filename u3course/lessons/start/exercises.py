"""The exercises of chapter 0: a template laid on a picture, a square hidden from place to place, a linear probe."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task


def match(x: Tensor, w: Tensor) -> Tensor:
    """The map of ⟨w, patch⟩: how well a template (C,k,l) fits each place of pictures (B,C,H,W), (B,H−k+1,W−l+1)."""
    return F.conv2d(x, w[None])[:, 0]


def _templates(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]]]), torch.tensor([[[1.0, -1.0]]])
    yield torch.rand(2, 3, 6, 6, generator=g), torch.randn(3, 2, 2, generator=g)
    yield not_contiguous(torch.rand(1, 3, 7, 5, generator=g)), torch.randn(3, 3, 2, generator=g)
    yield torch.rand(2, 2, 5, 5, generator=g, dtype=torch.float64), torch.randn(2, 3, 3, generator=g).double()
    yield torch.rand(1, 4, 3, 3, generator=g), torch.randn(4, 3, 3, generator=g)


MATCH = task("0-match", match, _templates)


def occlusion(score: Callable[[Tensor], Tensor], x: Tensor, side: int, step: int) -> Tensor:
    """r(u) = s(x) − s(x with the square at u grey), squares of side×side at every ``step`` pixels of x (1,3,H,W)."""
    rows, columns = (range(0, size - side + 1, step) for size in x.shape[2:])
    r, whole = x.new_zeros(len(rows), len(columns)), score(x)[0]
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            hidden = x.clone()
            hidden[:, :, top : top + side, left : left + side] = 0.5
            r[i, j] = whole - score(hidden)[0]
    return r


class Score:
    """A score that is no sum over pixels, so that what is hidden together counts together: (B,3,H,W) → (B)."""

    def __init__(self, w: Tensor, v: Tensor) -> None:
        self.w, self.v = w, v

    def __call__(self, pictures: Tensor) -> Tensor:
        return (pictures * self.w).sum((1, 2, 3)) + (pictures * self.v).sum((1, 2, 3)).square()

    def __repr__(self) -> str:
        return "a score made up for this check"


def _squares(g: torch.Generator) -> Iterator[tuple]:
    for shape, side, step, dtype in (((3, 4, 4), 2, 2, torch.float32), ((3, 7, 7), 3, 2, torch.float32),
                                     ((3, 6, 9), 2, 3, torch.float64), ((3, 5, 5), 5, 1, torch.float32)):
        score = Score(drawn(g, *shape, dtype=dtype), drawn(g, *shape, dtype=dtype))
        yield score, torch.rand(1, *shape, generator=g, dtype=dtype), side, step


OCCLUSION = task("0-occlusion", occlusion, _squares, rtol=1e-3, atol=1e-4)


def probe(y: Tensor, labels: Tensor, new: Tensor, lam: float) -> Tensor:
    """Scores (M,K) of new codes (M,U) by the W (U,K) that makes ‖y W − t‖² + λ‖W‖² least; t is 1 at the label."""
    t = F.one_hot(labels).to(y)
    W = torch.linalg.solve(y.mT @ y + lam * torch.eye(y.shape[1]).to(y), y.mT @ t)
    return new @ W


def _coded(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), torch.tensor([0, 1, 1]), torch.tensor([[1.0, 3.0]]), 1.0
    for count, numbers, classes, new, lam, dtype in (
            (12, 5, 3, 4, 0.5, torch.float64), (9, 6, 3, 2, 3.0, torch.float64), (8, 4, 4, 1, 10.0, torch.float32)):
        yield (drawn(g, count, numbers, dtype=dtype), torch.arange(count) % classes,
               drawn(g, new, numbers, dtype=dtype), lam)


PROBE = task("0-probe", probe, _coded, rtol=1e-3, atol=1e-4)

EXERCISES = {"0": (MATCH, OCCLUSION, PROBE)}
