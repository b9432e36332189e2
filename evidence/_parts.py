"""Keypoints of faces: those with landmarks, those to be exchanged, and a network taught landmarks by labels."""

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.lessons.landmarks.parts import (  # noqa: F401 — what the programs ask for as well
    DRAWN,
    MARGIN,
    SIDE,
    WIDTH,
    before_a_wall,
    drawn,
    middles,
    untaught,
)
from u3course.lessons.landmarks.trials import TESTED, YAW
from u3course.worlds import faces
from u3course.worlds.faces import Faces
from u3lab.landmarks import KeypointAutoencoder
from u3lab.nets import checkpoints

VIEW = {"shift": 0.1, "scale": 1.1, "turn": 9}  # of either view, in half canvases; times; degrees
BEND = 0.06  # half pictures: how far the control points of the second view go
SWAPS = 100
BINS = 6  # of each colour channel
FINDER = {"faces": 8000, "steps": 3000, "batch": 32, "lr": 0.01}  # its training, with labels
LABELLED, TEST = 500, 300  # faces with landmarks, and faces to test on
RIDGES = (0.001, 0.01, 0.1, 1.0, 10.0)
WHOLE, LARGER = 64, DRAWN / SIDE  # pixels of the faces that the finder was taught with; how much closer ours are


def regressed(found: Tensor, true: Tensor, tested: Tensor) -> Tensor:
    """Landmarks (T,L,2) that a linear map makes of points or codes (T,K,D), fitted to those of labelled faces (N,K,D).

    How strong its ridge is, the labelled faces choose, each left out once.
    """
    from sklearn.linear_model import RidgeCV

    fitted = RidgeCV(RIDGES).fit(found.flatten(1).double(), true.flatten(1).double())
    return torch.from_numpy(fitted.predict(tested.flatten(1).double())).unflatten(1, (-1, 2))


def whole(count: int, split: str, seed: int) -> Faces:
    """Faces before a wall as the finder has learnt them: small, with shoulders and all."""
    made = faces.layers(count, split=split, seed=seed, size=WHOLE, each=1, yaw=YAW)
    return Faces(before_a_wall(made), *made[2:])


@cache
def marked(part: float = 1.0, role: str = "fresh") -> tuple[tuple[Faces, Tensor], tuple[Faces, Tensor]]:
    """Faces whose landmarks are known, one of each person, and their heads: to fit a regression to, and, of other
    people, to test it; or the first part of both. With the ``role`` "choose" the latter are those by whose landmarks
    something was chosen."""
    return drawn(round(part * LABELLED), "train", 9), drawn(round(part * TEST), "test", TESTED[role])


def smaller(images: Tensor) -> Tensor:
    """Pictures (N,3,96,96) of faces as small as the networks of notebook 03 know them, (N,3,64,64), with their rims
    continued; what is at u in them is at LARGER · u in ours."""
    small = round(WHOLE / LARGER)
    shrunk = F.interpolate(images, size=(small, small), mode="bilinear", antialias=True).clamp(0, 1)
    return F.pad(shrunk, 4 * ((WHOLE - small) // 2,), mode="replicate")


def finder() -> Callable[[Tensor], Tensor]:
    """A network that was taught landmarks by labels, to judge drawn faces: (N,3,96,96) → (N,8,2), (x, y).

    It has no part in drawing. ``python -m evidence landmark_detector`` has taught it.
    """
    model = KeypointAutoencoder(8, width=WIDTH)
    checkpoints.restore(model.pose_encoder, "landmark_detector")
    return lambda images: LARGER * model.keypoints(smaller(images))


@cache
def swapped() -> tuple[tuple[Faces, Tensor], ...]:
    """100 pairs of held-out people: A, who gives the look; A in another moment; and B, who gives the geometry. Each
    with its heads."""
    made, heads = drawn(4 * SWAPS, "test", 31, each=2)
    return tuple((Faces(*(part[n::4] for part in made)), heads[n::4]) for n in (0, 1, 2))


def histogram(images: Tensor, heads: Tensor) -> Tensor:
    """The share of the pixels inside of heads (N,H,W) in each of 6×6×6 colours, (N,216)."""
    cell = (images * BINS).long().clamp(max=BINS - 1)
    index = ((cell[:, 0] * BINS + cell[:, 1]) * BINS + cell[:, 2]).flatten(1)
    inside = heads.flatten(1).double()
    share = inside / inside.sum(1, keepdim=True).clamp(min=1)
    return torch.zeros(len(images), BINS**3, dtype=torch.float64).scatter_add_(1, index, share)


def recoloured(a: Tensor, heads_a: Tensor, b: Tensor, heads_b: Tensor) -> Tensor:
    """The share of a head's pixels, in %, whose colour one would have to change for it to have the colours of another:
    half the sum of the differences between their histograms. It knows nothing of where colours are."""
    return 50 * (histogram(a, heads_a) - histogram(b, heads_b)).abs().sum(1)
