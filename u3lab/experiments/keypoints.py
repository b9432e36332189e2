"""Keypoints as a bottleneck, notebook 03b: faces, chairs and three discs.

    python -m u3lab.experiments keypoints  # results/keypoints.json, three files of weights/

A training takes half an hour of one thread. Those of a quarter of its steps, by which Γ are compared and chairs are
learnt, take eight minutes. One that was stopped goes on from its state in the cache.

What compares x̂ with x′ is a network that has learnt to colour grey photos (notebook 02) and has never seen a label;
SqueezeNet, which has seen a million, is there for comparison.

What the pictures of faces look like was chosen by the landmarks of 300 of them. The networks that ship, and their
floors, are judged on 300 others; what else was trained on faces is measured on the first alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab import nets
from u3lab.descent import Step, last
from u3lab.experiments._faces import people
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, extent
from u3lab.experiments.labellers import CHOOSING
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode
from u3lab.lessons.landmarks import parts
from u3lab.lessons.landmarks.pairs import drawn as seen
from u3lab.lessons.landmarks.pairs import floating
from u3lab.lessons.landmarks.parts import LABELLED, SIDE, TEST, K
from u3lab.lessons.landmarks.trials import TESTED, YAW, errors, points, regressed
from u3lab.lessons.selfsup import colouring
from u3lab.nets import Classifier
from u3lab.selfsup.cielab import rgb_to_lab
from u3lab.warps import warp
from u3lab.worlds import faces

STEPS, BATCH, RATE, PIXELS = 12_000, 16, 0.004, 10.0
QUARTER = STEPS // 4
STOCK, AT_ONCE = 4000, 500  # pictures to learn from, two of each person; as many as are drawn at once
CHAIRS = 1000  # to learn from, two views of each
LABELS = (10, 50, LABELLED)
JUDGES = {"colouring": ("conv1", "conv2", "conv3", "conv4"), "squeezenet1_1": ("conv1", "fire2", "fire3", "fire5"),
          "pixels": ()}  # Γ → its layers
SEEDS, DISC_SEEDS, DISC_STEPS, COUNTS, DISCS = 3, 5, (1500, 300), (3, 10), 200
KEPT = {"person": ("keypoints", STEPS), "person, two walls": ("keypoints-two-walls", QUARTER),
        "chair": ("keypoints-chair", QUARTER)}  # the weights that ship: of the first seed, with Γ that colours
MARKED = (2 * CHAIRS, LABELLED), (1001, TEST)  # chairs that are marked, and held-out ones: the first, and how many

Run = NamedTuple("Run", [("thing", str), ("judge", str), ("count", int), ("steps", int), ("seed", int),
    ("role", str), ("measure", str), ("labels", int)])
"""One number: of which thing, which Γ, how many keypoints and steps, and which seed. ``role`` is that of the pictures:
"choose", faces by whose landmarks something was chosen, or "judge". What is measured, and by how many pictures with
landmarks; "regression" is an error of landmarks in % of the eyes' distance."""

Reached = NamedTuple("Reached", [("all", float), ("hard", float)])
"""Its value over all pictures, and over the hard faces; the same where nothing is hard."""


def summary(rows: Rows) -> Summary:
    """What is read off the keypoints by most labels: mean, least and largest of the seeds, of discs of all discs."""
    names = {"regression": "error in % of the eyes' distance", "pixels": "error in pixels"}
    most = {one.thing: max(run.labels for run in rows if run.thing == one.thing) for one in rows}

    def label(run: Run) -> str:
        which = f"K = {run.count}" if run.thing == "discs" else run.judge
        return f"{run.thing}: {which}" + f", {run.steps} steps" * (run.steps > 0)

    return by_cell(((label(run), names.get(run.measure, "R²") + CHOOSING * (run.role == "choose"), row.all)
                    for run, row in sorted(rows.items(), key=lambda one: one[0].role, reverse=True)
                    if run.labels == most[run.thing]), extent)


