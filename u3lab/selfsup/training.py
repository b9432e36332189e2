"""All pretext tasks by name, and the training of an encoder on one; its steps are :mod:`u3lab.training.learning`'s."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from u3lab.checks import one_of, whole
from u3lab.descent import Step
from u3lab.nets.gate import eval_mode, ready
from u3lab.selfsup.colour import COLOUR, COLOUR_L2
from u3lab.selfsup.contrast import CONTRAST
from u3lab.selfsup.cross_pixel import MOVING
from u3lab.selfsup.erasing import ERASE, ERASE_ADVERSARY
from u3lab.selfsup.ordering import ARROW, ORDER, SORTING
from u3lab.selfsup.scrambling import JIGSAW, RELATIVE_POSITION
from u3lab.selfsup.sounding import CORRESPONDENCE, SOUND
from u3lab.selfsup.upright import UPRIGHT
from u3lab.settings import or_default, setting, settings
from u3lab.training import learning, loop
from u3lab.training.learning import Raw, learn
from u3lab.training.tasks import Posed, Task, check_raw

TASKS: dict[str, Task] = {
    "colour": COLOUR,
    "colour L2": COLOUR_L2,
    "erase": ERASE,
    "erase, adversary": ERASE_ADVERSARY,
    "relative position": RELATIVE_POSITION,
    "jigsaw": JIGSAW,
    "upright": UPRIGHT,
    "order": ORDER,
    "arrow": ARROW,
    "sorting": SORTING,
    "sound": SOUND,
    "correspondence": CORRESPONDENCE,
    "moving": MOVING,
    "contrast": CONTRAST,
}


@settings
class PretextSettings:
    """Settings of :func:`pretrain`."""

    lr: float = loop.rate(0.002)
    steps: int = loop.steps(300)
    batch_size: int = loop.batch_size(64, 4096, "questions at each step", slide_to=256)
    seed: int = loop.seed("the questions, their order, and the head's weights")
    half: bool = setting(False, once=True, help="compute in bfloat16, faster only where the processor knows it")


def pretrain(net: nn.Module, raw: Raw, task: str | Task, *, head: nn.Module | None = None,
             settings: PretextSettings | None = None) -> Iterator[Step]:
    """Train an encoder on a pretext task; between the steps it is ready for use.

    Args:
        net: From :func:`~u3lab.selfsup.encoder`; changed in place. Any network from pictures to maps will do.
        raw: Pictures (N,3,H,W), clips (N,T,3,H,W) in [0,1]; for films a tuple of pictures and sounds (N,S), for flows
            one of pictures and optical flow (N,2,H,W); or a function (count, generator) that makes such a batch.
        task: A name of ``TASKS``, or a task of your own.
        head: From :func:`head_of`; changed in place. Give one to ask it afterwards, with :func:`solve`.
        settings: ``lr`` is read at every step.

    Yields:
        Step: ``value`` is the task's score of the batch, a scalar; the terms are those of its loss.

    Raises:
        U3Error: An unknown task, raw data that do not fit it, or a loss that is no number.
    """
    net, settings = ready(net), or_default(settings, PretextSettings)
    return learn(net, raw, known(task), head=head, half=settings.half, settings=settings)


def known(task: str | Task) -> Task:
    """The task of a name of ``TASKS``, or a task of your own."""
    return task if isinstance(task, Task) else TASKS[one_of("task", task, TASKS)]


def head_of(net: nn.Module, task: str | Task, *, seed: int = 0) -> nn.Module:
    """A fresh head of a task, by its name or your own, for an encoder; on the encoder's device."""
    return learning.head_of(net, known(task), seed=seed)


@torch.no_grad()
def solve(net: nn.Module, head: nn.Module, raw: Any, task: str | Task, *, seed: int = 0) -> tuple[Any, Posed]:
    """What the head answers to questions made of raw data, and the questions with their true answers."""
    net, task = ready(net), known(task)
    check_raw(raw, task), eval_mode("head", head, nn.Module, "make one with selfsup.head_of(net, task)")
    posed = task.ask(raw, torch.Generator().manual_seed(whole("seed", seed, 0)))
    return learning.answers(net, head, posed), posed
