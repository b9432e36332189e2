"""The pictures of chapter 3: codes as colours, points, the sphere."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

RIM = (0.07, 0.07, 0.07)
GREY = 0.93  # around the globe


def coloured(codes: Tensor, size: int = 192) -> Tensor:
    """The direction of codes (B,3,h,w) as a colour, (B,3,size,size): the same direction, the same colour everywhere."""
    shown = F.interpolate(F.normalize(codes.detach(), dim=1), size=(size, size), mode="bilinear")
    return (0.5 + 0.5 * F.normalize(shown, dim=1)).clamp(0, 1)


def dotted(images: Tensor, points: Tensor, colours: Tensor, *, size: int = 192, radius: float = 5.0) -> Tensor:
    """Pictures (B,3,H,W), made larger, with a disc at each of the points (B,N,2): (B,3,size,size).

    ``colours`` (N,3), or (B,N,3), in [0,1]. Points outside of the picture are not drawn.
    """
    shown = F.interpolate(images.detach(), size=(size, size), mode="bilinear").clamp(0, 1)
    along = (2 * torch.arange(size) + 1) / size - 1
    colours = colours.expand(len(images), -1, -1)
    for n in range(points.shape[1]):
        x, y = ((along - points[:, n, k, None]).square() for k in (0, 1))
        distance = (x[:, None, :] + y[:, :, None]).sqrt()[:, None] * size / 2
        shown = torch.where(distance < radius + 1.5, torch.tensor(RIM)[None, :, None, None], shown)
        shown = torch.where(distance < radius, colours[:, n, :, None, None].to(shown), shown)
    return shown


def globe(directions: Tensor, colours: Tensor, *, size: int = 192, radius: float = 4.0) -> Tensor:
    """The sphere from two sides, side by side, in the colours of its directions: (1,3,size,2·size).

    ``directions`` (N,3) are marked by discs in ``colours`` (N,3) on the side on which they lie; the left half is seen
    from the end of the third axis, the right one from behind.
    """
    y, x = torch.meshgrid(*[1.08 * ((2 * torch.arange(size) + 1) / size - 1)] * 2, indexing="ij")
    to, halves = F.normalize(directions.detach().float(), dim=1), []
    for side in (1.0, -1.0):
        z = side * (1 - x.square() - y.square()).clamp(min=0).sqrt()
        half = torch.where(z != 0, 0.5 + 0.5 * torch.stack([side * x, y, z]), GREY)[None]
        there = to[:, 2] * side > 0
        halves.append(dotted(half, to[None, there, :2] * torch.tensor([side, 1]) / 1.08, colours[there], size=size,
                             radius=radius))
    return torch.cat(halves, -1)


def hues(count: int) -> Tensor:
    """So many colours that can be told apart, (count,3)."""
    angle = torch.arange(count) * 2 * math.pi / count
    return 0.5 + 0.5 * torch.stack([(angle - shift).cos() for shift in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)], 1)
