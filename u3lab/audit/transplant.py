"""The best fixed place: is there a spot of the picture that carries the answer from one patient to another?

    T(c) = min( median s(x₀ ← x₁ at c) − s(x₀),  median s(x₁) − s(x₁ ← x₀ at c) ) / (median s(x₁) − median s(x₀))

x₁ are positives, x₀ negatives, s the log-odds of the finding, and "x₀ ← x₁ at c" is x₀ with the cell c of x₁. Lesions
lie here and there, so no cell moves the half of all pairs both ways; a letter that is always in the same corner does.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.audit.cases import ASK, Cases, score
from u3lab.checks import is_a, whole
from u3lab.errors import U3Error
from u3lab.measures import Interval, bootstrap
from u3lab.nets import ready


class Place(NamedTuple):
    """The largest T over cells, with its interval over pairs; and T of every cell, (g,g) or (g,g,g).

    ``pairs`` are numbers (P,2) of the negatives and positives; ``cell`` has the slices of the best one, which moves the
    two of each pair ``by`` (P,2) of the distance between the classes.
    """

    best: Interval
    moved: Tensor
    pairs: Tensor
    cell: tuple[slice, ...]
    by: Tensor


def fixed_place(net: nn.Module, cases: Cases, *, positive: int | str = 1, cells: int = 8, pairs: int = 10,
                seed: int = 0) -> Place:
    """Transplant each cell between positives and negatives, both ways.

    Args:
        net, cases, positive: As in :func:`u3lab.audit.lesion_removed`; outlines are not needed.
        cells: Along each side of the picture, 2 or more.
        pairs: At most so many pairs of a negative and a positive, of those that the network has right, drawn by
            ``seed``.

    Raises:
        U3Error: No picture of a class that the network has right, or cells smaller than a pixel.
    """
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    sides = cases.images.shape[2:]
    cells, pairs = whole("cells", cells, 2, min(sides)), whole("pairs", pairs)
    scores = score(net, cases.images, positive)
    draw = torch.Generator().manual_seed(whole("seed", seed, 0))
    right = [(cases.positive == wanted) & ((scores > 0) == wanted) for wanted in (False, True)]
    chosen = [one.nonzero()[:, 0][torch.randperm(int(one.sum()), generator=draw)[:pairs]] for one in right]
    count = min(map(len, chosen))
    if not count:
        raise U3Error("the network has no positive or no negative right, so nothing can be carried between them")
    without, having = (one[:count] for one in chosen)
    x0, x1, s0, s1 = cases.images[without], cases.images[having], scores[without], scores[having]
    places = list(grid(sides, cells))
    up, down = torch.empty(2, len(places), count)
    for k, place in enumerate(places):
        at = (slice(None), slice(None), *place)
        given, taken = x0.clone(), x1.clone()
        given[at], taken[at] = x1[at], x0[at]
        up[k], down[k] = (score(net, given, positive) - s0), (s1 - score(net, taken, positive))
    gap = s1.median() - s0.median()
    moved = torch.minimum(up.median(1).values, down.median(1).values) / gap
    best = int(moved.argmax())

    def largest(often: Tensor) -> Tensor:
        """The statistic of samples in which each pair is drawn so often, (D,P) → (D)."""
        drawn = [torch.arange(count).repeat_interleave(one.long()) for one in often]
        return torch.stack([torch.minimum(up[:, who].median(1).values, down[:, who].median(1).values).max()
                            / (s1[who].median() - s0[who].median()) for who in drawn]).double()

    return Place(bootstrap(largest, count, basic=True, seed=seed), moved.view(*[cells] * len(sides)),
                 torch.stack([without, having], 1), places[best], torch.stack([up[best], down[best]], 1) / gap)


def grid(sides: tuple[int, ...], cells: int) -> Iterator[tuple[slice, ...]]:
    """The cells of a picture or volume, row by row, as slices of its axes."""
    cuts = [torch.linspace(0, side, cells + 1).round().int().tolist() for side in sides]
    along = [[slice(*pair) for pair in pairwise(cut)] for cut in cuts]
    for which in torch.cartesian_prod(*[torch.arange(cells)] * len(sides)).tolist():
        yield tuple(along[axis][k] for axis, k in enumerate(which))
