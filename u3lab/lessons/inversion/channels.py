"""A channel's icon and the crops of photos that excite it most: chapter 5b, live."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab.datasets import cutouts, photos
from u3lab.descent import last
from u3lab.inversion.codes import code
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.nets import Classifier

SIDE, EACH, STEPS, BEST = 96, 10, 60, 9  # pixels; crops of a photo; steps; crops kept
LAYERS = ("fire3", "fire5", "fire8")


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


def icon(net: Classifier, layer: str, unit: int, *, size: int = SIDE, steps: int = STEPS) -> Tensor:
    """What excites a channel most under the deep image prior, (1,3,size,size)."""
    settings = MaximiseSettings(jitter=4, zoom=0.0, steps=steps)
    return last(maximise(net, layer, unit, size=size, settings=settings)).value
