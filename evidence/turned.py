"""What is free where pictures are turned in their plane: sevens, nines beside sixes, slices of a head; notebook 03b.

    python -m evidence turned      # results/turned.json, eight minutes of one thread
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Plan, Rows, Summary, Table, Work, over
from evidence.poses import middle
from u3course.lessons.landmarks import frames
from u3lab.datasets import handwritten
from u3lab.descent import last
from u3lab.landmarks import PoseSettings, align, learn_pose, pose_encoder, pose_error, poses, rotated, rotated_pairs
from u3lab.landmarks.posing import Pairs

SEVENS, NINES = "sevens", "nines, zero of the sixes"
HEADS = {"brain2, taught on brain1": ("brain1", "brain2"), "brain1, taught on brain2": ("brain2", "brain1")}
TASKS = (SEVENS, NINES, *HEADS)
APART, ACROSS = "turns of one picture", "turns between any two pictures"
WAYS = (APART, ACROSS)
SEEDS, KNOWN, EACH = 5, 400, 8  # trainings; pictures of each digit to learn from; turns of each picture to judge

Run = NamedTuple("Run", [("task", str), ("way", str), ("seed", int)])
"""What is turned, between which pictures turns are told, and the seed of all."""

Row = NamedTuple("Row", [("angles", list), ("turns", list)])
"""Errors in degrees of pictures that were not learnt from, ``EACH`` views of one after the other: of their angle, with
the h that is said below, and of the turn from one view of a picture to the next."""


def summary(rows: Rows) -> Summary:
    """Medians over pictures and trainings, the share beyond 90°, and how often a whole training has missed turns."""
    found: dict[str, dict[str, object]] = {}
    for task, way in dict.fromkeys((run.task, run.way) for run in rows):
        angles, turns = (torch.tensor([row[n] for run, row in rows.items() if run[:2] == (task, way)]).unflatten(
            1, (-1, EACH)).permute(1, 2, 0) for n in (0, 1))
        found[f"{task}; {way}"] = {"angle": middle(angles), "turn between two views": middle(turns),
                                   "share beyond 90°": over((angles > 90).double().mean((1, 2)).tolist())}
    return found


TABLE = Table(
    "turned", Run, Row, summary=summary, digits=1, again="a training ends elsewhere on another processor",
    shared={"fit & judge: patients": "Each of the two patients is learnt from, and judges the network that has learnt "
                                     "from the other."},
    facts={"pictures": {"of each digit": KNOWN, "views of each": EACH}, "steps": frames.STEPS, "batch": frames.BATCH,
           "rate": frames.RATE})


def work(plan: Plan) -> Iterator[Work]:
    """A training and its test are a piece of work."""
    for role, part in ((plan.fit, slice(KNOWN)), (plan.judge, slice(KNOWN, None))):
        role(digits=torch.cat([digits(kind)[part, 0] for kind in (6, 7, 9)]), patients=["brain1", "brain2"])
    for task in TASKS:
        for way in WAYS:
            for seed in plan.few(range(SEEDS)):
                yield Work(Run(task, way, seed), measured, Run(task, way, seed), plan.steps(frames.STEPS))


def digits(kind: int) -> Tensor:
    """The 500 pictures of one digit, (500,3,28,28)."""
    pictures, labels = handwritten.load()
    return pictures[labels == kind]


def measured(run: Run, steps: int) -> Row:
    """Learn from turns, take h from what is known, and judge others."""
    if run.task in HEADS:
        learnt_from, judged = (frames.slices(name) for name in HEADS[run.task])
        named = learnt_from
    else:
        kinds = {SEVENS: (7,), NINES: (6, 9)}[run.task]
        learnt_from, named = torch.cat([digits(kind)[:KNOWN] for kind in kinds]), digits(kinds[0])[:KNOWN]
        judged = digits(kinds[-1])[KNOWN:]
    net = pose_encoder(8, "2d", seed=run.seed)
    pairs = rotated_pairs(learnt_from) if run.way == APART else across(learnt_from)
    last(learn_pose(net, frames.varied(pairs, mirrored=False), settings=PoseSettings(
        steps=steps, batch_size=frames.BATCH, lr=frames.RATE, seed=run.seed)))
    h = align(*turned(net, named))
    found, true = turned(net, judged)
    told, seen = (R.unflatten(0, (-1, EACH)) for R in (true, found))
    told, seen = ((R @ R.roll(1, 1).mT).flatten(0, 1) for R in (told, seen))
    return Row(pose_error(found, true, h).tolist(), pose_error(seen, told).tolist())


def turned(net: object, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Φ of pictures, each turned by ``EACH`` angles, and their true turns: (N·EACH,2,2) each."""
    angles = 360 * torch.rand(len(pictures) * EACH, generator=torch.Generator().manual_seed(1))
    return poses(net, rotated(pictures.repeat_interleave(EACH, 0), angles)), frames.plane(angles)


def across(images: Tensor) -> Pairs:
    """As :func:`u3lab.landmarks.rotated_pairs`, but the second is another picture, upright as the first."""
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        first, second = images[torch.randint(len(images), (2, count), generator=generator)]
        start, on = 360 * torch.rand(2, count, generator=generator)
        return rotated(first, start), rotated(second, start + on), frames.plane(on)

    return pairs
