"""Made faces for chapter 3, to learn from and with landmarks; the shipped labellers; what is read off their codes.

``python -m evidence labellers`` has taught those of faces, and makes the table.
"""

from functools import cache

import torch
from torch import Tensor, nn

from u3course.lessons.landmarks.pairs import CELL, MARGIN, SIDE, Stock
from u3course.worlds import faces
from u3course.worlds.faces import Faces, Layers
from u3course.worlds.faces.made import composite
from u3lab.landmarks import labeller, landmark_error, match
from u3lab.nets import Classifier, checkpoints

YAW = 35.0  # degrees, at most: ten more than faces.draw has of itself
STOCK, PART = 4000, 1000  # pictures to learn from, two of each person; as many as are drawn at once
LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
LABELS = (1, 5, 10, 20, LABELLED)
TESTED = {"choose": 9, "judge": 19, "fresh": 29}  # seeds of the people to test on: the first chose the design
EYES = (0, 1)
TURNING = "turning heads"  # labelling whose pairs are mostly two pictures of a head that has turned in between
SHARP = f"{TURNING}, γ = 0.25"  # the one that ships
TOGETHER = "moving together"  # labelling whose backgrounds move with the face
MANY = "sixteen numbers"  # turning heads, with longer codes
EXCHANGED = f"{MANY}, exchanged"  # with DVE


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
def marked(kind: str, role: str = "judge") -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it.

    With the ``role`` "choose" the latter are those by whose landmarks the design was chosen.
    """
    return tuple(faces.draw(count, split=split, seed=seed, size=SIDE, each=1, kind=kind, yaw=YAW)
                 for split, seed, count in (("train", 9, LABELLED), ("test", TESTED[role], TEST)))


def points(made: Faces) -> Tensor:
    """Their landmarks as (x, y) in [−1,1], (N,8,2)."""
    return 2 * made.points / made.images.shape[-1] - 1


@torch.no_grad()
def codes(net: nn.Module, images: Tensor) -> Tensor:
    """Φ of many pictures (N,3,64,64): (N,D,32,32)."""
    return torch.cat([net(part) for part in images.split(100)])


def matched(found: Tensor, made: Faces) -> tuple[Tensor, Tensor]:
    """Each face's landmarks, looked for in the next face by their codes: where they were found, and where they are.

    ``found`` are the codes (T,D,32,32) of the faces; both answers are (T,8,2), of the faces 1, 2, …, T−1, 0.
    """
    true = points(made)
    return match(found, found.roll(-1, 0), true).best, true.roll(-1, 0)


@cache
def before_photos(kind: str, role: str = "judge") -> tuple[Tensor, Tensor]:
    """Pictures (100,3,64,64), and how much of each cell the face covers, (100,32,32) in [0,1]."""
    made = faces.layers(TEST // 3, split="test", seed=TESTED[role], size=SIDE, each=1, kind=kind, yaw=YAW)
    return composite(made.face, made.background), torch.nn.functional.avg_pool2d(made.face[:, 3:], CELL)[:, 0]


def told_apart(score: Tensor, kind: str, role: str = "judge") -> float:
    """AUC of a number for each cell of :func:`before_photos`, (100,32,32) or (1,32,32), as an answer to: does it show
    the face, or the background? Cells that show both do not count."""
    from sklearn.metrics import roc_auc_score

    _, covered = before_photos(kind, role)
    clear = (covered < 0.05) | (covered > 0.95)
    return float(roc_auc_score(covered[clear] > 0.5, score.expand_as(covered)[clear]))


def errors(made: Tensor, tested: Faces, hard: Tensor) -> tuple[float, float]:
    """Mean error of landmarks in % of the inter-ocular distance, of all faces and of the hard ones."""
    each = landmark_error(made, points(tested), EYES).mean(1)
    return float(each.mean()), float(each[hard].mean())
