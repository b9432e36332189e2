"""The exercises of chapter 0: a template laid on a picture, a square hidden from place to place, a linear probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words


def match(x: Tensor, w: Tensor) -> Tensor:
    """The map of ⟨w, patch⟩: how well a template (C,k,l) fits each place of pictures (B,C,H,W), (B,H−k+1,W−l+1)."""
    return F.conv2d(x, w[None])[:, 0]


def _templates(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]]]), torch.tensor([[[1.0, -1.0]]])
    yield torch.rand(2, 3, 6, 6, generator=g), torch.randn(3, 2, 2, generator=g)
    yield not_contiguous(torch.rand(1, 3, 7, 5, generator=g)), torch.randn(3, 3, 2, generator=g)
    yield torch.rand(2, 2, 5, 5, generator=g, dtype=torch.float64), torch.randn(2, 3, 3, generator=g).double()
    yield torch.rand(1, 4, 3, 3, generator=g), torch.randn(4, 3, 3, generator=g)


MATCH = Exercise(**words("0-match"), reference=match, judge=by_cases(match, _templates, (
        Mistake("w[None] → w.flip(1, 2)[None]", "the template is turned by half a turn before it is laid on, as in a "
                "convolution of mathematics; the layers of networks do not turn it"),
        Mistake("return F → return F.conv2d(x * x, torch.ones_like(w)[None])[:, 0] + w.square().sum() - 2 * F",
                "that is the squared distance of template and patch, which is small where they are alike; multiply, "
                "do not subtract"),
        Mistake("[:, 0] → [:, 0] / (F.conv2d(x * x, torch.ones_like(w)[None])[:, 0].sqrt() * w.norm()).clamp(min=1e-9)",
                "each product is divided by the lengths of template and patch; the layer does not do so: a brighter "
                "patch may give more"),
        Mistake("w[None]) → w[None], stride=2)", "the template moves by two pixels, as that of conv1; here it moves by "
                "one"),
        Mistake("(x, w → (F.pad(x, (0, w.shape[2] - 1, 0, w.shape[1] - 1)), w", "the map is as large as the picture: "
                "at its border the template hangs over; keep the places where it lies fully on the picture"),
    )))


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


OCCLUSION = Exercise(**words("0-occlusion"), reference=occlusion, judge=by_cases(occlusion, _squares, (
        Mistake("whole - score(hidden)[0] → score(hidden)[0] - whole", "the sign is turned: r is positive "
                "where the score falls, so take the score of x less that of the picture with the square"),
        Mistake(("whole - score(hidden)[0] → -score(hidden)[0]", "whole - score(hidden)[0] → score(hidden)[0]"),
                "these are the scores of the pictures with a square; r is the difference to the "
                "score of x itself"),
        Mistake("    for i, top →     hidden = x.clone()\n    for i, top ;;             hidden = x.clone()\n → ",
                "the squares of earlier places stay grey; hide each in a fresh copy of x"),
        Mistake("= 0.5 → = 0.0", "the squares are black; grey is 0.5"),
        Mistake("hidden[:, :, top : top + side, left : left + side] = 0.5 → hidden = torch.full_like(x, 0.5); "
                "hidden[:, :, top : top + side, left : left + side] = x[:, :, top : top + side, left : left + side]",
                "everything but the square is grey; hide the square, and keep the rest"),
    ), rtol=1e-3, atol=1e-4))


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


PROBE = Exercise(**words("0-probe"), reference=probe, judge=by_cases(probe, _coded, (
        Mistake(("y.mT @ y + → y.mT @ y / len(y) +",
                 "y.mT @ y + → y.mT @ y / len(y) + ;; y.mT @ t → y.mT @ t / len(y)"),
                "you divided by N; the squares are added up, not averaged"),
        Mistake("y.mT @ y + lam * torch.eye(y.shape[1]).to(y) → y.mT @ y + lam", "λ is added to all numbers of yᵀ y; "
                "the gradient of λ‖W‖² is 2 λ W, so only the diagonal gets it: λ times the identity"),
        Mistake("lam * torch.eye → lam**2 * torch.eye", "that is λ²; the penalty is λ‖W‖²"),
        Mistake("lam * torch.eye → lam / 2 * torch.eye", "you lost a factor 2: both gradients have it, 2 yᵀ(y W − t) "
                "and 2 λ W"),
        Mistake(("return new @ W → return (new @ W).softmax(1)", "return new @ W → return (new @ W).argmax(1)"),
                "return the scores themselves, without softmax or argmax: the figure asks which is largest"),
    ), rtol=1e-3, atol=1e-4))

EXERCISES = {"0": (MATCH, OCCLUSION, PROBE)}
