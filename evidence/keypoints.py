"""Keypoints as a bottleneck, notebook 03c: faces.

    python -m evidence keypoints
    # results/keypoints.json, keypoint_swaps.json and keypoint_steps.json; weights/keypoints.safetensors

Each of three trainings on faces takes eleven minutes of one processor, the supervised rival five. What compares
x̂ with x′ is a network that has learnt to colour grey photos (notebook 02) and has never seen a label.

What was chosen, was chosen by the landmarks of 300 faces. All is judged on 300 others, who had no part in that.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _parts as parts
from evidence._faces import people
from evidence._parts import LABELLED, SIDE, SWAPS, TEST, regressed
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, crossed, extent
from evidence.labellers import VIRTUAL
from u3course.lessons.landmarks import trials
from u3course.lessons.landmarks.pairs import drawn as seen
from u3course.lessons.landmarks.pairs import floating
from u3course.lessons.landmarks.trials import EYES, TESTED, YAW, points
from u3course.lessons.selfsup import colouring
from u3course.worlds import faces
from u3lab.images import blur
from u3lab.landmarks import (
    AutoencodeSettings,
    KeypointAutoencoder,
    autoencode,
    codes_at,
    landmark_error,
    marginal_soft_argmax,
    sphere,
    virtual_landmarks,
)
from u3lab.nets import Classifier, checkpoints
from u3lab.selfsup.colour import rgb_to_lab
from u3lab.training.loop import training_mode
from u3lab.warps import affine, thin_plate_spline, warp, warp_points

STEPS, BATCH, RATE, PIXELS = 8_000, 8, 0.003, 10.0
EVERY = 1000  # steps from one look at the landmarks of those that choose to the next
COLOURED = 64  # pixels a side of what the network that colours has learnt from
STOCK, AT_ONCE = 4000, 500  # pictures to learn from, two of each person; as many as are drawn at once
LABELS = (10, 50, LABELLED)
SEEDS = 3
TAUGHT, PATIENCE, LOOK, LEARNS = 2000, 400, 50, 0.01  # of the supervised rival: steps at most, without getting better
BLURS = [n / 4 for n in range(1, 21)]  # pixels

KEYPOINTS, RANDOM, SUPERVISED = "ten keypoints", "random weights", "supervised"
MEAN, LABELLING = "mean shape", "equivariant labelling"
CENTRED, MOVED = "mean shape, at the head's middle", "mean shape, at the face's true middle"

Marked = NamedTuple("Marked", [("way", str), ("seed", int), ("labels", int)])
"""One way to find landmarks, of one training, with so many marked faces."""

Errors = NamedTuple("Errors", [("errors", tuple[float, ...])])
"""The mean error of the landmarks of each face, in % of the distance between its eyes."""

Swap = NamedTuple("Swap", [("seed", int)])
"""The swaps of one training: faces with the look of A and the geometry of B."""

Swapped = NamedTuple("Swapped", [(name, tuple[float, ...]) for name in (
    "look_a", "look_b", "look_again", "shape_a", "shape_b", "unswapped", "blurred", "sharp", "mean")])
"""Of each pair. Look: % of the head's pixels that have another colour than A's, than B's; and in another picture of A.
Shape, in % of the distance between the eyes: what the finder finds on the swap, against A and B; on A drawn from A; on
B, as blurred as what is drawn; on B; and the mean shape, at the middle of B's head."""

Course = NamedTuple("Course", [("seed", int), ("step", int)])
"""A moment of a training."""

Row = NamedTuple("Row", [("error", float)])
"""The error of landmarks on the faces that choose, with 500 marked ones."""


def by_labels(rows: Rows) -> Summary:
    """The error of each way with so many marked faces; and in pairs, face by face, how much larger another is."""
    def errors(way: str, labels: int) -> Tensor | None:  # (faces, seeds)
        seeds = [row.errors for run, row in rows.items() if (run.way, run.labels) == (way, labels)]
        return torch.tensor(seeds).T if seeds else None

    found: dict[str, dict[str, object]] = {}
    for labels in sorted({run.labels for run in rows}):
        there = {way: one for way in dict.fromkeys(run.way for run in rows) if (one := errors(way, labels)) is not None}
        found[str(labels)] = {way: crossed(one) for way, one in there.items()}
        for other in (CENTRED, SUPERVISED, LABELLING):
            if {KEYPOINTS, other} <= there.keys():
                found[str(labels)][f"{other} less {KEYPOINTS}"] = crossed(there[other] - there[KEYPOINTS])
    return found


