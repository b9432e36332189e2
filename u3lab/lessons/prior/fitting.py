"""The exercises of chapter 4 that are a loop, and the moment to leave it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number
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


def _cases(g: torch.Generator) -> Iterator[tuple]:
    for side, rate, steps, dtype in ((4, 5.0, 1, torch.float32), (7, 3.0, 4, torch.float32),
                                     (6, 4.0, 3, torch.float64)):
        psi = Drawing(torch.rand(1, 2, side, side, generator=g, dtype=dtype))
        w = torch.randn(3, 2, 3, 3, generator=g, dtype=dtype)
        yield (psi, w, torch.rand(1, 3, side, side, generator=g, dtype=dtype),
               (torch.rand(1, 1, side, side, generator=g) > 0.4).to(dtype), rate, steps)


LOOP = Exercise(
    id="4-loop", title="The prior from end to end", minutes=20, difficulty="medium", points=3,
    goal="Write the whole method for a picture of which only a part is known. Make `steps` steps of gradient descent, "
         "w ← w − η·gradient with η = `rate`, to lower ‖m ⊙ (Ψ(w) − x₀)‖², as a mean over the visible values: all "
         "three colours of each pixel where m is 1. Return what Ψ draws after the last step.",
    signature="def my_prior(psi, w, image, visible, rate, steps):   # psi(w) (1,3,H,W), x₀, m (1,1,H,W), η, n → x",
    hints=(
        "What changes is w, and not the picture. At each step take w as a fresh leaf: `w = w.detach()"
        ".requires_grad_()`.",
        "The loss is `(visible * (psi(w) - image)).square().sum() / visible.expand_as(image).sum()`: all channels of a "
        "pixel count. Its gradient by the weights is `(gradient,) = torch.autograd.grad(loss, w)`.",
        "Then `w = w.detach() - rate * gradient`. After the loop `return psi(w)`: all of the picture is Ψ's, in the "
        "hole and outside of it."),
    reference=fitted, judge=by_cases(fitted, _cases, (
        Mistake("w.detach() - rate → w.detach() + rate", "you go up: a step is w − η·gradient"),
        Mistake("image, visible), w → image, torch.ones_like(visible)), w", "the mask is not used: the network is "
                "asked to draw what is in the hole as well"),
        Mistake("masked_error(psi(w), image, visible) → (visible * (psi(w) - image)).square().sum()", "your loss is a "
                "sum; it is a mean over the visible values"),
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


def _best(losses: list[float], sigma: float) -> int:
    return min(range(len(losses)), key=losses.__getitem__)


STOP = Exercise(
    id="4-stop", title="When to stop, without the truth", minutes=10, difficulty="easy", points=2,
    goal="The clean photo itself, compared with the noisy one, would have a loss of about σ². A smaller loss means "
         "that noise is drawn. Return the first step at which the loss is no more than σ²; if that never comes, the "
         "last step.",
    signature="def my_stop(losses, sigma):   # the losses of steps 0, 1, 2 …, and σ of the noise → a step",
    hints=(
        "What is the mean square of noise with standard deviation σ?",
        "Go through the losses from the start, `for step, loss in enumerate(losses)`, and return at the first that is "
        "small enough.",
        "The last step is `len(losses) - 1`, for there is a step 0."),
    reference=stop, judge=by_number(stop, _runs, (
        Mistake(_best, "that is the step of the smallest loss: there the noise is drawn as well as it will be"),
        Mistake(lambda losses, sigma: stop(losses, sigma**0.5), "you compare with σ; the loss is a mean *square*, so "
                "compare with σ²"),
        Mistake(lambda losses, sigma: next((k for k, loss in enumerate(losses) if loss < sigma**2), len(losses) - 1),
                "a loss of exactly σ² is small enough: ≤"),
        Mistake(lambda losses, sigma: stop(losses, sigma) - 1, "one too early; steps count from 0, and the first loss "
                "that is small enough is the one"),
        Mistake(lambda losses, sigma: max(k for k, loss in enumerate(losses) if loss > sigma**2), "you return the last "
                "loss that is too large; the first that is small enough is wanted"),
    )))
