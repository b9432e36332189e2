"""Made faces for chapter 3, to learn from and with landmarks; the shipped labellers; what is read off their codes.

``python -m evidence labellers`` has taught those of faces, and makes the table.
"""

import torch
from torch import Tensor, nn

from u3course.lessons.landmarks.pairs import MARGIN, SIDE, Stock
from u3course.worlds import faces
from u3course.worlds.faces import Faces, Layers
from u3lab.landmarks import labeller, match
from u3lab.nets import Classifier, checkpoints

YAW = 35.0  # degrees, at most: ten more than faces.draw has of itself
STOCK, PART = 4000, 1000  # pictures to learn from, two of each person; as many as are drawn at once
TESTED = {"choose": 9, "judge": 19, "fresh": 29}  # seeds of the people to test on: the first chose the design
EYES = (0, 1)


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
