"""Squares of four patients' scans, with a lesion and without, and a small classifier of them on SqueezeNet's features.

Four patients are case studies, not statistics: everything is shown, and nothing follows for the next patient. The
classifier learns from two and is asked about the other two.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import measures, nets
from u3lab.datasets import scans
from u3lab.datasets.labelled import LabelledPictures
from u3lab.nets import Classifier

CLASSES = ("no lesion", "lesion")
FIT, SHOWN = ("brain1", "lung2"), ("brain2", "lung1")  # the two with the most slices of a lesion, and the others
WIDE, SIDE = 64, 227  # of a square, in millimetres and in pixels
LEAST = 100  # pixels of a lesion in a slice that is taken
BODY, INSIDE = 0.12, 0.35  # what is brighter is body, and so much of a square without a lesion is
WHOLE = 0.7  # share of a slice's lesion that a square has, unless it fills FULL of the square
FULL = 0.15
LAYER = "fire9"
TISSUES = {"air": (-2000, -950), "lung": (-950, -500), "bone": (300, 4000)}  # Hounsfield units of CT


def tissues(patient: str, *, size: int = SIDE) -> LabelledPictures:
    """The slices of a patient, padded to squares, with the outlined lesion, and for CT with air, lung and bone.

    The latter are ranges of Hounsfield units: a definition, and nobody's outline.
    """
    scan = scans.load(patient)
    masks = {"lesion": scan.masks[:, 0]}
    if scan.modality == "CT":
        masks |= {name: (scan.values > low) & (scan.values <= high) for name, (low, high) in TISSUES.items()}
    height, width = scan.images.shape[2:]
    across, down = max(0, height - width), max(0, width - height)
    border = (across // 2, across - across // 2, down // 2, down - down // 2)
    pictures, where = [], []
    for k, image in enumerate(scan.images.split(1)):  # slice by slice: all of them, padded, are hundreds of megabytes
        marked = F.pad(torch.stack([mask[k] for mask in masks.values()])[None].float(), border)
        pictures.append(F.interpolate(F.pad(image, border), (size, size), mode="bilinear", antialias=True,
                                      align_corners=False).clamp(0, 1))
        where.append(F.interpolate(marked, (size // 2, size // 2), mode="area") > 0.5)
    return LabelledPictures(tuple(masks), torch.cat(pictures), torch.cat(where))


class Patch(NamedTuple):
    """A square of a slice: ``image`` (1,3,S,S) in [0,1], ``where`` (1,1,S,S) in [0,1] its lesion, empty without one."""

    image: Tensor
    where: Tensor
    lesion: bool
    patient: str
    slice: int


@cache
def patches(patient: str, *, count: int = 40) -> tuple[Patch, ...]:
    """So many squares without a lesion, then as many with one, from places drawn by lot; half of them mirrored."""
    scan, draw = scans.load(patient), torch.Generator().manual_seed(0)
    wide = round(WIDE / scan.spacing[1])
    found: list[Patch] = []
    while len(found) < 2 * count:
        lesion = len(found) >= count
        k, top, left, mirror = _drawn(scan.masks[:, 0], wide, lesion, draw)
        box = (slice(k, k + 1), slice(None), slice(top, top + wide), slice(left, left + wide))
        image, where = scan.images[box], scan.masks[box].float()
        if min(top, left) < 0 or image.shape[-2:] != (wide, wide):
            continue
        has_it = where.sum() >= WHOLE * scan.masks[k].sum() or where.mean() >= FULL
        has_none = not where.any() and (image[:, :1] > BODY).float().mean() >= INSIDE
        if has_it if lesion else has_none:
            image, where = (F.interpolate(one, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
                            for one in ((image.flip(-1), where.flip(-1)) if mirror else (image, where)))
            grey = image[:, :1].clamp(0, 1).expand(-1, 3, -1, -1)  # three channels in the memory of one
            found.append(Patch(grey, where, lesion, patient, scan.slices[k]))
    return tuple(found)


def _drawn(masks: Tensor, wide: int, lesion: bool, draw: torch.Generator) -> tuple[int, int, int, bool]:
    """A slice, the corner of a square in it, near the lesion's middle or anywhere, and whether to mirror it."""
    slices = (masks.flatten(1).sum(1) > (LEAST if lesion else -1)).nonzero()[:, 0].tolist()
    a, b, c, d = torch.rand(4, generator=draw).tolist()
    k = slices[int(a * len(slices))]
    if lesion:
        y, x = (float(at.float().mean()) + (share - 0.5) * 0.4 * wide
                for at, share in zip(masks[k].nonzero().T, (b, c), strict=True))
    else:
        y, x = (share * side for share, side in zip((b, c), masks.shape[1:], strict=True))
    return k, round(y - wide / 2), round(x - wide / 2), d < 0.5


def features(net: Classifier, some: Sequence[Patch]) -> Tensor:
    """The means of the network's last features over each square, (N,512)."""
    with torch.no_grad():
        return torch.cat([net.features(torch.cat([one.image for one in some[at : at + 8]]), LAYER).mean((2, 3)).cpu()
                          for at in range(0, len(some), 8)])


def reader(net: Classifier, patients: Sequence[str] = FIT) -> Classifier:
    """A classifier "no lesion" or "lesion": SqueezeNet's features as they are, and a linear probe of their means."""
    some = [one for name in patients for one in patches(name)]
    probe = measures.probe(features(net, some), torch.tensor([int(one.lesion) for one in some]), C=0.01)
    weight = probe.weight / probe.spread
    return joined(net, weight, probe.bias - weight @ probe.mean, CLASSES)


def joined(net: Classifier, weight: Tensor, bias: Tensor, classes: Sequence[str]) -> Classifier:
    """A network of SqueezeNet's features and a linear map of their means over space, (K,U) and (K), to K classes."""
    head = torch.nn.Linear(weight.shape[1], len(classes)).requires_grad_(False)
    head.weight.copy_(weight)
    head.bias.copy_(bias)
    body = torch.nn.Sequential(net.module.features, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    blocks = {layer: f"0.{net.path(layer).split('.')[1]}" for layer in net.layers[:-1]}
    return nets.Classifier(body.to(net.device), classes=classes, name="a probe of features", size=SIDE,
                           mean=nets.IMAGENET_MEAN, std=nets.IMAGENET_STD, layers=blocks).eval()


def scores(net: Classifier, some: Sequence[Patch]) -> Tensor:
    """The score of "lesion" less that of "no lesion" for each square, (N)."""
    logits = torch.cat([net.logits(one.image) for one in some]).cpu()
    return logits[:, 1] - logits[:, 0]
