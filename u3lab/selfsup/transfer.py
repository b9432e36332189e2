"""What has a pretext task taught? A linear probe at every depth, with few labels of another task.

The protocol of the papers (Zhang, Isola & Efros, ECCV 2016; Goyal et al., ICCV 2019) in small: maps are pooled so that
every layer gives about as many numbers, and only then is a linear classifier fitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import listed
from u3lab.errors import U3Error
from u3lab.measures import Probe, probe
from u3lab.nets import extract_features
from u3lab.nets.gate import ready

NUMBERS = 512  # of each layer, about
PRICES = (0.001, 0.01, 0.1, 1.0)  # C of the probe, chosen on validation pictures
PART = 200  # pictures at a time


def pooled(net: nn.Module, images: Tensor, layer: str | Sequence[str]) -> dict[str, Tensor]:
    """Layer → its maps averaged over g×g parts, (N,C·g²) with C·g² near 512; pictures (N,3,H,W) in [0,1]."""
    net = ready(net, images)
    layers = [layer] if isinstance(layer, str) else listed("layer", layer, str, "names of layers")
    parts = [extract_features(net, layers, x) for x in images.split(PART)]
    return {name: torch.cat([_few(part[name]) for part in parts]) for name in layers}


def _few(maps: Tensor) -> Tensor:
    if maps.ndim != 4:
        raise U3Error(f"a layer with numbers {tuple(maps.shape)} has no maps; give a convolution's")
    grid = max(1, round((NUMBERS / maps.shape[1]) ** 0.5))
    return F.adaptive_avg_pool2d(maps, grid).flatten(1)


def best_probe(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Probe:
    """The linear probe whose C was best on the validation features, of the best the smallest.

    Each is a tuple of features (N,U) and labels (N).
    """
    return max((probe(*train, C=C) for C in PRICES), key=lambda one: one.accuracy(*val))
