"""The one optimisation loop of the course: a generator that yields a Step.

Tests take the last step, notebooks drain it under a progress bar (:func:`last`), live players show each step.
"""

import inspect
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from u3lab._system.meanwhile import meanwhile
from u3lab.checks import is_a, shown, whole
from u3lab.errors import U3Error


@dataclass(frozen=True, eq=False)  # two pictures are no yes or no
class Step:
    """One step of an optimisation, before its update.

    ``iteration`` counts from 0, ``loss`` is the energy, ``value`` what is being made (a picture, a mask, a matrix;
    detached), ``terms`` the parts that the loss is the sum of, by name.
    """

    iteration: int
    loss: float
    value: Tensor
    terms: dict[str, float]


def uncompiled(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """An optimiser of torch without its ties to torch's compiler, which cost each kernel a second and 80 MB.

    Torch wraps these methods so that its compiler leaves them alone, and a wrapper loads the compiler at its first
    call, whether anything is compiled or not. The methods inside are the same. ``differentiable=True`` has no effect.
    """
    inside = {name: inspect.unwrap(getattr(kind, name)) for name in ("add_param_group", "load_state_dict", "zero_grad")}
    return type(kind.__name__, (kind,), inside | {"step": torch.no_grad()(inspect.unwrap(kind.step))})


Energy = Callable[[], tuple[Tensor, dict[str, Tensor]]]  # what to show, and the terms of the loss by name (scalars)
StepEnergy = Callable[[int], tuple[Tensor, dict[str, Tensor]]]  # the same, of the batch of a step
ADAM = partial(uncompiled(torch.optim.Adam), fused=True)


def gradients(loss: Tensor, at: Sequence[Tensor], what: str = "the loss", **options: bool) -> tuple[Tensor, ...]:
    """The derivatives of a loss by tensors, as torch.autograd.grad has them.

    Raises:
        U3Error: If none comes back: something in between has none.
    """
    leads = all(one.requires_grad for one in (loss, *at))
    found = torch.autograd.grad(loss, at, allow_unused=True, **options) if leads else (None,)
    if any(one is None for one in found):
        raise U3Error(without_slope(what))
    return found


def without_slope(what: str) -> str:
    """The sentence for a value from which no derivative comes back to what it was computed of."""
    if torch.is_inference_mode_enabled():
        return f"no derivative comes back from {what} under torch.inference_mode(); take torch.no_grad() in its place"
    return (f"no derivative comes back from {what}: something on the way has none, such as NumPy, .detach() or int8; "
            "give a network that computes in floats with PyTorch alone")


def descend(parameters: Tensor | Iterable[Tensor], energy: Energy, *, steps: int, lr: Callable[[], float],
            project: Callable[[Tensor], object] | None = None,
            optimiser: Callable[..., torch.optim.Optimizer] = ADAM) -> Iterator[Step]:
    """Minimise a sum of terms over one or more tensors, one step for every value that is asked for.

    Args:
        parameters: What to change in place: a tensor, or several (a network's weights). They need a gradient.
        energy: Returns what to show and the terms of the loss at the present parameters.
        steps: How many steps; the generator yields ``steps + 1`` values, the last one after the last update.
        lr: Returns the learning rate; asked at every step, so that a slider can turn it.
        project: Puts a parameter back into its set (for example [0,1]) after each update.
        optimiser: Makes the optimiser from the parameters and ``lr``: Adam, unless the method asks for another.

    Raises:
        U3Error: At the call if there is nothing to change or no energy; at a step if the loss is no longer a finite
            number, a term does not depend on the parameters, or they are no longer of their kind.
    """
    steps = whole("steps", steps, 0)
    is_a("energy", energy, Callable, "give a function that returns what to show and the terms of the loss")
    is_a("lr", lr, Callable, "give a function, such as lambda: 0.1")
    return train(parameters, lambda step: energy(), steps=steps, rate=lambda step: lr(), project=project,
                 optimiser=optimiser)


def train(parameters: Tensor | Iterable[Tensor], energy: StepEnergy, *, steps: int, rate: Callable[[int], float],
          project: Callable[[Tensor], object] | None = None,
          optimiser: Callable[..., torch.optim.Optimizer] = ADAM) -> Iterator[Step]:
    """The loop of all trainings: :func:`descend` on an energy that is another one at each step, as that of a batch.

    Energy and rate are told the number of the step.
    """
    is_a("parameters", parameters, Iterable, "give a tensor, or a list of tensors")
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not parameters or not all(isinstance(one, Tensor) and one.requires_grad for one in parameters):
        raise U3Error(f"parameters is {shown(parameters)}; give tensors that need a gradient: x.requires_grad_()")
    return _loop(parameters, energy, steps, rate, project, optimiser)


def _loop(parameters: list[Tensor], energy: StepEnergy, steps: int, rate: Callable[[int], float],
          project: Callable[[Tensor], object] | None,
          optimiser: Callable[..., torch.optim.Optimizer]) -> Iterator[Step]:
    """The loop itself: data, loss, backward, step."""
    steered = optimiser(parameters, lr=rate(0))
    for iteration in range(steps + 1):
        value, terms, loss = _evaluated(energy, iteration)  # data, loss
        if not math.isfinite(loss.item()):
            raise U3Error(f"the loss became {loss.item()} at step {iteration}; lower the learning rate and start again")
        step = Step(iteration, loss.item(), value.detach().clone(), {name: term.item() for name, term in terms.items()})
        if iteration == steps:
            yield step
            return
        if iteration == 0 and len(terms) > 1:
            _all_count(terms, parameters)
        # Only these gradients are wanted: the weights of a network that is looked at are left alone. They are taken
        # before the step is handed out, since whoever has it may change weights or pictures.
        found = gradients(loss, parameters)  # backward
        del value, terms, loss
        yield step
        steered.param_groups[0]["lr"] = rate(iteration)
        _update(parameters, found, steered, project)  # step


def _evaluated(energy: StepEnergy, iteration: int) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """What an energy shows, its terms and their sum."""
    with meanwhile(grad=True):
        value, terms = energy(iteration)
        return value, terms, sum(terms.values())


def _update(parameters: list[Tensor], found: Iterable[Tensor], steered: torch.optim.Optimizer,
            project: Callable[[Tensor], object] | None) -> None:
    """One step down, by these gradients."""
    with meanwhile(grad=False):
        for parameter, gradient in zip(parameters, found, strict=True):
            parameter.grad = _laid_out_as(parameter, gradient)
        steered.step()
        for parameter in parameters if project is not None else ():
            project(parameter)


def _all_count(terms: dict[str, Tensor], parameters: list[Tensor]) -> None:
    """Refuse a term that no parameter changes: the others would be minimised without it, and nobody would be told.

    One that is 0 may be a price of nothing.
    """
    for name, term in terms.items():
        leads = term.requires_grad
        found = torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True) if leads else ()
        if term.item() and all(one is None for one in found):
            raise U3Error(without_slope(repr(name)))


