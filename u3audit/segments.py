"""A network for segmentation: what it is asked in place of flips, of a fixed place and of accuracy.

    u3audit.outside_region(net, cases)        # the largest fall of the region's score by a window away from it
    u3audit.steadiness(net, cases)            # the Dice coefficient with its own answer under harmless changes
    u3audit.dice_by_patient(net, cases)       # and with the outlines

    Dice(A, B) = 2 |A ∩ B| / (|A| + |B|)

Lesion removed and where it looks are the same functions as for a classifier: what is asked is then the mean of the
log-odds over the region that the network sees.
"""

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.audit.cases import ASK, Cases, odds, score, some_of, target
from u3lab.audit.flips import changes
from u3lab.audit.lesion import grown
from u3lab.audit.looking import away
from u3lab.checks import is_a, shown, whole
from u3lab.errors import U3Error
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier, Region, ready

STEPS = 20  # shares of pictures at which the constant mask is tried


class Outside(NamedTuple):
    """How much of a region's score goes with one window clear of it: the most, and the median of windows. The unit is
    the median score of all regions, so at 1 the typical one vanishes.

    Of the pictures ``which`` (n): what the network sees, ``region`` (n,1,…); the window that takes most, ``places``,
    and its ``falls``, (n).
    """

    largest: Interval
    typical: float
    which: Tensor
    region: Tensor
    places: list[tuple[slice, ...]]
    falls: Tensor


class Steady(NamedTuple):
    """Under a change: the Dice coefficient of a region with itself, and the share of empty negatives that get one."""

    region: Interval | None
    appears: Interval | None


class Overlap(NamedTuple):
    """The Dice coefficient with the outlines, its interval over patients; patient → (sum of Dice, pictures).

    ``constant`` is that of the best mask that is the same for all pictures; ``found`` the share of the outlined
    positives in which the answer touches the outline, ``clear`` that of the negatives with an empty answer.
    """

    dice: Interval
    constant: float
    by_patient: dict[str, tuple[float, int]]
    found: float
    clear: float


def segments(net: nn.Module, cases: Cases) -> bool:
    """Whether the network answers with maps of scores, (B,K,H,W) or (B,K,D,H,W): asked of one picture.

    Raises:
        U3Error: It answers with something else than scores or maps of them.
    """
    net = ready(net)
    with torch.no_grad():
        answer = net(cases.images[:1])
    if answer.ndim not in (2, cases.images.ndim) or len(answer) != 1:
        raise U3Error(f"{net.name} answers one picture with {shown(answer)}; a tensor of scores (1,K), or of maps of "
                      "them, is wanted")
    return answer.ndim > 2


def dice(a: Tensor, b: Tensor) -> Tensor:
    """2 |A ∩ B| / (|A| + |B|) of masks (N,…), (N); 1 where both are empty."""
    a, b = a.flatten(1), b.flatten(1)
    both = a.sum(1) + b.sum(1)
    return torch.where(both > 0, 2 * (a & b).sum(1).double() / both.clamp(min=1), 1.0)


def outside_region(net: nn.Module, cases: Cases, *, positive: int | str = 1, windows: int = 8, most: int = 20,
                   margin: int = 2, seed: int = 0) -> Outside:
    """Blur away one window after the other, away from what the network sees: does it still see it?

    Args:
        net, cases, positive, windows, most, seed: As in :func:`u3lab.audit.where_it_looks`.
        margin: Pixels that a region grows by: windows that touch it then are left out.

    Raises:
        U3Error: No positive in which the network sees something, or only regions that fill their picture.
    """
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    seen = (cases.positive & (score(net, cases.images, positive) > 0)).nonzero()[:, 0]
    if not len(seen):
        raise U3Error("the network sees nothing in any positive, so there is no region to look outside of")
    which = some_of(seen, most, seed)
    images = cases.images[which]
    region = target(net, images, positive)
    before, (side, blurred) = score(net, images, region), away(net, images, windows)
    near, places = grown(region.mask[:, None], whole("margin", margin, 0)), overlapping(net, images, side)
    falls = torch.full((len(which), len(places)), torch.nan)
    for k, place in enumerate(places):
        at = (slice(None), slice(None), *place)
        clear = ~near[at].flatten(1).any(1)
        if clear.any():
            covered = images[clear]
            covered[at] = blurred[clear][at]
            falls[clear, k] = before[clear] - score(net, covered, Region(region.label, region.mask[clear]))
    asked = falls.isfinite().any(1)
    if not asked.any():
        raise U3Error("what the network sees leaves no room for a window beside it, so nothing can be told of what "
                      "lies outside")
    which, falls, groups = which[asked], falls[asked] / before.median(), [cases.groups[n] for n in which[asked]]
    largest = falls.nan_to_num(-torch.inf).max(1)
    return Outside(mean(largest.values.double(), groups), float(falls.nanmedian(1).values.mean()), which,
                   region.mask[asked][:, None], [places[k] for k in largest.indices.tolist()], largest.values)


