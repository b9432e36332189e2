"""Where it looks: how much of what the answer hangs on lies outside the body, and how much on the lesion?

Windows are blurred away one by one (:func:`u3lab.saliency.occlusion`), and the change of the log-odds is laid on them.
Nothing outside the body can be a sign of illness. The picture's own edges are the floor: they know of no
network.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from u3lab.audit.cases import ASK, Cases, LogOdds, body, score, some_of, target
from u3lab.checks import is_a, whole
from u3lab.errors import U3Error
from u3lab.images import blur
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier, Region, ready
from u3lab.saliency import occlusion


class Looked(NamedTuple):
    """Shares of the strength of occlusion beside those of edges: outside the body; on the lesion, over its share of the
    area. The maps (n,1,…) ≥ 0 are of the pictures ``which`` (n); ``empty`` further ones had an empty map, and are left
    out."""

    outside: Interval
    edges_outside: Interval
    lesion: Interval | None
    edges_lesion: Interval | None
    maps: Tensor
    which: Tensor
    empty: int


def where_it_looks(net: nn.Module, cases: Cases, *, positive: int | str = 1, windows: int = 8, most: int = 20,
                   seed: int = 0) -> Looked:
    """Occlude true positives window by window, and ask where the change lies.

    Args:
        net, cases, positive: As in :func:`u3lab.audit.lesion_removed`; without outlines nothing is said of the lesion.
        windows: Along the longest side; they overlap by half.
        most: At most so many true positives, drawn by ``seed``.

    Raises:
        U3Error: No true positive, or no window that changes an answer.
    """
    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    scores = score(net, cases.images, positive)
    found = (cases.positive & (scores > 0)).nonzero()[:, 0]
    if not len(found):
        raise U3Error("the network finds no positive, so there is nothing that its answer could hang on")
    which = some_of(found, most, seed)
    images = cases.images[which]
    asked = target(net, images, positive)
    maps, drawn = strength(net, images, positive=asked, windows=windows), outlines_of(images)
    says = maps.flatten(1).any(1)
    if not says.any():
        raise U3Error("no window changes an answer, so every map is empty; give fewer, larger windows")
    which, maps, drawn = which[says], maps[says], drawn[says]
    (outside, lesion), (edges, on_lesion) = (located(one, cases, which) for one in (maps, drawn))
    return Looked(outside, edges, lesion, on_lesion, maps, which, int((~says).sum()))


def located(maps: Tensor, cases: Cases, which: Tensor) -> tuple[Interval | None, Interval | None]:
    """The share of maps (n,1,…) that lies outside the body; and on the outline, over its share of the area.

    Empty maps are left out, and for the second pictures without an outline; None if that leaves none.
    """
    there = maps.flatten(1).any(1)
    if not there.any():
        return None, None
    maps, which = maps[there], which[there]
    outside = mean(share(maps, ~body(cases.images[which])), [cases.groups[n] for n in which])
    if cases.outlines is None or not (marked := cases.outlines[which].flatten(1).any(1)).any():
        return outside, None
    where = cases.outlines[which][marked]
    return outside, mean(share(maps[marked], where) / where.double().flatten(1).mean(1),
                         [cases.groups[n] for n in which[marked]])


def strength(net: nn.Module, images: Tensor, *, positive: int | str | Region = 1, windows: int = 8) -> Tensor:
    """How much the log-odds change where a window is blurred away, (N,1,…) ≥ 0: :func:`u3lab.saliency.occlusion`.

    Of a Region it is their mean over that.

    Windows are as wide in all directions, in millimetres if the network has a ``spacing``. The blur's σ is half of
    that, so that no detail of a window's size is left.
    """
    net = ready(net)
    side, blurred = away(net, images, windows)
    if not isinstance(positive, Region):
        ask, asked, cells = LogOdds(net, positive), 0, torch.ones(len(images))
    else:
        ask, asked = LogOdds(net, positive.label), Region(0, positive.mask)
        cells = positive.mask.flatten(1).sum(1)
    odds = Classifier(ask, pictures=False, spacing=net.spacing_of(images), name=net.name)
    changes = occlusion(odds, images, asked, side=side, baseline=blurred).abs().cpu()
    return changes / cells.view(-1, *[1] * (images.ndim - 1))


def away(net: Classifier, images: Tensor, windows: int) -> tuple[float, Tensor]:
    """The side of a window, in millimetres if they are known, and the pictures without detail of its size."""
    spacing = net.spacing_of(images)
    side = max(n * mm for n, mm in zip(images.shape[2:], spacing, strict=True)) / whole("windows", windows, 2)
    return side, blur(images, [side / 2 / mm for mm in spacing])


def outlines_of(images: Tensor) -> Tensor:
    """‖∇x‖ of the mean channel, (N,1,…): the map of the picture's own edges."""
    slopes = torch.gradient(images.mean(1), dim=list(range(1, images.ndim - 1)))
    return torch.stack(slopes).square().sum(0).sqrt()[:, None]


def share(maps: Tensor, where: Tensor) -> Tensor:
    """How much of each map (N,1,…) lies in ``where``, (N)."""
    return (maps.double() * where).flatten(1).sum(1) / maps.double().flatten(1).sum(1)