def by_swap(rows: Rows) -> Summary:
    """Look and geometry of the swaps, and of what they are compared with; the shares are of all pairs and seeds."""
    def column(name: str) -> Tensor:  # (pairs, seeds)
        return torch.tensor([getattr(row, name) for row in rows.values()]).T

    look = {"swap against A": "look_a", "swap against B": "look_b", "A, another moment, against A": "look_again"}
    shape = {"swap against B": "shape_b", "swap against A": "shape_a", "no swap: A drawn from A": "unswapped",
             "B, as blurred": "blurred", "B itself": "sharp", "the mean shape, at the middle of B's head": "mean"}
    found = {f"look: {words}": {"% of the head's pixels": crossed(column(name))} for words, name in look.items()}
    found |= {f"geometry: {words}": {"% of the eyes' distance": crossed(column(name))} for words, name in shape.items()}
    return found | {"pairs": {
        "look nearer to A": crossed((column("look_a") < column("look_b")).double()),
        "geometry nearer to B": crossed((column("shape_b") < column("shape_a")).double())}}


FACES = ("Made people: 2,000 to learn from, two pictures of each; up to 500 marked ones of others; 300 to judge on, "
         "each once, who had no part in learning or choosing. 96 pixels, before a plain wall, the head 60 of them "
         "wide. It turns by up to 35°.")
CHOSEN = ("The softmax along each axis and not over the whole map, by the error of landmarks on 300 other faces: "
          "37.7 % against 42.1 % after 1,000 steps, with one seed each and pictures less close to the head. The rest "
          "was set without a comparison: the look's mean beside its map, Gaussians at three sizes, sub-pixels at the "
          "end, K, σ, the layers of Γ and λ.")
