"""Training an encoder on a pretext task, step by step.

    minimise over Φ and the head h    1/B Σ loss( h(Φ(view_1), …, Φ(view_V)), target )

where views and target are made anew from raw data at each step, by nothing but the seed and the step's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from u3lab import images
from u3lab._system import distributed
from u3lab.checks import is_a, one_of, shown, tensors, whole
from u3lab.descent import ADAM, Step, descend
from u3lab.errors import U3Error
from u3lab.nets import Classifier
from u3lab.nets.gate import ready
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.tasks import RAW, Posed, Task
from u3lab.settings import or_default, setting, settings
from u3lab.universal.batches import Batches
from u3lab.universal.resuming import Checkpoint

# Raw data: a tensor, a tuple of tensors with as many rows, or a function (count, generator) → such a batch.
Raw = Tensor | tuple[Tensor, ...] | Callable[[int, torch.Generator], Any]
APART = 2**31  # seeds of steps lie so far apart for one seed and the next


@settings
class PretextSettings:
    """Settings of :func:`pretrain`."""

    lr: float = setting(0.002, 1e-5, 0.1, scale="log", symbol="η", help="learning rate of Adam")
    steps: int = setting(300, 1, 100_000, once=True, help="number of steps")
    batch_size: int = setting(64, 2, 4096, symbol="B", once=True, slide_to=256,
                              help="questions at each step, of all processes")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the questions, their order, and the head's weights")
    half: bool = setting(False, once=True, help="compute in bfloat16, faster only where the processor knows it")


def pretrain(net: nn.Module, raw: Raw, task: str | Task, *, head: nn.Module | None = None,
             checkpoint: str | Path | None = None, settings: PretextSettings | None = None) -> Iterator[Step]:
    """Train an encoder on a pretext task; between the steps it is ready for use.

    Under torchrun each process takes its part of each batch, and all take the same steps, as one process would that has
    the whole batch (batch norms see only their own part).

    Parameters
    ----------
    net
        From :func:`~u3lab.selfsup.encoder`; changed in place. Any network from pictures to maps will do.
    raw
        Pictures (N,3,H,W), clips (N,T,3,H,W) in [0,1]; for films a tuple of pictures and sounds (N,S), for flows one of
        pictures and optical flow (N,2,H,W); or a function (count, generator) that makes such a batch.
    task
        A name of ``TASKS``, or a task of your own.
    head
        From :func:`head_of`; changed in place. Give one to ask it afterwards, with :func:`solve`.
    checkpoint
        A file that keeps the state every 50 steps; if it is there, the run goes on where it ended.
    settings
        ``lr`` is read at every step.

    Yields
    ------
    Step
        ``value`` is the task's score of the batch, a scalar; the terms are those of its loss.

    Raises
    ------
    U3Error
        An unknown task, raw data that do not fit it, or a loss that is no number.
    """
    net, settings = ready(net), or_default(settings, PretextSettings)
    name, task = ("of your own", task) if isinstance(task, Task) else (task, TASKS[one_of("task", task, TASKS)])
    _check_raw(raw, task)
    head = head_of(net, task, seed=settings.seed) if head is None else _head(head)
    if settings.batch_size % distributed.world_size():
        raise U3Error(f"a batch of {settings.batch_size} cannot be shared by {distributed.world_size()} processes; "
                      "give a batch_size that can")
    return _steps(net, raw, task, head, Checkpoint.at(checkpoint), {"task": name}, settings)


def head_of(net: nn.Module, task: str | Task, *, seed: int = 0) -> nn.Module:
    """A fresh head of a task for an encoder, on the encoder's device."""
    task = task if isinstance(task, Task) else TASKS[one_of("task", task, TASKS)]
    net = ready(net)
    with torch.no_grad():
        channels = _maps(net, torch.zeros(1, 3, net.size, net.size)).shape[1]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        return task.head(channels).to(net.device).eval()


@torch.no_grad()
def solve(net: nn.Module, head: nn.Module, raw: Any, task: str | Task, *, seed: int = 0) -> tuple[Any, Posed]:
    """What the head answers to questions made of raw data, and the questions with their true answers."""
    net, task = ready(net), task if isinstance(task, Task) else TASKS[one_of("task", task, TASKS)]
    _check_raw(raw, task), _head(head)
    posed = task.pose(raw, torch.Generator().manual_seed(whole("seed", seed, 0)))
    return _answers(net, head, posed), posed


