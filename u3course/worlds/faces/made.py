"""Series of made faces, of people or of cats: pictures, or their layers, with all that is true about them."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import PIL
import torch
from torch import Tensor

from u3course.worlds import keeping, scenery
from u3course.worlds.faces import cats, drawn, head, people
from u3course.worlds.faces.drawn import YAW, Held
from u3course.worlds.faces.head import Being, placed
from u3lab.checks import SIDE, is_a, number, one_of, room, tensors, whole
from u3lab.datasets import packed, photos

LATTICE = 32  # places on the front of a head, each way
NEAR = 0.12  # half heads: how far around a nose the skin goes along
PEOPLE = 10**6  # that one seed can have
MOST_YAW = 45.0  # degrees: what is farther round hides an eye
LEAST, MOST = 4 * 2**20, 50 * 2**20  # bytes of pictures: less is drawn as fast as read, more would fill the disk


class Kind(NamedTuple):
    """Who a number is, how they look in their n-th picture, and how they are drawn."""

    who: Callable[[int], Being]
    now: Callable[[int, int, float], Held]
    face: Callable[[Being, Held, int, int], tuple[np.ndarray, np.ndarray]]
    attributes: tuple[str, ...]
    hard: tuple[str, ...]  # those that cover, or break up, where points lie
    behind: int  # a cat and a person of one number have nothing in common, nor have their backgrounds


KINDS = {"person": Kind(people.Person, people.Moment, people.face, tuple(people.CHANCE), ("glasses", "beard"), 3),
         "cat": Kind(cats.Cat, cats.Mood, cats.cat_face, tuple(cats.CHANCE), ("patches",), 13)}
ATTRIBUTES, CAT_ATTRIBUTES = (kind.attributes for kind in KINDS.values())


class Faces(NamedTuple):
    """Pictures and what is true about them.

    ``images`` (N,3,S,S) in [0,1]. ``attributes`` (N,A) bool, in the order of ATTRIBUTES. ``points`` (N,L,2), in the
    order of POINTS: pixels to the right and down from the picture's upper left corner, left and right as the viewer
    sees them; one that hair or a hat covers is where it would be. ``identities`` (N) int64: the same number is the same
    person. ``pose`` (N,2) in degrees: yaw, to the viewer's right, and pitch, upwards.

    Of cats the orders are CAT_ATTRIBUTES and CAT_POINTS, which has the tips of the ears where people have brows.
    """

    images: Tensor
    attributes: Tensor
    points: Tensor
    identities: Tensor
    pose: Tensor


class Layers(NamedTuple):
    """The same before it is put together: ``face`` (N,4,S+2m,S+2m), colours times opacity and then the opacity, and
    ``background`` (N,3,S+2m,S+2m), so that each can be warped by itself; a picture is face[:, :3] + (1 − face[:, 3:]) ·
    background. ``points`` count from the upper left corner of these larger squares."""

    face: Tensor
    background: Tensor
    attributes: Tensor
    points: Tensor
    identities: Tensor
    pose: Tensor


def draw(count: int, *, split: str = "train", seed: int = 0, size: int = 64, each: int = 4, kind: str = "person",
         yaw: float = YAW) -> Faces:
    """Faces of people, or cats, who do not exist, before crops of photos.

    The attributes are drawn independently of each other and of everything else. Pictures of one person differ in pose
    (pitch at most 14°, with some roll), expression, light, place and background. A long series is kept in the user's
    cache folder.

    Args:
        count: N, how many pictures.
        split: "train" or "test": no person, and no author of a photo, is in both.
        seed: Which people. The first pictures of a longer series are those of a shorter one.
        size: S, pixels from 16 up.
        each: How many pictures in a row are of one person.
        kind: "person" or "cat".
        yaw: Degrees from 0 to 45 by which a head is turned at most, to either side.

    Raises:
        U3Error: An unknown split or kind, a number out of its range, more pictures than there is room for.
    """
    asked = _asked(count, split, seed, size, each, 0, kind, yaw)

    def anew() -> dict[str, Tensor]:  # about 5 ms a face
        front, behind, *known = layers(count, split=split, seed=seed, size=size, each=each, kind=kind, yaw=yaw)
        return Faces(composite(front, behind), *known)._asdict()

    if not LEAST <= 12 * asked[0] * asked[3] ** 2 <= MOST:
        return Faces(**anew())
    from safetensors.torch import load, save

    makers = (sys.modules[__name__], cats, drawn, head, people, packed, photos, scenery)
    file = keeping.file(f"faces-{'-'.join(map(str, asked))}", ".safetensors", makers, ("photos",),
                        f"Pillow {PIL.__version__}, NumPy {np.__version__}")
    return Faces(**load(keeping.once(file, lambda: save(anew()))))


def composite(face: Tensor, background: Tensor) -> Tensor:
    """Faces (N,4,H,W), colours times opacity and then the opacity, before backgrounds (N,3,H,W): pictures (N,3,H,W)."""
    return (face[:, :3] + (1 - face[:, 3:]) * background).clamp(0, 1)


def layers(count: int, *, split: str = "train", seed: int = 0, size: int = 64, each: int = 4, margin: int = 0,
           kind: str = "person", yaw: float = YAW) -> Layers:
    """The faces of :func:`draw` and their backgrounds apart, with ``margin`` more pixels to each side.

    Raises U3Error as :func:`draw`; a margin that is not from 0 to 2048.
    """
    count, split, seed, size, each, margin, kind, yaw = _asked(count, split, seed, size, each, margin, kind, yaw)
    test = packed.SPLITS.index(split)
    drawn = [_one(KINDS[kind], 2 * (PEOPLE * seed + n // each) + test, n % each, size, margin, split, yaw)
             for n in range(count)]
    return Layers(*map(torch.stack, zip(*drawn, strict=True)))


def _asked(count: int, split: str, seed: int, size: int, each: int, margin: int, kind: str, yaw: float) -> tuple:
    """The arguments of a series, each in its range, if there is room for the pictures."""
    count, each = whole("count", count, 1, PEOPLE), whole("each", each)
    size, margin, seed = whole("size", size, 16, SIDE), whole("margin", margin, 0, SIDE), whole("seed", seed, 0)
    split, kind = one_of("split", split, packed.SPLITS), one_of("kind", kind, KINDS)
    side = size + 2 * margin
    room(f"count = {count}", side, side, count)
    return count, split, seed, size, each, margin, kind, number("yaw", yaw, 0, MOST_YAW)


def fronts(made: Faces | Layers, *, each: int, size: int = 64, margin: int = 0, kind: str = "person",
           yaw: float = YAW) -> Tensor:
    """Where places on the front of each head are seen: pixels to the right and down, and the cosine of the angle at
    which they look at the viewer (below 0 they are hidden), (N,1024,3).

    A place has the same number in all pictures of a head: from one picture to another of the same person, this is the
    flow of a head that turns. Around the POINTS it also follows what sticks out, such as the nose, and what moves by
    itself, such as the mouth. Arguments as they were given to :func:`draw` or :func:`layers`.
    """
    is_a("made", made, (Faces, Layers), "give what faces.draw or faces.layers made"), one_of("kind", kind, KINDS)
    each, yaw = whole("each", each), number("yaw", yaw, 0, MOST_YAW)
    size, margin = whole("size", size, 16, SIDE), whole("margin", margin, 0, SIDE)
    down, share = (one.ravel() for one in np.meshgrid(np.linspace(-0.9, 0.95, LATTICE),
                                                      np.linspace(-0.95, 0.95, LATTICE), indexing="ij"))
    found = []
    for n, identity in enumerate(made.identities.tolist()):
        turned = placed(KINDS[kind].who(identity), KINDS[kind].now(identity, n % each, yaw), size, margin)
        places, rest = np.stack([share * turned.half_width(down), down], 1), turned.person.at_rest()
        pixels = turned.seen(places) + spread(places, rest, made.points[n].numpy() - turned.seen(rest))
        found.append(np.concatenate([pixels, turned.facing(places)[:, None]], 1))
    return torch.from_numpy(np.stack(found)).float()


def spread(places: np.ndarray, around: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """How far places (N,2) move with a few of them, (L,2), which move by ``moves`` (L,2): the nearer, the more."""
    weight = np.exp(-np.square(places[:, None] - around).sum(2) / (2 * NEAR**2))
    return weight @ moves / np.maximum(weight.sum(1, keepdims=True), 1)


def hard_examples(made: Faces | Layers, *, kind: str = "person") -> Tensor:
    """Whose points are hard to find, (N,) bool: turned by more than 25°, with glasses or a beard; cats with patches."""
    is_a("made", made, (Faces, Layers), "give what faces.draw or faces.layers made"), one_of("kind", kind, KINDS)
    names = KINDS[kind].attributes
    tensors(attributes=(made.attributes, f"N{len(names)}"), pose=(made.pose, "N2"))
    return made.attributes[:, [names.index(name) for name in KINDS[kind].hard]].any(1) | (made.pose[:, 0].abs() > YAW)


def _one(kind: Kind, identity: int, nth: int, size: int, margin: int, split: str, yaw: float) -> tuple[Tensor, ...]:
    """A row of Layers; even numbers of identities are to learn from, odd ones are held out."""
    who, now = kind.who(identity), kind.now(identity, nth, yaw)
    front, points = kind.face(who, now, size, margin)
    has = [getattr(now, name, getattr(who, name, None)) for name in (one.replace(" ", "_") for one in kind.attributes)]
    place = np.random.default_rng([identity, kind.behind, nth]).integers(2**62)
    behind = scenery.crop(len(front), split, torch.Generator().manual_seed(int(place)))
    return (torch.from_numpy(front).permute(2, 0, 1).contiguous(), behind, torch.tensor(has),
            torch.from_numpy(points).float(), torch.tensor(identity), torch.tensor((now.yaw, now.pitch)))
