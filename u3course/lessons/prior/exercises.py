"""The exercises of chapter 4: the prior from end to end, its loss and its judges, and the moment to stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.judging import by_number, not_contiguous
from u3course.course.words import task
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


LOOP = task("4-loop", fitted, _loop_cases)


def stop(losses: list[float], sigma: float) -> int:
    """The first step at which the loss is no more than σ², else the last one: the discrepancy principle (Morozov)."""
    return next((step for step, loss in enumerate(losses) if loss <= sigma**2), len(losses) - 1)


def _runs(g: torch.Generator) -> Iterator[tuple]:
    yield [0.3, 0.05, 0.0144, 0.02, 0.01, 0.001], 0.12
    for sigma, count in ((0.1, 9), (0.3, 12)):
        noise = 0.3 * torch.rand(count, generator=g)
        yield [float((sigma**2) * (8 * 0.5**k + 0.45 + noise[k])) for k in range(count)], sigma
    yield [0.3, 0.2, 0.1], 0.1


STOP = task("4-stop", stop, _runs, judge=by_number)


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 1.0]]]]), torch.tensor([[[[0.0, 0.2]]]]), torch.tensor([[[[1.0, 0.0]]]])
    for batch, channels, height, width, dtype in ((1, 3, 6, 7, torch.float32), (2, 3, 5, 4, torch.float32),
                                                  (1, 1, 4, 4, torch.float64)):
        x, target = (torch.rand(batch, channels, height, width, generator=g, dtype=dtype) for _ in range(2))
        yield not_contiguous(x), target, (torch.rand(1, 1, height, width, generator=g) > 0.4).to(dtype)


MASKED = task("4-masked", masked_error, _masked_cases)


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.5, 0.5]]]]), torch.tensor([[[[0.4, 0.6]]]])
    for shape, dtype in (((1, 3, 6, 7), torch.float32), ((1, 1, 5, 4), torch.float32), ((1, 3, 4, 4), torch.float64)):
        target = torch.rand(shape, generator=g, dtype=dtype)
        yield not_contiguous((target + 0.2 * torch.randn(target.shape, generator=g, dtype=dtype)).clamp(0, 1)), target


PSNR = task("4-psnr", psnr, _pair_cases)
MISSING = task("4-missing", unexplained_variance, _pair_cases)


def _mean_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 0.5]]]]), 0.9
    for shape, dtype, alpha in (((1, 3, 5, 6), torch.float32, 0.7), ((1, 1, 4, 4), torch.float64, 0.99)):
        yield (*(not_contiguous(torch.rand(shape, generator=g, dtype=dtype)) for _ in range(2)), alpha)


MEAN = task("4-mean", running_mean, _mean_cases)

EXERCISES = {"4": (LOOP, MASKED, PSNR, MISSING, MEAN, STOP)}
