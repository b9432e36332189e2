"""Training, step by step: the settings that every training has, its loop, a rate that falls, and its state in a file.

A step's batch is a function of the seed and the step's number (:mod:`u3lab.training.batches`), so that a run that was
killed goes on with the same numbers.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from u3lab._system import distributed, paths
from u3lab._system.meanwhile import meanwhile
from u3lab.checks import place, shown
from u3lab.descent import ADAM, Step, descend
from u3lab.errors import U3Error
from u3lab.settings import setting
from u3lab.training.batches import EPOCHS

EVERY = 50  # steps from one state that is kept to the next
SLOWEST = 1e-5  # the least rate: that of the settings, and of those that fall
Terms = dict[str, Tensor]  # the parts of a loss by name


# ---- settings --------------------------------------------------------------------------------------------------------

def rate(default: float, *, falls: bool = False) -> Any:
    """A setting η; ``falls`` says in its help that the rate is that of the start."""
    return setting(default, SLOWEST, 0.1, scale="log", symbol="η",
                   help="learning rate of Adam" + (" at the start; it falls" if falls else ""))


def steps(default: int, most: int = 100_000) -> Any:
    """A setting: how many steps."""
    return setting(default, 1, most, once=True, help="number of steps")


def batch_size(default: int, most: int, what: str, *, symbol: str = "B", slide_to: int | None = None) -> Any:
    """A setting: how many of ``what`` each step sees."""
    return setting(default, 2, most, symbol=symbol, once=True, slide_to=slide_to, help=what)


def seed(what: str) -> Any:
    """A setting: the seed of ``what``."""
    return setting(0, 0, 2**31 - 1, once=True, help=f"seed of {what}")


# ---- a rate that falls -----------------------------------------------------------------------------------------------

def half_cosine(step: int, steps: int) -> float:
    """A share that falls from 1 to 0 along half a cosine."""
    return (1 + math.cos(math.pi * step / steps)) / 2


def cosine(lr: float, step: int, steps: int) -> float:
    """A rate that falls from ``lr`` to a hundredth of it along half a cosine."""
    return lr * (0.01 + 0.99 * half_cosine(step, steps))


def annealed(settings: Any) -> Callable[[int], float]:
    """The rate of each step: it falls from ``settings.lr``, whatever that is then, to nearly 0 along half a cosine."""
    steps = settings.steps
    return lambda step: max(settings.lr * half_cosine(step, steps + 1), SLOWEST)


def falling(steps: Iterable[Step], settings: Any) -> Iterator[Step]:
    """The steps of a training that reads these settings, whose rate ``lr`` falls with each, to nearly 0 at the last."""
    first, count = settings.lr, settings.steps
    for step in steps:
        settings.lr = max(first * (1 - step.iteration / count), SLOWEST)
        yield step


# ---- the loop --------------------------------------------------------------------------------------------------------

def train(parameters: Iterable[Tensor], energy: Callable[[int], tuple[Tensor, Terms]], *, steps: int,
          rate: Callable[[int], float], begin: Callable[[], object] | None = None,
          checkpoint: Checkpoint | None = None, state: Callable[[], dict[str, Tensor]] = dict,
          facts: dict[str, Any] | None = None,
          optimiser: Callable[..., torch.optim.Optimizer] = ADAM) -> Iterator[Step]:
    """Minimise an energy that is another one at each step. Under torchrun the processes' gradients are added up.

    Parameters
    ----------
    parameters
        What is trained.
    energy
        Number of a step → what to show, and the terms of the loss.
    steps, rate
        How many, and the rate of each.
    begin
        What is done before the first step; not in a run that goes on.
    checkpoint, state, facts
        Where the state is kept every 50 steps, the tensors that it has, and what tells this run from another.
    optimiser
        Makes the optimiser from the parameters and ``lr``.
    """
    begun = checkpoint.read(state(), facts or {}, steps) if checkpoint else 0
    if begin and not begun:
        begin()
    at, coming = begun, iter(range(begun, steps + 1))

    def next_energy() -> tuple[Tensor, Terms]:
        nonlocal at
        at = next(coming)
        if checkpoint:
            checkpoint.keep(at, state(), facts or {})
        return energy(at)

    def made(weights: list[Tensor], lr: float) -> torch.optim.Optimizer:
        make = partial(checkpoint.optimiser, make=optimiser) if checkpoint else optimiser
        return distributed.share_gradients(make(weights, lr=lr))

    for step in descend(parameters, next_energy, steps=steps - begun, lr=lambda: rate(at), optimiser=made):
        yield replace(step, iteration=at)


def generator_of(seed: int, step: int) -> torch.Generator:
    """The random numbers of a step."""
    return torch.Generator().manual_seed(seed * EPOCHS + step)


def training_mode(module: nn.Module) -> meanwhile:
    """While open, batch norms use the statistics of the batch and remember them."""
    return meanwhile((module.train, module.eval))


def check_shared(batch_size: int) -> int:
    """The size of a batch, if torchrun's processes can share it."""
    if batch_size % distributed.world_size():
        raise U3Error(f"a batch of {batch_size} cannot be shared by {distributed.world_size()} processes; "
                      "give a batch_size that can")
    return batch_size


