"""The exercises of chapters 1 and 1b: an adapter, its training, its folding; a prior, guessed adapters, masked losses.

What the library does in modules, for any convolution, stands here as a function for the plain one.
"""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.course.definitions import Judge
from u3course.course.judging import by_cases, drawn
from u3course.course.words import task

NEAR = {"rtol": 1e-3, "atol": 1e-4}  # a convolution may add in any order


def parallel(x: Tensor, f: Tensor, alpha: Tensor, stride: int) -> Tensor:
    """y = f ∗ x + α ∗ x: x is (B,C,H,W), f (D,C,k,k) with k odd, α (D,C)."""
    v = F.conv2d(x, f, stride=stride, padding=f.shape[-1] // 2)
    return v + F.conv2d(x, alpha[:, :, None, None], stride=stride)


def training(net: Callable[[Tensor], Tensor], own: list[Tensor], shared: list[Tensor],
             batches: Iterable[tuple[Tensor, Tensor]], lr: float) -> Iterator[float]:
    """Train what a domain owns; what it shares stays as it is. Yields the loss of each batch (x, y)."""
    for weight in shared:
        weight.requires_grad_(False)
    optimiser = torch.optim.Adam(own, lr)
    for x, y in batches:
        loss = F.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield loss.item()


def fold(f: Tensor, alpha: Tensor) -> Tensor:
    """One bank of filters for f ∗ x + α ∗ x: α (D,C) is added to the centre tap of f (D,C,k,k)."""
    folded, centre = f.clone(), f.shape[-1] // 2
    folded[:, :, centre, centre] += alpha
    return folded


def _parallel_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first with as many outputs as inputs: a slip then shows in values, before it is a clash of shapes."""
    yield (torch.arange(1.0, 10).view(1, 1, 3, 3),
           torch.tensor([[[[0.0, 1.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, -1.0]]]]), torch.tensor([[2.0]]), 1)
    for batch, inputs, outputs, k, stride, size, dtype in (
            (2, 4, 4, 3, 1, (6, 7), torch.float32), (1, 3, 3, 5, 1, (5, 6), torch.float64),
            (1, 4, 4, 3, 2, (6, 8), torch.float32), (2, 3, 5, 3, 3, (5, 7), torch.float64)):
        shapes = (batch, inputs, *size), (outputs, inputs, k, k), (outputs, inputs)
        yield (*(drawn(g, *shape, dtype=dtype) for shape in shapes), stride)


PARALLEL = task("1-parallel", parallel, _parallel_cases, **NEAR)

class Small(nn.Module):
    """A network as in the notebook, but tiny: shared filters f, an adapter α beside them, a head on the means."""

    def __init__(self, g: torch.Generator, inputs: int, channels: int, classes: int) -> None:
        super().__init__()
        self.f, self.alpha, self.head, self.bias = (nn.Parameter(torch.randn(shape, generator=g, dtype=torch.float64))
            for shape in ((channels, inputs, 3, 3), (channels, inputs, 1, 1), (classes, channels), (classes,)))

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.f, padding=1) + F.conv2d(x, self.alpha)
        return F.linear(y.relu().mean((2, 3)), self.head, self.bias)


def _training_cases(g: torch.Generator) -> Iterator[tuple]:
    for inputs, channels, classes, sizes, lr in ((1, 2, 2, (2, 2, 2), 0.1), (3, 4, 3, (4, 4, 1, 4), 0.01)):
        net = Small(g, inputs, channels, classes)
        batches = [(torch.randn(size, inputs, 5, 5, generator=g, dtype=torch.float64),
                    torch.arange(size) % classes) for size in sizes]
        yield net, [net.alpha, net.head, net.bias], [net.f], batches, lr


def _trained(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a training leaves behind, on copies: the losses, the domain's own weights and the shared ones, each flat."""
    @functools.wraps(function)
    def run(net: nn.Module, own: list, shared: list, batches: list, lr: float) -> Any:
        net, own, shared = copy.deepcopy((net, own, shared))
        losses = function(net, own, shared, iter(batches), lr)
        losses = losses if losses is ... else list(losses)
        if losses is ... or ... in losses:
            return ...
        told = torch.tensor([float(loss) for loss in losses], dtype=torch.float64)
        return told, *(torch.cat([weight.detach().flatten() for weight in part]) for part in (own, shared))
    return run


def _of_steps(*asked: Any, **near: Any) -> Judge:
    """A judge of what a training leaves behind, and of what is no generator of numbers."""
    judge = by_cases(*asked, **near)

    def judged(answer: Any) -> str:
        if not callable(answer):
            return judge(answer)
        with suppress(Exception):  # what it raises is told by the other judge
            net, own, shared, batches, lr = next(_training_cases(torch.Generator().manual_seed(0)))
            made = answer(net, own, shared, iter(batches), lr)
            if made is not ... and not isinstance(made, Iterator):
                return ("your function does not yield: write `yield loss.item()` at the end of the loop, so that a "
                        "figure can draw between the steps")
            loss = next(made) if isinstance(made, Iterator) else ...
            if loss is not ... and not isinstance(loss, float):
                return f"you yield a {type(loss).__name__}; yield the loss as a number: `yield loss.item()`"
        return judge(_trained(answer))
    return judged


TRAIN = task("1-train", training, _training_cases, judge=_of_steps, finish=_trained)


def _fold_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]), torch.tensor([[0.5]])
    for inputs, outputs, k, dtype in ((4, 4, 3, torch.float32), (3, 3, 5, torch.float64), (2, 2, 1, torch.float32),
                                      (3, 5, 3, torch.float64)):
        yield drawn(g, outputs, inputs, k, k, dtype=dtype), drawn(g, outputs, inputs, dtype=dtype)


