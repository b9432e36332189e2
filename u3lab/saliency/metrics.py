"""The lecture's findings about backpropagation maps, as numbers.

After Mahendran & Vedaldi, Salient deconvolutional networks, ECCV 2016, who show them as pictures.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import is_a, tensors, whole
from u3lab.errors import U3Error
from u3lab.measures import correlation
from u3lab.saliency._forward_pass import ForwardPass
from u3lab.saliency.backprop import BackpropPass


def max_abs(saliency: Tensor) -> Tensor:
    """max_c |r|: a signed map (B,C,h,w) as one strength a pixel (B,1,h,w) (Simonyan et al. 2014, section 3.1)."""
    tensors(saliency=(saliency, "BCDHW" if getattr(saliency, "ndim", 4) == 5 else "BCHW"))
    return saliency.abs().amax(1, keepdim=True)


def positive(relevance: Tensor) -> Tensor:
    """Evidence for the class: relevance (B,C,h,w) summed over channels, its negative part left out: (B,1,h,w) ≥ 0."""
    tensors(relevance=(relevance, "BCDHW" if getattr(relevance, "ndim", 4) == 5 else "BCHW"))
    return relevance.sum(1, keepdim=True).clamp(min=0)


def strongest_channels(kept: BackpropPass, layer: str, y: int, x: int, count: int) -> list[int]:
    """The channels that answer most at one place of a layer, strongest first, for the first picture."""
    whole("count", count)
    activation = is_a("kept", kept, ForwardPass, "make one with saliency.forward_pass(net, images)")[layer]
    if activation.ndim != 4:
        raise U3Error(f"layer {layer!r} gives {tuple(activation.shape)}, which has no places; choose a convolution")
    whole("y", y, 0, activation.shape[2] - 1)
    whole("x", x, 0, activation.shape[3] - 1)
    return activation[0, :, y, x].topk(min(count, activation.shape[1])).indices.tolist()


def channel_similarity(kept: BackpropPass, layer: str, y: int, x: int, *, rule: str = "gradient",
                       back_to: str | None = None, channels: int = 8) -> float:
    """How alike are the saliencies of different neurons at one place? 1: the same, 0: no more than by chance.

    Takes the channels that answer most at (y, x) of ``layer``, sends each one back to the layer ``back_to`` (None: to
    the picture) and returns the mean correlation of the strengths |r| over all pairs, within the pixels and channels
    that any of them reaches.
    """
    whole("channels", channels)
    chosen = strongest_channels(kept, layer, y, x, channels)
    if len(chosen) < 2:
        raise U3Error(f"channels = {channels}, and layer {layer!r} has {kept[layer].shape[1]}; "
                      "two or more are needed to compare")
    strengths = torch.stack([kept.backprop((layer, c, y, x), rule=rule,
                                            layer=back_to)[0].abs().flatten() for c in chosen])
    reached = strengths[:, (strengths > 0).any(0)]
    pairs = torch.corrcoef(reached).nan_to_num()[tuple(torch.triu_indices(len(chosen), len(chosen), 1))]
    return float(pairs.mean())


def coherence(saliency: Tensor) -> float:
    """Correlation of a map (B,C,H,W) with itself one pixel down and right: 0 for speckle, high for lines and areas."""
    tensors(saliency=(saliency, "BCHW"))
    return correlation(saliency[..., 1:, 1:], saliency[..., :-1, :-1])


def edges(images: Tensor) -> Tensor:
    """‖∇x‖ of the grey picture, (B,1,H,W) or (B,1,D,H,W): what a map would look like that knows of no network."""
    axes = max(2, getattr(images, "ndim", 4) - 2)
    grey = _images.check(images, None, axes).mean(1, keepdim=True)
    slopes = [F.pad(grey.diff(dim=-n), (0, 0) * (n - 1) + (0, 1)) for n in range(1, axes + 1)]  # along x, y, and z
    return sum(slope**2 for slope in slopes).sqrt()
