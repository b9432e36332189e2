"""The exercises of chapter 4: the prior from end to end, its loss and its judges, and the moment to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, by_number, not_contiguous
from u3course.course.words import words
from u3lab.prior.fitting import running_mean
from u3lab.prior.quality import psnr, unexplained_variance
from u3lab.prior.tasks import masked_error


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """A small Ψ as a function of its weights: w (3,C,3,3) → a picture (1,3,H,W)."""

    code: Tensor

    def __call__(self, w: Tensor) -> Tensor:
        return F.conv2d(self.code, w, padding=1).sigmoid()

    def __repr__(self) -> str:
        return "a generator"


def fitted(psi: Callable[[Tensor], Tensor], w: Tensor, image: Tensor, visible: Tensor, rate: float,
           steps: int) -> Tensor:
    """Ψ(w; z₀) after so many steps of plain gradient descent on ‖m ⊙ (Ψ(w; z₀) − x₀)‖², as a mean."""
    for _ in range(steps):
        w = w.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(masked_error(psi(w), image, visible), w)
        w = w.detach() - rate * gradient
    return psi(w).detach()


def _loop_cases(g: torch.Generator) -> Iterator[tuple]:
    for side, rate, steps, dtype in ((4, 5.0, 1, torch.float32), (7, 3.0, 4, torch.float32),
                                     (6, 4.0, 3, torch.float64)):
        psi = Drawing(torch.rand(1, 2, side, side, generator=g, dtype=dtype))
        w = torch.randn(3, 2, 3, 3, generator=g, dtype=dtype)
        yield (psi, w, torch.rand(1, 3, side, side, generator=g, dtype=dtype),
               (torch.rand(1, 1, side, side, generator=g) > 0.4).to(dtype), rate, steps)


LOOP = Exercise(**words("4-loop"), reference=fitted, judge=by_cases(fitted, _loop_cases, (
        Mistake("w.detach() - rate → w.detach() + rate", "you go up: a step is w − η·gradient"),
        Mistake(("image, visible), w → image, torch.ones_like(visible)), w", "masked_error(psi(w), image, visible) → "
                "(psi(w) - image).square().sum() / visible.expand_as(image).sum()"), "the mask is not used: the "
                "network is asked to draw what is in the hole as well"),
        Mistake(("masked_error(psi(w), image, visible) → (visible * (psi(w) - image)).square().sum()",
                 "masked_error(psi(w), image, visible) → (visible * (psi(w) - image)).square().mean()",
                 "masked_error(psi(w), image, visible) → (visible * (psi(w) - image)).square().sum() / visible.sum()"),
                "your loss is a sum, or a mean over other values: it is the mean over the visible ones, all three "
                "colours of each pixel where m is 1"),
        Mistake("return psi(w).detach() → return torch.where(visible.bool(), image, psi(w).detach())", "you put the "
                "visible pixels back; return what Ψ draws, everywhere"),
        Mistake("range(steps) → range(steps - 1)", "one step is missing: draw once more after the last step"),
    )))


def stop(losses: list[float], sigma: float) -> int:
    """The first step at which the loss is no more than σ², else the last one: the discrepancy principle (Morozov)."""
    return next((step for step, loss in enumerate(losses) if loss <= sigma**2), len(losses) - 1)


def _runs(g: torch.Generator) -> Iterator[tuple]:
    yield [0.3, 0.05, 0.0144, 0.02, 0.01, 0.001], 0.12
    for sigma, count in ((0.1, 9), (0.3, 12)):
        noise = 0.3 * torch.rand(count, generator=g)
        yield [float((sigma**2) * (8 * 0.5**k + 0.45 + noise[k])) for k in range(count)], sigma
    yield [0.3, 0.2, 0.1], 0.1


STOP = Exercise(**words("4-stop"), reference=stop, judge=by_number(stop, _runs, (
        Mistake(lambda losses, sigma: min(range(len(losses)), key=losses.__getitem__), "that is the step of the "
                "smallest loss: there the noise is drawn as well as it will be"),
        Mistake(lambda losses, sigma: stop(losses, sigma**0.5), "you compare with σ; the loss is a mean *square*, so "
                "compare with σ²"),
        Mistake(lambda losses, sigma: next((k for k, loss in enumerate(losses) if loss < sigma**2), len(losses) - 1),
                "a loss of exactly σ² is small enough: ≤"),
        Mistake((lambda losses, sigma: stop(losses, sigma) - 1, "len(losses) - 1 → len(losses)",
                "(step for → (step + 1 for", "(step for → (step + 1 for ;; len(losses) - 1 → len(losses)"),
                "your steps are off by one: they count from 0, so that the last one is len(losses) − 1"),
        Mistake((lambda losses, sigma: max(k for k, loss in enumerate(losses) if loss > sigma**2), lambda losses, sigma:
                max((k for k, loss in enumerate(losses) if loss <= sigma**2), default=len(losses) - 1)),
                "return the first step whose loss is small enough, neither the last such one nor the one before"),
    )))


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[0.0, 0.2]]]]), torch.tensor([[[[1.0, 0.0]]]])
    for batch, channels, height, width, dtype in ((1, 3, 6, 7, torch.float32), (2, 3, 5, 4, torch.float32),
                                                  (1, 1, 4, 4, torch.float64)):
        x, target = (torch.rand(batch, channels, height, width, generator=g, dtype=dtype) for _ in range(2))
        visible = (torch.rand(1, 1, height, width, generator=g) > 0.4).to(dtype)
        yield not_contiguous(x), target, visible


MASKED = Exercise(**words("4-masked"), reference=masked_error, judge=by_cases(masked_error, _masked_cases, (
        Mistake("visible.expand_as(x).sum() → x.numel()", "you divided by the number of all values; a large hole would "
                "make the same error look smaller: divide by the number of visible ones"),
        Mistake(("visible.expand_as(x).sum() → visible.sum()", "visible.expand_as(x).sum() → (3 * visible.sum())"),
                "the mask has one channel and the pictures have several: you divided by the number of visible pixels, "
                "not of visible values in all channels and pictures"),
        Mistake(" / visible.expand_as(x).sum() → ", "that is the sum; divide by the number of visible values"),
        Mistake(("visible * (x - target) → visible * x - target", "visible * (x - target) → x - target"), "the hole "
                "counts as well: hide the difference of the two, `visible * (x - target)`"),
        Mistake("square() → abs()", "these are absolute values; take squares"),
    )))


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 0.5]]]]), torch.tensor([[[[0.4, 0.6]]]])
    for shape, dtype in (((1, 3, 6, 7), torch.float32), ((1, 1, 5, 4), torch.float32), ((1, 3, 4, 4), torch.float64)):
        target = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous((target + 0.2 * torch.randn(target.shape, generator=g, dtype=dtype)).clamp(0, 1)), target


PSNR = Exercise(**words("4-psnr"), reference=psnr, judge=by_cases(psnr, _pair_cases, (
        Mistake(lambda x, y: 2 * psnr(x, y), "20 log₁₀ belongs to amplitudes; the mean square is a power: 10"),
        Mistake(lambda x, y: psnr(x, y) + 20 * math.log10(255), "the peak is 1 here, for pictures in [0,1]; 255 "
                "belongs to pictures of bytes"),
        Mistake(lambda x, y: -10 * (x - y).abs().mean().log10(), "that is the mean absolute difference; square it "
                                                                 "first"),
        Mistake((lambda x, y: -10 * (x - y).square().mean((2, 3)).log10().mean(),
                lambda x, y: -10 * (x - y).square().log10().mean()), "you took the logarithm of each value or channel, "
                "and then the mean; first the mean over all values"),
        Mistake(lambda x, y: -10 * (x - y).square().sum().log10(), "that is the sum of squares; take their mean"),
    )))

MISSING = Exercise(
    **words("4-missing"), reference=unexplained_variance, judge=by_cases(unexplained_variance, _pair_cases, (
        Mistake(lambda x, y: (x - y).square().mean(), "that is the loss itself; divide by the variance of the target"),
        Mistake((lambda x, y: (x - y).square().mean() / y.var(correction=0),
                lambda x, y: (x - y).square().mean() / y.var(), lambda x, y: (x - y).square().sum() / y.var(),
                "target.mean((2, 3), keepdim=True) → target.mean()"), "that is the variance about one mean for all "
                "channels; a picture of one strong colour would look easier than it is: take the mean of each channel, "
                "and n, where `var` takes n − 1"),
        Mistake(lambda x, y: (x - y).square().mean() / y.var((2, 3)).mean(), "nearly: `var` divides by n − 1 unless "
                "it is told correction=0, so the mean colour would not get exactly 1"),
        Mistake(lambda x, y: (x - y).square().sum() / y.square().sum(), "you compare with the energy of x₀; about its "
                "mean colour there is less of it"),
        Mistake(("/ variance → / (x - x.mean((2, 3), keepdim=True)).square().sum()", "target.mean( → x.mean("),
                "you took the mean or the variance of x; what is to be drawn is the target, so both are those of x₀"),
    )))


def _mean_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 0.5]]]]), 0.9
    for shape, dtype, alpha in (((1, 3, 5, 6), torch.float32, 0.7), ((1, 1, 4, 4), torch.float64, 0.99)):
        yield (*(not_contiguous(torch.rand(shape, generator=g, dtype=dtype)) for _ in range(2)), alpha)


MEAN = Exercise(**words("4-mean"), reference=running_mean, judge=by_cases(running_mean, _mean_cases, (
        Mistake(lambda m, x, a: running_mean(x, m, a), "α and 1 − α have changed places: with α = 0.99 hardly anything "
                "would be remembered"),
        Mistake(lambda m, x, a: (m + x) / 2, "α is not used: both have the weight one half"),
        Mistake(lambda m, x, a: a * m + x, "the weights are α and 1, together more than 1: the picture would grow "
                "brighter at every step"),
        Mistake(lambda m, x, a: a * m, "the present picture is missing"),
        Mistake("(1 - average) * now → 1 - average * now", "the brackets of (1 − α) are missing: `*` comes before `-`"),
    )))


EXERCISES = {"4": (LOOP, MASKED, PSNR, MISSING, MEAN, STOP)}
