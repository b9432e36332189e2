"""Attacks with a target and without, step by step, on both networks, and carried over.

    python -m evidence attacks  # results/attacks.json, 30 minutes

Every attack is PGD with α = ε/4, on whole levels, and counts only if it survives a file. DeepFool has no ε: level 0.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.adversarial.attacking import ANY, DRAWN, NOISE, SMALLEST, kind, pictures, share
from u3lab import nets
from u3lab.adversarial import AttackSettings, deepfool, fools, pgd, quantise, quantise_near
from u3lab.descent import last
from u3lab.nets import Classifier

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
LEVELS, TARGETS, STEPS, DRAWS = (1, 4), 3, 40, 8

Run = NamedTuple("Run", [("network", str), ("goal", str), ("level", int), ("picture", str)])
"""One attack: the network that it was made for, its goal (a class, or a kind), ε in grey levels, the picture."""

Row = NamedTuple("Row", [("first", int), ("there", bool), ("fooled", bool), ("reached", bool)])
"""What came of it.

``first``: after which step the file (of DeepFool, the numbers) reaches the goal, or −1; ``there``: whether it does at
the end; ``fooled``, ``reached``: whether the other network then leaves the class, and reaches the target."""


def summary(rows: Rows) -> Summary:
    """Which share of the attacks reaches its goal, and which turns the other network's answer."""
    kinds = dict.fromkeys((run.network, kind(run.goal), run.level) for run in rows)
    return {f"{name}, {wanted}" + f", ε = {level}/255" * (level > 0): {
        title: share(rows, name, wanted, level, what=what)
        for title, what in (("the network itself", "there"), ("the other network", "fooled"))}
        | ({"the other, more than noise": share(rows, name, wanted, level, what="fooled", over_noise=True)}
           if wanted in (ANY, DRAWN) else {})
        | ({"the other names the target": share(rows, name, wanted, level, what="reached")} if wanted == DRAWN else {})
        for name, wanted, level in kinds}


TABLE = Table(
    "attacks", Run, Row, summary=summary, facts={"steps": STEPS}, again={"network": "squeezenet1_1", "level": "1"},
    chart=Chart("bars", "share of attacks that turn the answer",
                alt="Bars for attacks, noise and DeepFool: the network that they were made for, and the other one."))


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
        for number, picture in enumerate(names):
            yield Work(Run(name, SMALLEST, 0, picture), without_steps, net, other, *shown[picture], 0)
            for level, draw in ((level, draw) for level in plan.few(LEVELS) for draw in plan.few(range(DRAWS))):
                yield Work(Run(name, f"{NOISE} #{draw}", level, picture), without_steps, net, other, *shown[picture],
                           level, seed=DRAWS * number + draw)


def targets(net: Classifier, label: str, count: int, *, seed: int) -> list[str]:
    """Classes drawn at random from all but the picture's own."""
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


def without_steps(net: Classifier, other: Classifier, label: str, image: Tensor, level: int, *, seed: int = 0) -> Row:
    """Noise, each value up or down by so many levels; of no level DeepFool, which fools in memory at a step."""
    signs = 2 * torch.randint(0, 2, image.shape, generator=torch.Generator().manual_seed(seed)) - 1
    step = None if level else last(deepfool(net, image, label))
    file = quantise(step.value if step else (image + signs * level / 255).clamp(0, 1))
    there, fooled = (fools(one, file, label) for one in (net, other))
    return Row(step.iteration if step and step.loss < 0 else 1 if there else -1, there, fooled, False)
