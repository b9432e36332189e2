"""The maps that one training of the table segments draws of mosaics: notebook 02c shows two of them.

    python -m evidence textures      # results/textures.json, half a minute
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence._mosaics import WAYS, learnt
from evidence._table import Plan, Table, Work, cells, only
from evidence.segments import TEST, TESTS, TRAIN
from u3course.worlds import mosaics
from u3lab.selfsup import best_dense_head, segments
from u3lab.selfsup.matching import match

SEED = 5  # the seed with the median accuracy of "ten classes first" in the table segments
KEPT, STRIDE = 8, 2  # mosaics whose maps are kept; pixels of a map's cell

Run = NamedTuple("Run", [("mosaic", int)])
"""Which of the mosaics that judge."""

Row = NamedTuple("Row", [("accuracy", float), ("places", str)])
"""The share of the mosaic's pixels with the right class; and the class of every second pixel of every second row, row
by row, a digit. A class has the number of the texture that fits it best, one to one, in all mosaics that judge."""


TABLE = Table(
    "textures", Run, Row, facts={"seed": SEED, "stride": STRIDE}, again="its rows are of one training of a minute",
    summary=cells("mosaic {mosaic}", {"accuracy": "accuracy"}, only),
    shared={"fit & judge: photos": "mosaics are cut from one photo of each texture; only the mosaics are others"})


def work(plan: Plan) -> Iterator[Work]:
    """One training is all the work."""
    plan.fit(mosaics=[f"seed {SEED}"], photos=mosaics.TEXTURES)
    plan.judge(mosaics=[f"seed {TESTS + SEED}"], photos=mosaics.TEXTURES)
    runs = [Run(mosaic) for mosaic in plan.few(range(KEPT), 2)]
    yield Work(runs, measured, runs, steps=plan.steps(None))


def measured(runs: list[Run], *, steps: int | None = None) -> dict[Run, Row]:
    """Learn as for the table segments, and segment the mosaics that judge."""
    (train, _), (test, labels) = mosaics.textures(TRAIN, seed=SEED), mosaics.textures(TEST, seed=TESTS + SEED)
    net, head, settings = learnt(train, len(mosaics.TEXTURES), WAYS[0], SEED, steps=steps)
    best = best_dense_head(net, head, train, settings=settings)
    maps = segments(net, head, test)[best].argmax(1)
    maps = match(maps.flatten(), labels.flatten())[maps]
    right = (maps == labels).double().mean((1, 2)).tolist()
    return {run: Row(right[run.mosaic], "".join(map(str, maps[run.mosaic, ::STRIDE, ::STRIDE].flatten().tolist())))
            for run in runs}