def _laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """The gradient with the strides of its parameter. Fused Adam takes both as plain rows of numbers, in this order."""
    if (gradient.dtype, gradient.device) != (parameter.dtype, parameter.device):
        raise U3Error(f"what is optimised was {gradient.dtype} on {gradient.device} and is {parameter.dtype} on "
                      f"{parameter.device} now; begin a new run after such a change")
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def clamp(x: Tensor, low: float, high: float = math.inf) -> Tensor:
    """x between low and high, inside an energy: the derivative is 1 on [low, high], both bounds included, and else 0.

    torch.clamp has the same values, but what its derivative is *at* the bounds differs: 1 up to torch 2.13, 0 from 2.15
    on. A mask's cell at m = 1 would then no longer feel what it hides. Best is not to clamp at all, and to ``project``
    after the step.
    """
    return torch.where((low <= x) & (x <= high), x, x.detach().clamp(low, high))


def best(steps: Iterable[Step]) -> Step:
    """The step with the lowest loss; U3Error if there was none."""
    is_a("steps", steps, Iterable, "give an iterator of steps, such as descend(…)")
    found = min(steps, key=lambda step: step.loss, default=None)
    if found is None:
        raise U3Error("no step was made; ask for at least one")
    return found


T = TypeVar("T")


def last(steps: Iterable[T], *, total: int | None = None, title: str = "") -> T:
    """Drain an iterator of steps and return the last one; with ``total``, under a progress bar.

    Raises:
        U3Error: If there was no step at all, or ``steps`` is nothing to go through.

    Examples:
        >>> last(square * square for square in range(4))
        9
    """
    is_a("steps", steps, Iterable, "give an iterator of steps, such as descend(…)")
    if total is not None:
        from tqdm.auto import tqdm

        steps = tqdm(steps, total=whole("total", total, 0), desc=title, leave=False)
    newest = deque(steps, maxlen=1)
    if not newest:
        raise U3Error("no step was made; ask for at least one")
    return newest[0]
