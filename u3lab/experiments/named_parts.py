"""What names that nobody has given are worth: with few marked faces, by the motion, of two people, and by their length.

    python -m u3lab.experiments named_parts     # results/few_marked.json, motions.json and lengths.json

Half an hour of one processor; a training that was stopped goes on from its checkpoint in the cache. All is judged on
300 faces that had no part in anything before: 300 others have chosen the design, and a second 300 have judged the
table of ``labellers``, more than once. Everything is in one unit, % of the distance between the eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab import landmarks
from u3lab.descent import last
from u3lab.experiments import labellers
from u3lab.experiments._faces import people
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, crossed, over
from u3lab.experiments.labellers import BATCH, QUERIES, RATE, VIRTUAL
from u3lab.landmarks import codes_at, landmark_error, soft_argmax
from u3lab.landmarks.places import cells
from u3lab.lessons.landmarks import trials
from u3lab.lessons.landmarks.pairs import BEND, FACING, MARGIN, SCALE, SHIFT, SIDE, TURN, Stock, of_both
from u3lab.lessons.landmarks.trials import EYES, SHARP, TURNING, YAW, points
from u3lab.measures import Interval, roc_auc
from u3lab.nets import Classifier
from u3lab.training.loop import training_mode
from u3lab.warps import affine, thin_plate_spline, warp, warp_points
from u3lab.worlds import faces
from u3lab.worlds.faces import Layers
from u3lab.worlds.faces.made import composite

FRESH = "fresh"  # the role of the people who judge here
LABELS = (1, 5, 20, 100, trials.LABELLED)  # marked faces
MEAN, LOOKED_FOR, TURNS, STILLS = "mean shape", "turning heads, looked for", "turning heads", "warps of stills"
RANDOM, SUPERVISED = "random weights", "supervised"
SHIPPED = {LOOKED_FOR: "person", TURNS: "person", STILLS: "person-warps"}
LONG_NAMES = {LOOKED_FOR: "turning heads, 32000 steps, looked for", TURNS: "turning heads, 32000 steps",
              STILLS: "warps of stills, 2000 steps"}
SEEDS, STEPS, PATIENCE, EVERY = 1, 3000, 500, 50  # of the supervised rival: steps at most, and without getting better
LEAST = 0.1  # half pictures: how wide the supervised rival's first heat maps are at least

SAME, ONE, EACH, SAME_OF_TWO = ("same place", "two people, one network", "two people, a network for each",
                                "two people, same place")
ALONE_ONE, ALONE_TWO = "one person, one network", "one person, two networks"
OF_TWO = (SAME_OF_TWO, ONE, EACH, ALONE_ONE, ALONE_TWO)
SHORT, LONG = 2000, 4000  # steps
PAIRS, PICTURES, KEPT, ALONE = 2, 300, 60, 600  # of people; pictures of each, of these to judge; steps of a network
FIRST = 50  # the seed of the first of these people
TURNED = ((0, 12), (12, 30), (30, 71))  # degrees by which the yaw of two faces differs
APART = "yaw differs by {} to {}°"

FAR = "found far off"  # by more than NEAR
FACE = "face or background"
NEAR, PLACES = 25, 40  # % of the distance between the eyes; places of each pair of pictures
LENGTH, PEAK, RIM, FRONT, MIDDLE = ("length of the code", "peak of p", "distance from the rim",
                                    "how squarely it faces us", "nearness to the middle")

Marked = NamedTuple("Marked", [("way", str), ("seed", int), ("labels", int)])
"""One way to find landmarks, of one training, with so many marked faces."""

Errors = NamedTuple("Errors", [("errors", tuple[float, ...])])
"""The mean error of the landmarks of each face, in % of the distance between its eyes."""

Carried = NamedTuple("Carried", [("way", str), ("steps", int), ("seed", int)])
"""One way to carry the landmarks of one face to the next."""

Missed = NamedTuple("Missed", [("errors", tuple[float, ...]), ("apart", tuple[int, ...])])
"""Their mean errors for each pair of faces, and by how many degrees the yaw of the two differs."""

Scored = NamedTuple("Scored", [("score", str), ("question", str)])
"""A number for each place of a face, as an answer to a question."""


def by_labels(rows: Rows) -> Summary:
    """The error of each way with so many marked faces; in pairs, by how much it is less than the mean shape's, and by
    how much that of turning heads is less than that of the supervised network."""
    def errors(way: str, labels: int) -> Tensor | None:  # (faces, seeds)
        seeds = [row.errors for run, row in rows.items() if (run.way, run.labels) == (way, labels)]
        return torch.tensor(seeds).T if seeds else None

    ways = list(dict.fromkeys(run.way for run in rows))
    found: dict[str, dict[str, Interval]] = {}
    for labels in sorted({run.labels for run in rows}):
        there = {way: one for way in ways if (one := errors(way, labels)) is not None}
        floor, rival = there.get(MEAN), there.get(SUPERVISED)
        named = {way: LONG_NAMES.get(way, way) for way in there}
        found[str(labels)] = {named[way]: crossed(one) for way, one in there.items()} | {
            f"{named[way]}: gain": crossed(floor - one) for way, one in there.items()
            if floor is not None and way != MEAN}
        if rival is not None and TURNS in there:
            found[str(labels)] |= {"turning heads less supervised": crossed(there[TURNS] - rival)}
    return found


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


def by_score(rows: Rows) -> Summary:
    """The area under the ROC curve of each score, for each question."""
    summary: dict[str, dict[str, Interval]] = {}
    for run, row in rows.items():
        summary.setdefault(run.score, {})[run.question] = row
    return summary


FACES = "300 drawn faces, turned by up to 35 degrees; these people were used neither to learn nor to choose."
CHOSEN = ("γ, the greatest length of a code and the pairs of turning heads: by the landmarks of 300 other faces, out "
          "of some twenty attempts (the table labellers). Nothing was chosen by these.")

FEW = Table(
    "few_marked", Marked, Errors, digits=2, summary=by_labels, again={"way": MEAN},
    facts={"networks": "labeller-person, labeller-person-warps", "pictures": {"test": trials.TEST, "yaw": YAW}},
    shared={"fit & choose: people": "The ridge, and the step at which the supervised network stops, are chosen on the "
                                    "marked faces themselves."},
    evidence=Evidence(
        "how many marked faces landmarks can be read off with",
        measured="The mean error of eight landmarks in % of the distance between the eyes, and in pairs, face by face, "
                 "how much less it is than the mean shape's (gain). Looked for: the mean code of the marked landmarks. "
                 "Else: a linear map from the places of 48 fixed codes to the landmarks.",
        on=FACES,
        often="One training of each: the labellers that ship, of 32,000 steps on turning heads with γ = 0.25, and of "
              "2,000 on warps of stills with γ = 0.5; the table motions has both after 2,000. The 95 % intervals "
              "resample faces.",
        floor="The mean shape of the marked faces; the same codes with random weights.",
        rivals="The same network, taught with the marked faces alone. It starts at their mean shape, sees them in ever "
               f"new warps for at most {STEPS:,} steps, and is kept as it was at the step that is best on a fifth of "
               "them, left out. With five marked faces that fifth is a single one.",
        chosen=f"{CHOSEN} The ridge and the step to stop at: on the marked faces.",
        limits="Drawn faces before photos, 64 pixels, and the program says exactly how heads turn. The paper of 2017 "
               "has 5.8 % on photos of celebrities, learnt from warps of stills, with thousands of labels."),
    chart=Chart("curves", "error (% of the distance between the eyes)", along="number of marked faces",
                columns=(MEAN, RANDOM, LONG_NAMES[STILLS], SUPERVISED, LONG_NAMES[LOOKED_FOR], LONG_NAMES[TURNS]),
                alt="Error over the number of marked faces. Mean shape and random weights stay high, warps of stills "
                    "come down to half, codes of turning heads are lowest throughout."))

MOTIONS = Table(
    "motions", Carried, Missed, digits=2, summary=by_motion, again={"way": SAME},
    facts={"batch": BATCH, "pictures": {"test": trials.TEST, "yaw": YAW}},
    uneven={"seeds": "One training of each", "steps": "The network that ships has more steps"},
    evidence=Evidence(
        "which motion teaches names that other people share",
        measured="Eight landmarks of a face are looked for in the next face by their codes: their mean error in % of "
                 "the distance between the eyes.",
        on=f"{FACES} Two people, twice: 60 pictures of the one and 60 of the other, from which nothing was learnt; "
           "they have taught in 240 others. One person: the first of these two, from one of the 60 to the next.",
        often="One training of each; the table labellers has three of most, with the same outcome in other units. The "
              "95 % intervals resample faces, and for two people their pictures.",
        floor="The same place in the picture; random weights.",
        rivals="At equal steps, 2,000; warps of stills with twice as many as well. In both kinds of pairs the "
               "background moves by a warp of its own. The network that ships has more steps. Two people: one network "
               "that learns from both, or one for each. One person: one network, and one against a second with "
               "another seed that has learnt from the same pictures.",
        chosen=CHOSEN,
        limits="Drawn heads whose motion is known. Of warps one bend was tried, and 4,000 steps at most; the paper "
               "learnt from warps of photos. Two pairs of people, and chance decides how far the "
               "networks for each agree: they start from different random weights."),
    chart=Chart("bars", "error (% of the distance between the eyes)",
                columns=tuple(APART.format(low, high) for low, high in (TURNED[0], TURNED[2])),
                alt="Bars for pairs of faces that are turned alike and for pairs turned differently. Turning heads: "
                    "low in both. Warps of stills: higher for faces turned alike, far higher for others, with twice "
                    "the steps as well."))

LENGTHS = Table(
    "lengths", Scored, Interval, summary=by_score, again={"score": LENGTH},
    facts={"network": "labeller-person", "near": NEAR},
    evidence=Evidence(
        "whether the length of a code says how sure it is, or only where the face is",
        measured="The area under the ROC curve, 0.5 for guessing. Far off: how often a place that is found again by "
                 "more than 25 % of the distance between the eyes off has a lower score than one that is found. Face "
                 "or background: how often a cell of the face has a higher score than one of the background.",
        on="120 of the fresh people, two pictures of each, between which the head turns; 40 places of its front, seen "
           "in both, or 40 cells of the picture.",
        often="One network, the one that ships. The 95 % intervals resample people.",
        floor="Nearness to the middle of the picture.",
        rivals="The peak of p; the distance of a place from the rim of the head, hair and shoulders included; how "
               "squarely it faces us, which only the program knows.",
        chosen="Nothing.",
        limits="One network, whose codes are kept shorter than 4. Few places are far off."),
    chart=Chart("bars", "area under the ROC curve", chance=0.5,
                alt="Bars for each score: how well it tells places that are found far off from others, and the face "
                    "from the background."))
TABLES = (FEW, MOTIONS, LENGTHS)


def work(plan: Plan) -> Iterator[Work]:
    """A way to find landmarks, a way to carry them, a pair of people, or a question is a piece of work."""
    chose = people("test", trials.TESTED["choose"], trials.TEST)
    marked = people("train", 9, trials.LABELLED)
    two = [people("train", FIRST + n, 1) for n in range(2 * PAIRS)]
    stock = [people("train", 100 + part, trials.PART, each=2) for part in range(trials.STOCK // trials.PART)]
    plan.fit(people=torch.cat([marked, *stock, *two]))
    plan.choose(people=torch.cat([marked, chose]))
    plan.judge(people=people("test", trials.TESTED[FRESH], trials.TEST))
    for way in plan.few((MEAN, RANDOM, LOOKED_FOR, TURNS, STILLS, SUPERVISED)):
        for seed in range(SEEDS if way == SUPERVISED else 1):
            runs = [Marked(way, seed, labels) for labels in LABELS if labels > 1 or way in (MEAN, LOOKED_FOR)]
            yield Work(runs, few_marked, way, seed)
    for way, steps in plan.few(((SAME, 0), (RANDOM, 0), (TURNS, SHORT), (STILLS, SHORT), (STILLS, LONG),
                                (SHARP, labellers.FULL))):
        yield Work(Carried(way, steps, 0), carried, plan, way, steps)
    for seed in plan.few(range(PAIRS)):
        steps = plan.steps(ALONE)
        yield Work([Carried(SAME_OF_TWO, 0, seed), Carried(ONE, steps, seed), Carried(EACH, steps, seed)],
                   of_two, plan, seed, steps)
        yield Work([Carried(ALONE_ONE, steps, seed), Carried(ALONE_TWO, steps, seed)], of_one, plan, seed, steps)
    asked = [Scored(score, FAR) for score in (LENGTH, PEAK, RIM, FRONT, MIDDLE)]
    yield Work([*asked, *(Scored(score, FACE) for score in (LENGTH, PEAK, MIDDLE))], lengths)


# ---- few marked faces


def few_marked(way: str, seed: int) -> dict[Marked, Errors]:
    """The rows of one way, for all numbers of marked faces."""
    known, tested = trials.marked("person", FRESH)
    true, found = points(known), {}
    if way not in (MEAN, SUPERVISED):
        net = landmarks.labeller(seed=seed) if way == RANDOM else trials.taught(SHIPPED[way])
        ours, theirs = trials.codes(net, known.images), trials.codes(net, tested.images)
        named = codes_at(ours, true)
        if way != LOOKED_FOR:
            sphere = landmarks.sphere(VIRTUAL, length=float(named.norm(dim=-1).mean()))
            z, z_tested = (landmarks.virtual_landmarks(codes, sphere) for codes in (ours, theirs))
    for n in LABELS:
        if way == MEAN:
            found[n] = true[:n].mean(0).expand(len(tested.images), -1, -1)
        elif way == LOOKED_FOR:
            found[n] = landmarks.virtual_landmarks(theirs, named[:n].mean(0))
        elif n > 1:
            found[n] = (supervised(known.images[:n], true[:n], seed, STEPS)(tested.images) if way == SUPERVISED else
                        trials.regressed(z[:n], true[:n], z_tested))
    return {Marked(way, seed, n): Errors(tuple(landmark_error(made, points(tested), EYES).mean(1).tolist()))
            for n, made in found.items()}


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


# ---- which motion, and whose names


def carried(plan: Plan, way: str, steps: int) -> Missed:
    """How far the landmarks of each of the faces are found from where they are in the next."""
    tested = trials.marked("person", FRESH)[1]
    apart = (tested.pose[:, 0] - tested.pose[:, 0].roll(-1)).abs().round()
    if way == SAME:
        return missed(points(tested), points(tested).roll(-1, 0), apart)
    if way == RANDOM:
        net = landmarks.labeller(seed=0)
    elif (way, steps) in ((SHARP, labellers.FULL), (STILLS, SHORT)):
        net = trials.taught({SHARP: "person", STILLS: "person-warps"}[way])
    else:
        kind = {TURNS: TURNING, STILLS: "labelling"}[way]
        net, taught = labellers.learnt(kind, "person", 0, steps, plan.state("labeller", "person", kind, steps, 0))
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


# ---- the length of a code


def lengths() -> dict[Scored, Interval]:
    """How well each score tells places that are found far off, and the face from the background."""
    scores, marks = scored(trials.taught("person"))
    sources = {question: [str(n) for n in range(len(one)) for _ in range(one.shape[1])]
               for question, one in marks.items()}
    return {run: roc_auc(score.flatten(), marks[run.question].flatten(), sources[run.question])
            for run, score in scores.items()}


@cache
def turned() -> tuple[Layers, Tensor]:
    """Two pictures of each person in a row, and where the front of each head is seen."""
    how = {"size": SIDE, "each": 2, "yaw": YAW}
    made = faces.layers(4 * (trials.TEST // 5), split="test", seed=trials.TESTED[FRESH], **how)
    return made, faces.fronts(made, **how)


def scored(net: Classifier) -> tuple[dict[Scored, Tensor], dict[str, Tensor]]:
    """The scores of places of each person, (P,PLACES) each, and by question whether each place is marked: found again
    near where it is, or of the face."""
    from scipy.ndimage import distance_transform_edt

    made, fronts = turned()
    there, facing = 2 * fronts[..., :2] / SIDE - 1, fronts[..., 2]
    codes = trials.codes(net, composite(made.face, made.background))
    opaque = made.face[:, 3:] > 0.5
    rim = torch.stack([torch.from_numpy(distance_transform_edt(one[0].numpy())).float()[None] for one in opaque])
    covered = nn.functional.avg_pool2d(made.face[:, 3:], SIDE // codes.shape[-1]).flatten(1)
    wide = 2 / SIDE * (made.points[:, EYES[0]] - made.points[:, EYES[1]]).norm(dim=-1)
    draw, where = torch.Generator().manual_seed(0), cells(codes)
    scores: dict[Scored, list[Tensor]] = {}
    marks: dict[str, list[Tensor]] = {FAR: [], FACE: []}
    for k in range(0, len(codes), 2):
        seen = ((facing[k : k + 2] > FACING) & (there[k : k + 2].abs() < 1).all(-1)).all(0).nonzero()[:, 0]
        clear = ((covered[k] < 0.05) | (covered[k] > 0.95)).nonzero()[:, 0]
        some, any_ = (one[torch.randperm(len(one), generator=draw)[:PLACES]] for one in (seen, clear))
        for question, u in ((FAR, there[k, some]), (FACE, where[any_])):
            code = codes_at(codes[k : k + 1], u[None])[0]
            p = (code @ codes[k + 1].flatten(1)).softmax(-1)
            said = {LENGTH: code.norm(dim=-1), PEAK: p.amax(1), MIDDLE: -u.norm(dim=-1)}
            if question == FAR:
                said |= {RIM: codes_at(rim[k : k + 1], u[None])[0, :, 0], FRONT: facing[k, some]}
                off = (where[p.argmax(1)] - there[k + 1, some]).norm(dim=-1)
                marks[FAR].append(off <= NEAR / 100 * wide[k + 1])
            else:
                marks[FACE].append(covered[k, any_] > 0.5)
            for score, values in said.items():
                scores.setdefault(Scored(score, question), []).append(values)
    order = sorted(scores, key=lambda run: run.question == FACE)
    return {run: torch.stack(scores[run]) for run in order}, {name: torch.stack(one) for name, one in marks.items()}
