"""Poses from turns between pairs alone, notebook 03b: four minutes of one thread for each training.

    python -m evidence poses                  # results/poses.json, weights/pose-chair.safetensors

The weights are those of the first seed.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from scipy.optimize import brentq
from torch import Tensor, nn

from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.landmarks import frames
from u3course.worlds import turntable
from u3course.worlds.turntable import Turntable, numbers
from u3lab.descent import Step, last, train
from u3lab.landmarks import PoseSettings, align, as_rotation, factorise, learn_pose, pairs_of, pose_encoder, pose_error
from u3lab.landmarks import poses as found_by
from u3lab.landmarks.training import maps_of_pairs
from u3lab.measures import Interval, bootstrap
from u3lab.nets import Classifier
from u3lab.training import loop

STEPS, BATCH, RATE, SEEDS = 1000, 48, 0.004, 3
THINGS, EACH = 300, 16  # chairs to learn from, and views of each
TURNS, POSES, RANDOM = "told how they move", "told every pose", "random weights"
HEIGHT, ANY = "right height, any azimuth", "random rotation"

Run = NamedTuple("Run", [("way", str), ("seed", int)])
"""What the training was told, and the seed of all."""

Row = NamedTuple("Row", [("one", list), ("own", list), ("turns", list)])
"""Errors in degrees of the views of chairs that no training has seen: of the pose with one h for all, which is that of
known chairs; with the best h of each chair; and of the turn from one view of a chair to the next."""


def any_rotation() -> float:
    """The median angle in degrees between a rotation and one that is drawn at random: of all rotations a share of
    (θ − sin θ)/π turn by less than θ."""
    return math.degrees(brentq(lambda angle: (angle - math.sin(angle)) / math.pi - 0.5, 0, math.pi))


def middle(errors: Tensor, rival: Tensor | None = None) -> Interval:
    """The median of errors (chairs, views, seeds), or how much it is more than a rival's, with its 95 % interval from
    samples of chairs and of seeds."""
    draw = torch.Generator().manual_seed(1)  # bootstrap's own begins with 0

    def medians(of: Tensor, chairs: Tensor, seeds: Tensor) -> Tensor:  # of samples that have each so often, (D)
        weights = (chairs[:, :, None, None] * seeds[:, None, None]).expand(-1, *of.shape).flatten(1)
        values, order = of.flatten().double().sort()
        reached = weights[:, order].cumsum(1)
        return values[(reached >= reached[:, -1:] / 2).double().argmax(1)]

    def more(chairs: Tensor, seeds: Tensor) -> Tensor:
        return medians(errors, chairs, seeds) - (0 if rival is None else medians(rival, chairs, seeds))

    def of_samples(often: Tensor) -> Tensor:
        picked = torch.randint(errors.shape[2], (len(often), errors.shape[2]), generator=draw)
        return more(often, F.one_hot(picked, errors.shape[2]).sum(1).double())

    whole = (torch.ones(1, size, dtype=torch.float64) for size in (len(errors), errors.shape[2]))
    return bootstrap(of_samples, len(errors))._replace(value=float(more(*whole)))


def summary(rows: Rows) -> Summary:
    """Median errors on chairs that no training has seen; and in pairs, how much more than with all poses told."""
    def errors(way: str, column: str) -> Tensor:  # (chairs, views, seeds)
        return torch.tensor([getattr(row, column) for run, row in rows.items() if run.way == way]).unflatten(
            1, (-1, frames.HELD_OUT)).permute(2, 1, 0)

    there = {run.way for run in rows}
    ways = [way for way in (TURNS, POSES, RANDOM) if way in there]
    found: dict[str, dict[str, float | Interval]] = {way: {
        "pose": middle(errors(way, "one")), "pose, an h for each chair": middle(errors(way, "own")),
        "turn between two views": middle(errors(way, "turns"))} for way in ways}
    if {TURNS, POSES} <= there:
        found[TURNS][f"more than {POSES}"] = middle(errors(TURNS, "one"), errors(POSES, "one"))
    return found | {HEIGHT: {"pose": 90.0}, ANY: {"pose": any_rotation()}}


TABLE = Table(
    "poses", Run, Row, summary=summary, digits=1, again="a training takes four minutes",
    facts={"pictures": {"chairs": THINGS, "views of each": EACH, "held out": frames.HELD_OUT}, "steps": STEPS,
           "batch": BATCH},
    chart=Chart("bars", "median error of a pose (degrees)", columns=("pose",), decimals=1,
                alt="Bars of the median error. Told how they move and told every pose: below ten degrees. Random "
                    "weights and the right height with any azimuth: about ninety. A random rotation: 132."))


def work(plan: Plan) -> Iterator[Work]:
    """A training and its test are a piece of work."""
    learnt_from, judge = torch.tensor(numbers("train", THINGS)), torch.tensor(numbers("test", frames.HELD_OUT))
    plan.fit(chairs=learnt_from)
    plan.judge(chairs=judge)
    for seed in plan.few(range(SEEDS)):
        for way in (RANDOM, TURNS, POSES):
            yield Work(Run(way, seed), measured, plan, Run(way, seed))


def measured(plan: Plan, run: Run) -> Row:
    """Train a network, and test it; the one that ships is written."""
    steps = plan.steps(STEPS)
    net, taught = learnt(run, steps)
    if run.way != RANDOM:
        last(taught, total=steps + 1, title=f"{run.way}, seed {run.seed}")
    if run == Run(TURNS, 0):
        plan.weights("pose-chair", net.module, eight_bits=True)
    return errors(net, *(frames.tests(tested, 2 * frames.HELD_OUT if plan.short else frames.VIEWS)
                         for tested in ("known", "unknown")))


@cache
def views(things: int, seed: int, most: int) -> Turntable:
    """What is learnt from: at most so many views, of each thing as many."""
    return turntable.draw("chair", things * min(most // things, 220), each=1, things=things, seed=seed)


def learnt(run: Run, steps: int = STEPS) -> tuple[Classifier, Iterator[Step]]:
    """A fresh network and the steps that teach it; none for random weights."""
    net = pose_encoder(seed=run.seed)
    if run.way == RANDOM:
        return net, iter(())
    most = min(EACH * THINGS, steps * BATCH)
    made = views(min(THINGS, most // 2), run.seed, most)
    settings = PoseSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=run.seed)
    if run.way == POSES:
        return net, learn_told(net, made, settings)
    pairs = pairs_of(made.images, made.rotations, made.instances)
    return net, learn_pose(net, frames.varied(pairs), settings=settings)


def learn_told(net: Classifier, made: Turntable, settings: PoseSettings) -> Iterator[Step]:
    """Learn Φ(x) = R from the pictures of :func:`learn_pose`, of each of which the pose is told."""
    others = (made.instances[:, None] == made.instances) & ~torch.eye(len(made.images), dtype=torch.bool)

    def told(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:  # in the order of pairs_of
        first = torch.randint(len(made.images), (count,), generator=generator)
        second = torch.multinomial(others[first].float(), 1, generator=generator)[:, 0]
        return made.images[first], made.images[second], made.rotations[first], made.rotations[second]

    def energy(step: int) -> tuple[Tensor, loop.Terms]:
        x, other, *R = frames.varied(told)(settings.batch_size, loop.generator_of(settings.seed, step))
        found = torch.cat([as_rotation(codes.flatten(1)) for codes in maps_of_pairs(net, x, other)])
        R = torch.cat(R).to(found)
        nothing = torch.eye(3).to(found).expand_as(found)  # found · R⁻¹ = 1
        return pose_error(found.detach(), R).median(), {"chordal": factorise(R, found, nothing)}

    return train(net.module.parameters(), energy, steps=settings.steps, rate=loop.annealed(settings))


def errors(net: nn.Module, known: Turntable, made: Turntable) -> Row:
    """How good the poses are that it finds: h is that of known things, the rest is measured on others."""
    before, found, true = found_by(net, known.images), found_by(net, made.images), made.rotations
    one = pose_error(found, true, align(before, known.rotations))
    own, turns = torch.empty(len(one)), torch.empty(len(one))
    for number in made.instances.unique():
        rows = made.instances == number
        own[rows] = pose_error(found[rows], true[rows], align(found[rows], true[rows])).float()
        told, seen = (R[rows] @ R[rows].roll(1, 0).mT for R in (true, found))
        turns[rows] = pose_error(seen, told).float()
    return Row(one.tolist(), own.tolist(), turns.tolist())
