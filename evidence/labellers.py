"""The labellers of chapter 3, and the table of what few marked faces read off their codes.

    python -m evidence labellers     # results/labellers.json and weights/labeller-person, -person-warps, -cat
    torchrun --nproc_per_node 4 -m evidence labellers            # four processes share the rows

A step takes seven hundredths of a second of one quiet processor, so the longest run takes 40 minutes and the shortest
two.

The design was chosen by the landmarks of 300 faces. What ships, what it is compared with, and its floors are judged on
300 others. Attempts on the way there, and rivals that were not trained again for it, have the first alone.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from evidence import _landmarked
from evidence._faces import people
from evidence._landmarked import errors
from evidence._parts import regressed
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, extent
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.pairs import BEND, SCALE, SHIFT, TURN, Stock, of_both, of_warps
from u3course.lessons.landmarks.trials import codes, points
from u3course.worlds import faces
from u3lab import landmarks
from u3lab.descent import Step, last
from u3lab.landmarks.dense import GAMMA
from u3lab.landmarks.training import Pairs
from u3lab.nets import Classifier
from u3lab.selfsup import Posed, PretextSettings, Task, pretrain
from u3lab.training.loop import falling
from u3lab.warps import affine, thin_plate_spline, warp, warp_points

TURNING = "turning heads"  # labelling whose pairs are mostly two pictures of a head that has turned in between
SHARP = f"{TURNING}, γ = 0.25"  # the one that ships
TOGETHER = "moving together"  # labelling whose backgrounds move with the face
MANY = "sixteen numbers"  # turning heads, with longer codes
EXCHANGED = f"{MANY}, exchanged"  # with DVE
BATCH, QUERIES, RATE = 12, 200, 0.004
VIRTUAL = 48  # landmarks on the sphere
FULL = 32_000  # steps
SHORT = FULL // 16
TRAININGS = (  # kind, way, steps, seeds, and how many of these are judged on new faces
    ("person", TURNING, FULL, 1, 0),
    ("person", TURNING, FULL // 4, 3, 0),
    ("person", TURNING, SHORT, 3, 3),
    ("person", SHARP, FULL, 1, 1),
    ("person", SHARP, SHORT, 1, 0),
    ("person", f"{TURNING}, γ = 1", SHORT, 1, 0),
    ("person", f"{TURNING}, γ = 2", SHORT, 1, 0),
    ("person", MANY, SHORT, 1, 0),
    ("person", EXCHANGED, SHORT, 1, 0),
    ("person", "labelling", SHORT, 3, 3),
    ("person", TOGETHER, SHORT, 3, 0),
    ("person", "invariance", FULL // 64, 3, 3),
    ("person", "random weights", 0, 3, 3),
    ("person", "supervised", FULL // 32, 3, 0),
    ("person", "mean shape", 0, 1, 1),
    ("cat", TURNING, SHORT, 1, 1),
    ("cat", "random weights", 0, 1, 1),
    ("cat", "mean shape", 0, 1, 1),
)
KEPT = {("person", SHARP): ("labeller-person", FULL), ("person", "labelling"): ("labeller-person-warps", SHORT),
        ("cat", TURNING): ("labeller-cat", SHORT)}  # the weights that ship, of the first seed, and their steps


class Lesson(NamedTuple):
    """A way to learn: its pairs, its loss, γ, how many numbers a code has, and whether other people's stand for it."""

    pairs: Callable[[Stock], Pairs]
    loss: str = "labelling"
    gamma: float = GAMMA
    dimensions: int = 3
    exchange: bool = False


LESSONS: dict[str, Lesson] = {
    TURNING: Lesson(of_both),
    SHARP: Lesson(of_both, gamma=0.25),
    **{f"{TURNING}, γ = {gamma:g}": Lesson(of_both, gamma=gamma) for gamma in (1.0, 2.0)},
    MANY: Lesson(of_both, dimensions=16),
    EXCHANGED: Lesson(of_both, dimensions=16, exchange=True),
    "labelling": Lesson(of_warps),
    TOGETHER: Lesson(partial(of_warps, apart=False)),
    "invariance": Lesson(of_warps, "invariance"),
}

Run = NamedTuple("Run", [("kind", str), ("way", str), ("steps", int), ("seed", int), ("role", str), ("measure", str),
    ("labels", int)])
"""One number: of which faces, of which way to learn, of how many steps, by which seed. ``role`` is that of the faces:
"choose", by whose landmarks the design was chosen, or "judge". What is measured: "transfer" and "regression" are errors
of landmarks in % of the inter-ocular distance, "matching" is the share of landmarks found, "certainty" an AUC.
``labels`` is the number of faces with landmarks, 0 where none are needed."""

