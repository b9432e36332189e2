"""The exercises of chapter 4."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous
from u3lab.prior.fitting import running_mean
from u3lab.prior.impedance import missing
from u3lab.prior.quality import psnr
from u3lab.prior.tasks import masked_error


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[0.0, 0.2]]]]), torch.tensor([[[[1.0, 0.0]]]])
    for batch, channels, height, width, dtype in ((1, 3, 6, 7, torch.float32), (2, 3, 5, 4, torch.float32),
                                                  (1, 1, 4, 4, torch.float64)):
        x, target = (torch.rand(batch, channels, height, width, generator=g, dtype=dtype) for _ in range(2))
        visible = (torch.rand(1, 1, height, width, generator=g) > 0.4).to(dtype)
        yield not_contiguous(x), target, visible


MASKED = Exercise(
    id="4-masked", title="The data term of inpainting", minutes=10, difficulty="easy", points=2,
    goal="Return ‖m ⊙ (x − x₀)‖² divided by the number of visible values. The mask m is 1 where the picture is known; "
         "it has one channel, the pictures have several.",
    signature="def my_error(x, target, visible):   # (B,C,H,W), (B,C,H,W), (1,1,H,W) of 0 and 1 → a scalar",
    hints=(
        "If the check says that the hole counts: what is x − x₀ times a mask that is 0 there?",
        "One mask value hides all channels of its pixel, in every picture of the batch. So there are more visible "
        "values than ones in the mask. `visible.expand_as(x)` is the mask for every value.",
        "`(visible * (x - target)).square().sum()` is the numerator; the denominator is `visible.expand_as(x).sum()`."),
    reference=masked_error, judge=by_cases(masked_error, _masked_cases, (
        Mistake("visible.expand_as(x).sum() → x.numel()", "you divided by the number of all values; a large hole would "
                "make the same error look smaller: divide by the number of visible ones"),
        Mistake("visible.expand_as(x).sum() → visible.sum()", "the mask has one channel and the pictures have several: "
                "you divided by the number of visible pixels, not of visible values"),
        Mistake(" / visible.expand_as(x).sum() → ", "that is the sum; divide by the number of visible values"),
        Mistake("visible * (x - target) → visible * x - target", "the mask hides x alone, and x₀ is compared with 0 in "
                "the hole; hide the difference"),
        Mistake("square() → abs()", "these are absolute values; take squares"),
    )))


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 0.5]]]]), torch.tensor([[[[0.4, 0.6]]]])
    for shape, dtype in (((1, 3, 6, 7), torch.float32), ((1, 1, 5, 4), torch.float32), ((1, 3, 4, 4), torch.float64)):
        target = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous((target + 0.2 * torch.randn(target.shape, generator=g, dtype=dtype)).clamp(0, 1)), target


PSNR = Exercise(
    id="4-psnr", title="Decibel", minutes=5, difficulty="easy", points=1,
    goal="Return the peak signal-to-noise ratio of two pictures in [0,1], in decibels: −10 log₁₀ of the mean squared "
         "difference.",
    signature="def my_psnr(x, truth):   # (1,C,H,W) both → a scalar, larger for better pictures",
    hints=(
        "If the check speaks of the logarithm: torch has `log`, `log2` and `log10`.",
        "The mean runs over all values at once, colours too. First the mean, then the logarithm."),
    reference=psnr, judge=by_cases(psnr, _pair_cases, (
        Mistake(lambda x, y: 2 * psnr(x, y), "20 log₁₀ belongs to amplitudes; the mean square is a power: 10"),
        Mistake(lambda x, y: psnr(x, y) + 20 * math.log10(255), "the peak is 1 here, for pictures in [0,1]; 255 "
                "belongs to pictures of bytes"),
        Mistake(lambda x, y: -10 * (x - y).abs().mean().log10(), "that is the mean absolute difference; square it "
                                                                 "first"),
        Mistake(lambda x, y: -10 * (x - y).square().mean((2, 3)).log10().mean(), "you took the logarithm for each "
                "channel, and then the mean; first the mean over all values"),
        Mistake(lambda x, y: -10 * (x - y).square().sum().log10(), "that is the sum of squares; take their mean"),
    )))

MISSING = Exercise(
    id="4-missing", title="How much is missing?", minutes=15, difficulty="medium", points=3,
    goal="Targets differ in contrast, so their losses cannot be compared. Return ‖x − x₀‖² as a share "
         "of the variance of x₀ about the mean of each of its channels: 1 for a picture that is nothing but the right "
         "mean colour.",
    signature="def my_missing(x, target):   # (1,C,H,W) both → a scalar, 0 if they are equal",
    hints=(
        "Test it by hand: make x the mean colour of x₀ everywhere. The answer has to be exactly 1.",
        "The mean of each channel is `target.mean((2, 3), keepdim=True)`. How far is x₀ from it, in squares?",
        "The share of two sums over the same values is the share of their means: "
        "`(x - target).square().sum() / (target - mean).square().sum()`."),
    reference=missing, judge=by_cases(missing, _pair_cases, (
        Mistake(lambda x, y: (x - y).square().mean(), "that is the loss itself; divide by the variance of the target"),
        Mistake((lambda x, y: (x - y).square().mean() / y.var(correction=0),
                 lambda x, y: (x - y).square().mean() / y.var()), "that is the variance about one mean for all "
                "channels; a picture of one strong colour would look easier than it is: take the mean of each channel, "
                "and n, where `var` takes n − 1"),
        Mistake(lambda x, y: (x - y).square().mean() / y.var((2, 3)).mean(), "nearly: `var` divides by n − 1 unless "
                "it is told correction=0, so the mean colour would not get exactly 1"),
        Mistake(lambda x, y: (x - y).square().sum() / y.square().sum(), "you compare with the energy of x₀; about its "
                "mean colour there is less of it"),
        Mistake("/ variance → / (x - x.mean((2, 3), keepdim=True)).square().sum()", "you divided by the variance of x; "
                "what is to be drawn is the target"),
    )))


def _mean_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 0.5]]]]), 0.9
    for shape, dtype, alpha in (((1, 3, 5, 6), torch.float32, 0.7), ((1, 1, 4, 4), torch.float64, 0.99)):
        yield (*(not_contiguous(torch.rand(shape, generator=g, dtype=dtype)) for _ in range(2)), alpha)


MEAN = Exercise(
    id="4-mean", title="A running mean", minutes=5, difficulty="easy", points=1,
    goal="While the network draws, each picture flickers a little, since noise is added to z₀. Return the new running "
         "mean: α times the old one plus (1 − α) times the present picture.",
    signature="def my_mean(mean, now, average):   # (1,C,H,W) both, α in [0,1) → (1,C,H,W)",
    hints=("If the check says that nothing is remembered: α is close to 1, and it belongs to the old mean.",
           "Both weights together are 1. Make a new tensor: the old mean is still needed elsewhere."),
    reference=running_mean, judge=by_cases(running_mean, _mean_cases, (
        Mistake(lambda m, x, a: running_mean(x, m, a), "α and 1 − α have changed places: with α = 0.99 hardly anything "
                "would be remembered"),
        Mistake(lambda m, x, a: (m + x) / 2, "α is not used: both have the weight one half"),
        Mistake(lambda m, x, a: a * m + x, "the weights are α and 1, together more than 1: the picture would grow "
                "brighter at every step"),
        Mistake(lambda m, x, a: a * m, "the present picture is missing"),
    )))

EXERCISES = (MASKED, PSNR, MISSING, MEAN)
