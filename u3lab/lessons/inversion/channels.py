"""Do a channel's icon and the crops of photos that excite it most show the same thing? Chapter 5b, in numbers.

Both answer one question, "where is the mean of this channel largest?", among all pictures of the prior and among some
real ones. Whether they look alike is judged by a network of another family: at an early layer, for texture and colour,
and at a late one, for forms.
``python -m u3lab.experiments icon_table --part channels`` makes the shipped table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import __version__, images
from u3lab.datasets import cutouts, photos
from u3lab.descent import last
from u3lab.inversion.codes import code
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.lessons import results
from u3lab.nets import Classifier

SIDE, EACH, STEPS, UNITS, BEST = 96, 10, 60, 12, 9  # pixels; crops of a photo; steps; channels of a layer; crops kept
LAYERS = ("fire3", "fire5", "fire8")
EYE, EARLY, LATE = "efficientnet_lite0", "stage2", "stage5"  # who judges what looks alike, and where


class Channel(NamedTuple):
    """A channel of a layer, drawn by chance."""

    layer: str
    unit: int


class Agreement(NamedTuple):
    """How its icon and its crops go together.

    ``icon``, ``best`` and ``middle`` are the channel's mean for the icon, for the best crop and for the median crop.
    ``own`` is how often one of the nine best crops, of nine pictures, looks more like the icon than another crop does
    (a share of pairs; 0.5 is chance), ``other`` the same with the icons of other channels of the layer, as a mean; both
    are of the eye's early layer, ``own_late`` and ``other_late`` of its late one.
    """

    icon: float
    best: float
    middle: float
    own: float
    other: float
    own_late: float
    other_late: float


def stock(*, each: int = EACH, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Crops (N,3,96,96), and of which picture each is (N): so many random squares of each shipped photo, and each
    cut-out, whole, on its white ground.
    """
    draw, found, origins = torch.Generator().manual_seed(seed), [], []
    sources = [(photos.load, name) for name in photos.names()]
    sources += [(images.load, name) for name in images.names("everyday")]
    for number, (load, name) in enumerate(sources):
        x = load(name)
        height, width = x.shape[-2:]
        for _ in range(each):
            share, down, right = torch.rand(3, generator=draw).tolist()
            side = round(SIDE + share * max(0, min(height, width) - SIDE))
            top, left = (round(at * max(0, whole - side)) for at, whole in ((down, height), (right, width)))
            found.append(_square(x[..., top : top + side, left : left + side]))
            origins.append(number)
    for number, name in enumerate(cutouts.names(), len(sources)):
        found.append(framed(cutouts.load(name).image))
        origins.append(number)
    return torch.cat(found), torch.tensor(origins)


def best_crops(excited: Tensor, origins: Tensor, count: int = BEST) -> Tensor:
    """Numbers of the crops with the largest values (N), one of each picture, the best first."""
    order, kept = excited.argsort(descending=True).tolist(), {}
    for n in order:
        kept.setdefault(int(origins[n]), n)
        if len(kept) == count:
            break
    return torch.tensor(list(kept.values()))


def _square(x: Tensor, side: int = SIDE) -> Tensor:
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True).clamp(0, 1)


def framed(x: Tensor, side: int = SIDE) -> Tensor:
    """A picture (1,3,H,W) in the middle of a white square, (1,3,side,side)."""
    height, width = x.shape[-2:]
    longer = max(height, width)
    top, left = (longer - height) // 2, (longer - width) // 2
    return _square(F.pad(x, (left, longer - width - left, top, longer - height - top), value=1.0), side)


def means(net: Classifier, layer: str, pictures: Tensor) -> Tensor:
    """The mean over its places of each channel of a layer, (N,C)."""
    with torch.no_grad():
        return torch.cat([code(net, layer, x).mean((2, 3)).cpu() for x in pictures.split(32)])


def alike(icons: Tensor, crops: Tensor) -> Tensor:
    """How alike icons and crops look, (I,N) in [−1,1], from what :func:`means` says of both at an early layer.

    Each number of the description counts from the crops' mean, in their standard deviations.
    """
    centre, spread = crops.mean(0), crops.std(0) + 1e-6
    return F.normalize((icons - centre) / spread, dim=1) @ F.normalize((crops - centre) / spread, dim=1).T


def share_of_pairs(likeness: Tensor, best: Tensor) -> float:
    """How often a crop in ``best`` is more alike than one that is not; (N) and numbers → a share, 0.5 by chance."""
    chosen = torch.zeros(len(likeness), dtype=torch.bool).index_fill(0, best, True)
    return float((likeness[chosen, None] > likeness[None, ~chosen]).double().mean())


def drawn(net: Classifier, layer: str, excited: Tensor, units: int, *, seed: int = 0) -> list[int]:
    """So many channels of a layer, drawn by chance among those that some crop excites."""
    alive = (excited.max(0).values > 0).nonzero()[:, 0]
    order = torch.randperm(len(alive), generator=torch.Generator().manual_seed(seed))
    return alive[order[:units]].sort().values.tolist()


def icon(net: Classifier, layer: str, unit: int, *, size: int = SIDE, steps: int = STEPS) -> Tensor:
    """What excites a channel most under the deep image prior, (1,3,size,size)."""
    settings = MaximiseSettings(jitter=4, zoom=0.0, steps=steps)
    return last(maximise(net, layer, unit, size=size, settings=settings)).value


def table(net: Classifier, networks: Mapping[str, Classifier], *, units: int = UNITS, steps: int = STEPS,
          each: int = EACH) -> dict:
    """The numbers of the shipped table: so many channels of three layers, beside the crops."""
    (crops, origins), rows, eye = stock(each=each), [], networks[EYE]
    seen = {depth: means(eye, depth, crops) for depth in (EARLY, LATE)}
    for layer in LAYERS:
        excited = means(net, layer, crops)
        chosen = drawn(net, layer, excited, units)
        icons = torch.cat([icon(net, layer, unit, steps=steps) for unit in chosen])
        reached = means(net, layer, icons)
        likeness = {depth: alike(means(eye, depth, icons), codes) for depth, codes in seen.items()}
        for n, unit in enumerate(chosen):
            of_crops = excited[:, unit]
            best, shares = best_crops(of_crops, origins), []
            for some in likeness.values():
                each_icon = [share_of_pairs(one, best) for one in some]
                others = each_icon[:n] + each_icon[n + 1 :]
                shares += [each_icon[n], sum(others) / max(1, len(others))]
            numbers = Agreement(float(reached[n, unit]), float(of_crops.max()), float(of_crops.median()), *shares)
            rows.append([layer, unit, *(round(value, 4) for value in numbers)])
    return {"recipe": "python -m u3lab.experiments icon_table --part channels", "u3lab": __version__,
            "torch": torch.__version__, "crops": len(crops), "columns": (*Channel._fields, *Agreement._fields),
            "rows": rows}


def shipped() -> dict[Channel, Agreement]:
    """The shipped table."""
    return {key: Agreement(*row) for key, row in
            results.table("channels", Channel).items()}
