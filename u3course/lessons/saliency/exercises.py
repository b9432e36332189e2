"""The exercises of chapters 6 and 6a: three pieces of a test of saliency maps, and three of a mask's descent."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from u3course.course.definitions import Judge
from u3course.course.judging import by_cases, drawn, not_contiguous
from u3course.course.words import task
from u3course.lessons.saliency.hitting import agreement, hits, ranks
from u3lab.errors import U3Error
from u3lab.images.blurring import total_variation
from u3lab.saliency.backprop import guided
from u3lab.saliency.perturbation import blend, enlarge, price


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
    yield torch.tensor([[[[0.1, 0.2, 0.3, 9.0]]]]), torch.tensor([[[[5.0, 1.0, 7.0, 6.0]]]])
    for shape in ((3, 1, 5, 6), (1, 1, 4, 3)):
        yield torch.rand(shape, generator=g), torch.rand(shape, generator=g)
    yield tuple(drawn(g, 2, 1, 4, 6) for _ in range(2))
    yield tuple(torch.randn(2, 1, 4, 5, generator=g, dtype=torch.float64).relu() for _ in range(2))  # with equal ones


AGREEMENT = task("6-agreement", agreement, _pair_cases, helpers=(ranks,))


def _thing_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[3.0, 0.5, 2.0], [0.1, 1.0, 0.2]]]]), torch.tensor([[[[1, 1, 0], [0, 1, 0]]]]).bool()
    for shape in ((3, 1, 6, 5), (1, 1, 4, 8)):
        yield torch.rand(shape, generator=g), torch.rand(shape, generator=g) > 0.6
    yield drawn(g, 2, 1, 4, 6), torch.rand(2, 1, 4, 6, generator=g) > 0.5
    yield torch.rand(2, 1, 5, 4, generator=g, dtype=torch.float64), torch.rand(2, 1, 5, 4, generator=g) > 0.7


HITS = task("6-hits", hits, _thing_cases)


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[0.0, 1.0, 0.5], [0.25, 0.0, 1.0]]]]), 0.5, 10.0, 3.0
    yield torch.rand(1, 1, 6, 8, generator=g), 0.7, 5.0, 2.0
    yield not_contiguous(torch.rand(1, 1, 5, 4, generator=g)), 2.0, 3.0, 1.0
    yield torch.rand(1, 1, 4, 7, generator=g, dtype=torch.float64), 1.5, 8.0, 3.0


def _hide_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.ones(1, 3, 4, 4), torch.tensor([[[[0.0, 1.0], [0.5, 0.0]]]]), torch.zeros(1, 3, 4, 4)
    for shape, cells, dtype in (((2, 3, 6, 9), (2, 1, 2, 3), torch.float32),
                                ((1, 3, 8, 8), (1, 1, 4, 4), torch.float64)):
        x, hidden = (torch.randn(shape, generator=g, dtype=dtype) for _ in range(2))
        yield not_contiguous(x), torch.rand(cells, generator=g, dtype=dtype), hidden


HIDE = task("6a-hide", blend, _hide_cases, helpers=(enlarge,))


def mask_energy(p: Tensor, mask: Tensor, lam: float, tv: float) -> Tensor:
    """p + λ·mean(m) + γ·mean ‖∇m‖³."""
    size, rough = price(mask, lam, tv, 3.0)
    return p + size + rough


def _energy_cases(g: torch.Generator) -> Iterator[tuple]:
    for mask, lam, tv, *_ in _mask_cases(g):
        yield torch.rand((), generator=g, dtype=mask.dtype), mask, lam, tv


def _sloped(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, refused where its gradient is not finite in a flat mask."""
    @functools.wraps(function)
    def run(p: Tensor, m: Tensor, lam: float, gamma: float) -> Any:
        energy = function(p, flat := torch.full_like(m, 0.75).requires_grad_(), lam, gamma)
        if isinstance(energy, Tensor) and energy.numel() == 1 and energy.requires_grad and not (
                torch.autograd.grad(energy, flat)[0].isfinite().all()):
            raise U3Error("its gradient is NaN in a flat mask: a root has no slope at 0, so add 1e-12 under it")
        return function(p, m, lam, gamma)
    return run


def _by(finish: Callable[..., Any]) -> Callable[..., Judge]:
    """A maker of judges that see an answer as it is finished."""
    def judging(*asked: Any, **near: Any) -> Judge:
        judge = by_cases(*asked, finish=finish, **near)
        return lambda answer: judge(finish(answer) if callable(answer) else answer)
    return judging


PRICED = task("6a-energy", mask_energy, _energy_cases, judge=_by(_sloped), helpers=(price, total_variation), rtol=1e-3)


def mask_descent(energy: Callable[[Tensor], Tensor], m: Tensor, rate: float, steps: int) -> Iterator[Tensor]:
    """Lower the energy of a mask by Adam from m on, within [0,1], and yield the mask after each step."""
    m = m.clone().requires_grad_()
    adam = torch.optim.Adam([m], lr=rate)
    for _ in range(steps):
        adam.zero_grad()
        energy(m).backward()
        adam.step()
        m.data.clamp_(0, 1)
        yield m.detach().clone()


class Valley(NamedTuple):
    """An energy of a mask, Σ a (m − b)²; its lowest point lies partly outside of [0,1]."""

    a: Tensor
    b: Tensor

    def __call__(self, m: Tensor) -> Tensor:
        return (self.a * (m - self.b).square()).sum()

    def __repr__(self) -> str:
        return "a function of a mask"


def _descent_cases(g: torch.Generator) -> Iterator[tuple]:
    for side, rate, steps in ((2, 0.3, 2), (4, 0.1, 7)):
        a, b, m = (torch.rand(1, 1, side, side + 1, generator=g, dtype=torch.float64) for _ in range(3))
        yield Valley(3 * a + 0.2, 3 * b - 1), m, rate, steps


def _stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The masks that it yields, each as it was when it came, as one tensor."""
    @functools.wraps(function)
    def run(energy: Callable[[Tensor], Tensor], m: Tensor, rate: float, steps: int) -> Any:
        masks = function(energy, m, rate, steps)
        if isinstance(masks, Tensor):
            raise U3Error("it does not yield: write `yield` with the mask at the end of the loop, not `return`")
        if not isinstance(masks, Iterator):
            return masks
        found = [one if one is ... else one.detach().clone() for one in masks]
        return ... if any(one is ... for one in found) else torch.stack(found)
    return run


DESCENT = task("6a-descent", mask_descent, _descent_cases, judge=_by(_stacked))


EXERCISES = {"6": (GUIDED, AGREEMENT, HITS), "6a": (HIDE, PRICED, DESCENT)}