RIDGE = "The strength of the ridge is chosen on the marked pictures, each left out once."
TABLE = Table(
    "keypoints", Run, Reached, summary=summary, again={"thing": "discs", "count": "3", "steps": "300"},
    facts={"pictures": {"people": STOCK // 2, "side": SIDE}, "steps": STEPS, "batch": BATCH},
    shared={"fit & choose: people": RIDGE, "fit & choose: chairs": RIDGE},
    uneven={"seeds": "Chairs and random weights: three; discs: five", "steps": "for a quarter of the steps"},
    evidence=Evidence(
        "how well landmarks are read off a few keypoints that were learnt by drawing one picture from another",
        measured="The error of landmarks that a linear map makes of ten keypoints: of faces in % of the distance of "
                 "the eyes, of chairs in pixels of 64. Of three discs, R² of their middles.",
        on="Faces: 2,000 people to learn from, up to 500 marked ones of others, 300 of further people to judge on, who "
           "are not among those that chose. Chairs: 1,000, 500 marked, 300 held out. Discs: 200 pairs to fit on, 200 "
           "others.",
        often="Trained on faces: one seed. Chairs and random weights: three; discs: five. The numbers are mean, least "
              "and largest of the seeds, of discs of the three discs as well.",
        floor="Random weights, and always the mean shape.",
        rivals="Pixels alone, and SqueezeNet, in place of the network that colours, for a quarter of the steps.",
        chosen="The pictures out of five attempts, by the error of landmarks on 300 other faces, with the first seed. "
               "With photos behind that moved along or stood still, 500 marked faces read 42 % off the points after "
               "500 to 800 steps. Before a wall, with 32 pixels and another moment in half of the pairs, 24 % after "
               "6,000 steps. The column \"faces that chose\" is of these 300.",
        limits="The networks of faces that ship are judged as they ship, in eight bits. Other Γ have numbers on the "
               "faces that chose alone, and which is best, one seed cannot say. In \"two walls\" the pictures of a "
               "person have each a wall of their own, and what it looks like goes through the points."),
    chart=Chart("bars", "landmark error (% of the distance of the eyes)",
                columns=("error in % of the eyes' distance", f"error in % of the eyes' distance{CHOOSING}"),
                alt="Bars of landmark errors on faces, on new ones and on those by which something was chosen: mean "
                    "shape and random weights highest, the trained networks lower, the longest training lowest."))


def work(plan: Plan) -> Iterator[Work]:
    """A training, and all that is measured of it, is a piece of work."""
    learnt_from = torch.cat([people("train", 100 + start, AT_ONCE, each=2) for start in range(0, STOCK, AT_ONCE)])
    marked = people("train", 9, LABELLED)
    chose, strangers = (people("test", TESTED[role], TEST) for role in ("choose", "judge"))
    views, seen, unseen = (first + 2 * torch.arange(count) for first, count in ((0, CHAIRS), *MARKED))
    (fitted, _), (others, _) = marked_discs()
    plan.fit(people=torch.cat([learnt_from, marked]), chairs=torch.cat([views, seen]), discs=fitted)
    plan.choose(people=torch.cat([marked, chose]), chairs=seen)
    plan.judge(people=strangers, chairs=unseen, discs=others)
    for *training, roles in SHORT if plan.short else TRAININGS:
        runs = [Run(*training, role, *one) for role in roles for one in measures(*training[:2])]
        yield Work(runs, measured, plan, runs)


CHOSE, BOTH, NEW = ("choose",), ("choose", "judge"), ("judge",)  # by chairs and discs nothing was chosen
TRAININGS = (  # thing, Γ, keypoints, steps, seed, roles of the pictures on which they are measured
    *(("chair", judge, K, steps, seed, NEW) for judge, steps in (("colouring", QUARTER), ("random weights", 0))
      for seed in range(SEEDS)),
    ("chair", "mean shape", 0, 0, 0, NEW),
    *(("discs", "pixels", count, steps, seed, NEW) for count in COUNTS for steps in DISC_STEPS
      for seed in range(DISC_SEEDS)),
    ("person", "colouring", K, STEPS, 0, BOTH),
    *(("person", judge, K, QUARTER, 0, CHOSE) for judge in ("colouring", "squeezenet1_1", "pixels")),
    *(("person", "random weights", K, 0, seed, BOTH) for seed in range(SEEDS)),
    ("person", "mean shape", 0, 0, 0, BOTH),
    ("person, two walls", "colouring", K, QUARTER, 0, BOTH))
SHORT = (("chair", "colouring", K, 2, 0, NEW), ("discs", "pixels", 3, 2, 0, NEW))


def measures(thing: str, judge: str) -> list[tuple[str, int]]:
    """What is measured of a training, and by how many pictures with landmarks."""
    if thing == "discs":
        return [(f"R² of disc {disc}", DISCS) for disc in range(3)]
    if thing == "chair":
        return [("pixels", LABELLED)]
    return [("regression", labels) for labels in (LABELS[-1:] if judge == "mean shape" else LABELS)]


def measured(plan: Plan, runs: list[Run]) -> dict[Run, Reached]:
    """Teach one network, write it if it ships, and measure it; for "mean shape" there is none."""
    run, part = runs[0], 0.1 if plan.short else 1.0  # how much of what is marked is drawn: a tenth proves the form
    model = None
    if run.judge != "mean shape":
        model, taught = learnt(run, plan.state("keypoints", *run[:5]))
        if run.steps:
            last(taught, total=run.steps + 1, title=f"{run.thing}, {run.judge}, {run.steps} steps, seed {run.seed}")
        name, steps = KEPT.get(run.thing, ("", 0))
        if name and (run.judge, run.seed) == ("colouring", 0) and (plan.short or run.steps == steps):
            plan.weights(name, model, eight_bits=True)
    values = {"discs": of_discs, "chair": partial(of_chairs, part=part)}.get(run.thing)
    found = values(model) if values else [value for role in dict.fromkeys(one.role for one in runs)
                                          for value in of_faces(model, part, role)]
    return {one: Reached(*value) for one, value in zip(runs, found, strict=True)}


def pairs_of(pictures: Tensor, *, warped: bool) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """A function (count, generator) → sources and targets (count,3,64,64).

    Row by row two pictures of one person or chair, of a stock that has two of each, one after the other. If ``warped``,
    each is in a warp of its own, and that of the target bends.
    """
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        first = torch.randint(len(pictures), (count,), generator=generator)
        both = [floating(pictures[rows]) for rows in (first, first ^ 1)]
        return tuple(warp(x, seen(count, generator, bend, **parts.VIEW), size=SIDE).clamp(0, 1) if warped else x
                     for x, bend in zip(both, (0.0, parts.BEND), strict=True))

    return pairs


def learnt(run: Run, checkpoint: str | None = None) -> tuple[KeypointAutoencoder, Iterator[Step]]:
    """A fresh network and the steps that teach it; none for 0 steps."""
    if run.thing == "discs":
        model = KeypointAutoencoder(run.count, width=12, sigma=0.2, seed=run.seed)
        settings = AutoencodeSettings(steps=run.steps, lr=0.003, seed=run.seed)
        return model, autoencode(model, parts.pairs, settings=settings)
    model = KeypointAutoencoder(run.count, width=parts.WIDTH, sigma=parts.SIGMA, seed=run.seed)
    if not run.steps:
        return model, iter(())
    net, layers = gamma(run.judge)
    chair = run.thing == "chair"
    pictures = (chairs(run.seed, min(CHAIRS, run.steps * BATCH)) if chair else
                stock(run.seed, min(STOCK, 2 * run.steps), walls=parts.THINGS[run.thing]))
    settings = AutoencodeSettings(pixels=PIXELS, lr=RATE, steps=run.steps, batch_size=BATCH, seed=run.seed)
    return model, autoencode(model, pairs_of(pictures, warped=not chair), net=net, layers=layers, checkpoint=checkpoint,
                             settings=settings)


class Grey(nn.Module):
    """Normalised pictures → their lightness, normalised as well, in three channels, which is what can be coloured."""

    def forward(self, x: Tensor) -> Tensor:
        return (rgb_to_lab(x.clamp(0, 1))[:, :1] / 100 - 0.5).expand(-1, 3, -1, -1) / 0.25


def gamma(name: str) -> tuple[Classifier | None, tuple[str, ...]]:
    """Γ and the names of its layers; none for "pixels"."""
    layers = JUDGES[name]
    if not layers:
        return None, layers
    if name != "colouring":
        return nets.load(name).eval(), layers
    encoder, _ = colouring.shipped()
    module = nn.Sequential(Grey(), encoder.module).eval().requires_grad_(False)
    return Classifier(module, layers={layer: f"1.{layer}" for layer in encoder.layers}, size=SIDE,
                      name="the network that colours"), layers


# ---- faces


@cache
def stock(seed: int, count: int = STOCK, *, walls: int = 1) -> Tensor:
    """Pictures to learn from, with the margin, in bytes: (N,3,112,112) of 0 … 255.

    A person's two are before one wall, or with ``walls`` = 2 each before its own.
    """
    made = [faces.layers(min(AT_ONCE, count - start), seed=100 * (seed + 1) + start, size=SIDE, margin=parts.MARGIN,
                         each=2, yaw=YAW) for start in range(0, count, AT_ONCE)]
    return torch.cat([(255 * parts.before_a_wall(one, each=2 // walls)).round().byte() for one in made])


def of_faces(model: KeypointAutoencoder | None, part: float = 1.0, role: str = "judge") -> list[tuple[float, float]]:
    """The errors of landmarks that a linear map makes of keypoints, of all faces and of the hard ones, in %, for each
    number of LABELS; without a model those of who says of every face that it has the mean shape of the marked ones."""
    known, tested = parts.marked(part, role)
    hard, true = faces.hard_examples(tested), points(known)
    if model is None:
        return [errors(true.mean(0).expand_as(points(tested)), tested, hard)]
    found, there = model.keypoints(known.images), model.keypoints(tested.images)
    return [errors(regressed(found[:labels], true[:labels], there), tested, hard) for labels in LABELS]


# ---- chairs


@cache
def chairs(seed: int, count: int = CHAIRS) -> Tensor:
    """Views to learn from, in bytes, two in a row of one chair: (2·count,3,64,64) of 0 … 255."""
    return (255 * parts.chairs(count, 0, each=2, seed=seed).images).round().byte()


@cache
def marked_chairs(part: float) -> tuple[parts.Seats, parts.Seats]:
    """One view each of chairs to fit a regression to, and of chairs that nobody has learnt from, to test it."""
    return tuple(parts.chairs(round(part * count), first, seed=seed) for seed, (first, count) in enumerate(MARKED, 90))


def of_chairs(model: KeypointAutoencoder | None, part: float = 1.0) -> list[tuple[float, float]]:
    """The error in pixels of a chair's points, over those to be seen, read off its keypoints by a linear map; without a
    model that of who always says where they are on average."""
    known, tested = marked_chairs(part)
    found = (known.points.mean(0).expand_as(tested.points) if model is None else
             regressed(model.keypoints(known.images), known.points, model.keypoints(tested.images)))
    return [(float(SIDE / 2 * (found - tested.points).norm(dim=-1)[tested.visible].mean()),) * 2]


# ---- discs


def marked_discs() -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures to fit a regression to, and others to test it, (200,3,32,32), each with the middles of its discs."""
    return (parts.discs(DISCS, torch.Generator().manual_seed(seed))[1:] for seed in (100, 101))


def of_discs(model: KeypointAutoencoder) -> list[tuple[float, float]]:
    """R² of each disc's middle by linear regression on the keypoints, of pictures that it was not fitted on."""
    from sklearn.linear_model import LinearRegression

    (seen, places), (unseen, others) = marked_discs()
    before, after = model.keypoints(seen).flatten(1), model.keypoints(unseen).flatten(1)
    return [(float(LinearRegression().fit(before, places[:, k]).score(after, others[:, k])),) * 2 for k in range(3)]
