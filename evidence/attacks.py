"""Attacks with a target and without, step by step, on both networks, and carried over.

    python -m evidence attacks  # results/attacks.json, 30 minutes

Every attack is PGD with α = ε/4, on whole levels, and counts only if it survives a file.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.adversarial.attacking import ANY, pictures, share
from u3lab import nets
from u3lab.adversarial import AttackSettings, fools, pgd, quantise_near
from u3lab.nets import Classifier

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
LEVELS, TARGETS, STEPS = (1, 4), 3, 40

Run = NamedTuple("Run", [("network", str), ("goal", str), ("level", int), ("picture", str)])
"""One attack: the network that it was made for, its goal (a class, or ``ANY``), ε in grey levels, the picture."""

Row = NamedTuple("Row", [("first", int), ("there", bool), ("fooled", bool), ("reached", bool)])
"""What came of it.

``first`` is the first step after which the file reaches the goal, −1 if none does; ``there`` whether it does after the
last step; ``fooled`` and ``reached`` whether the other network then leaves the class, and reaches the target."""


def summary(rows: Rows) -> Summary:
    """Which share of the attacks reaches its goal, and which turns the other network's answer."""
    kinds = dict.fromkeys((run.network, run.goal != ANY, run.level) for run in rows)
    return {f"{name}, {'a class drawn by lot' if targeted else 'any other class'}, ε = {level}/255": {
        title: share(rows, name, targeted, level, what=what)
        for title, what in (("the network itself", "there"), ("the other network", "fooled"))}
        for name, targeted, level in kinds}


TABLE = Table(
    "attacks", Run, Row, summary=summary, facts={"steps": STEPS}, again={"network": "squeezenet1_1"},
    chart=Chart("bars", "share of attacks that turn the answer",
                alt="Pairs of bars for eight kinds of attack: the network that they were made for, and the other one."))


def work(plan: Plan) -> Iterator[Work]:
    """An attack is a piece of work."""
    both = {name: nets.load(name) for name in NETWORKS}
    shown = pictures(list(both.values()))
    names = plan.few(sorted(shown))
    plan.judge(pictures=names)
    for name in plan.networks(NETWORKS):
        net, other = both[name], next(one for key, one in both.items() if key != name)
        for targeted in (False, True):
            for level in plan.few(LEVELS):
                for number, picture in enumerate(names):
                    label, x = shown[picture]
                    for goal in plan.few(sorted(targets(net, label, TARGETS, seed=number)) if targeted else [ANY]):
                        yield Work(Run(name, goal, level, picture), measured, net, other, x, label, goal, level,
                                   steps=plan.steps(STEPS))


def targets(net: Classifier, label: str, count: int, *, seed: int) -> list[str]:
    """Classes drawn by lot from all but the picture's own."""
    order = torch.randperm(len(net.classes), generator=torch.Generator().manual_seed(seed)).tolist()
    return [net.classes[k] for k in order if net.classes[k] != label][:count]


def measured(net: Classifier, other: Classifier, image: Tensor, label: str, goal: str, level: int, *,
             steps: int = STEPS) -> Row:
    """Attack a picture, and look at the file after every step."""
    eps, target = level / 255, None if goal == ANY else goal
    settings, first = AttackSettings(eps=eps, step_size=eps / 4, steps=steps), -1
    for step in pgd(net, image, label, target=target, settings=settings):
        near_goal = first < 0 or step.iteration == steps
        if near_goal:
            file = quantise_near(step.value, image, eps)
            there = fools(net, file, label, target=target)
            first = step.iteration if there and first < 0 else first
    return Row(first, there, fools(other, file, label),
               target is not None and fools(other, file, label, target=target))
