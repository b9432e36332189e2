"""Tissues of a brain sorted without labels under three made fields: two networks, ten trainings each, and k-means.

    python -m evidence tissues      # results/tissues.json
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, spread
from u3course.lessons.selfsup import tissues
from u3lab import selfsup
from u3lab.descent import Step, last
from u3lab.nets import Classifier

LEARNT_FROM = (0, 1, 3, 4)  # slices
PATCHES, SIDE, BRAIN = 200, 40, 0.93  # how many; pixels; least share of a patch that is brain
STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8)  # of the made field b
STEPS = 100
LIGHTS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {  # how the light of two views differs
    "IIC, views without fields": partial(selfsup.relit, most=0.05),
    "IIC, views with fields": partial(selfsup.bias_field, most=0.2)}
WAYS = (*LIGHTS, tissues.GREY, tissues.FLAT)
SEEDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)

Run = NamedTuple("Run", [("way", str), ("seed", int), ("strength", float), ("field", int)])
"""A training, or a seed of k-means, asked to sort the held-out slices under a made field: its strength b, and the seed
of its shape."""

Row = NamedTuple("Row", [("accuracy", float)])
"""Hungarian accuracy of the pixels inside the brain."""


def summary(rows: Rows) -> Summary:
    """The accuracy at each strength, over the trainings, each the mean of its fields."""
    def over_seeds(values: Sequence[float], seeds: Sequence[int]) -> tuple[float, float, float]:
        return spread([fmean(value for value, one in zip(values, seeds, strict=True) if one == seed)
                       for seed in dict.fromkeys(seeds)])

    return by_cell(((f"{run.strength:g}", run.way, row.accuracy, run.seed) for run, row in rows.items()), over_seeds)


TABLE = Table(
    "tissues", Run, Row, summary=summary, facts={"steps": STEPS}, again={"strength": "0.0"},
    chart=Chart("curves", "Hungarian accuracy", along="strength b of the field",
                alt="Four curves with the range of ten trainings or seeds. K-means of grey values is highest without a "
                    "field and falls to about one half; flattened first, it hardly falls. The network with fields in "
                    "its views is above the one without under every field, and mostly below it without one."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work."""
    plan.fit(slices=[f"MNI152, {n}" for n in LEARNT_FROM])
    plan.judge(slices=[f"MNI152, {n}" for n in tissues.HELD])
    for way in plan.few(WAYS):
        for seed in plan.few(SEEDS):
            runs = [Run(way, seed, *one) for one in plan.few(conditions())]
            yield Work(runs, measured, runs, steps=plan.steps(STEPS))


def measured(runs: list[Run], *, steps: int = STEPS) -> dict[Run, Row]:
    """Train a network, and let it sort the slices under each field; or sort them by k-means."""
    way, seed = runs[0].way, runs[0].seed
    if way not in LIGHTS:
        seen = {run: tissues.spoilt(run.strength, run.field) for run in runs}
        return {run: Row(tissues.accuracy(tissues.by_grey(
            tissues.flattened(given) if way == tissues.FLAT else given, seed=seed))) for run, given in seen.items()}
    taught, learnt = learning(way, seed, steps)
    last(taught)
    learner = learnt()
    return {run: Row(tissues.accuracy(learner.sorted(tissues.spoilt(run.strength, run.field)))) for run in runs}


class Learner(NamedTuple):
    """A network, its heads, and the number of the head with the lowest loss."""

    net: Classifier
    head: torch.nn.Module
    best: int

    def sorted(self, given: Tensor) -> Tensor:
        """The class of each pixel of slices (N,3,H,W): (N,H,W)."""
        return selfsup.segments(self.net, self.head, given)[self.best].argmax(1)


@cache
def patches() -> Tensor:
    """Pieces of the slices that are learnt from, nearly all brain, (200,3,40,40)."""
    made, _ = tissues.slices()
    draw, found = torch.Generator().manual_seed(0), []
    while len(found) < PATCHES:
        n, top, left = (int(torch.randint(most, (), generator=draw))
                        for most in (len(LEARNT_FROM), made.shape[2] - SIDE, made.shape[3] - SIDE))
        patch = made[LEARNT_FROM[n], :, top : top + SIDE, left : left + SIDE]
        if (patch[0] > 0).float().mean() > BRAIN:
            found.append(patch)
    return torch.stack(found)


def learning(way: str, seed: int, steps: int = STEPS) -> tuple[Iterator[Step], Callable[[], Learner]]:
    """The steps of a training, and what has been learnt after them."""
    settings = selfsup.SegmentSettings(reach=0, steps=steps, batch_size=12, heads=3, lr=0.01, seed=seed)
    net = selfsup.pixel_encoder(seed=seed)
    head, light = selfsup.dense_heads(net, tissues.KINDS, settings=settings), LIGHTS[way]

    def learnt() -> Learner:
        return Learner(net, head, selfsup.best_dense_head(net, head, patches(), light=light, settings=settings))

    return selfsup.segment(net, patches(), tissues.KINDS, head=head, light=light, settings=settings), learnt


def conditions() -> list[tuple[float, int]]:
    """Strengths and fields; without a field there is nothing to draw."""
    return [(b, field) for b in STRENGTHS for field in tissues.FIELDS[: None if b else 1]]