Row = NamedTuple("Row", [("all_faces", float), ("hard_faces", float)])
"""Its value on all faces, and on the hard ones."""


CHOOSING = ", faces that chose"  # after a column of the summary that judges nothing


def summary(rows: Rows) -> Summary:
    """What is found again, and the error with most marked faces: mean, least and largest of the seeds."""
    columns = {"matching": "found again", "regression": "error in %"}
    return by_cell(((f"{run.kind}: {run.way}" + f", {run.steps} steps" * (run.steps > 0),
                     columns[run.measure] + CHOOSING * (run.role == "choose"), row.all_faces)
                    for run, row in sorted(rows.items(), key=lambda one: one[0].role, reverse=True)
                    if run.measure in columns and run.labels in (0, _landmarked.LABELS[-1])), extent)


TABLE = Table(
    "labellers", Run, Row, summary=summary, again={"way": "mean shape"}, facts={
        "pictures": {"test": _landmarked.TEST, "labelled": _landmarked.LABELLED, "yaw": trials.YAW}, "batch": BATCH},
    shared={"fit & choose: people": "The strength of the ridge is chosen on the marked faces, each left out once."},
    uneven={"seeds": "One to three seeds, as the rows say", "steps": "They have 500 to 2,000 steps"},
    chart=Chart("bars", "share of landmarks found in another face", columns=("found again", f"found again{CHOOSING}"),
                alt="Bars for each way to learn: turning heads find nearly all landmarks, warps of stills a third, "
                    "invariance and random weights hardly any, on new faces as on those by which the design was "
                    "chosen."))


