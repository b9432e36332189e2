"""The exercises of chapter 6. Each reference is a function that the library itself uses."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.saliency.backprop import guided
from u3lab.saliency.exercises_masks import ENERGY, POINTING
from u3lab.saliency.questions import QUIZ
from u3lab.saliency.relevance import cam, modulate

__all__ = ["EXERCISES", "QUIZ"]


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
    yield not_contiguous(torch.randn(1, 3, 5, 4, generator=g)), Through(torch.randn(1, 3, 5, 4, generator=g))
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
        Mistake(lambda p, through: through(p).abs(), "the absolute value turns evidence against into evidence for: "
                "where p < 0 the rule passes 0, not |p|"),
        Mistake(lambda p, through: p.abs(), "that is |p|: where p < 0 the rule passes 0, and through(…) is missing"),
        Mistake(lambda p, through: through(torch.ones_like(p)), "that is [x > 0], the gate of the forward pass; the "
                "rule is on the backward signal p, which has to pass that gate"),
        Mistake(lambda p, through: through(p) > 0, "you return the mask, true or false; the signal itself has to pass: "
                "multiply it with the mask"),
        Mistake(lambda p, through: p > 0, "you return the mask [p > 0], true or false; multiply the signal with it, "
                "and send it through(…)"),
        Mistake(lambda p, through: (through(p) > 0).to(p.dtype), "you return the mask, 1 or 0; the signal itself has "
                "to pass: multiply it with the mask"),
    )))


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0]], [[0.5, -1.0]]]]), torch.tensor([[[[2.0, -3.0]], [[-1.0, 4.0]]]]))
    for shape in ((3, 4, 5, 6), (1, 5, 3, 3)):
        yield torch.randn(shape, generator=g), torch.randn(shape, generator=g)
    yield tuple(not_contiguous(torch.randn(2, 3, 4, 6, generator=g)) for _ in range(2))
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
        Mistake(lambda a, p: p.sum(1, keepdim=True), "that is the gradient alone; modulate it: multiply it with the "
                "activation before you sum"),
        Mistake(lambda a, p: a.sum(1, keepdim=True), "that is the activation alone; multiply it with the gradient "
                "before you sum"),
        Mistake(lambda a, p: a * p, "the product is right, but the channels are not summed yet: sum over axis 1"),
        Mistake(lambda a, p: (a * p).sum(1), "the numbers are right, but the axis that you summed over is gone: sum "
                "with keepdim=True"),
        Mistake(lambda a, p: (a * p).sum(1, keepdim=True).clamp(min=0), "you clipped what is negative, as Grad-CAM "
                "does; the relevance keeps its sign"),
        Mistake(lambda a, p: (a * p).clamp(min=0).sum(1, keepdim=True), "you clipped each product; the relevance keeps "
                "what speaks against the class"),
        Mistake(lambda a, p: (a * p).sum(1, keepdim=True).abs(), "you took the absolute value; the relevance keeps its "
                "sign"),
        Mistake(lambda a, p: (a * p).abs().sum(1, keepdim=True), "you summed absolute values; products of both signs "
                "may cancel"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1, keepdim=True), "you averaged the gradient over "
                "space first; these are Grad-CAM's weights. Here each place keeps its own gradient"),
        Mistake(lambda a, p: cam(a, p), "that is Grad-CAM: no average over space and no maximum with 0 here"),
        Mistake(lambda a, p: (a * p).sum(0, keepdim=True), "you summed over axis 0, the pictures of the batch; the "
                "channels are axis 1"),
        Mistake(lambda a, p: (a * p).mean(1, keepdim=True), "you took the mean over the channels; the relevance is "
                "their sum"),
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
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1, keepdim=True), "the maximum with 0 is missing: "
                "where the sum is negative the map is 0"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).clamp(min=0).sum(1, keepdim=True), "you took the "
                "maximum with 0 before the sum; channels for and against the class cancel first"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).mean(1, keepdim=True).clamp(min=0), "you took the mean "
                "over the channels; Grad-CAM sums them"),
        Mistake(lambda a, p: modulate(a, p).clamp(min=0), "your weights are not averaged over height and width: this "
                "is the modulated gradient"),
        Mistake(lambda a, p: modulate(a, p), "this is the modulated gradient: average the gradient over height and "
                "width, and take the maximum with 0"),
        Mistake(lambda a, p: (a * p.mean((2, 3), keepdim=True)).sum(1).clamp(min=0), "the numbers are right, but the "
                "channel axis is gone: sum with keepdim=True"),
        Mistake(lambda a, p: (a * p.sum((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0), "your weights are "
                "sums over height and width; they should be means"),
        Mistake(lambda a, p: (a * p.mean(1, keepdim=True)).sum(1, keepdim=True).clamp(min=0), "you averaged the "
                "gradient over the channels; average it over height and width, axes 2 and 3"),
        Mistake(lambda a, p: (p * a.mean((2, 3), keepdim=True)).sum(1, keepdim=True).clamp(min=0), "you averaged the "
                "activation; it is the gradient that is averaged over space"),
    )), helpers=(modulate,))

EXERCISES = (GUIDED, MODULATED, ENERGY, POINTING, CAM)