TABLES = (
    Table("keypoints", Marked, Errors, digits=2, summary=by_labels, again={"way": MEAN},
          facts={"pictures": {"people": STOCK // 2, "side": SIDE, "test": TEST}, "steps": STEPS, "batch": BATCH},
          shared={"fit & choose: people": "The ridge, and the step at which the supervised network stops, are chosen "
                                          "on the marked faces themselves."},
          uneven={"seeds": "Three trainings of ten keypoints, and three random networks; one of all others"},
          chart=Chart("curves", "error (% of the distance between the eyes)",
                      along="number of marked faces (not to scale)",
                      columns=(MEAN, CENTRED, MOVED, RANDOM, SUPERVISED, KEYPOINTS, LABELLING),
                      alt="Error over the number of marked faces: mean shape, also at the head's middle and at the "
                          "face's true middle, random weights, a supervised network, ten keypoints, and the labelling "
                          "of notebook 3.")),
    Table("keypoint_swaps", Swap, Swapped, digits=2, summary=by_swap, again="A swap needs a trained network."),
    Table("keypoint_steps", Course, Row, digits=2, again="A moment needs a training.",
          summary=lambda rows: by_cell(((str(run.step), "error", row.error) for run, row in rows.items()), extent),
          chart=Chart("curves", "error (% of the distance between the eyes)", along="steps",
                      alt="The error falls with the steps.")))


def work(plan: Plan) -> Iterator[Work]:
    """A training, and all that is measured of it, is a piece of work."""
    learnt_from = torch.cat([people("train", 100 + start, AT_ONCE, each=2) for start in range(0, STOCK, AT_ONCE)])
    marked = people("train", 9, LABELLED)
    chose, strangers = (people("test", TESTED[role], TEST) for role in ("choose", "fresh"))
    plan.fit(people=torch.cat([learnt_from, marked]))
    plan.choose(people=torch.cat([marked, chose]))
    plan.judge(people=torch.cat([strangers, people("test", 31, 4 * SWAPS, each=2)]))
    steps, seeds = plan.steps(STEPS), range(1 if plan.short else SEEDS)
    trained = cache(lambda seed: taught(plan, seed, steps))
    for way in (MEAN, CENTRED, MOVED, RANDOM, KEYPOINTS, LABELLING, SUPERVISED):
        for seed in seeds if way in (RANDOM, KEYPOINTS) else (0,):
            runs = [Marked(way, seed, labels) for labels in LABELS]
            yield Work(runs, few_marked, plan, runs, trained)
    for seed in seeds:
        yield Work(Swap(seed), swaps, seed, trained, plan.short)
        moments = [Course(seed, step) for step in range(min(EVERY, steps), steps + 1, EVERY)]
        yield Work(moments, lambda moments=moments: {one: Row(trained(one.seed)[1][one.step]) for one in moments})


# ---- faces


def few_marked(plan: Plan, runs: list[Marked], trained: Callable) -> dict[Marked, Errors]:
    """The rows of one way and training."""
    (known, heads), (tested, theirs) = parts.marked(0.1 if plan.short else 1.0)  # a tenth proves the form
    true, wanted, (way, seed, _), rows = points(known), points(tested), runs[0], {}
    if way in (RANDOM, KEYPOINTS, LABELLING):
        read = (labelled(known) if way == LABELLING else parts.untaught(seed).keypoints if way == RANDOM else
                trained(seed)[0].keypoints)
        before, after = read(known.images), read(tested.images)
    for run in runs:
        some = slice(0, run.labels)
        if way in (MEAN, CENTRED, MOVED):  # where the face is: nowhere told; by its head; by its landmarks
            there, here = {MEAN: (torch.zeros(2),) * 2, CENTRED: (parts.middles(heads[some]), parts.middles(theirs)),
                           MOVED: tuple(one.mean(1, keepdim=True) for one in (true[some], wanted))}[way]
            found = ((true[some] - there).mean(0) + here).expand_as(wanted)
        elif way == SUPERVISED:
            found = supervised(known.images[some], true[some], plan.steps(TAUGHT))(tested.images)
        else:
            found = regressed(before[some], true[some], after)
        rows[run] = Errors(tuple(landmark_error(found, wanted, EYES).mean(1).tolist()))
    return rows


def labelled(known: faces.Faces) -> Callable[[Tensor], Tensor]:
    """Where the labeller of notebook 03 sees 48 fixed codes, (N,3,96,96) → (N,48,2); they are as long as those of the
    landmarks of marked faces."""
    net = trials.taught("person")
    named = codes_at(trials.codes(net, parts.smaller(known.images)), points(known) / parts.LARGER)
    codes = sphere(VIRTUAL, length=float(named.norm(dim=-1).mean()))
    return lambda images: parts.LARGER * virtual_landmarks(trials.codes(net, parts.smaller(images)), codes)


def supervised(images: Tensor, true: Tensor, steps: int) -> Callable[[Tensor], Tensor]:
    """A network taught with marked faces alone, (N,3,96,96) → (N,8,2): it starts at their mean shape, and is kept as it
    was when a fifth of them, from which it does not learn, had the least error."""
    held = max(1, len(true) // 5)
    shape, net = true[held:].mean(0), KeypointAutoencoder(true.shape[1], width=parts.WIDTH)
    nn.init.zeros_(net.pose_encoder[-1].weight)
    optimiser = torch.optim.Adam(net.pose_encoder.parameters(), lr=LEARNS / 2)
    draw = torch.Generator().manual_seed(0)
    least, kept, since = float("inf"), net.state_dict(), 0
    for step in range(steps + 1):
        if step % LOOK == 0:
            error = float(landmark_error(shape + net.keypoints(images[:held]), true[:held], EYES).mean())
            if error < least:
                kept, least, since = {name: one.clone() for name, one in net.state_dict().items()}, error, step
            if step - since >= PATIENCE:
                break
        chosen = torch.randint(held, len(true), (2 * BATCH,), generator=draw)
        w = thin_plate_spline(2 * BATCH, draw, strength=parts.BEND)
        w = affine(2 * BATCH, draw, **parts.VIEW).after(w)
        with training_mode(net), torch.autocast("cpu", torch.bfloat16):
            maps = net.pose_encoder(2 * warp(images[chosen], w).clamp(0, 1) - 1)
        optimiser.zero_grad()
        (shape + marginal_soft_argmax(maps.float()) - warp_points(true[chosen], w)).square().mean().backward()
        optimiser.step()
    net.load_state_dict(kept)
    return lambda images: shape + net.keypoints(images)


def swaps(seed: int, trained: Callable, short: bool) -> Swapped:
    """All that is measured of the swaps of one training."""
    net, (a, heads_a), (again, heads_again), (b, heads_b) = trained(seed)[0], *parts.swapped()
    find, shape = parts.finder(), points(parts.marked(0.1 if short else 1.0)[0][0])
    made, own = net.reconstruct(a.images, b.images), net.reconstruct(a.images, again.images)

    def off(found: Tensor, true: faces.Faces) -> Tensor:
        return landmark_error(found, points(true), EYES).mean(1)

    foggy = min((blur(b.images, sigma) for sigma in BLURS),
                key=lambda one: abs(rough(one, heads_b) - rough(own, heads_again)))
    marked_heads = parts.marked(0.1 if short else 1.0)[0][1]
    moved = (shape - parts.middles(marked_heads)).mean(0) + parts.middles(heads_b)
    values = (parts.recoloured(made, heads_b, a.images, heads_a), parts.recoloured(made, heads_b, b.images, heads_b),
              parts.recoloured(again.images, heads_again, a.images, heads_a), off(find(made), a), off(find(made), b),
              off(find(own), again), off(find(foggy), b), off(find(b.images), b), off(moved, b))
    return Swapped(*(tuple(one.tolist()) for one in values))


def rough(images: Tensor, heads: Tensor) -> float:
    """The mean square of the differences of neighbours inside of heads."""
    inside = heads[:, None].expand_as(images)
    squares = [(images.diff(dim=axis)[inside.narrow(axis, 1, SIDE - 1)]).square().mean() for axis in (2, 3)]
    return float(sum(squares))


# ---- learning


def taught(plan: Plan, seed: int, steps: int) -> tuple[KeypointAutoencoder, dict[int, float]]:
    """A trained network, as it ships, and the error of landmarks on those that choose, every so many steps."""
    model, learning = learnt(seed, steps)
    course, every = {}, min(EVERY, steps)
    for step in learning:
        if step.iteration and step.iteration % every == 0:
            (known, _), (tested, _) = parts.marked(0.1 if plan.short else 1.0, "choose")
            found = regressed(model.keypoints(known.images), points(known), model.keypoints(tested.images))
            course[step.iteration] = float(landmark_error(found, points(tested), EYES).mean())
    if not seed:
        plan.weights("keypoints", model, eight_bits=True, steps=steps)
        model.load_state_dict(checkpoints.read(plan.file("weights", "keypoints.safetensors")))
    return model, course


def learnt(seed: int, steps: int) -> tuple[KeypointAutoencoder, Iterator]:
    """A fresh network for faces, and the steps that teach it."""
    model, (net, layers) = parts.untaught(seed), gamma()
    settings = AutoencodeSettings(pixels=PIXELS, lr=RATE, steps=steps, batch_size=BATCH, seed=seed)
    return model, autoencode(model, pairs_of(stock(seed, min(STOCK, 2 * steps))), net=net, layers=layers, half=True,
                             settings=settings)


@cache
def stock(seed: int, count: int = STOCK) -> Tensor:
    """Pictures to learn from, with the margin, in bytes, (N,3,168,168) of 0 … 255; a person's two are before one wall.
    """
    made = [faces.layers(min(AT_ONCE, count - start), seed=100 * (seed + 1) + start, size=parts.DRAWN, each=2, yaw=YAW,
                         margin=parts.MARGIN) for start in range(0, count, AT_ONCE)]
    return torch.cat([(255 * parts.before_a_wall(one, each=2)).round().byte() for one in made])


def pairs_of(pictures: Tensor) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """A function (count, generator) → sources and targets (count,3,96,96).

    Row by row two pictures of one person, of a stock that has two of each, one after the other. Each is in a warp of
    its own, and that of the target bends.
    """
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        first = torch.randint(len(pictures), (count,), generator=generator)
        return tuple(warp(floating(pictures[rows]), seen(count, generator, bend, **parts.VIEW), size=SIDE).clamp(0, 1)
                     for rows, bend in ((first, 0.0), (first ^ 1, parts.BEND)))

    return pairs


class Grey(nn.Module):
    """Normalised pictures, made as small as those that the network has learnt to colour → their lightness in three
    channels, normalised as well."""

    def forward(self, x: Tensor) -> Tensor:
        if max(x.shape[2:]) > COLOURED:
            x = F.interpolate(x, size=(COLOURED, COLOURED), mode="bilinear", antialias=True)
        return (rgb_to_lab(x.clamp(0, 1))[:, :1] / 100 - 0.5).expand(-1, 3, -1, -1) / 0.25


def gamma() -> tuple[Classifier, tuple[str, ...]]:
    """Γ, the network that colours, and the names of its layers."""
    encoder, _ = colouring.shipped()
    module = nn.Sequential(Grey(), encoder.module).eval().requires_grad_(False)
    layers = ("conv1", "conv2", "conv3", "conv4")
    return Classifier(module, layers={layer: f"1.{layer}" for layer in encoder.layers}, size=COLOURED,
                      name="the network that colours"), layers
