"""Stripes, trained: the mean of informations against the pooled joint, where a network can tell where it is or cannot.

    python -m evidence stripes       # results/stripes.json, some ten seconds a run

The mean over displacements of the informations is the paper's loss (equation 5) and that of all its released commands
for segmentation (--use_uncollapsed_loss; T = 10 of 128 or 200 pixels, 5 for Potsdam-6; 4,800 epochs; an auxiliary head
of three to eight times as many classes; github.com/xu-ji/IIC at b7602b7, examples/commands.txt). To pool the joints
first is what the same code does without that flag.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence._mosaics import ALL, POOLED, TEN, sameness
from evidence._table import Chart, Plan, Table, Work, cells, spread
from evidence.segments import TEST, TESTS, TRAIN
from u3course.worlds import mosaics
from u3lab import selfsup
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.selfsup import Posed, SegmentSettings
from u3lab.selfsup.matching import hungarian_accuracy
from u3lab.training.learning import learn
from u3lab.training.loop import annealed

K, PLACE = len(mosaics.TEXTURES), 8  # classes; pixels of a place of the maps
BLIND, KNOWS = "place unknown", "place known"
LOSSES = {"mean of informations": False, "pooled joint": True}
REACHES = (1, 3)
SEEDS = (1, 2, 3)  # by the labels of 0 the settings of the table segments were chosen

Run = NamedTuple("Run", [("network", str), ("loss", str), ("reach", int), ("seed", int)])
"""Whether the network can tell where it is; the loss; T; the seed."""

Row = NamedTuple("Row", [("accuracy", float), ("sameness", float), ("found", float), ("truth", float)])
"""On mosaics that were not learnt from: Hungarian accuracy and sameness of the maps, and what the loss thinks of them
and of the true maps, as nats of information."""


TABLE = Table(
    "stripes", Run, Row, facts={"ten classes": TEN, "then": {**POOLED, "reach": REACHES}, "all": ALL},
    summary=cells("{network}, T = {reach}, {loss}", {
        "accuracy": "accuracy", "sameness": "sameness", "nats of the maps": "found", "nats of the truth": "truth"},
        spread),
    again="four rows go on from one training, and take a minute",
    chart=Chart("bars", "accuracy, or sameness", columns=("accuracy", "sameness"),
                alt="Bars with the range of three seeds for two kinds of networks, two T and two losses: accuracy, and "
                    "sameness of the maps."),
    shared={"fit & judge: photos": "mosaics are cut from one photo of each texture; only the mosaics are others"})


def work(plan: Plan) -> Iterator[Work]:
    """The runs that start from the same ten classes are a piece of work."""
    seeds = plan.few(SEEDS)
    plan.fit(mosaics=[f"seed {seed}" for seed in seeds], photos=mosaics.TEXTURES)
    plan.judge(mosaics=[f"seed {TESTS + seed}" for seed in seeds], photos=mosaics.TEXTURES)
    for network in (BLIND, KNOWS):
        for seed in seeds:
            runs = [Run(network, loss, reach, seed) for reach in REACHES for loss in LOSSES]
            yield Work(runs, measured, runs, steps=plan.steps(None))


def measured(runs: list[Run], *, steps: int | None = None) -> Iterator[tuple[Run, Row]]:
    """Learn ten classes once, and from there three with each loss."""
    network, seed = runs[0].network, runs[0].seed
    images, (test, labels) = mosaics.textures(TRAIN, seed=seed)[0], mosaics.textures(TEST, seed=TESTS + seed)
    start = selfsup.texture_encoder(seed=seed)
    if network == KNOWS:
        for part in start.module.modules():
            if isinstance(part, nn.Conv2d):
                part.padding_mode = "zeros"
    learnt(start, images, 10, network, TEN, steps, seed)
    true = F.one_hot(labels, K).movedim(-1, 1).float()
    for run in runs:
        net, pooled = copy.deepcopy(start), LOSSES[run.loss]
        head, best = learnt(net, images, K, network, {**POOLED, "reach": run.reach, "pooled": pooled}, steps, seed)
        z = selfsup.segments(net, head, test)[best]
        maps = z.argmax(1)
        nats = [-float(selfsup.segmentation_loss(*2 * (one[..., PLACE // 2 :: PLACE, PLACE // 2 :: PLACE],),
                                                 reach=run.reach, pooled=pooled)) for one in (z, true)]
        yield run, Row(hungarian_accuracy(maps.flatten(), labels.flatten()), sameness(maps), *nats)


def learnt(net: Classifier, images: Tensor, k: int, network: str, given: dict, steps: int | None,
           seed: int) -> tuple[nn.Module, int]:
    """Fresh sub-heads of k classes, learnt with the network, and the number of the one with the lowest loss."""
    settings = SegmentSettings(**ALL, **{**given, **({"steps": steps} if steps else {})}, seed=seed)
    task, head = selfsup.segmenting(k, settings=settings), selfsup.dense_heads(net, k, settings=settings)
    if network == KNOWS:
        task = replace(task, pose=unturned)
    last(learn(net, images, task, head=head, rate=annealed(settings), settings=settings))
    with torch.no_grad():
        posed = task.pose(images, torch.Generator().manual_seed(0))
        maps = net.run(net.normalise(posed.views.flatten(0, 1))).unflatten(0, posed.views.shape[:2])
        losses = [selfsup.segmentation_loss(*z.unbind(1), reach=settings.reach, pooled=settings.pooled)
                  for z in head(maps, *posed.more)[0].unbind(2)]
    return head, int(torch.stack(losses).argmin())


def unturned(raw: Tensor, generator: torch.Generator) -> Posed:
    """Two views of each picture (B,3,S,S) that differ in brightness alone."""
    both = torch.stack([selfsup.relit(raw, generator) for _ in range(2)], 1)
    return Posed(both, torch.zeros(len(raw)), (torch.zeros(len(raw), 2).long(),))
