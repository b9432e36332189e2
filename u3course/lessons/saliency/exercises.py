"""The exercises of chapter 6: the formulae of saliency maps, and the smallest part of a picture that is enough."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task
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


GUIDED = task("6-guided", guided, _guided_cases)


def _pair_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0]], [[0.5, -1.0]]]]), torch.tensor([[[[2.0, -3.0]], [[-1.0, 4.0]]]]))
    for shape in ((3, 4, 5, 6), (1, 5, 3, 3)):
        yield torch.randn(shape, generator=g), torch.randn(shape, generator=g)
    yield tuple(drawn(g, 2, 3, 4, 6) for _ in range(2))
    yield tuple(torch.randn(2, 3, 4, 4, generator=g, dtype=torch.float64) for _ in range(2))


MODULATED = task("6-modulated-gradient", modulate, _pair_cases)

CAM = task("6-grad-cam", cam, _pair_cases, helpers=(modulate,))


def _heat_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[3.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0]]]]),)
    heat = torch.rand(3, 1, 6, 4, generator=g)
    heat[1] = 0  # a map without any heat
    yield (heat,)
    yield (not_contiguous(torch.rand(1, 1, 4, 8, generator=g)),)
    yield (torch.rand(2, 1, 2, 2, generator=g, dtype=torch.float64),)


def _quarters(heat: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(heat, 2).flatten(1) * (heat[0, 0].numel() / 4)


POINTING = task("6-pointing", tile_shares, _heat_cases)


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]]]]), 0.5, 10.0, 3.0
    yield torch.rand(1, 1, 6, 8, generator=g), 0.7, 5.0, 2.0
    yield not_contiguous(torch.rand(1, 1, 5, 4, generator=g)), 2.0, 3.0, 1.0
    yield torch.rand(1, 1, 4, 7, generator=g, dtype=torch.float64), 1.5, 8.0, 3.0


# An answer without the small constant in the root is right as well.
ENERGY = task("6-mask-energy", price, _mask_cases, helpers=(total_variation,), atol=5e-3)


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


KEEP = task("6-keep", keep_smallest, _kept_cases)


EXERCISES = {"6": (GUIDED, MODULATED, ENERGY, POINTING, CAM, KEEP)}
