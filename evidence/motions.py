"""Which motion teaches names that other people share, and whether two networks have the same.

    python -m evidence motions     # results/motions.json

An hour of one processor. All is judged on 300 faces that had no part in anything before, in % of the distance between
the eyes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _landmarked, labellers
from evidence._faces import people
from evidence._named import FRESH, RANDOM, STILLS, TURNS, told
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, over
from evidence.labellers import BATCH, QUERIES, RATE, SHARP, TURNING
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.pairs import MARGIN, SIDE, Stock, of_both
from u3course.lessons.landmarks.trials import EYES, YAW, points
from u3course.worlds import faces
from u3course.worlds.faces import Layers
from u3lab import landmarks
from u3lab.descent import last
from u3lab.landmarks import landmark_error

SAME, ONE, EACH, SAME_OF_TWO = ("same place", "two people, one network", "two people, a network for each",
                                "two people, same place")
ALONE_ONE, ALONE_TWO = "one person, one network", "one person, two networks"
OF_TWO = (SAME_OF_TWO, ONE, EACH, ALONE_ONE, ALONE_TWO)
SHORT, LONG = 2000, 4000  # steps
PAIRS, PICTURES, KEPT, ALONE = 2, 300, 60, 600  # of people; pictures of each, of these to judge; steps of a network
FIRST = 50  # the seed of the first of these people
TURNED = ((0, 12), (12, 30), (30, 71))  # degrees by which the yaw of two faces differs
APART = "yaw differs by {} to {}°"

Carried = NamedTuple("Carried", [("way", str), ("steps", int), ("seed", int)])
"""One way to carry the landmarks of one face to the next."""

Missed = NamedTuple("Missed", [("errors", tuple[float, ...]), ("apart", tuple[int, ...])])
"""Their mean errors for each pair of faces, and by how many degrees the yaw of the two differs."""


def by_motion(rows: Rows) -> Summary:
    """The error of each way, of all pairs of faces and by how differently they are turned; in pairs, by how much it is
    more than that of turning heads."""
    def named(run: Carried) -> str:
        return run.way + f", {run.steps} steps" * (run.steps > 0) + f", pair {run.seed + 1}" * (run.way in OF_TWO)

    turns = next((torch.tensor(row.errors) for run, row in rows.items() if run[:2] == (TURNS, SHORT)), None)
    summary: dict[str, dict[str, object]] = {}
    for run, row in rows.items():
        if run.way in OF_TWO:
            continue
        errors, apart = torch.tensor(row.errors), torch.tensor(row.apart)
        cell = summary.setdefault(named(run), {"all": over(errors)})
        for low, high in TURNED if run.way != RANDOM else ():  # three times the rest: no chart would show that
            if (of_these := (apart >= low) & (apart < high)).any():
                cell[APART.format(low, high)] = over(errors[of_these])
        if turns is not None and run.way not in (TURNS, SHARP):
            cell["more than turning heads"] = over(errors - turns)
    return summary | by_cell((named(run), "all", error) for run, row in rows.items() if run.way in OF_TWO
                             for error in row.errors)


TABLE = Table(
    "motions", Carried, Missed, digits=2, summary=by_motion, again={"way": SAME},
    facts={"batch": BATCH, "pictures": {"test": _landmarked.TEST, "yaw": YAW}},
    uneven={"seeds": "One training of each", "steps": "The network that ships has more steps"},
    chart=Chart("bars", "error (% of the distance between the eyes)",
                columns=tuple(APART.format(low, high) for low, high in (TURNED[0], TURNED[2])),
                alt="Bars for pairs of faces that are turned alike and for pairs turned differently. Turning heads: "
                    "low in both. Warps of stills: higher for faces turned alike, far higher for others, with twice "
                    "the steps as well."))


def work(plan: Plan) -> Iterator[Work]:
    """A way to carry landmarks, or a pair of people, is a piece of work."""
    told(plan, fit=[people("train", FIRST + n, 1) for n in range(2 * PAIRS)])
    for way, steps in plan.few(((SAME, 0), (RANDOM, 0), (TURNS, SHORT), (STILLS, SHORT), (STILLS, LONG),
                                (SHARP, labellers.FULL))):
        yield Work(Carried(way, steps, 0), carried, plan, way, steps)
    for seed in plan.few(range(PAIRS)):
        steps = plan.steps(ALONE)
        yield Work([Carried(SAME_OF_TWO, 0, seed), Carried(ONE, steps, seed), Carried(EACH, steps, seed)],
                   of_two, plan, seed, steps)
        yield Work([Carried(ALONE_ONE, steps, seed), Carried(ALONE_TWO, steps, seed)], of_one, plan, seed, steps)


def carried(plan: Plan, way: str, steps: int) -> Missed:
    """How far the landmarks of each of the faces are found from where they are in the next."""
    tested = _landmarked.marked("person", FRESH)[1]
    apart = (tested.pose[:, 0] - tested.pose[:, 0].roll(-1)).abs().round()
    if way == SAME:
        return missed(points(tested), points(tested).roll(-1, 0), apart)
    if way == RANDOM:
        net = landmarks.labeller(seed=0)
    elif (way, steps) in ((SHARP, labellers.FULL), (STILLS, SHORT)):
        net = trials.taught({SHARP: "person", STILLS: "person-warps"}[way])
    else:
        kind = {TURNS: TURNING, STILLS: "labelling"}[way]
        net, taught = labellers.learnt(kind, "person", 0, steps)
        last(taught, total=steps + 1, title=f"{way}, {steps}")
    return missed(*trials.matched(trials.codes(net, tested.images), tested), apart)


def missed(found: Tensor, true: Tensor, apart: Tensor) -> Missed:
    """The row of points (N,8,2), and of the degrees (N) by which faces are turned differently."""
    return Missed(tuple(landmark_error(found, true, EYES).mean(1).tolist()), tuple(apart.int().tolist()))


def of_two(plan: Plan, pair: int, steps: int) -> dict[Carried, Missed]:
    """Landmarks of one person's pictures, looked for in those of another: one network that learns from both of them,
    and never from a pair of the two; and a network for each."""
    stocks, pictures = zip(*(alone(FIRST + 2 * pair + n, 2 * KEPT if plan.short else PICTURES) for n in (0, 1)),
                           strict=True)
    both = Stock(Layers(*map(torch.cat, zip(*(one.layers for one in stocks), strict=True))),
                 torch.cat([one.fronts for one in stocks]))

    a, b = pictures
    apart = (a.pose[:, 0] - b.pose[:, 0]).abs().round()
    ways = {ONE: coded(both, pair, steps, a.images, b.images),
            EACH: [*coded(stocks[0], pair, steps, a.images), *coded(stocks[1], pair + PAIRS, steps, b.images)]}
    return {Carried(SAME_OF_TWO, 0, pair): missed(points(a), points(b), apart)} | {
        Carried(way, steps, pair): missed(landmarks.match(*codes, points(a)).best, points(b), apart)
        for way, codes in ways.items()}


def of_one(plan: Plan, pair: int, steps: int) -> dict[Carried, Missed]:
    """The control of :func:`of_two`: landmarks of the pair's first person, looked for in the next picture of the same
    person, by the codes of one network, and by those of a second network that has learnt from the same pictures."""
    stock, pictures = alone(FIRST + 2 * pair, 2 * KEPT if plan.short else PICTURES)
    first, second = (coded(stock, seed, steps, pictures.images)[0] for seed in (pair, pair + PAIRS))
    true = points(pictures)
    apart = (pictures.pose[:, 0] - pictures.pose[:, 0].roll(-1)).abs().round()
    return {Carried(way, steps, pair): missed(landmarks.match(first, codes.roll(-1, 0), true).best, true.roll(-1, 0),
                                              apart) for way, codes in ((ALONE_ONE, first), (ALONE_TWO, second))}


def coded(stock: Stock, seed: int, steps: int, *shown: Tensor) -> list[Tensor]:
    """The codes of pictures (N,3,64,64) by a network that learns from ``stock`` alone, (N,D,32,32) each."""
    net = landmarks.labeller(seed=seed)
    settings = landmarks.LabelSettings(lr=RATE, steps=steps, batch_size=BATCH, queries=QUERIES, seed=seed)
    last(landmarks.train_labeller(net, of_both(stock), settings=settings), total=steps + 1, title=f"seed {seed}")
    return [trials.codes(net, images) for images in shown]


def alone(seed: int, count: int) -> tuple[Stock, faces.Faces]:
    """Pictures of one person to learn from, and the last KEPT of so many, from which nothing is learnt."""
    how = {"seed": seed, "size": SIDE, "each": count, "yaw": YAW}
    made = faces.layers(count - KEPT, margin=MARGIN, **how)
    fronts = faces.fronts(made, each=count, size=SIDE, margin=MARGIN, yaw=YAW)
    bytes_ = {name: (255 * getattr(made, name)).round().byte() for name in ("face", "background")}
    return Stock(made._replace(**bytes_), fronts), faces.Faces(*(part[-KEPT:] for part in faces.draw(count, **how)))
