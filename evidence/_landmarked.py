"""Made faces whose landmarks are known, to judge labellers by: people that none of them has learnt from."""

from functools import cache

import torch
from torch import Tensor

from u3course.lessons.landmarks.pairs import CELL, SIDE
from u3course.lessons.landmarks.trials import EYES, TESTED, YAW, points
from u3course.worlds import faces
from u3course.worlds.faces import Faces
from u3course.worlds.faces.made import composite
from u3lab.landmarks import landmark_error

LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
LABELS = (1, 5, 10, 20, LABELLED)


@cache
def marked(kind: str, role: str = "judge") -> tuple[Faces, Faces]:
    """Faces whose landmarks are known, one of each person: to fit a regression to, and, of other people, to test it.

    With the ``role`` "choose" the latter are those by whose landmarks the design was chosen.
    """
    return tuple(faces.draw(count, split=split, seed=seed, size=SIDE, each=1, kind=kind, yaw=YAW)
                 for split, seed, count in (("train", 9, LABELLED), ("test", TESTED[role], TEST)))


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
