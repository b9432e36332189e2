"""Which thing makes this sound? The switch on made films of bouncing things, and its map.

The encoder sees what moves, x = ½ + ½ (frame − median of the film's frames). The task is "correspondence": all pairs of
a batch are asked, B with their own sound and B (B − 1) with another's, and both kinds weigh the same.
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.worlds import clips
from u3course.worlds.clips import Bouncing
from u3lab import selfsup
from u3lab.descent import Step
from u3lab.measures import Interval, bootstrap
from u3lab.nets import Classifier
from u3lab.selfsup import PretextSettings, sounding

FRAMES, SIZE, SHOWN = 8, 64, 4  # of a film (half a second), pixels, and the frame that is shown and tested
STEPS, RATE, TASK = 150, 0.005, "correspondence"


@cache
def films() -> Bouncing:
    """256 films for the test, before photos that are in none of those to learn from; of the clips the shown frame."""
    test = _test()
    return test._replace(clips=test.clips[:, SHOWN : SHOWN + 1].clone())


def _test(colours: str | None = None) -> Bouncing:
    return clips.bouncing(256, length=FRAMES, size=SIZE, split="test", seed=1, colours=colours)


@cache
def lessons() -> tuple[Tensor, Tensor]:
    """640 films to learn from: what moves, (N,T,3,S,S) in levels of 8 bits to save room, and the sounds (N,S)."""
    parts = (clips.bouncing(64, length=FRAMES, size=SIZE, seed=seed) for seed in range(10))
    seen, sounds = zip(*(((255 * moving(part.clips)).round().byte(), part.sounds) for part in parts), strict=True)
    return torch.cat(seen), torch.cat(sounds)


def moving(frames: Tensor) -> Tensor:
    """What moves in films (N,T,3,S,S): mid-grey where nothing does; the same shape, in [0,1]."""
    return ((1 + frames - frames.median(1, keepdim=True).values) / 2).clamp(0, 1)


def switch(seed: int = 0) -> tuple[Classifier, nn.Module]:
    """A fresh encoder and the switch for it."""
    net = selfsup.encoder(8, seed=seed)
    return net, selfsup.head_of(net, TASK, seed=seed)


def train(net: Classifier, head: nn.Module, *, seed: int = 0) -> Iterator[Step]:
    """The training of both, on a random frame of each film; the rate falls in the last third."""
    seen, sounds = lessons()

    def draw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        which = torch.randint(len(seen), (count,), generator=generator)
        return seen[which, torch.randint(FRAMES, (count,), generator=generator)] / 255, sounds[which]

    settings = PretextSettings(steps=STEPS, batch_size=48, lr=RATE, seed=seed)
    for step in selfsup.pretrain(net, draw, TASK, head=head, settings=settings):
        settings.lr = min(RATE, 3 * RATE * (1 - step.iteration / (STEPS + 1)) + 1e-5)
        yield step


def together() -> tuple[Tensor, Tensor]:
    """Pairs of test films of two materials whose things do not overlap: the numbers of the first and the second.

    The films of one material meet those of each other one in order, each the next that lies apart. So a film is in at
    most one pair of the same two materials.
    """
    test, found = films(), []
    boxes = test.boxes[:, SHOWN]
    kinds = [(test.material == kind).nonzero()[:, 0].tolist() for kind in range(len(clips.MATERIALS))]
    for one, two in combinations(kinds, 2):
        free = list(two)
        for first in one:
            apart = [second for second in free  # their boxes have nothing in common
                     if ((boxes[first, :2] > boxes[second, 2:]) | (boxes[second, :2] > boxes[first, 2:])).any()]
            if apart:
                free.remove(apart[0])
                found.append((first, apart[0]) if len(found) % 2 else (apart[0], first))
    return torch.tensor(found).unbind(1)


@cache
def dressed() -> Tensor:
    """What moves in the test's shown frame if all things have the colours of a material, for each: (4,N,3,S,S)."""
    return torch.stack([torch.cat([moving(few)[:, SHOWN] for few in _test(colours).clips.split(32)])
                        for colours in clips.MATERIALS])  # a few at a time: medians take room


def colours(first: Tensor, second: Tensor, how: str) -> tuple[Tensor, Tensor]:
    """Whose colours the things of pairs have, as numbers of materials: "own", "exchanged", or those of one material."""
    own = films().material
    if how == "own":
        return own[first], own[second]
    if how == "exchanged":
        return own[second], own[first]
    return (torch.full_like(first, clips.MATERIALS.index(how)),) * 2


def seen(first: Tensor, second: Tensor, how: str = "own") -> Tensor:
    """What the encoder sees of pictures with the things of two films, in :func:`colours`; (N,3,S,S) in [0,1]."""
    one, two = colours(first, second, how)
    return (dressed()[one, first] + dressed()[two, second] - 0.5).clamp(0, 1)


def where(net: Classifier, head: nn.Module, pictures: Tensor, sound: Tensor) -> Tensor:
    """How alike each place of pictures with two things is to the sound of those films, (N,S,S) in [−1,1]."""
    maps = sounding.sound_map(net, head, pictures, films().sounds[sound])
    return F.interpolate(maps[:, None], size=SIZE, mode="bilinear", align_corners=False)[:, 0]


def picked(net: Classifier, head: nn.Module, first: Tensor, second: Tensor, how: str = "own") -> Tensor:
    """Of each pair the share of its two sounds for which the map is higher at the thing that sounds, (N) 0, ½ or 1.

    Who does not listen has the same map for both sounds, and gets ½.
    """
    pictures, right = seen(first, second, how), []
    for sounds, other in ((first, second), (second, first)):
        maps = where(net, head, pictures, sounds)
        right.append(at_things(maps, sounds) > at_things(maps, other))
    return torch.stack(right).double().mean(0)


def share(right: Tensor, first: Tensor, second: Tensor) -> Interval:
    """The mean of what is right of pairs (N), with its interval over films, since a film is in more pairs than one."""
    def mean(often: Tensor) -> Tensor:
        weight = often[:, first] * often[:, second]  # how often the pair is in a sample of films
        return (weight @ right.double()) / weight.sum(1)

    return bootstrap(mean, len(films().material))


def at_things(maps: Tensor, numbers: Tensor) -> Tensor:
    """The largest value of maps (N,S,S) within the box of each film's thing, (N)."""
    boxes = films().boxes[numbers, SHOWN].round().long().clamp(0, SIZE - 1).tolist()
    return torch.stack([one[top:bottom + 1, left:right + 1].amax()
                        for one, (left, top, right, bottom) in zip(maps, boxes, strict=True)])
