"""The exercises of chapter 6: the formulae of saliency maps, and the smallest part of a picture that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3lab.images.variation import total_variation
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


GUIDED = Exercise(
    id="6-guided", title="Guided backpropagation", minutes=10, difficulty="easy", points=2,
    goal="Write the rule p·[x > 0]·[p > 0]: the signal passes where the unit was active on the way forward and the "
         "signal itself is positive.",
    signature="def my_guided(p, through):   # p: the signal, any shape; through(p) is p·[x > 0] → the shape of p",
    hints=(
        "If your map is the same as the gradient's, nothing acts on the sign of `p`. [x > 0] is in `through` already.",
        "Only the positive part of the signal passes. Which function of a tensor keeps what is above 0 and makes the "
        "rest 0? Do not use the one that ends in `_`: it would change `p` itself.",
        "Clip the signal with `p.clamp(min=0)`, and hand the result to `through`."),
    reference=guided, judge=by_cases(guided, _guided_cases, (
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


MODULATED = Exercise(
    id="6-modulated-gradient", title="The modulated gradient", minutes=10, difficulty="easy", points=2,
    goal="Compute the relevance Σ_k x_k·p_k of each place: the activation x times the gradient p, summed over the "
         "channels k. It has a sign.",
    signature="def my_relevance(activation, gradient):   # (B,C,h,w) and (B,C,h,w) → (B,1,h,w)",
    hints=(
        "The shape is (B,h,w) instead of (B,1,h,w): `sum` drops the axis that it sums over, unless you tell it to "
        "keep it.",
        "Multiply the two tensors element by element. Channels are axis 1. Nothing is clipped: what speaks against the "
        "class stays negative.",
        "`(activation * gradient).sum(1, keepdim=True)`"),
    reference=modulate, judge=by_cases(modulate, _pair_cases, (
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

CAM = Exercise(
    id="6-grad-cam", title="Grad-CAM in three lines", minutes=15, difficulty="medium", points=3,
    goal="Make max(0, Σ_k w_k·A_k) from the activation A of a layer and the gradient of the score: w_k is the mean of "
         "the gradient's channel k over height and width.",
    signature="def my_grad_cam(activation, gradient):   # (B,C,h,w) and (B,C,h,w) → (B,1,h,w)",
    hints=(
        "If you get \"The size of tensor a must match the size of tensor b\": the mean over (2, 3) has dropped two "
        "axes; keep them with `keepdim=True`, then the weights multiply every place.",
        "Three steps: weights (B,C,1,1); weights times activation, summed over axis 1; maximum with 0 at the very end.",
        "`weights = gradient.mean((2, 3), keepdim=True)`, and the last step is `.clamp(min=0)`."),
    reference=cam, judge=by_cases(cam, _pair_cases, (
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


KEEP = Exercise(
    id="6-keep", title="The part that is enough", minutes=20, difficulty="hard", points=4,
    goal="Section 7 looks for a small part without which the answer falls. Turn it round: where m = 1 the picture "
         "is kept, all else is blurred. Lower λ·mean(m) − Φ_c of the kept picture by plain gradient descent: m starts "
         "at ½ everywhere and stays between 0 and 1. Return m after the last step.",
    signature="def my_keep(probability, x, blurred, lam, rate, steps):   # Φ_c(picture), (1,3,H,W) twice, λ, η, n → "
              "(1,1,H,W)",
    hints=(
        "`probability(picture)` gives a scalar. For its gradient by m, m needs `requires_grad_()` before the picture "
        "is made from it, at each step anew.",
        "One step is four lines: the kept picture m·x + (1 − m)·blurred; the energy; `torch.autograd.grad(energy, m)`, "
        "which is a tuple of one; and m less η times the gradient, clamped to [0,1].",
        "Begin with `m = torch.full_like(x[:, :1], 0.5)`. In the loop, `m.requires_grad_()` comes first, and "
        "`m = (m.detach() - rate * gradient).clamp(0, 1)` last."),
    reference=keep_smallest, judge=by_cases(keep_smallest, _kept_cases, (
        Mistake("- probability → + probability", "you lower Φ_c: that is the mask of section 7; what is kept should be "
                "enough, so Φ_c is to rise: it has a minus sign in the energy"),
        Mistake("m * x + (1 - m) * blurred → (1 - m) * x + m * blurred", "x and its blurred copy have changed places: "
                "here m = 1 keeps the picture"),
        Mistake("m.mean() → m.sum()", "the price is a sum over the cells; it is their mean"),
        Mistake(").clamp(0, 1) → )", "m leaves [0,1]; clamp it after every step"),
        Mistake(("START → 1.0", "START → 0.0"), "your mask starts at 1 or at 0; it starts at ½ everywhere"),
    )))


EXERCISES = {"6": (GUIDED, MODULATED, ENERGY, POINTING, CAM, KEEP)}
