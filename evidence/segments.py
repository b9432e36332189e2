"""Mosaics of textures, and made satellite scenes, segmented without labels by mutual information and by k-means.

    python -m evidence segments  # results/segments.json, half a minute a run

The settings were chosen with the first seed of the textures, out of some thirty short trials, by labels. Its rows are
kept, and judge nothing: the summary leaves them out. The other seeds were run once. Below this table were, with the
first seed: three classes at once with T = 1 and λ = 2 (.51, nothing learnt), with heads behind a batch norm (.62 to
.65), T = 0 and then 1 with three classes (.64), squares of other pictures pasted into the views (.51 to .67), locally
equalised contrast (.65), finer first layers (.63 to .67), larger mosaics (.51 to .62), λ = 2 after ten classes (.68).
Taught with labels for 120 steps, the same network has .83 to .88.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from evidence import _mosaics
from evidence._mosaics import ALL, ALONE, CHOOSING, MADE, POOLED, TEN
from evidence._table import Chart, Plan, Table, Work, cells, spread
from evidence.clusters import SHOWN, with_gains
from u3course.lessons.selfsup.clusters import CONTRAST, EDGES, KMEANS, ONE, WAYS
from u3course.worlds import mosaics
from u3lab.selfsup import best_dense_head, segments
from u3lab.selfsup.matching import hungarian_accuracy

SEEDS = {"textures": (0, 1, 2, 3, 4, 5), "satellite": (0, 1, 2)}
TRAIN, TEST, TESTS = 160, 24, 1000  # mosaics; what is added to a seed for those to judge on

Run = NamedTuple("Run", [("data", str), ("way", str), ("seed", int)])
"""One run: which pictures, which way, which seed."""

Row = NamedTuple("Row", [("accuracy", float), ("best_head", float), ("sameness", float)])
"""On mosaics that were not learnt from: Hungarian accuracy of the sub-head that the loss chose and of the best one, and
how far the chosen one's maps are one and the same (1: the pictures are ignored)."""


def _counts(run: tuple) -> bool:
    return (run.data, run.seed) != CHOOSING


TABLE = Table(
    "segments", Run, Row, again={"way": KMEANS},
    summary=with_gains(cells("{data}, {way}", {**SHOWN, "sameness": "sameness"}, spread, counts=_counts),
                       "{data}, {way}", WAYS[0], _counts),
    facts={"ten classes": TEN, "then": POOLED, "T = 0": ALONE, "all": ALL},
    uneven={"seeds": "Five seeds of textures, three of satellite scenes"},
    chart=Chart("bars", "Hungarian accuracy, or sameness", columns=("chosen by the loss", "sameness"),
                alt="Bars with the range of the seeds for two kinds of mosaics and six ways: accuracy, and sameness "
                    "of the maps."),
    shared={"fit & judge: photos": "mosaics of textures are cut from one photo of each texture; only the mosaics are "
                                   "others",
            "fit & choose: photos": "as for those that judge",
            "choose & judge: photos": "as for those that learn"})


def work(plan: Plan) -> Iterator[Work]:
    """A run is a piece of work."""
    seeds = {data: plan.few(some, 2) for data, some in SEEDS.items() if not plan.short or data == "textures"}
    known = [(data, seed) for data, some in seeds.items() for seed in some]
    plan.fit(mosaics=[f"{data}, seed {seed}" for data, seed in known], photos=mosaics.TEXTURES)
    plan.choose(mosaics=[f"{data}, seed {TESTS + seed}" for data, seed in [CHOOSING]], photos=mosaics.TEXTURES)
    plan.judge(mosaics=[f"{data}, seed {TESTS + seed}" for data, seed in known if (data, seed) != CHOOSING],
               photos=mosaics.TEXTURES)
    yield from (Work(Run(data, way, seed), measured, data, way, seed, steps=plan.steps(None))
                for data, some in seeds.items() for way in plan.few(WAYS) for seed in some)


def measured(data: str, way: str, seed: int, *, steps: int | None = None) -> Row:
    """Learn from mosaics, and segment others. What a sub-head reaches is asked at the end, and chooses nothing."""
    make, k = MADE[data]
    test, labels = make(TEST, seed=TESTS + seed)
    if way in (CONTRAST, EDGES):
        maps, chosen = _mosaics.by_pixel(_mosaics.around(test, edges=way == EDGES), k, seed)[None], 0
    elif way in (KMEANS, ONE):
        maps, chosen = (torch.zeros_like(labels) if way == ONE else _mosaics.by_pixel(test, k, seed))[None], 0
    else:
        train, _ = make(TRAIN, seed=seed)
        net, head, settings = _mosaics.learnt(train, k, way, seed, steps=steps, colour=data == "satellite")
        maps, chosen = segments(net, head, test).argmax(2), best_dense_head(net, head, train, settings=settings)
    right = [hungarian_accuracy(one.flatten(), labels.flatten()) for one in maps]
    return Row(right[chosen], max(right), _mosaics.sameness(maps[chosen]))
