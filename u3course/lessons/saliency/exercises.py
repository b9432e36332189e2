"""The exercises of chapter 6: one rule for a ReLU, how alike two maps are, and how much of a map lies on the thing."""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.judging import drawn
from u3course.course.words import task
from u3course.lessons.saliency.hitting import agreement, hits
from u3lab.saliency.backprop import guided


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
    yield tuple(torch.randn(2, 1, 4, 5, generator=g, dtype=torch.float64) for _ in range(2))


AGREEMENT = task("6-agreement", agreement, _pair_cases)


def _thing_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[3.0, 0.5, 2.0], [0.1, 1.0, 0.2]]]]), torch.tensor([[[[1, 1, 0], [0, 1, 0]]]]).bool()
    for shape in ((3, 1, 6, 5), (1, 1, 4, 8)):
        yield torch.rand(shape, generator=g), torch.rand(shape, generator=g) > 0.6
    yield drawn(g, 2, 1, 4, 6), torch.rand(2, 1, 4, 6, generator=g) > 0.5
    yield torch.rand(2, 1, 5, 4, generator=g, dtype=torch.float64), torch.rand(2, 1, 5, 4, generator=g) > 0.7


HITS = task("6-hits", hits, _thing_cases)


EXERCISES = {"6": (GUIDED, AGREEMENT, HITS)}
