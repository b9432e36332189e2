"""The exercises of chapter 6: the formulae of saliency maps, and the smallest part of a picture that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import words
from u3lab.images.blurring import total_variation
from u3lab.saliency.backprop import guided
from u3lab.saliency.perturbation import price
from u3lab.saliency.pointing import tile_shares
from u3lab.saliency.relevance import cam, modulate


class Through:
    """p → p·[x > 0] for a given x, as the library hands it to a rule."""

    def __init__(self, x: Tensor) -> None:
        self.gate = x > 0

    def __call__(self, p: Tensor) -> Tensor:
        return p * self.gate

    def __repr__(self) -> str:
        small = self.gate.numel() <= 12
        return "multiplies by " + (str(self.gate.int().tolist()) if small else "[x > 0]")


def _guided_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([1.5, -0.5, 2.5, -1.0, 1.0, -2.0]), Through(torch.tensor([2.0, 2.0, -1.0, -1.0, 0.0, 0.0]))
    for shape in ((2, 3, 4, 5), (1, 2, 6, 3)):
        x = torch.randn(shape, generator=g)
        yield torch.randn(shape, generator=g), Through(x * (x.abs() > 0.2))  # with zeros, where the gate is shut
    yield drawn(g, 1, 3, 5, 4), Through(torch.randn(1, 3, 5, 4, generator=g))
    double = torch.randn(2, 7, generator=g, dtype=torch.float64)
    yield double, Through(double.flip(1))


GUIDED = Exercise(**words("6-guided"), reference=guided, judge=by_cases(guided, _guided_cases, (
        Mistake(lambda p, through: p.clamp(min=0), "that is the deconvnet: it never asks whether the unit was active; "
                "send the signal through(…) as well"),
        Mistake(lambda p, through: through(p), "that is the plain gradient p·[x > 0], the negative signal still "
                "passes; if you clipped the forward activation: the rule is on the backward signal p"),
        Mistake(lambda p, through: through(p).clamp(max=0), "you kept the negative part of the signal; keep p > 0"),
        Mistake(lambda p, through: p.clamp(max=0), "you kept the negative part of the signal, and forgot through(…)"),
        Mistake(lambda p, through: through(p) > 0, "you return the mask, true or false; the signal itself has to pass: "
                "multiply it with the mask"),
    )))


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0]], [[0.5, -1.0]]]]), torch.tensor([[[[2.0, -3.0]], [[-1.0, 4.0]]]]))
    for shape in ((3, 4, 5, 6), (1, 5, 3, 3)):
        yield torch.randn(shape, generator=g), torch.randn(shape, generator=g)
    yield tuple(drawn(g, 2, 3, 4, 6) for _ in range(2))
    yield tuple(torch.randn(2, 3, 4, 4, generator=g, dtype=torch.float64) for _ in range(2))


MODULATED = Exercise(**words("6-modulated-gradient"), reference=modulate, judge=by_cases(modulate, _pair_cases, (
        Mistake(lambda a, p: (a * p).clamp(min=0).sum(1, keepdim=True), "you clipped each product; the relevance keeps "
                "what speaks against the class"),
        Mistake(lambda a, p: (a * p).abs().sum(1, keepdim=True), "you summed absolute values; products of both signs "
                "may cancel"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1, keepdim=True), "you averaged the gradient over "
                "space first; these are Grad-CAM's weights; here each place keeps its own gradient"),
        Mistake(lambda a, p: cam(a, p), "that is Grad-CAM: no average over space and no maximum with 0 here"),
        Mistake(lambda a, p: (a * p).sum(0, keepdim=True), "you summed over axis 0, the pictures of the batch; the "
                "channels are axis 1"),
    )))

CAM = Exercise(**words("6-grad-cam"), reference=cam, judge=by_cases(cam, _pair_cases, (
        Mistake((lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1, keepdim=True),
                lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1, keepdim=True).abs()), "the maximum with 0 is "
                "missing: where the sum is negative the map is 0"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).clamp(min=0).sum(1, keepdim=True), "you took the "
                "maximum with 0 before the sum; channels for and against the class cancel first"),
        Mistake(lambda a, p: modulate(a, p).clamp(min=0), "your weights are not averaged over height and width: this "
                "is the modulated gradient"),
        Mistake(lambda a, p: modulate(a, p), "this is the modulated gradient: average the gradient over height and "
                "width, and take the maximum with 0"),
        Mistake(lambda a, p: (a * p.mean(1, keepdim=True)).sum(1, keepdim=True).clamp(min=0), "you averaged the "
                "gradient over the channels; average it over height and width, axes 2 and 3"),
    )), helpers=(modulate,))


def _heat_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[3.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]]),)
    heat = torch.rand(3, 1, 6, 4, generator=g)
    heat[1] = 0  # a map without any heat
    yield (heat,)
    yield (not_contiguous(torch.rand(1, 1, 4, 8, generator=g)),)
    yield (torch.rand(2, 1, 2, 2, generator=g, dtype=torch.float64),)


def _quarters(heat: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(heat, 2).flatten(1) * (heat[0, 0].numel() / 4)


POINTING = Exercise(**words("6-pointing"), reference=tile_shares, judge=by_cases(tile_shares, _heat_cases, (
        Mistake((_quarters, lambda heat: F.adaptive_avg_pool2d(heat, 2).flatten(1),
                lambda heat: _quarters(heat).softmax(1),
                lambda heat: _quarters(heat).where(heat.sum((2, 3)) > 0, 0.25)), "the sums of the tiles, or their "
                "means, are still to be divided by the sum of the four, without softmax, so that the shares sum to 1"),
        Mistake("torch.where(total > 0, sums / total, torch.full_like(sums, 0.25)) → sums / total", "a map of zeros "
                "gives nan; say what its shares are: 1/4 each, as by chance"),
        Mistake("torch.full_like(sums, 0.25) → torch.zeros_like(sums)", "a map of zeros gives 0 on each tile; it "
                "should give 1/4 each, so that the shares sum to 1"),
        Mistake("avg_pool → max_pool", "you took the maximum of each tile; the share is of the sum"),
        Mistake((lambda heat: _quarters(heat) / heat.sum(), lambda heat: _quarters(heat) / _quarters(heat).sum(0)),
                "you divided by the sum over the whole batch, or over axis 0; each map has a total of its own, and "
                "the four tiles are axis 1"),
    )))


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]]]]), 0.5, 10.0, 3.0
    yield torch.rand(1, 1, 6, 8, generator=g), 0.7, 5.0, 2.0
    yield not_contiguous(torch.rand(1, 1, 5, 4, generator=g)), 2.0, 3.0, 1.0
    yield torch.rand(1, 1, 4, 7, generator=g, dtype=torch.float64), 1.5, 8.0, 3.0


_DY = "torch.nn.functional.pad(mask.diff(dim=-2), (0, 0, 0, 1))"
_DX = "torch.nn.functional.pad(mask.diff(dim=-1), (0, 1, 0, 0))"
_ABOVE, _LEFT = _DY.replace("0, 0, 0, 1", "0, 0, 1, 0"), _DX.replace("0, 1, 0, 0", "1, 0, 0, 0")
ENERGY = Exercise(**words("6-mask-energy"), reference=price, judge=by_cases(price, _mask_cases, (
        Mistake(tuple(f"total_variation(mask, beta) → {rough}" for rough in (
                    f"({_DY}.abs() + {_DX}.abs()).pow(beta).mean()",
                    f"({_DY}.abs().pow(beta) + {_DX}.abs().pow(beta)).mean()")), "you added |dy| and |dx|, or their "
                "powers; dy and dx belong under one root: ‖∇m‖ = √(dy² + dx²), then the power β"),
        Mistake(tuple(f"total_variation(mask, beta) → ({dy} ** 2 + {dx} ** 2).pow(beta / 2).mean()" for dy, dx in (
                    ("(mask.roll(-1, -2) - mask)", "(mask.roll(-1, -1) - mask)"), (_ABOVE, _DX), (_DY, _LEFT),
                    (_ABOVE, _LEFT))), "beyond the last row and column the difference is 0: the mask is no ring, as of "
                "`roll`, and the zeros stand below and on the right, `(0, 0, 0, 1)` and `(0, 1, 0, 0)`"),
        Mistake(tuple(f"total_variation(mask, beta) → ({dx} ** 2 + {dy} ** 2).pow(beta / 2).mean()" for dy, dx in
                (("mask.diff(dim=-2)[..., :-1]", "mask.diff(dim=-1)[..., :-1, :]"), ("mask.diff(dim=-2)", _DX), (_DX,
                "mask.diff(dim=-2)"))), "your mean is over fewer cells than the mask has: a difference is one row or "
                "column short; pad it with zeros at the far border"),
        Mistake("lam * mask.mean(), tv * total → mask.mean(), total", "the prices are missing: multiply by lam and tv"),
        Mistake("lam * mask.mean() → lam * (mask**2).mean()", "the size has m² where |m| is wanted"),
    ), atol=5e-3), helpers=(total_variation,))  # an answer without the small constant in the root is right as well


START = 0.5


class Probability:
    """Φ_c of a small made network, as a function of a picture (1,3,H,W): a scalar with a gradient."""

    def __init__(self, height: int, width: int, g: torch.Generator, dtype: torch.dtype = torch.float32) -> None:
        self.first = torch.randn(4, 3, 3, 3, generator=g, dtype=dtype)
        self.second = torch.randn(4, height, width, generator=g, dtype=dtype) / 4

    def __call__(self, picture: Tensor) -> Tensor:
        seen = torch.nn.functional.conv2d(picture, self.first, padding=1).tanh()
        return (seen * self.second).sum().sigmoid()

    def __repr__(self) -> str:
        return "a function of a picture"


def keep_smallest(probability: Callable[[Tensor], Tensor], x: Tensor, blurred: Tensor, lam: float, rate: float,
                  steps: int) -> Tensor:
    """m that lowers λ·mean(m) − Φ_c(m ⊙ x + (1 − m) ⊙ blurred) by gradient descent from ½, within [0,1]."""
    m = torch.full_like(x[:, :1], START)
    for _ in range(steps):
        m.requires_grad_()
        energy = lam * m.mean() - probability(m * x + (1 - m) * blurred)
        (gradient,) = torch.autograd.grad(energy, m)
        m = (m.detach() - rate * gradient).clamp(0, 1)
    return m


def _kept_cases(g: torch.Generator) -> Iterator[tuple]:
    for height, width, lam, rate, steps, dtype in (
            (2, 3, 0.5, 2.0, 1, torch.float32), (4, 5, 0.8, 1.5, 6, torch.float32), (5, 4, 0.2, 3.0, 4, torch.float64)):
        x, blurred = (torch.rand(1, 3, height, width, generator=g, dtype=dtype) for _ in range(2))
        yield Probability(height, width, g, dtype), x, blurred, lam, rate, steps


KEEP = Exercise(**words("6-keep"), reference=keep_smallest, judge=by_cases(keep_smallest, _kept_cases, (
        Mistake("- probability → + probability", "you lower Φ_c: that is the mask of section 7; what is kept should be "
                "enough, so Φ_c is to rise: it has a minus sign in the energy"),
        Mistake("m * x + (1 - m) * blurred → (1 - m) * x + m * blurred", "x and its blurred copy have changed places: "
                "here m = 1 keeps the picture"),
        Mistake("m.mean() → m.sum()", "the price is a sum over the cells; it is their mean"),
        Mistake(").clamp(0, 1) → )", "m leaves [0,1]; clamp it after every step"),
        Mistake(("START → 1.0", "START → 0.0"), "your mask starts at 1 or at 0; it starts at ½ everywhere"),
    )))


EXERCISES = {"6": (GUIDED, MODULATED, ENERGY, POINTING, CAM, KEEP)}