# ---- its state in a file ---------------------------------------------------------------------------------------------

@dataclass
class Checkpoint:
    """A file with what is trained, the optimiser's numbers, and the next step's. The first process writes it."""

    path: Path
    _state: dict | None = None
    _optimiser: torch.optim.Optimizer | None = None

    @classmethod
    def at(cls, path: object) -> Checkpoint | None:
        """The checkpoint at a path; None for none."""
        return None if path is None else cls(place("checkpoint", path, "a file, or leave it out"))

    def read(self, places: dict[str, Tensor], facts: dict, steps: int) -> int:
        """Fill tensors, by their names, with what the file has; returns the step to go on with, 0 without a file.

        Raises
        ------
        U3Error
            A file that is damaged, of another run, or of one that has gone farther than ``steps``.
        """
        try:
            state = torch.load(paths.ordinary(self.path, links=False), map_location="cpu", weights_only=True)
            step, theirs, values, self._state = (state[key] for key in ("step", "facts", "values", "optimiser"))
            self._same_run(theirs, facts, step, steps)
            fill(places, values)
            return step
        except U3Error:
            raise
        except (FileNotFoundError, NotADirectoryError):
            return 0
        except paths.NoFile as error:
            raise U3Error(f"the checkpoint {self.path} cannot be kept there ({error.strerror}); give another") from None
        except (OSError, RuntimeError, EOFError, AttributeError, KeyError, TypeError, ValueError,
                pickle.UnpicklingError) as error:
            raise U3Error(f"the checkpoint {self.path.name} is damaged or cannot be read; delete it to begin "
                          "anew") from error

    def _same_run(self, theirs: dict, ours: dict, step: int, steps: int) -> None:
        differing = [name for name in ours if theirs.get(name) != ours[name]]
        if differing:
            name = differing[0]
            raise U3Error(f"the checkpoint {self.path.name} is of another run: its {name} is "
                          f"{shown(theirs.get(name))}, here it is {shown(ours[name])}; give another file, or delete it")
        if step > steps:
            raise U3Error(f"the checkpoint {self.path.name} is at step {step}, beyond the {steps} steps of the "
                          "settings; ask for more steps, or delete it")

    def optimiser(self, parameters: list[Tensor], lr: float,
                  make: Callable[..., torch.optim.Optimizer] = ADAM) -> torch.optim.Optimizer:
        """Adam or another one, in the state of the file if there was one."""
        self._optimiser = make(parameters, lr=lr)
        if self._state is not None:
            self._optimiser.load_state_dict(self._state)
        return self._optimiser

    def keep(self, step: int, places: dict[str, Tensor], facts: dict) -> None:
        """Before a step: write the file, every so many steps."""
        if step % EVERY or not step or distributed.rank():
            return
        content = io.BytesIO()
        torch.save({"step": step, "facts": facts, "values": places, "optimiser": self._optimiser.state_dict()}, content)
        try:
            paths.write_atomically(self.path, content.getvalue())
        except OSError as error:
            raise U3Error(f"the checkpoint cannot be kept in {self.path} ({error.strerror}); give another") from error


@torch.no_grad()
def fill(places: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    """Copy values into tensors of the same names, shapes and kinds: floats, whole numbers, complex ones.

    Raises
    ------
    KeyError, ValueError
        If names, shapes or kinds differ; nothing is changed then.
    """
    def kind(value: Tensor) -> tuple:
        return value.shape, value.is_floating_point(), value.is_complex(), value.dtype == torch.bool

    if places.keys() != values.keys() or any(kind(places[name]) != kind(values[name]) for name in places):
        raise ValueError("of another network")
    for name, held in places.items():
        held.copy_(values[name])
