"""Token maps: what a vision transformer computes of a picture, laid out as the maps of a convolutional network.

A transformer cuts a picture into h×w patches, by a convolution whose stride is its kernel, and hands on tokens

    (B,P+h·w,C)   P prefix tokens (of the class, registers), then one of each patch, row by row   →   (B,C,h,w)

so that whatever takes maps, such as Grad-CAM or a dissection, takes them unchanged.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def prefix_tokens(module: nn.Module) -> int | None:
    """P, as timm's and torchvision's transformers say it; None for any other network."""
    for part in module.modules():
        if isinstance(said := getattr(part, "num_prefix_tokens", None), int):
            return said
        if isinstance(getattr(part, "class_token", None), nn.Parameter):
            return 1
    return None


def counts(score: Tensor, maps: Tensor) -> bool:
    """Whether a score depends on maps to first order. Behind the last attention only the class token may count."""
    slope = torch.autograd.grad(score.sum(), maps, retain_graph=True, allow_unused=True) if score.requires_grad else ()
    return any(one is not None and bool(one.any()) for one in slope)


def widths(module: nn.Module) -> tuple[set[int], set[int]]:
    """How many channels convolutions and normalisations of a network have, and how many those that have them last."""
    names = "in_channels", "out_channels", "num_features", "num_channels"
    last = {part.normalized_shape[0] for part in module.modules()
            if isinstance(part, nn.LayerNorm) and len(part.normalized_shape) == 1}
    every = (getattr(part, name, None) for part in module.modules() for name in names)
    return {width for width in every if isinstance(width, int)} | last, last


def are_last(output: Tensor, widths: tuple[set[int], set[int]]) -> bool:
    """Whether a layer gives (B,h,w,C), as those of a Swin transformer do: C is normalised somewhere as a last axis, and
    nothing in the network has h channels.
    """
    every, last = widths
    return output.ndim == 4 and output.shape[3] in last and output.shape[1] not in every


def put_first(output: Tensor, callback: Callable[[Tensor], None]) -> Tensor:
    """Hand an output (B,h,w,C) to the callback as (B,C,h,w); returns what the network is to go on with.

    That is made of the maps, so that the scores can be differentiated by them.
    """
    callback(maps := output.movedim(-1, 1))
    return maps.movedim(1, -1)


class Grid:
    """The patches of the pass that is going on. ``see`` is a hook of its convolutions, the last of which cuts them."""

    def __init__(self, prefix: int) -> None:
        self.prefix, self.channels, self.sides = prefix, 0, torch.Size()

    def see(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        """Note what a convolution gives."""
        self.channels, self.sides = output.shape[1], output.shape[2:]

    def show(self, output: Tensor, callback: Callable[[Tensor], None]) -> Tensor | None:
        """Hand an output to the callback, tokens as maps; returns what the network is to go on with, if not None.

        That is made of the maps, so that the scores can be differentiated by them.
        """
        first = output.shape[1] - self.sides.numel()
        if output.ndim == 3 and self.sides and first in (0, self.prefix):
            callback(maps := output[:, first:].mT.unflatten(2, self.sides))
            tokens = maps.flatten(2).mT
            return torch.cat([output[:, :first], tokens], 1) if first else tokens
        if output.shape[1:] == (*self.sides, self.channels) and self.channels != output.shape[1]:  # still (B,h,w,C)
            return put_first(output, callback)
        callback(output)
        return None
