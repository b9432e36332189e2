"""Animal or place? What a linear probe with five labelled photographs of each kind reads off 02's encoders.

    python -m evidence kinds              # data/results/kinds.json, a minute
"""

from collections.abc import Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from evidence.crops import CEILING, DESCRIBED, FLOOR, LARGE, SEEDS, best, described, interval
from u3course.lessons.selfsup import crops
from u3course.lessons.universal.trials import few_of_each
from u3lab import measures, nets, results, selfsup
from u3lab.datasets import photos

KINDS, LABELLED, DRAWS = ("animal", "place"), 5, 50
CONTRAST, HISTOGRAM, BOTH = "contrast", DESCRIBED[0], "histogram and HOG"
RIVALS = {"gain": FLOOR, f"less {BOTH}": BOTH}  # title of a difference → what is subtracted
AT = {HISTOGRAM: DESCRIBED[0], BOTH: DESCRIBED[-1]}  # code → its name among the descriptors
FOUND = [[name for name in crops.names("test") if photos.about(name).group == kind] for kind in KINDS]
COUNT = min(map(len, FOUND))
PHOTOS = [name for found in FOUND for name in found[:COUNT]]  # as many of each kind
LABELS = torch.arange(len(KINDS)).repeat_interleave(COUNT)

Run = NamedTuple("Run", [("code", str), ("seed", int)])
"""What codes the photographs, and the seed of its first weights."""

Row = NamedTuple("Row", [("right", dict)])
"""Photograph → the share of the draws in which its kind is found; of those in which it is not labelled itself."""


def summary(rows: Rows) -> Summary:
    """Percent of the photographs whose kind is found, and how many more than with random weights."""
    def shares(code: str) -> Tensor:
        return 100 * torch.tensor([list(row.right.values()) for run, row in rows.items() if run.code == code],
                                  dtype=torch.float64)

    codes = dict.fromkeys(run.code for run in rows)
    return {"chance": {"right": 100 / len(KINDS)}} | {code: {"right": interval(shares(code))} | {
        title: interval(shares(code) - shares(other).mean(0))
        for title, other in RIVALS.items() if code != other in codes} for code in codes}


TABLE = Table(
    "kinds", Run, Row, summary=summary, within={"right": PHOTOS}, facts={"labelled": LABELLED, "draws": DRAWS},
    again={"code": HISTOGRAM},
    shared={"fit & judge: photos": "a photograph is labelled in some draws and asked about in the others alone"},
    uneven={"seeds": "One encoder of contrast, three of random weights"},
    chart=Chart("bars", "photographs whose kind is found (%)", chance=100 / len(KINDS), columns=("right",),
                alt="Random weights find about half, the histogram less; contrast, and histogram with HOG, about two "
                    "thirds; SqueezeNet four fifths."))


def work(plan: Plan) -> Iterator[Work]:
    """A code is a piece of work."""
    plan.fit(photos=PHOTOS)
    plan.choose(photos=crops.names("val"))
    plan.judge(photos=PHOTOS)
    for code in (FLOOR, *AT, CONTRAST, CEILING):
        for seed in plan.few(SEEDS) if code == FLOOR else SEEDS[:1]:
            yield Work(Run(code, seed), found, coded, code, seed, plan.few(range(DRAWS)))


def found(coded: partial, code: str, seed: int, draws: range) -> Row:
    """How often the kind of each photograph is found, over the draws of those with a label."""
    z, right, asked = coded(code, seed), torch.zeros(len(PHOTOS)), torch.zeros(len(PHOTOS))
    for draw in draws:
        known = few_of_each(LABELS, LABELLED, draw)
        rest = torch.ones(len(PHOTOS), dtype=torch.bool).index_fill_(0, known, False)
        probe = measures.probe(z[known], LABELS[known])
        right[rest] += (probe.scores(z[rest]).argmax(1) == LABELS[rest]).float()
        asked += rest
    return Row(dict(zip(PHOTOS, (right / asked.clamp_min(1)).tolist(), strict=True)))


def coded(code: str, seed: int) -> Tensor:
    """Codes of the photographs (N,U): the mean over the crops of each."""
    images = pictures(LARGE if code == CEILING else crops.SIDE)
    if code in AT:
        z = described(images)[AT[code]]
    else:
        net = (nets.load("squeezenet1_1", device="cpu") if code == CEILING else crops.shipped() if code == CONTRAST
               else selfsup.encoder(crops.WIDTH, seed=seed))
        layer = best(results.table("crops"), code, "probe")
        z = crops.codes(net, images, [layer])[layer]
    return z.unflatten(0, (len(PHOTOS), -1)).mean(1)


@cache
def pictures(size: int) -> Tensor:
    """All crops of the photographs, those of each together: (N·30,3,S,S)."""
    every = crops.names("test")
    parts = [found.images.unflatten(0, (len(every), -1)) for found in (
        crops.crops("test", part, size) for part in crops.EACH)]
    return torch.cat(parts, 1)[[every.index(name) for name in PHOTOS]].flatten(0, 1)

