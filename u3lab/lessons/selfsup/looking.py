"""Notebook 02: an encoder with the head of its pretext task, as a network that chapter 6's methods can ask."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.nets import Classifier


def joined(net: Classifier, head: nn.Module) -> Classifier:
    """Encoder and head as one classifier of single pictures (B,3,H,W); its layers are the encoder's.

    For tasks that show one view of each question, such as "upright".
    """
    one_view = nn.Unflatten(0, (-1, 1))  # maps (B,C,h,w) → (B,1,C,h,w)
    return Classifier(nn.Sequential(net.module, one_view, head).eval(), size=net.size, name=net.name,
                      layers={layer: f"0.{net.path(layer)}" for layer in net.layers}, mean=net.mean.flatten().tolist(),
                      std=net.std.flatten().tolist(), memory_format=net.memory_format)


def within(heat: Tensor, mask: Tensor) -> Tensor:
    """The share of each map's heat (B,1,h,w) ≥ 0 that lies in its mask (B,1,H,W) in [0,1], (B).

    A cell of a coarse map counts by the share of it that the mask covers. A map of zeros counts as an even one.
    """
    covered = F.adaptive_avg_pool2d(mask, heat.shape[-2:])
    heat = torch.where(heat.sum((1, 2, 3), keepdim=True) > 0, heat, 1.0)
    return (heat * covered).sum((1, 2, 3)) / heat.sum((1, 2, 3))


def middle(size: int) -> Tensor:
    """A round spot in the middle, (1,1,S,S): a Gaussian whose σ is a quarter of the side. It knows no picture."""
    at = (torch.arange(size) - (size - 1) / 2) / (size / 4)
    bell = (-at.square() / 2).exp()
    return (bell[:, None] * bell)[None, None]
