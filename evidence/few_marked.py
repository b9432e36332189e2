"""How many marked faces landmarks can be read off with, by codes that nobody named.

    python -m evidence few_marked     # results/few_marked.json

Fifteen minutes of one processor, nearly all for the supervised rival. All is judged on 300 faces that had no part in
anything before: 300 others have chosen the design, and a second 300 have judged the table of ``labellers``, more than
once. Everything is in one unit, % of the distance between the eyes.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _landmarked, labellers
from evidence._faces import people
from evidence._named import FRESH, RANDOM, STILLS, TURNS, told
from evidence._parts import regressed
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, crossed, extent
from evidence.labellers import BATCH, RATE, TURNING, VIRTUAL
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.pairs import BEND, SCALE, SHIFT, TURN
from u3course.lessons.landmarks.trials import EYES, YAW, points
from u3lab import landmarks
from u3lab.descent import last
from u3lab.landmarks import codes_at, landmark_error, soft_argmax
from u3lab.landmarks.places import cells
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.training.loop import training_mode
from u3lab.warps import affine, thin_plate_spline, warp, warp_points

LABELS = (1, 5, 20, 100, _landmarked.LABELLED)  # marked faces
DRAWS, EACH = 5, _landmarked.LABELLED // 5  # how often fewer than all are drawn: these, the next hundred, and so on
SHORT = 2000  # steps
MEAN, SUPERVISED, EARLY = "mean shape", "supervised", f"{TURNS}, {SHORT} steps"
LOOKED_FOR, MAPPED = f"{TURNS}, looked for", f"{TURNS}, looked for, then linear map"
SHIPPED = {LOOKED_FOR: "person", MAPPED: "person", TURNS: "person", STILLS: "person-warps"}
LONG_NAMES = {RANDOM: f"{RANDOM}: linear map", STILLS: f"{STILLS}, {SHORT} steps: linear map",
              EARLY: f"{EARLY}: linear map", TURNS: f"{TURNS}, {labellers.FULL} steps: linear map",
              LOOKED_FOR: f"{TURNS}, {labellers.FULL} steps: looked for",
              MAPPED: f"{TURNS}, {labellers.FULL} steps: looked for, then linear map"}
STEPS, PATIENCE, EVERY = 3000, 500, 50  # of the supervised rival: steps at most, and without getting better
LEAST = 0.1  # half pictures: how wide the supervised rival's first heat maps are at least

Marked = NamedTuple("Marked", [("way", str), ("draw", int), ("labels", int)])
"""One way to find landmarks, with so many marked faces of one of the draws."""

Errors = NamedTuple("Errors", [("errors", tuple[float, ...])])
"""The mean error of the landmarks of each face, in % of the distance between its eyes."""


def by_labels(rows: Rows) -> Summary:
    """The error of each way with so many marked faces; in pairs, by how much it is less than the mean shape's, and by
    how much that of turning heads is less than that of the supervised network; and of *looked for* the least and the
    greatest mean of the draws."""
    def errors(way: str, labels: int) -> Tensor | None:  # (faces, draws)
        draws = [row.errors for run, row in rows.items() if (run.way, run.labels) == (way, labels)]
        return torch.tensor(draws).T if draws else None

    def less(one: Tensor, other: Tensor) -> Interval:  # on the draws that both have
        both = min(one.shape[1], other.shape[1])
        return crossed(other[:, :both] - one[:, :both])

    ways = list(dict.fromkeys(run.way for run in rows))
    found: dict[str, dict[str, object]] = {}
    for labels in sorted({run.labels for run in rows}):
        there = {way: one for way in ways if (one := errors(way, labels)) is not None}
        named = {way: LONG_NAMES.get(way, way) for way in there}
        of = found[str(labels)] = {named[way]: crossed(one) for way, one in there.items()}
        if MEAN in there:
            of |= {f"{named[way]}: gain": less(one, there[MEAN]) for way, one in there.items() if way != MEAN}
        if {SUPERVISED, TURNS} <= there.keys():
            of["turning heads less supervised"] = less(there[SUPERVISED], there[TURNS])
        if LOOKED_FOR in there and labels < _landmarked.LABELLED:
            of["looked for, mean of each draw"] = extent(there[LOOKED_FOR].mean(0).tolist())
    return found


TABLE = Table(
    "few_marked", Marked, Errors, digits=2, summary=by_labels, again={"way": MEAN},
    facts={"networks": "labeller-person, labeller-person-warps", "pictures": {"test": _landmarked.TEST, "yaw": YAW}},
    shared={"fit & choose: people": "The ridge, and the step at which the supervised network stops, are chosen on the "
                                    "marked faces themselves."},
    uneven={"seeds": "The supervised network has the first draw alone"},
    chart=Chart("curves", "error (% of the distance between the eyes)", along="number of marked faces",
                columns=(MEAN, LONG_NAMES[RANDOM], SUPERVISED, LONG_NAMES[STILLS], LONG_NAMES[EARLY], LONG_NAMES[TURNS],
                         LONG_NAMES[LOOKED_FOR]),
                alt="Error over the number of marked faces. Mean shape and random weights stay high, warps of stills "
                    "come down to half. Turning heads are far lower with as many steps, and lowest with 32,000; "
                    "looked for, they hardly fall after five."))

def work(plan: Plan) -> Iterator[Work]:
    """A way to find landmarks is a piece of work."""
    marked = people("train", 9, _landmarked.LABELLED)
    told(plan, fit=[marked], choose=[marked])
    for way in plan.few((MEAN, RANDOM, LOOKED_FOR, MAPPED, EARLY, TURNS, STILLS, SUPERVISED)):
        least = 1 if way in (MEAN, LOOKED_FOR) else 2
        draws = 1 if way == SUPERVISED or plan.short else DRAWS
        runs = [Marked(way, draw, n) for draw in range(draws) for n in LABELS
                if n >= least and (n < _landmarked.LABELLED or not draw)]
        yield Work(runs, few_marked, plan, way, runs)


def few_marked(plan: Plan, way: str, runs: list[Marked]) -> dict[Marked, Errors]:
    """The rows of one way, for all draws and numbers of marked faces."""
    known, tested = _landmarked.marked("person", FRESH)
    true, rows = points(known), {}
    if way not in (MEAN, SUPERVISED):
        net = labelled(plan, way)
        ours, theirs = trials.codes(net, known.images), trials.codes(net, tested.images)
        named = codes_at(ours, true)
        sphere = landmarks.sphere(VIRTUAL, length=float(named.norm(dim=-1).mean()))
        z, z_tested = (landmarks.virtual_landmarks(codes, sphere) for codes in (ours, theirs))
    for run in runs:
        some = slice(run.draw * EACH, run.draw * EACH + run.labels)
        if way == MEAN:
            found = true[some].mean(0).expand(len(tested.images), -1, -1)
        elif way == SUPERVISED:
            found = supervised(known.images[some], true[some], run.draw, STEPS)(tested.images)
        elif way in (LOOKED_FOR, MAPPED):
            mean = named[some].mean(0)
            found = landmarks.virtual_landmarks(theirs, mean)
            if way == MAPPED:
                found = regressed(landmarks.virtual_landmarks(ours[some], mean), true[some], found)
        else:
            found = regressed(z[some], true[some], z_tested)
        rows[run] = Errors(tuple(landmark_error(found, points(tested), EYES).mean(1).tolist()))
    return rows


def labelled(plan: Plan, way: str) -> Classifier:
    """The labeller of a way: with random weights, a shipped one, or the one that turning heads taught for SHORT steps,
    as the table motions has it."""
    if way != EARLY:
        return landmarks.labeller(seed=0) if way == RANDOM else trials.taught(SHIPPED[way])
    steps = plan.steps(SHORT)
    net, taught = labellers.learnt(TURNING, "person", 0, steps)
    last(taught, total=steps + 1, title=EARLY)
    return net


def supervised(images: Tensor, true: Tensor, seed: int, steps: int) -> Callable[[Tensor], Tensor]:
    """A network taught with marked faces alone, (N,3,64,64) → (N,8,2): it starts at their mean shape, and is kept as it
    was when a fifth of them, from which it does not learn, had the least error."""
    held = max(1, len(true) // 5)
    shape, wide = true[held:].mean(0), true[held:].std(0, correction=0).mean().clamp(min=LEAST)
    net = landmarks.labeller(dimensions=len(shape), longest=None, seed=seed)
    torch.nn.init.zeros_(net.module.codes.weight), torch.nn.init.zeros_(net.module.codes.bias)
    optimiser = torch.optim.Adam(net.module.parameters(), lr=RATE / 2)
    draw = torch.Generator().manual_seed(seed)

    def found(maps: Tensor) -> Tensor:  # with maps of 0, the mean shape
        around = -(cells(maps)[:, None] - shape).square().sum(-1).T.view(1, *maps.shape[1:]) / (2 * wide**2)
        return soft_argmax(maps + around) + shape - soft_argmax(around)

    def answers(given: Tensor) -> Tensor:
        return found(trials.codes(net, given))

    least, kept, since = float("inf"), net.module.state_dict(), 0
    for step in range(steps + 1):
        if step % EVERY == 0:
            error = float(landmark_error(answers(images[:held]), true[:held], EYES).mean())
            if error < least:
                kept, least, since = {name: one.clone() for name, one in net.module.state_dict().items()}, error, step
            if step - since >= PATIENCE:
                break
        chosen = torch.randint(held, len(true), (BATCH,), generator=draw)
        w = affine(BATCH, draw, shift=2 * SHIFT, scale=SCALE, turn=TURN).after(
            thin_plate_spline(BATCH, draw, strength=BEND))
        with training_mode(net.module):
            made = found(net.module(net.normalise(warp(images[chosen], w).clamp(0, 1))))
        optimiser.zero_grad()
        (made - warp_points(true[chosen], w)).square().mean().backward()
        optimiser.step()
    net.module.load_state_dict(kept)
    return answers