def overlapping(net: Classifier, images: Tensor, side: float) -> list[tuple[slice, ...]]:
    """Windows of such a side, from half to half, as :func:`u3lab.saliency.occlusion` has them; none is cut off."""
    along = []
    for length, mm in zip(images.shape[2:], net.spacing_of(images), strict=True):
        wide = min(length, max(1, round(side / mm)))
        along.append([slice(at, at + wide) for at in range(0, length - wide + 1, max(1, round(side / 2 / mm)))])
    return list(product(*along))


def steadiness(net: nn.Module, cases: Cases, *, positive: int | str = 1, seed: int = 0) -> dict[str, Steady]:
    """Change → how much of the region is the same after it. A mirror and a shift, of one pixel, are undone first."""
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    axes = tuple(range(-2, 0))
    noise = torch.Generator().manual_seed(whole("seed", seed, 0))
    ways = changes(noise, net.spacing_of(cases.images)) | {"shift": lambda x: x.roll((1, 1), axes)}
    back = {"mirror": lambda x: x.flip(-1), "shift": lambda x: x.roll((-1, -1), axes)}
    before = odds(net, cases.images, positive) > 0
    seen = before.flatten(1).any(1)
    groups = torch.arange(len(cases))
    found = {}
    for name, change in ways.items():
        after = back.get(name, lambda x: x)(odds(net, change(cases.images), positive) > 0)
        same, there = dice(before, after), after.flatten(1).any(1).double()
        found[name] = Steady(*(_mean(values, groups[among], cases) for values, among in (
            (same, cases.positive & seen), (there, ~cases.positive & ~seen))))
    return found


def dice_by_patient(net: nn.Module, cases: Cases, *, positive: int | str = 1) -> Overlap:
    """How well the answers fit the outlines, and with whom; a picture without a named patient is its own."""
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    answers = odds(net, cases.images, positive)[:, None] > 0
    marked = cases.positive & cases.outlines.flatten(1).any(1)
    if not marked.any():
        raise U3Error("no positive has an outline, so there is nothing that an answer could fit")
    outlines, groups = cases.outlines[marked], [cases.groups[n] for n in marked.nonzero()[:, 0]]
    values = dice(answers[marked], outlines)
    often = outlines.double().mean(0, keepdim=True)
    constant = max(float(dice((often >= share).expand_as(outlines), outlines).mean())
                   for share in torch.linspace(0, float(often.max()), STEPS + 1)[1:])
    by_patient: dict[str, tuple[float, int]] = {}
    for name, one in zip(map(str, groups), values.tolist(), strict=True):
        total, count = by_patient.get(name, (0.0, 0))
        by_patient[name] = total + one, count + 1
    touched = (answers[marked] & outlines).flatten(1).any(1).double()
    empty = ~answers[~cases.positive].flatten(1).any(1)
    return Overlap(mean(values, groups), constant, by_patient, float(touched.mean()), float(empty.double().mean()))


def _mean(values: Tensor, which: Tensor, cases: Cases) -> Interval | None:
    return mean(values[which].double(), [cases.groups[n] for n in which]) if len(which) else None
