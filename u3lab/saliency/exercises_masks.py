"""The exercises of chapter 6 that are about what a mask costs and where a map lies."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.saliency.elision import price
from u3lab.saliency.pointing import tile_shares
from u3lab.variation import variation


def _heat_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[3.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]]),)
    heat = torch.rand(3, 1, 6, 4, generator=g)
    heat[1] = 0  # a map without any heat
    yield (heat,)
    yield (not_contiguous(torch.rand(1, 1, 4, 8, generator=g)),)
    yield (torch.rand(2, 1, 2, 2, generator=g, dtype=torch.float64),)


def _quarters(heat: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(heat, 2).flatten(1) * (heat[0, 0].numel() / 4)


def _shared(parts: Tensor) -> Tensor:
    """Each row over its sum; a row of zeros gives 1/4 each."""
    return torch.where(parts.sum(1, keepdim=True) > 0, parts / parts.sum(1, keepdim=True), torch.full_like(parts, 0.25))


POINTING = Exercise(
    id="6-pointing", title="The score of the pointing game", minutes=15, difficulty="medium", points=3,
    goal="Which share of a heat map lies on each of the four tiles, row by row (top left, top right, bottom left, "
         "bottom right)? The shares of a map sum to 1; a map of zeros gives 1/4 each.",
    signature="def my_tile_shares(heat):   # (B,1,h,w) ≥ 0 with even h and w → (B,4)",
    hints=(
        "If you get nan: a map of zeros has no heat to share, and 0/0 is nan. `torch.where(total > 0, …, …)` chooses "
        "between two results.",
        "The tiles are heat[..., : h // 2, : w // 2] and so on. Sum each over its height and width, stack the four "
        "sums along axis 1, and divide by their total.",
        "The total belongs to one map: `sums.sum(1, keepdim=True)` has the shape (B,1), one total for each map of the "
        "batch."),
    reference=tile_shares, judge=by_cases(tile_shares, _heat_cases, (
        Mistake(_quarters, "these are sums; divide them by the sum of the whole map, so that the four shares sum to 1"),
        Mistake(lambda heat: F.adaptive_avg_pool2d(heat, 2).flatten(1), "these are means of the tiles; the shares of a "
                "map sum to 1: divide by the sum of the four"),
        Mistake(lambda heat: tile_shares(heat)[:, [0, 2, 1, 3]], "the tiles are numbered by columns; go row by row: "
                "top left, top right, bottom left, bottom right"),
        Mistake(lambda heat: _quarters(heat) / _quarters(heat).sum(1, keepdim=True), "a map of zeros gives nan; say "
                "what its shares are: 1/4 each, as by chance"),
        Mistake(lambda heat: _quarters(heat) / _quarters(heat).sum(1, keepdim=True).clamp(min=1e-12), "a map of zeros "
                "gives 0 on each tile; it should give 1/4 each, so that the shares sum to 1"),
        Mistake(lambda heat: _shared(F.adaptive_max_pool2d(heat, 2).flatten(1)), "you took the maximum of each tile; "
                "the share is of the sum"),
        Mistake(lambda heat: _quarters(heat) / heat.sum(), "you divided by the sum over the whole batch; each map has "
                "a total of its own"),
        Mistake(lambda heat: _quarters(heat) / _quarters(heat).sum(0, keepdim=True), "you normalised over the batch, "
                "axis 0; the four tiles are axis 1"),
        Mistake(lambda heat: tile_shares(heat).unflatten(1, (2, 2)), "the shares are right, but in a square (B,2,2); "
                "flatten them to (B,4)"),
    )))


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]]]]), 0.5, 10.0, 3.0
    yield torch.rand(1, 1, 6, 8, generator=g), 0.7, 5.0, 2.0
    yield not_contiguous(torch.rand(1, 1, 5, 4, generator=g)), 2.0, 3.0, 1.0
    yield torch.rand(1, 1, 4, 7, generator=g, dtype=torch.float64), 1.5, 8.0, 3.0


def _steps(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Squared forward differences (dy², dx²), 0 at the far border."""
    return F.pad(mask.diff(dim=-2), (0, 0, 0, 1)) ** 2, F.pad(mask.diff(dim=-1), (0, 1, 0, 0)) ** 2


