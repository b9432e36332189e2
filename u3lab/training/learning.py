"""An encoder and a head that learn to answer the questions of a task, step by step.

    minimise over Φ and the head h    1/B Σ loss( h(Φ(view_1), …, Φ(view_V)), target )

where views and target are made anew from raw data at each step, by nothing but the seed and the step's number.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from u3lab.checks import function, is_a, shown, whole
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.nets import Classifier
from u3lab.nets.gate import ready
from u3lab.training.loop import Batches, generator_of, training_mode
from u3lab.training.tasks import Posed, Task, check_raw

# Raw data: a tensor, a tuple of tensors with as many rows, or a function (count, generator) → such a batch.
Raw = Tensor | tuple[Tensor, ...] | Callable[[int, torch.Generator], Any]


def learn(net: nn.Module, raw: Raw, task: Task, *, head: nn.Module | None = None,
          rate: Callable[[int], float] | None = None, half: bool = False, settings: Any) -> Iterator[Step]:
    """Train an encoder on a task; between the steps it is ready for use.

    Args:
        net: Any network from pictures to maps; changed in place.
        raw: What the task's questions are made of: tensors, or a function (count, generator) that makes a batch of
            them.
        head: From :func:`head_of`, changed in place; without one it is fresh.
        rate: Number of a step → its learning rate; without it ``settings.lr``.
        half: Whether to compute in bfloat16.
        settings: Any that have ``lr``, ``steps``, ``batch_size`` and ``seed``.

    Yields:
        Step: ``value`` is the task's score of the batch; the terms are those of its loss.

    Raises:
        U3Error: Raw data that do not fit the task, or a loss that is no number.
    """
    net = ready(net)
    check_raw(raw, task)
    head = head_of(net, task, seed=settings.seed) if head is None else (
        is_a("head", head, nn.Module, "make one with selfsup.head_of(net, task)"))
    learner = nn.ModuleDict({"encoder": net.module, "head": head})
    seed, size = settings.seed, settings.batch_size
    batches = None if callable(raw) else Batches(len(raw[0] if isinstance(raw, tuple) else raw), size, seed)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        draw = generator_of(seed, step)
        chosen = _made(raw, task, size, draw) if batches is None else _each(raw, lambda one: one[batches.at(step)])
        posed = task.ask(chosen, draw)
        with training_mode(learner):
            output = answers(net, head, posed, half)
        target = _each(posed.target, lambda one: one.to(net.device))
        return task.score(_each(output, Tensor.detach), target), task.loss(output, target)

    return train(learner.parameters(), energy, steps=settings.steps, rate=rate or (lambda step: settings.lr))


def _made(make: Callable[[int, torch.Generator], Any], task: Task, count: int, generator: torch.Generator) -> Any:
    """A batch of raw data from a function, if it is as many as it was asked for, and of the task's kind."""
    made = function("raw", make, 2, "give a function (count, generator) that makes raw data")(count, generator)
    if callable(made):
        raise U3Error(f"raw made {shown(made)}; give a function (count, generator) that makes tensors")
    check_raw(made, task)
    if len(made[0] if isinstance(made, tuple) else made) != count:
        raise U3Error(f"raw was asked for {count} and made {len(made[0] if isinstance(made, tuple) else made)}; give "
                      "as many as asked for")
    return made


def head_of(net: nn.Module, task: Task, *, seed: int = 0) -> nn.Module:
    """A fresh head of a task for an encoder, on the encoder's device."""
    net = ready(net)
    with torch.no_grad():
        channels = maps(net, torch.zeros(1, 3, net.size, net.size)).shape[1]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        head = is_a("what a task's head gives", task.head(channels), nn.Module, "let it return a module")
    return head.to(net.device).eval()


def answers(net: Classifier, head: nn.Module, posed: Posed, half: bool = False) -> Any:
    """What the head answers to questions, with a graph, in whatever mode both are."""
    with torch.autocast(net.device.type, torch.bfloat16) if half else nullcontext():
        found = maps(net, posed.views.flatten(0, 1)).unflatten(0, posed.views.shape[:2])
    return head(found.to(net.mean), *(one.to(net.device) for one in posed.more))


def maps(net: Classifier, images: Tensor) -> Tensor:
    """The encoder's last maps, with a graph, in whatever mode it is."""
    found = net.run(net.normalise(images))
    if found.ndim != 4:
        raise U3Error(f"{net.name} makes no maps but {tuple(found.shape)} of pictures; give one that selfsup.encoder() "
                      "made, or another without its head")
    return found


def _each(given: Any, what: Callable[[Tensor], Tensor]) -> Any:
    """Of a tensor, or of each of a tuple of them."""
    return tuple(what(one) for one in given) if isinstance(given, tuple) else what(given)
