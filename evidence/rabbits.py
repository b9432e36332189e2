"""The labellers of notebook 03 that learn from a film, and how well they find marked points again in other frames.

    python -m evidence rabbits  # results/rabbits.json and weights/labeller-rabbit-1, -6 and -25

A run takes two minutes of one processor, before which the flow is estimated, in one.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, extent
from u3course.lessons.landmarks import marked
from u3course.lessons.landmarks.marked import DELTAS, SHOWN
from u3course.lessons.landmarks.pairs import AWAY, CELL, SCALE, SIDE, TURN, Pairs
from u3lab.datasets import clips
from u3lab.descent import Step, last
from u3lab.landmarks import LabelSettings, labeller, train_labeller
from u3lab.landmarks.places import cells, inside
from u3lab.nets import Classifier
from u3lab.selfsup import estimated_flow
from u3lab.warps import Affine, affine, warp

STEPS, NEAR, SEEDS = 1000, 0.05, 3  # NEAR: of the frame's side
SHIFT = 0.2  # how far a view is shifted at most, in half frames
BATCH, QUERIES, RATE = 12, 200, 0.004
FLOW = "flow, frame by frame"  # a rival; the others are floors
BACK = 2.0  # pixels of the film: a point that does not come back nearer to where it was has been covered

Run = NamedTuple("Run", [("way", str), ("delta", int), ("steps", int), ("seed", int)])
"""One way to find the marked points again: by a labeller of pairs so far apart, or one of ``RIVALS``, all 0."""

Row = NamedTuple("Row", [("median", float), ("near", float)])
"""The median error in pixels of the film, and the share of points that are found near."""


def summary(rows: Rows) -> Summary:
    """Mean, least and largest of the seeds, of all runs but the one that was added when the others had been judged."""
    def named(run: Run) -> str:
        if run.way not in RIVALS:
            return f"codes, Δ = {run.delta}, {run.steps} steps"
        return run.way if run.way == FLOW else f"floor: {run.way}"

    return by_cell(((named(run), column, value) for run, row in rows.items() if run.steps <= STEPS
                    for column, value in zip(("median error in pixels", "share near"), row, strict=True)), extent)


TABLE = Table(
    "rabbits", Run, Row, summary=summary, facts={"near": NEAR, "batch": BATCH},
    again={"way": "nothing has moved"},
    shared={"fit & judge: frames": "What the film teaches is its flow; the marks of its frames teach nothing."},
    uneven={"seeds": "One more run", "steps": "three times the steps"},
    chart=Chart("bars", "median error (pixels of 128)", columns=("median error in pixels",),
                alt="Bars of the median error: for neighbouring frames as if nothing had moved, less for "
                    "frames farther apart, and by far the least for the flow itself."))


def work(plan: Plan) -> Iterator[Work]:
    """A labeller, or a rival, is a piece of work."""
    rabbit = clips.rabbit()
    plan.fit(frames=marked.frames())
    plan.judge(frames=rabbit.frames[rabbit.numbers], marks=rabbit.points)
    runs = [Run(way, 0, 0, 0) for way in RIVALS] + [
        Run("labelling", delta, steps, seed) for delta in DELTAS for steps, seeds in
        ((STEPS, SEEDS), (3 * STEPS, int(delta == DELTAS[-1]))) for seed in range(seeds)]
    for run in [Run("labelling", delta, 2, 0) for delta in DELTAS[:1]] if plan.short else runs:
        yield Work(run, measured, plan, run)


def measured(plan: Plan, run: Run) -> Row:
    """Teach a labeller, and look for the marked points by its codes; or ask a rival where they are."""
    if run.way in RIVALS:
        return compared(RIVALS[run.way]())
    net, taught = learnt(run, first=DELTAS[-2] + 1 if plan.short else None)
    last(taught, total=run.steps + 1, title=f"Δ = {run.delta}, seed {run.seed}")
    if not run.seed and (run.delta < DELTAS[-1] or run.steps > STEPS):  # of the last Δ the longest run ships
        plan.weights(f"labeller-rabbit-{run.delta}", net, steps=run.steps)
    return compared(marked.matched(net))


def compared(found: Tensor) -> Row:
    """Of points (P,3,2), how far they are from the marked ones."""
    side = marked.frames().shape[-1]
    error = (found - marked.between()[3]).norm(dim=-1) * side / 2
    return Row(float(error.median()), float((error < NEAR * side).double().mean()))


def followed() -> Tensor:
    """Where the flow, frame by frame, leads the marked points, (P,3,2)."""
    first, second, points, _ = marked.between()
    there = points.clone()
    for k in range(int(second.max())):
        going = (first <= k) & (k < second)
        there[going] = advected(there[going], flows()[0][k].expand(int(going.sum()), -1, -1, -1))
    return there


def centred() -> Tensor:
    """The middle of the marked points of the later frame, for each of them, (P,3,2): who knows where the animal is."""
    there = marked.between()[3]
    return there.mean(1, keepdim=True).expand_as(there)


RIVALS = {"nothing has moved": lambda: marked.between()[2], "the animal's middle": centred, FLOW: followed}


def learnt(run: Run, *, first: int | None = None) -> tuple[Classifier, Iterator[Step]]:
    """A fresh labeller and the steps that teach it what goes where in the film, or in its first so many frames."""
    net = labeller(seed=run.seed)
    settings = LabelSettings(lr=RATE, steps=run.steps, batch_size=BATCH, queries=QUERIES, seed=run.seed)
    return net, train_labeller(net, of_film(run.delta, first), settings=settings)


@cache
def flows(count: int | None = None) -> tuple[Tensor, Tensor]:
    """Where each pixel goes until the next frame, (T−1,2,128,128) in pixels, and from the next frame back; minutes.

    T is all frames, or the first so many.
    """
    some = marked.frames()[:count]
    return estimated_flow(some[None])[0], estimated_flow(some.flip(0)[None])[0].flip(0)


def advected(points: Tensor, flow: Tensor) -> Tensor:
    """Where points (B,N,2) in [−1,1] of frames are led by their flows (B,2,H,W), given in pixels."""
    pixels = F.grid_sample(flow, points[:, :, None], padding_mode="border", align_corners=False)[..., 0].transpose(1, 2)
    return points + 2 * pixels / torch.tensor([flow.shape[3], flow.shape[2]])


def tracked(points: Tensor, start: Tensor, delta: int, count: int | None = None) -> Tensor:
    """Where points (B,N,2) of the frames ``start`` (B) are ``delta`` frames later, or AWAY if they cannot be found
    again on the way back; ``count`` is that of :func:`flows`."""
    forward, backward = flows(count)
    there = points
    for k in range(delta):
        there = advected(there, forward[start + k])
    back = there
    for k in reversed(range(delta)):
        back = advected(back, backward[start + k])
    lost = (back - points).norm(dim=-1) * marked.frames().shape[-1] / 2 > BACK
    return torch.where(lost[..., None], AWAY, there)


def of_film(delta: int, first: int | None = None) -> Callable[[int, torch.Generator], Pairs]:
    """A function (count, generator) → pairs of views of frames ``delta`` apart, all or the first so many. Every cell of
    x is asked for."""
    def pairs(count: int, generator: torch.Generator) -> Pairs:
        start = torch.randint(len(marked.frames()[:first]) - delta, (count,), generator=generator)
        before, after = (viewed(count, generator) for _ in range(2))
        x, gx = (warp(marked.frames()[number], view, size=SIDE)
                 for number, view in ((start, before), (start + delta, after)))
        u = cells(torch.empty(SIDE // CELL, SIDE // CELL)).expand(count, -1, -1)
        there = tracked(before(u), start, delta, first)
        return x, gx, u, torch.where(inside(there)[..., None], after.inverse()(there), AWAY)
    return pairs


def viewed(count: int, generator: torch.Generator) -> Affine:
    """Views of frames: a shifted, turned square of about three quarters of their sides."""
    moved = affine(count, generator, shift=SHIFT, scale=SCALE, turn=TURN)
    return Affine(moved.matrix * torch.tensor([SHOWN, SHOWN, 1.0]))
