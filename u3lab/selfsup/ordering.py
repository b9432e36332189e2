"""Time orders the frames of a film for nothing: are they in order, which way does time run, what is the order?

Each question has a unique answer, unlike "how does the next frame look?". That is the cure of making the task smaller.

    "order"    Misra, Zitnick & Hebert, Shuffle and learn: unsupervised learning using temporal order verification,
               ECCV 2016.
    "arrow"    Wei, Lim, Zisserman & Freeman, Learning and using the arrow of time, CVPR 2018.
    "sorting"  Lee, Huang, Singh & Yang, Unsupervised representation learning by sorting sequences, ICCV 2017.
"""

from functools import partial
from itertools import combinations, permutations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import tensors
from u3lab.errors import U3Error
from u3lab.selfsup.views import tiles
from u3lab.training.tasks import Posed, Task

FRAMES = 4  # that are sorted, as in the paper
RUN = 6  # frames that follow each other, of which the arrow is asked
# Orders of four frames, each with the one that is it backwards: one class, since a film of a swing does not tell which.
ORDERS = torch.tensor([order for order in permutations(range(FRAMES)) if order < order[::-1]])
JITTER = 1 / 16  # of the side: how far a frame's crop is moved, so that no still edge lies in the same place twice
LEAST = 1e-6  # the weight of a frame in which nothing moves: drawn only if there is no other


def moments(clips: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Different moments of each clip (B,T,3,H,W), from early to late: (B,count).

    Frames are drawn in proportion to how much moves there, mean |x_{t+1} − x_t| over pixels: where nothing moves,
    frames are alike and there is nothing to sort.
    """
    motion = (clips[:, 1:] - clips[:, :-1]).abs().flatten(2).mean(2)
    motion = (F.pad(motion, (1, 0)) + F.pad(motion, (0, 1))) + LEAST  # into the frame and out of it
    drawn = torch.multinomial(motion.double().cpu(), count, generator=generator)
    return drawn.sort(1).values.to(clips.device)


def pose_order(clips: Tensor, generator: torch.Generator) -> Posed:
    """Of moments a < b < c < d < e: frames (b,c,d), target 1; or (b,a,d) or (b,e,d), target 0. Half run backwards.

    Both kinds begin and end with the same frames, so that only the one in the middle can tell.
    """
    a, b, c, d, e = moments(_clips(clips, 5), 5, generator).T
    target, outer, turn = (_even(len(clips), generator).to(clips.device) for _ in range(3))
    middle = torch.where(target == 1, c, torch.where(outer == 1, a, e))
    first, last = torch.where(turn == 1, d, b), torch.where(turn == 1, b, d)
    return Posed(_at(clips, torch.stack([first, middle, last], 1)), target)


def pose_arrow(clips: Tensor, generator: torch.Generator) -> Posed:
    """Some frames of a clip that follow each other: forward (target 1) or backward (0).

    Views are their differences ½ + ½ (x_{t+1} − x_t), one fewer, in which what stands still is gone. Wei et al. show
    stacks of optical flow; differences are the plainer way.
    """
    clips = _clips(clips, RUN)
    target = _even(len(clips), generator).to(clips.device)
    begin = torch.randint(clips.shape[1] - RUN + 1, (len(clips),), generator=generator).to(clips.device)
    steps = torch.arange(RUN, device=clips.device)
    frames = _at(clips, begin[:, None] + torch.where(target[:, None] == 1, steps, steps.flip(0)))
    return Posed((1 + frames[:, 1:] - frames[:, :-1]) / 2, target)


def pose_sorting(clips: Tensor, generator: torch.Generator) -> Posed:
    """Four frames of a clip in one of 4!/2 = 12 orders, told up to reversal: ``ORDERS`` has them.

    Defended as in the paper: of each frame a crop that is moved by itself, so that no edge gives the order away; and of
    the clip one colour channel that is shown three times, so that tints and the lens's aberration do not.
    """
    clips = _clips(clips, FRAMES)
    when = moments(clips, FRAMES, generator)
    target = torch.randperm(len(clips), generator=generator) % len(ORDERS)
    order = ORDERS[target]
    turn = _even(len(clips), generator)[:, None] == 1
    order = torch.where(turn, order.flip(1), order).to(clips.device)  # the same class, backwards
    channel = torch.randint(3, (len(clips),), generator=generator).to(clips.device)
    frames = _at(clips, when.gather(1, order))[torch.arange(len(clips)), :, channel][:, :, None]
    return Posed(jittered(frames, generator).expand(-1, -1, 3, -1, -1), target.to(clips.device))


def jittered(views: Tensor, generator: torch.Generator) -> Tensor:
    """Of each frame (B,V,C,H,W) a crop, smaller by twice ``JITTER`` of its side, from a place of its own."""
    (height, width), count = views.shape[-2:], len(views) * views.shape[1]
    dy, dx = round(height * JITTER), round(width * JITTER)
    top, left = (torch.randint(2 * most + 1, (count, 1), generator=generator) for most in (dy, dx))
    return tiles(views.flatten(0, 1), top, left, height - 2 * dy, width - 2 * dx).unflatten(0, views.shape[:2])[:, :, 0]


class Compared(nn.Module):
    """A classifier of frames by what changes from one to the other: each pair of views is looked at, then all pairs.

    Where things are matters here, so that maps are pooled to a grid and not to a point. Sharing the comparison of pairs
    is what Lee et al. do; their order is kept, a pair is the earlier view and the later one.
    """

    def __init__(self, channels: int, views: int, classes: int) -> None:
        super().__init__()
        self.pairs = tuple(combinations(range(views), 2))
        self.each = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Conv2d(channels, 16, 1, bias=False), nn.BatchNorm2d(16),
                                  nn.ReLU(), nn.Flatten())
        self.pair = nn.Sequential(nn.Linear(2 * 16 * 4 * 4, 64), nn.ReLU())
        self.all = nn.Linear(64 * len(self.pairs), classes)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B,V,C,h,w) → scores (B,K)."""
        codes = self.each(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])  # (B,V,·)
        compared = [self.pair(torch.cat([codes[:, i], codes[:, j]], 1)) for i, j in self.pairs]
        return self.all(torch.cat(compared, 1))


ORDER = Task(pose_order, partial(Compared, views=3, classes=2), raw="clips", chance=1 / 2)
ARROW = Task(pose_arrow, partial(Compared, views=RUN - 1, classes=2), raw="clips", chance=1 / 2)
SORTING = Task(pose_sorting, partial(Compared, views=FRAMES, classes=len(ORDERS)), raw="clips", chance=1 / len(ORDERS))


def _even(count: int, generator: torch.Generator) -> Tensor:
    """0 or 1 for each of a batch (B), as many of one as of the other."""
    return torch.randperm(count, generator=generator) % 2


def _at(clips: Tensor, when: Tensor) -> Tensor:
    """Frames (B,V,3,H,W) of clips (B,T,3,H,W) at moments (B,V)."""
    return clips[torch.arange(len(clips), device=clips.device)[:, None], when]


def _clips(clips: Tensor, least: int) -> Tensor:
    """The clips, if they are long enough."""
    tensors(clips=(clips, "BT3HW"))
    if clips.shape[1] < least:
        raise U3Error(f"this task needs clips of {least} frames or more; these have {clips.shape[1]}")
    return clips
