"""Occlusion: hide one window after the other, and see how far the score falls.

    r(u) = mean of S(x) − S(x with a window hidden) over the windows that cover the pixel u

after Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. It asks for answers
alone, so it is defined for any network, and for volumes. Windows are given in pixels; in millimetres if the network
knows its ``spacing``, so that a window is as thick as it is wide where slices are thick.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor, nn

from u3lab.checks import number
from u3lab.nets import ready
from u3lab.nets.region import asked
from u3lab.saliency._forward_pass import Target, one_each
from u3lab.saliency.relevance import as_pictures

AT_ONCE = 2**20  # values of all pictures that one pass takes: six of 3×224×224, eight volumes of 32×64×64


@torch.no_grad()
def occlusion(net: nn.Module, images: Tensor, target: Target, *, side: float | None = None, step: float | None = None,
              baseline: Tensor | float | None = None) -> Tensor:
    """How far the score falls where a window is hidden, signed: the mean over all windows that cover a pixel.

    Args:
        net, images: A network, and pictures (B,C,H,W) or volumes (B,C,D,H,W) that it takes.
        target: A class (number or name), a :class:`~u3lab.nets.Region`, or a list with one for each picture.
        side, step: Of the windows, and from one to the next: in millimetres if the network has a ``spacing``, else in
            pixels. Without them a quarter of the shortest extent, and half of that: 49 passes for a square, 343 for a
            cube.
        baseline: What a window is filled with: a number, pictures of the same shape, or None for the mean of each
            channel.

    Returns:
        Tensor: (B,1,H,W) or (B,1,D,H,W) in units of the score.

    Raises:
        U3Error: A network or pictures that :func:`~u3lab.nets.ready` refuses, a class that does not exist, a side or a
            step that is not above 0, a step longer than the side, a spacing for other pictures.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> saliency.occlusion(net, x, "espresso", side=48, step=48).shape
        torch.Size([1, 1, 96, 96])
    """
    net = ready(net, images)
    images = images.detach().to(net.device)
    sizes, targets, spacing = images.shape[2:], one_each(target, len(images)), net.spacing_of(images)
    side = number("side", min(n * mm for n, mm in zip(sizes, spacing, strict=True)) / 4 if side is None else side, 0,
                  without_low=True)
    step = number("step", side / 2 if step is None else step, 0, side, without_low=True)
    window = [min(n, max(1, round(side / mm))) for n, mm in zip(sizes, spacing, strict=True)]
    stride = [min(w, max(1, round(step / mm))) for w, mm in zip(window, spacing, strict=True)]
    # The last window of each axis reaches over the border, or ends there
    corners = list(product(*(range(0, max(n - w + s, 1), s) for n, w, s in zip(sizes, window, stride, strict=True))))
    fill = images.mean(tuple(range(2, images.ndim)), keepdim=True).expand_as(images) if baseline is None else (
        as_pictures(baseline, images))
    at_once, maps = max(1, AT_ONCE // images[0].numel()), []
    for image, hidden, one in zip(images.split(1), fill.split(1), targets, strict=True):
        whole, falls, covered = asked(net, net.unchecked(image), [one]), 0.0, 0
        for first in range(0, len(corners), at_once):
            some = corners[first : first + at_once]
            windows = torch.zeros(len(some), 1, *sizes, dtype=torch.bool, device=image.device)
            for inside, corner in zip(windows, some, strict=True):
                inside[(0, *(slice(at, at + w) for at, w in zip(corner, window, strict=True)))] = True
            scores = asked(net, net.unchecked(torch.where(windows, hidden, image)), [one] * len(some))
            falls = falls + ((whole - scores).view(-1, *[1] * (1 + len(sizes))) * windows).sum(0, keepdim=True)
            covered = covered + windows.sum(0, keepdim=True)
        maps.append(falls / covered)
    return torch.cat(maps)
