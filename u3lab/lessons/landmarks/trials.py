"""The trials of chapter 3: labellers learn from made faces that move; what do few marked faces read off their codes?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.descent import Step, last
from u3lab.landmarks import (
    LabelSettings,
    codes_at,
    fit_landmarks,
    label,
    labeller,
    landmark_error,
    match,
    share_within,
    soft_argmax,
    sphere,
    virtual_landmarks,
)
from u3lab.landmarks.dense import GAMMA
from u3lab.landmarks.training import Pairs
from u3lab.lessons import results
from u3lab.lessons.landmarks.pairs import BEND, CELL, MARGIN, SCALE, SHIFT, SIDE, TURN, Stock, of_both, of_warps
from u3lab.nets import Classifier, checkpoints
from u3lab.selfsup import Posed, PretextSettings, Task, pretrain
from u3lab.training.loop import falling
from u3lab.warps import affine, thin_plate_spline, warp, warp_points
from u3lab.worlds import faces
from u3lab.worlds.faces import Faces, Layers
from u3lab.worlds.faces.made import together

YAW = 35.0  # degrees, at most: ten more than faces.draw has of itself
STOCK, PART = 4000, 1000  # pictures to learn from, two of each person; as many as are drawn at once
BATCH, QUERIES, RATE = 12, 200, 0.004
LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
LABELS = (1, 5, 10, 20, LABELLED)
RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)
VIRTUAL = 48  # landmarks on the sphere
EYES = (0, 1)
TURNING = "turning heads"  # labelling whose pairs are mostly two pictures of a head that has turned in between
SHARP = f"{TURNING}, γ = 0.25"  # the one that ships
TOGETHER = "moving together"  # labelling whose backgrounds move with the face
MANY = "sixteen numbers"  # turning heads, with longer codes
EXCHANGED = f"{MANY}, exchanged"  # with DVE


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
WAYS = (*LESSONS, "random weights", "supervised", "mean shape")
MEASURES = ("transfer", "regression", "matching", "certainty")


class Run(NamedTuple):
    """One number: of which faces, of which way to learn, of how many steps, by which seed, and what is measured.

    ``labels`` is the number of faces with landmarks, 0 where none are needed.
    """

    kind: str
    way: str
    steps: int
    seed: int
    measure: str
    labels: int


def shipped() -> dict[Run, tuple[float, float]]:
    """The table: what was run → its value on all faces, and on the hard ones."""
    return results.table("labellers", Run)


def taught(which: str) -> Classifier:
    """A shipped labeller: "person" or "cat", learnt from turning heads, "person-warps"; "rabbit-1", "rabbit-6" or
    "rabbit-25", from a film; "brain"; "animals", from cut-outs."""
    return checkpoints.restore(labeller(), f"labeller-{which}")


def stock(kind: str, seed: int, count: int = STOCK) -> Stock:
    """Faces to learn from, their layers in bytes: (N,4,112,112) and (N,3,112,112) of 0 … 255."""
    parts, fronts, how = [], [], {"size": SIDE, "margin": MARGIN, "each": 2, "kind": kind, "yaw": YAW}
    for number, start in enumerate(range(0, count, PART)):
        made = faces.layers(min(PART, count - start), seed=100 * (seed + 1) + number, **how)
        fronts.append(faces.fronts(made, **how))
        parts.append(made._replace(**{name: (255 * getattr(made, name)).round().byte()
                                      for name in ("face", "background")}))
    return Stock(Layers(*map(torch.cat, zip(*parts, strict=True))), torch.cat(fronts))


@cache
def marked(kind: str) -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it."""
    return tuple(faces.draw(count, split=split, seed=9, size=SIDE, each=1, kind=kind, yaw=YAW)
                 for split, count in (("train", LABELLED), ("test", TEST)))


def points(made: Faces) -> Tensor:
    """Their landmarks as (x, y) in [−1,1], (N,8,2)."""
    return 2 * made.points / made.images.shape[-1] - 1


def learnt(way: str, kind: str, seed: int, steps: int, checkpoint: str | None = None
           ) -> tuple[Classifier, Iterator[Step]]:
    """A fresh labeller and the steps that teach it one of the LESSONS; none for random weights."""
    if way == "random weights":
        return labeller(seed=seed), iter(())
    lesson = LESSONS[way]
    net = labeller(dimensions=lesson.dimensions, seed=seed)
    settings = LabelSettings(gamma=lesson.gamma, exchange=lesson.exchange, lr=RATE, steps=steps, batch_size=BATCH,
                             queries=QUERIES, seed=seed)
    pairs = lesson.pairs(stock(kind, seed, min(STOCK, 2 * BATCH * (steps + 1))))
    return net, label(net, pairs, loss=lesson.loss, checkpoint=checkpoint, settings=settings)


@torch.no_grad()
def codes(net: nn.Module, images: Tensor) -> Tensor:
    """Φ of many pictures (N,3,64,64): (N,D,32,32)."""
    return torch.cat([net(part) for part in images.split(100)])


