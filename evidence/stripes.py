"""Stripes, trained: the mean of informations against the pooled joint, where a network can tell where it is or cannot.

    python -m evidence stripes       # results/stripes.json, some ten seconds a run

The mean over displacements of the informations is the paper's loss (equation 5) and that of all its released commands
for segmentation (--use_uncollapsed_loss; T = 10 of 128 or 200 pixels, 5 for Potsdam-6; 4,800 epochs; an auxiliary head
of three to eight times as many classes; github.com/xu-ji/IIC at b7602b7, examples/commands.txt). To pool the joints
first is what the same code does without that flag.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence._table import Chart, Evidence, Plan, Table, Work, cells, spread
from evidence.segments import TEST, TESTS, TRAIN
from u3course.lessons.selfsup.clusters import ALL, POOLED, TEN, sameness
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

Reached = NamedTuple("Reached", [("accuracy", float), ("sameness", float), ("found", float), ("truth", float)])
"""On mosaics that were not learnt from: Hungarian accuracy and sameness of the maps, and what the loss thinks of them
and of the true maps, as nats of information."""


TABLE = Table(
    "stripes", Run, Reached, facts={"ten classes": TEN, "then": {**POOLED, "reach": REACHES}, "all": ALL},
    summary=cells("{network}, T = {reach}, {loss}", {
        "accuracy": "accuracy", "sameness": "sameness", "nats of the maps": "found", "nats of the truth": "truth"},
        spread),
    again="four rows go on from one training, and take a minute",
    evidence=Evidence(
        "whether networks that segment textures draw one map for all pictures",
        measured="Hungarian accuracy of all pixels; the sameness of the maps, the share of mosaics that have a place's "
                 "most frequent class there, averaged over the places (one for a map that ignores the mosaics); and "
                 "the information that the loss sees in these maps and in the true ones, both at 12×12 places. On the "
                 "same tensors, in double precision, our mean of informations differs from that of the authors' "
                 "released code (b7602b7) by 4e-16 at most, and the pooled joint by 3e-6: there each displacement "
                 "counts by its number of pairs, and with that weighting the difference is 4e-16, too.",
        on="24 mosaics of three textures for each seed, which were not learnt from, cut out of the same three photos "
           "as the 160 that were.",
        often="Three seeds. Given are the median, the least and the greatest. A sameness of 0.996 and more is seed 2 "
              "where the place is unknown: one class for nearly everything, as in the table segments, and no stripes.",
        floor="One class for all has 0.44 to 0.5 of these pixels (the table segments).",
        rivals="Both losses start from the same ten classes, learnt with T = 0, and have equal steps. Place unknown: "
               "borders go on by reflection, and one of the two views is turned and mirrored. Place known: borders of "
               "zeros, and no view is turned; near the borders such a network can tell where it is.",
        chosen="The sub-head by the loss on the mosaics that were learnt from. The settings are those of the table "
               "segments, chosen by labels with a seed that is not among these, for the pooled joint and T = 1.",
        limits="Ours are 160 steps on 160 small mosaics. Tried once, with seed 1, three classes at once ended alike "
               "where the place is known (0.68 to 0.72, sameness 0.56 to 0.59), and in one class for all where it is "
               "not. The released commands go on for 4,800 epochs, with T = 10 of 128 or 200 pixels (5 for Potsdam-6), "
               "a share of the picture as large as T = 1 here or smaller, with an auxiliary head of three to eight "
               "times as many classes, and all of them take the mean of informations (--use_uncollapsed_loss). What "
               "such a training does on photographs is not tested here."),
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


def measured(runs: list[Run], *, steps: int | None = None) -> Iterator[tuple[Run, Reached]]:
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
        yield run, Reached(hungarian_accuracy(maps.flatten(), labels.flatten()), sameness(maps), *nats)


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