def work(plan: Plan) -> Iterator[Work]:
    """A training, and all that is measured of it, is a piece of work."""
    learnt_from = torch.cat([people("train", 100 * (seed + 1) + part, trials.PART, each=2)
                             for seed in range(3) for part in range(trials.STOCK // trials.PART)])
    marked = people("train", 9, _landmarked.LABELLED)
    chose, strangers = (people("test", trials.TESTED[role], _landmarked.TEST) for role in ("choose", "judge"))
    plan.fit(people=torch.cat([learnt_from, marked]), cats=torch.cat([learnt_from, marked]))
    plan.choose(people=torch.cat([marked, chose]))
    plan.judge(people=strangers, cats=strangers)
    for kind, way, steps, seeds, judged in [("person", SHARP, 2, 1, 1)] if plan.short else TRAININGS:
        for seed in range(seeds):
            roles = ["choose"] * (kind == "person") + ["judge"] * (seed < judged)  # by cats nothing was chosen
            runs = [Run(kind, way, steps, seed, role, *one) for role in roles for one in measures(way)]
            yield Work(runs, measured, plan, runs)


def measures(way: str) -> list[tuple[str, int]]:
    """What is measured of a way to learn, and with how many marked faces."""
    if way == "mean shape":
        return [("regression", 0)]
    regression = [("regression", labels) for labels in _landmarked.LABELS]
    if way == "supervised":
        return regression
    found = [("transfer", labels) for labels in _landmarked.LABELS] + (regression[1:] if on_a_sphere(way) else [])
    return [*found, ("matching", 0), ("certainty", 0)]


def on_a_sphere(way: str) -> bool:
    """Whether codes have three numbers, so that virtual landmarks can be spread evenly over their directions."""
    return way not in LESSONS or LESSONS[way].dimensions == 3


def measured(plan: Plan, runs: list[Run]) -> dict[Run, Row]:
    """All rows of one way to learn, taught by one seed; the weights of those that ship are written as well."""
    kind, way, steps, seed, *_ = runs[0]
    if way == "mean shape":
        return {run: Row(*mean_shape(kind, run.role)) for run in runs}
    if way == "supervised":
        nets = {count: supervised(kind, seed, count, steps) for count in _landmarked.LABELS}
        return {run: Row(*of_maps(nets[run.labels], kind, run.role)) for run in runs}
    net, taught = learnt(way, kind, seed, steps)
    for _ in tqdm(taught, desc=f"{kind}, {way}, {steps}, {seed}", total=steps + 1):
        pass
    name, longest = KEPT.get((kind, way), ("", 0))
    if name and not seed and (plan.short or steps == longest):
        plan.weights(name, net, steps=steps)
    return {runs[0]._replace(role=role, measure=measure, labels=labels): Row(*values)
            for role in dict.fromkeys(run.role for run in runs)
            for (measure, labels), values in of_codes(net, kind, way, role)}


def learnt(way: str, kind: str, seed: int, steps: int) -> tuple[Classifier, Iterator[Step]]:
    """A fresh labeller and the steps that teach it one of the LESSONS; none for random weights."""
    if way == "random weights":
        return landmarks.labeller(seed=seed), iter(())
    lesson = LESSONS[way]
    net = landmarks.labeller(dimensions=lesson.dimensions, seed=seed)
    settings = landmarks.LabelSettings(gamma=lesson.gamma, exchange=lesson.exchange, lr=RATE, steps=steps,
                                       batch_size=BATCH, queries=QUERIES, seed=seed)
    pairs = lesson.pairs(trials.stock(kind, seed, min(trials.STOCK, 2 * BATCH * (steps + 1))))
    return net, landmarks.train_labeller(net, pairs, loss=lesson.loss, settings=settings)


def of_codes(net: nn.Module, kind: str, way: str, role: str) -> Iterator[tuple[tuple[str, int], tuple[float, float]]]:
    """All that is measured of a labeller: (measure, labels), and the values of all faces and of the hard ones."""
    known, tested = _landmarked.marked(kind, role)
    hard = faces.hard_examples(tested, kind=kind)
    found, there = codes(net, known.images), codes(net, tested.images)
    for count in _landmarked.LABELS:  # the mean code of marked landmarks is looked for
        mean = landmarks.codes_at(found[:count], points(known)[:count]).mean(0)
        yield ("transfer", count), errors(landmarks.virtual_landmarks(there, mean), tested, hard)
    if on_a_sphere(way):
        long = float(landmarks.codes_at(found, points(known)).norm(dim=-1).mean())
        sphere = landmarks.sphere(VIRTUAL, length=long)
        z, z_tested = (landmarks.virtual_landmarks(one, sphere) for one in (found, there))
        for count in _landmarked.LABELS[1:]:
            made = regressed(z[:count], points(known)[:count], z_tested)
            yield ("regression", count), errors(made, tested, hard)
    best, true = trials.matched(there, tested)
    both = hard | hard.roll(-1)
    yield ("matching", 0), tuple(within(best[rows], true[rows]) for rows in (torch.ones_like(both), both))
    yield ("certainty", 0), (certain(net, kind, role),) * 2


def within(found: Tensor, true: Tensor) -> float:
    """The share of landmarks found within a quarter of the inter-ocular distance."""
    return float((landmarks.landmark_error(found, true, trials.EYES) <= 25).double().mean())


def certain(net: nn.Module, kind: str, role: str) -> float:
    """The AUC of the length of codes: does a cell show the face, or the background?"""
    return _landmarked.told_apart(codes(net, _landmarked.before_photos(kind, role)[0]).norm(dim=1), kind, role)


def mean_shape(kind: str, role: str) -> tuple[float, float]:
    """The errors of who says of every face that its landmarks are where those of labelled ones are on average."""
    known, tested = _landmarked.marked(kind, role)
    return errors(points(known).mean(0).expand_as(points(tested)), tested, faces.hard_examples(tested, kind=kind))


def supervised(kind: str, seed: int, count: int, steps: int) -> Classifier:
    """A labeller with a heat map for each landmark, taught with labels alone, in as many warps."""
    known, _ = _landmarked.marked(kind)
    true = points(known)[:count]
    net = landmarks.labeller(dimensions=true.shape[1], longest=None, seed=seed)
    settings = PretextSettings(lr=RATE / 2, steps=steps, batch_size=BATCH, seed=seed)

    def moved(number: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(count, (number,), generator=draw)
        bent = thin_plate_spline(number, draw, strength=BEND)
        w = affine(number, draw, shift=2 * SHIFT, scale=SCALE, turn=TURN).after(bent)
        return warp(known.images[chosen], w), warp_points(true[chosen], w).flatten(1)

    task = Task(lambda given, draw: Posed(given[0][:, None], given[1].unflatten(1, (-1, 2))),
                lambda channels: nn.Identity(),
                lambda maps, y: {"squared error": (landmarks.soft_argmax(maps[:, 0]) - y).square().mean()},
                lambda maps, y: (landmarks.soft_argmax(maps[:, 0]) - y).norm(dim=-1).mean(), raw="labelled")
    last(falling(pretrain(net, moved, task, settings=settings), settings))
    return net


def of_maps(net: nn.Module, kind: str, role: str) -> tuple[float, float]:
    """The errors of a labeller that has a heat map for each landmark."""
    _, tested = _landmarked.marked(kind, role)
    return errors(landmarks.soft_argmax(codes(net, tested.images)), tested, faces.hard_examples(tested, kind=kind))
