"""How many pictures are fooled, how many steps it takes, and what carries over: the table of chapter 6b, as
``python -m u3lab.experiments attacks`` writes it.

Every attack is PGD with α = ε/4, on whole levels, and counts only if it survives a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.adversarial import AttackSettings, fools, pgd, quantise, quantise_near
from u3lab.adversarial.transfer import SIZE, labelled
from u3lab.lessons import results
from u3lab.lessons.things import pasted
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

ANY = "any other"  # the goal of an attack without a target


class Run(NamedTuple):
    """One attack: the network that it was made for, its goal (a class, or ``ANY``), ε in grey levels, the picture."""

    network: str
    goal: str
    level: int
    picture: str


class Reached(NamedTuple):
    """What came of it.

    ``first`` is the first step after which the file reaches the goal, −1 if none does; ``there`` whether it does after
    the last step; ``fooled`` and ``reached`` whether the other network then leaves the class, and reaches the target.
    """

    first: int
    there: bool
    fooled: bool
    reached: bool


def pictures(nets: Sequence[Classifier]) -> dict[str, tuple[str, Tensor]]:
    """Name → label and picture (1,3,224,224) on whole levels, of all that every network names rightly: the shipped
    photos, and cut-outs on photos."""
    found = {label: (label, x) for label, x in labelled(nets).items()}
    for thing in pasted(SIZE):
        x = quantise(thing.image)
        if not any(fools(net, x, thing.label) for net in nets):
            found[f"{thing.name} (pasted)"] = thing.label, x
    return found


def targets(net: Classifier, label: str, count: int, *, seed: int) -> list[str]:
    """Classes drawn by lot from all but the picture's own."""
    order = torch.randperm(len(net.classes), generator=torch.Generator().manual_seed(seed)).tolist()
    return [net.classes[k] for k in order if net.classes[k] != label][:count]


def measured(net: Classifier, other: Classifier, image: Tensor, label: str, goal: str, level: int, *,
             steps: int = 40) -> Reached:
    """Attack a picture, and look at the file after every step."""
    eps, target = level / 255, None if goal == ANY else goal
    settings, first = AttackSettings(eps=eps, step_size=eps / 4, steps=steps), -1
    for step in pgd(net, image, label, target=target, settings=settings):
        near_goal = first < 0 or step.iteration == steps
        if near_goal:
            file = quantise_near(step.value, image, eps)
            there = fools(net, file, label, target=target)
            first = step.iteration if there and first < 0 else first
    return Reached(first, there, fools(other, file, label),
                   target is not None and fools(other, file, label, target=target))


def share(rows: dict[Run, Reached], network: str, targeted: bool, level: int, *, what: str = "there",
          steps: int | None = None) -> Interval:
    """The share of some attacks for which ``what`` (a column) holds, or that had reached their goal by so many steps.

    The interval is over pictures: three targets of one picture are no independent attacks.
    """
    by_picture: dict[str, list[float]] = {}
    for run, row in rows.items():
        if (run.network, run.goal != ANY, run.level) == (network, targeted, level):
            held = getattr(row, what) if steps is None else 0 <= row.first <= steps
            by_picture.setdefault(run.picture, []).append(float(held))
    return mean(torch.tensor([sum(values) / len(values) for values in by_picture.values()], dtype=torch.float64))


def shipped() -> dict[Run, Reached]:
    """The shipped table."""
    return {run: Reached(*row) for run, row in results.table("attacks", Run).items()}