def regressed(found: Tensor, true: Tensor, tested: Tensor) -> Tensor:
    """Landmarks (T,8,2) that a linear map makes of points (T,K,2), fitted to those of labelled faces, (N,K,2).

    How strong its ridge is, the labelled faces choose, each left out once.
    """
    from sklearn.linear_model import RidgeCV

    ridge = RidgeCV(RIDGES).fit(found.flatten(1).double(), true.flatten(1).double()).alpha_
    return fit_landmarks(found, true, ridge=float(ridge)).landmarks(tested)


def transferred(found: Tensor, true: Tensor, tested: Tensor) -> Tensor:
    """Landmarks (T,8,2) looked for in codes (T,D,h,w) by the mean code that labelled faces have at theirs."""
    return virtual_landmarks(tested, codes_at(found, true).mean(0))


def matched(found: Tensor, made: Faces) -> tuple[Tensor, Tensor]:
    """Each face's landmarks, looked for in the next face by their codes: where they were found, and where they are.

    ``found`` are the codes (T,D,32,32) of the faces; both answers are (T,8,2), of the faces 1, 2, …, T−1, 0.
    """
    true = points(made)
    return match(found, found.roll(-1, 0), true).best, true.roll(-1, 0)


@cache
def before_photos(kind: str) -> tuple[Tensor, Tensor]:
    """Pictures (100,3,64,64), and how much of each cell the face covers, (100,32,32) in [0,1]."""
    made = faces.layers(TEST // 3, split="test", seed=9, size=SIDE, each=1, kind=kind, yaw=YAW)
    return together(made.face, made.background), torch.nn.functional.avg_pool2d(made.face[:, 3:], CELL)[:, 0]


def told_apart(score: Tensor, kind: str) -> float:
    """AUC of a number for each cell of :func:`before_photos`, (100,32,32) or (1,32,32), as an answer to: does it show
    the face, or the background? Cells that show both do not count."""
    from sklearn.metrics import roc_auc_score

    _, covered = before_photos(kind)
    clear = (covered < 0.05) | (covered > 0.95)
    return float(roc_auc_score(covered[clear] > 0.5, score.expand_as(covered)[clear]))


def certain(net: nn.Module, kind: str) -> float:
    """The AUC of the length of codes."""
    return told_apart(codes(net, before_photos(kind)[0]).norm(dim=1), kind)


def measured(net: nn.Module, run: Run) -> Iterator[tuple[Run, tuple[float, float]]]:
    """All that is measured of a labeller; ``run`` says of which one."""
    known, tested = marked(run.kind)
    hard = faces.hard(tested, kind=run.kind)
    found, there = codes(net, known.images), codes(net, tested.images)
    long = float(codes_at(found, points(known)).norm(dim=-1).mean())
    on_a_sphere = run.way not in LESSONS or LESSONS[run.way].dimensions == 3
    if on_a_sphere:
        z, z_tested = (virtual_landmarks(one, sphere(VIRTUAL, length=long)) for one in (found, there))
    for count in LABELS:
        true = points(known)[:count]
        yield (run._replace(measure="transfer", labels=count),
               errors(transferred(found[:count], true, there), tested, hard))
        if count > 1 and on_a_sphere:
            yield (run._replace(measure="regression", labels=count),
                   errors(regressed(z[:count], true, z_tested), tested, hard))
    best, true = matched(there, tested)
    both = hard | hard.roll(-1)
    yield run._replace(measure="matching", labels=0), tuple(share_within(best[rows], true[rows], EYES)
                                                  for rows in (torch.ones_like(both), both))
    yield run._replace(measure="certainty", labels=0), (certain(net, run.kind),) * 2


def errors(made: Tensor, tested: Faces, hard: Tensor) -> tuple[float, float]:
    """Mean error of landmarks in % of the inter-ocular distance, of all faces and of the hard ones."""
    each = landmark_error(made, points(tested), EYES).mean(1)
    return float(each.mean()), float(each[hard].mean())


def mean_shape(kind: str) -> tuple[float, float]:
    """The errors of who says of every face that its landmarks are where those of labelled ones are on average."""
    known, tested = marked(kind)
    return errors(points(known).mean(0).expand(TEST, -1, -1), tested, faces.hard(tested, kind=kind))


def supervised(kind: str, seed: int, count: int, steps: int) -> tuple[float, float]:
    """The errors of a labeller with a heat map for each landmark, taught with labels alone, in as many warps."""
    known, tested = marked(kind)
    true = points(known)[:count]
    net = labeller(dimensions=true.shape[1], longest=None, seed=seed)
    settings = PretextSettings(lr=RATE / 2, steps=steps, batch_size=BATCH, seed=seed)

    def moved(number: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(count, (number,), generator=draw)
        bent = thin_plate_spline(number, draw, strength=BEND)
        w = affine(number, draw, shift=2 * SHIFT, scale=SCALE, turn=TURN).after(bent)
        return warp(known.images[chosen], w), warp_points(true[chosen], w)

    task = Task(lambda given, draw: Posed(given[0][:, None], given[1]), lambda channels: nn.Identity(),
                lambda maps, y: {"squared error": (soft_argmax(maps[:, 0]) - y).square().mean()},
                lambda maps, y: (soft_argmax(maps[:, 0]) - y).norm(dim=-1).mean(), raw="labelled")
    last(falling(pretrain(net, moved, task, settings=settings), settings))
    return errors(soft_argmax(codes(net, tested.images)), tested, faces.hard(tested, kind=kind))