def _answers(net: Classifier, head: nn.Module, posed: Posed, half: bool = False) -> Any:
    with torch.autocast(net.device.type, torch.bfloat16) if half else nullcontext():
        maps = _maps(net, posed.views.flatten(0, 1)).unflatten(0, posed.views.shape[:2])
    return head(maps.to(net.mean), *(one.to(net.device) for one in posed.more))


def _head(head: object) -> nn.Module:
    return is_a("head", head, nn.Module, "make one with selfsup.head_of(net, task)")


def _maps(net: Classifier, images: Tensor) -> Tensor:
    """The encoder's last maps, with a graph, in whatever mode it is."""
    maps = net.run(net.normalise(images))
    if maps.ndim != 4:
        raise U3Error(f"{net.name} makes no maps but {tuple(maps.shape)} of pictures; give one that selfsup.encoder() "
                      "made, or another without its head")
    return maps


def _steps(net: Classifier, raw: Raw, task: Task, head: nn.Module, checkpoint: Checkpoint | None, facts: dict,
           settings: PretextSettings) -> Iterator[Step]:
    learner = nn.ModuleDict({"encoder": net.module, "head": head})
    facts |= {"seed": settings.seed, "batch_size": settings.batch_size}
    begun = checkpoint.read(learner.state_dict(), facts, settings.steps) if checkpoint else 0
    done = iter(range(begun, settings.steps + 1))
    batches = None if callable(raw) else Batches(
        len(raw[0] if isinstance(raw, tuple) else raw), settings.batch_size, settings.seed)

    def batch(step: int) -> Posed:
        generator = torch.Generator().manual_seed(settings.seed * APART + step)
        chosen = raw(settings.batch_size, generator) if batches is None else _rows(raw, batches.at(step))
        return task.pose(chosen, generator)

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        step = next(done)
        if checkpoint:
            checkpoint.keep(step, learner.state_dict(), facts)
        posed = batch(step)
        with _training(learner):
            output = _answers(net, head, Posed(*map(distributed.share, posed)), settings.half)
        output = distributed.gathered(output)
        target = _moved(posed.target, net.device)
        return task.score(_detached(output), target), task.loss(output, target)

    def optimiser(weights: list[Tensor], lr: float) -> Optimizer:
        return distributed.share_gradients((checkpoint.optimiser if checkpoint else ADAM)(weights, lr=lr))

    for step in descend(learner.parameters(), energy, steps=settings.steps - begun, lr=lambda: settings.lr,
                        optimiser=optimiser):
        yield replace(step, iteration=step.iteration + begun)


@contextmanager
def _training(learner: nn.Module) -> Iterator[None]:
    """While open, batch norms use the statistics of the batch and remember them."""
    try:
        learner.train()
        yield
    finally:
        learner.eval()


def _rows(raw: Tensor | tuple[Tensor, ...], chosen: Tensor) -> Any:
    return tuple(one[chosen] for one in raw) if isinstance(raw, tuple) else raw[chosen]


def _moved(target: Any, device: torch.device) -> Any:
    return tuple(one.to(device) for one in target) if isinstance(target, tuple) else target.to(device)


def _detached(output: Any) -> Any:
    return tuple(one.detach() for one in output) if isinstance(output, tuple) else output.detach()


def _check_raw(raw: Any, task: Task) -> None:
    """Refuse what is not of the task's kind of raw data."""
    if callable(raw):
        return
    parts = raw if isinstance(raw, tuple) else (raw,)
    what, axes = RAW[task.raw]
    fits = all(isinstance(one, Tensor) for one in parts) and tuple(one.ndim for one in parts) == axes
    if not fits or len({len(one) for one in parts}) > 1 or len(parts[0]) < 2:
        raise U3Error(f"this task is made of {what}, two or more; it was given {shown(raw)}")
    images.check(parts[0].flatten(0, -4))
    for further in parts[1:]:
        tensors(raw=(further.flatten(1), "NS"))