def _wrapped(m: Tensor, lam: float, tv: float, beta: float) -> tuple[Tensor, Tensor]:
    dy, dx = m.roll(-1, -2) - m, m.roll(-1, -1) - m
    return lam * m.mean(), tv * (dy**2 + dx**2).pow(beta / 2).mean()


def _cropped(m: Tensor, lam: float, tv: float, beta: float) -> tuple[Tensor, Tensor]:
    dy, dx = m.diff(dim=-2)[..., :-1], m.diff(dim=-1)[..., :-1, :]
    return lam * m.mean(), tv * (dy**2 + dx**2).pow(beta / 2).mean()


def _rough(tv: float, of: Tensor) -> Tensor:
    return tv * of.mean()


_SUMS = "means over the mask are wanted: a sum over 28 × 28 cells is 784 times larger, and λ and γ lose their meaning"
_ROOT = "dy and dx belong under one root: ‖∇m‖ = √(dy² + dx²), then the power β"
ENERGY = Exercise(
    id="6-mask-energy", title="The price of a mask", minutes=15, difficulty="medium", points=3,
    goal="Return the pair (λ‖m‖₁, γ‖∇m‖^β) for a mask m ≥ 0, both as means over its cells. ∇m holds the differences to "
         "the cell below and to the cell on the right; in the last row or column the missing one is 0.",
    signature="def my_price(mask, lam, tv, beta):   # (1,1,h,w), three numbers (tv is γ) → size, variation: scalars",
    hints=(
        "If you get \"The size of tensor a must match the size of tensor b\": `mask.diff(dim=-1)` is one column short, "
        "`mask.diff(dim=-2)` one row. `torch.nn.functional.pad` puts zeros there.",
        "`pad(d, (left, right, top, bottom))` adds cells on the four sides. The norm of the gradient is "
        "√(dy² + dx²); take its power β at each cell, and the mean at the end.",
        "`(dx**2 + dy**2).pow(beta / 2).mean()` is the mean of ‖∇m‖^β. For β < 2 add 1e-8 before the power: it keeps "
        "the gradient finite where the mask is flat."),
    reference=price, judge=by_cases(price, _mask_cases, (
        Mistake(lambda m, lam, tv, beta: (lam * m.sum(), tv * sum(_steps(m)).pow(beta / 2).sum()), "both parts are "
                "sums; " + _SUMS),
        Mistake(lambda m, lam, tv, beta: (lam * m.sum(), price(m, lam, tv, beta)[1]), "the size is a sum; " + _SUMS),
        Mistake(lambda m, lam, tv, beta: (lam * m.mean(), tv * sum(_steps(m)).pow(beta / 2).sum()), "the variation is "
                "a sum; " + _SUMS),
        Mistake(lambda m, lam, tv, beta: (lam * m.mean(), _rough(tv, sum(d.sqrt() for d in _steps(m)).pow(beta))),
                "you added |dy| and |dx|; " + _ROOT),
        Mistake(lambda m, lam, tv, beta: (lam * m.mean(), _rough(tv, sum(d.pow(beta / 2) for d in _steps(m)))),
                "you added |dy|^β and |dx|^β; " + _ROOT),
        Mistake(lambda m, lam, tv, beta: (lam * m.mean(), _rough(tv, sum(_steps(m)).pow(beta))), "the power β stands "
                "on the squared norm; dy² + dx² is ‖∇m‖², so its power is β/2"),
        Mistake(_wrapped, "your differences wrap around: the last column is compared with the first (roll does that); "
                "there the difference is 0"),
        Mistake(_cropped, "your mean is over fewer cells than the mask has: a difference is one row or column short; "
                "pad it with zeros at the far border"),
        Mistake(lambda m, lam, tv, beta: price(m, tv, lam, beta), "λ and γ are swapped: lam is the price of the size, "
                "tv that of the variation"),
        Mistake(lambda m, lam, tv, beta: price(m, lam, tv, beta)[::-1], "the pair is in the other order: first the "
                "size, then the variation"),
        Mistake(lambda m, lam, tv, beta: price(m, 1.0, 1.0, beta), "the prices are missing: multiply by lam and tv"),
        Mistake(lambda m, lam, tv, beta: (lam * (m**2).mean(), price(m, lam, tv, beta)[1]), "the size has m² where |m| "
                "is wanted"),
    ), atol=5e-3), helpers=(variation,))  # an answer without the small constant in the root is right as well