FOLD = task("1-fold", fold, _fold_cases)


def energy(cross_entropy: Tensor, weights: list[Tensor], centres: list[Tensor], sigma: float, labels: int) -> Tensor:
    """−1/N log p(w | data) up to a constant: the mean cross-entropy of N labels, and ‖w − w₀‖² / (2σ²N)."""
    distance = sum((w - w0).square().sum() for w, w0 in zip(weights, centres, strict=True))
    return cross_entropy + distance / (2 * sigma**2 * labels)


def _energy_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first one list of two weights; sigma is a number, and may be infinite."""
    yield torch.tensor(0.5), [torch.tensor([3.0, -1.0])], [torch.tensor([1.0, 1.0])], 0.5, 4
    for shapes, sigma, labels, dtype in ((((3,), (2, 4, 3, 3)), 0.2, 50, torch.float64), (((5, 2), (1,)), 2.0, 1,
                                         torch.float32), (((3, 2),), float("inf"), 50, torch.float64)):
        weights, centres = ([torch.randn(shape, generator=g, dtype=dtype) for shape in shapes] for _ in range(2))
        yield torch.rand((), generator=g, dtype=dtype), weights, centres, sigma, labels


PRIOR = task("1b-prior", energy, _energy_cases)


def predicted(z: Tensor, P: Tensor, M: Tensor, M_out: Tensor) -> Tensor:
    """α_d = M′ diag(P z_d) M for several domains: z (D,U), P (R,U), M (R,C_in), M′ (C_out,R) → (D,C_out,C_in)."""
    w = z @ P.T
    return (M_out * w[:, None, :]) @ M


def masked(losses: Tensor, m: Tensor, price: float) -> Tensor:
    """λ_t / N_t Σ_i m_i ℓ_i with N_t = Σ_i m_i, and 0 if N_t is 0: losses (B), m (B) of True and False → a scalar."""
    return price * losses.where(m, torch.zeros_like(losses)).sum() / m.sum().clamp(min=1)


def _predicted_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first with as many inputs as outputs and as R: a slip then shows in values, before it is a clash of shapes."""
    yield (torch.tensor([[1.0, 0.0], [1.0, 2.0]]), torch.tensor([[1.0, -1.0], [2.0, 1.0]]),
           torch.tensor([[1.0, 3.0], [0.0, 1.0]]), torch.tensor([[1.0, 2.0], [-1.0, 1.0]]))
    for domains, numbers, rank, inputs, outputs, dtype in (
            (3, 3, 3, 3, 3, torch.float64), (1, 5, 2, 4, 3, torch.float32), (4, 6, 3, 5, 7, torch.float64)):
        shapes = (domains, numbers), (rank, numbers), (rank, inputs), (outputs, rank)
        yield tuple(drawn(g, shape, dtype=dtype) for shape in shapes)


PREDICTED = task("1b-predicted", predicted, _predicted_cases, rtol=1e-3, atol=1e-5)


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    """The loss of a label that is not there may be anything, also infinite: −log 0."""
    yield torch.tensor([1.0, 2.0, 6.0, 3.0]), torch.tensor([True, False, True, False]), 1.0
    yield torch.rand(6, generator=g, dtype=torch.float64), torch.tensor([True] * 5 + [False]), 0.5
    yield torch.tensor([torch.inf, 2.0, torch.inf]), torch.tensor([False, True, False]), 2.0
    yield torch.tensor([0.5, 2.0]).double(), torch.tensor([False, False]), 1.0
    yield torch.rand(1, generator=g), torch.tensor([True]), 3.0


MASKED = task("1b-masked", masked, _masked_cases)

EXERCISES = {"1": (PARALLEL, TRAIN, FOLD), "1b": (PRIOR, PREDICTED, MASKED)}
