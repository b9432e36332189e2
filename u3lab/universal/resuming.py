"""The state of a training in a file, so that one that was killed goes on with the same numbers."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from u3lab._system import distributed, paths
from u3lab.checks import shown
from u3lab.descent import ADAM
from u3lab.errors import U3Error

EVERY = 50  # steps


@dataclass
class Checkpoint:
    """A file with what is trained, the optimiser's numbers, and the next step's. The first process writes it."""

    path: Path
    _state: dict | None = None
    _optimiser: torch.optim.Optimizer | None = None

    @classmethod
    def at(cls, path: object) -> Checkpoint | None:
        """The checkpoint at a path; None for none."""
        if path is None:
            return None
        if not isinstance(path, (str, Path)) or not str(path).strip():
            raise U3Error(f"checkpoint = {shown(path)}; give the name of a file, or leave it out")
        return cls(Path(path))

    def read(self, places: dict[str, Tensor], facts: dict, steps: int) -> int:
        """Fill tensors, by their names, with what the file has; returns the step to go on with, 0 without a file.

        Raises
        ------
        U3Error
            A file that is damaged, of another run, or of one that has gone farther than ``steps``.
        """
        if not self.path.exists():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            step, theirs, values, self._state = (state[key] for key in ("step", "facts", "values", "optimiser"))
            self._same_run(theirs, facts, step, steps)
            fill(places, values)
            return step
        except U3Error:
            raise
        except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
            raise U3Error(f"the checkpoint {self.path.name} is damaged or cannot be read; delete it to begin "
                          "anew") from error

    def _same_run(self, theirs: dict, ours: dict, step: int, steps: int) -> None:
        differing = [name for name in ours if theirs[name] != ours[name]]
        if differing:
            name = differing[0]
            raise U3Error(f"the checkpoint {self.path.name} is of another run: its {name} is {shown(theirs[name])}, "
                          f"here it is {shown(ours[name])}; give another file, or delete it")
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
        state = {"step": step, "facts": facts, "values": places,
                 "optimiser": self._optimiser.state_dict()}
        content = io.BytesIO()
        torch.save(state, content)
        try:
            paths.write_atomically(self.path, content.getvalue())
        except OSError as error:
            raise U3Error(f"the checkpoint cannot be kept in {self.path} ({error.strerror}); choose another "
                          "place") from error


@torch.no_grad()
def fill(places: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    """Copy values into tensors of the same names and shapes.

    Raises
    ------
    KeyError, ValueError
        If names or shapes differ; nothing is changed then.
    """
    if places.keys() != values.keys() or any(places[name].shape != values[name].shape for name in places):
        raise ValueError("of another network")
    for name, place in places.items():
        place.copy_(values[name])
