"""The pictures of chapter 3: codes as colours, points, the sphere; its scheme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.figures import COLOURS, Figure, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
        marked = to[there, :2] * torch.tensor([side, 1]) / 1.08
        halves.append(dotted(half, marked[None], colours[there], size=size, radius=radius))
    return torch.cat(halves, -1)


def hues(count: int) -> Tensor:
    """So many colours that can be told apart, (count,3)."""
    angle = torch.arange(count) * 2 * math.pi / count
    return 0.5 + 0.5 * torch.stack([(angle - shift).cos() for shift in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)], 1)


DATA, SIMPLE = 1.6, 7.4  # where the columns stand
ROWS = (7.6, 4.7, 1.5)
ALT = ("Three rows, pictures on the left and a simple space on the right. Equivariance: an arrow Φ leads from pictures "
       "of a chair to places on a circle. Generative modelling: an arrow Ψ leads from a round cloud of points to the "
       "pictures. Keypoint bottleneck: an arrow leads from a face to its keypoints, and another back to a face, which "
       "gets its look from a second face.")


def directions(chairs: Sequence[Tensor], face: Tensor, look: Tensor, drawn: Tensor, points: Tensor) -> Figure:
    """Three rows: data on the left, a simple space on the right, and arrows that say what is learnt.

    ``chairs`` are three pictures (3,H,W); ``face``, ``look`` and ``drawn``, (3,H,W) each, the target, the picture that
    gives the look, and what the generator makes of both; ``points`` (K,2) the keypoints of the target.
    """
    with canvas.plot(7.6, 6.6, "") as (sheet, axes):
        axes.set(xlim=(-0.6, 10.2), ylim=(-0.4, 9.9))
        axes.axis("off")
        axes.text(DATA, 9.4, "data", ha="center", fontsize=12, weight="bold")
        axes.text(SIMPLE, 9.4, "a simple space", ha="center", fontsize=12, weight="bold")
        _equivariance(axes, chairs)
        _generator(axes, chairs)
        _bottleneck(axes, face, look, drawn, points)
        return Figure(canvas.jpeg(canvas.levels(sheet), ALT), ALT)


def _equivariance(axes: Axes, chairs: Sequence[Tensor]) -> None:
    from matplotlib.patches import Circle

    y = ROWS[0]
    _row(axes, chairs, y)
    _named(axes, "equivariance", y)
    _arrow(axes, (3.6, y), (5.7, y), "Φ")
    axes.add_patch(Circle((SIMPLE, y), 0.95, facecolor="none", edgecolor=canvas.INK, linewidth=1.0))
    for x, high in ((-0.67, 0.67), (0.25, 0.92), (0.95, 0.0)):
        axes.plot([SIMPLE + x], [y + high], "o", color=COLOURS[5], markersize=7)
    axes.text(SIMPLE, y, "azimuth", ha="center", va="center", fontsize=10)
    axes.text(8.7, y, "where g acts\nas it does\non the data", va="center", fontsize=9)


def _generator(axes: Axes, chairs: Sequence[Tensor]) -> None:
    import numpy as np

    y, draw = ROWS[1], np.random.default_rng(0)
    _row(axes, chairs, y)
    _named(axes, "generative modelling", y)
    _arrow(axes, (5.7, y), (3.6, y), "Ψ")
    x, up = draw.normal(scale=0.42, size=(2, 60))
    axes.plot(SIMPLE + x, y + up, "o", color=COLOURS[0], markersize=3.2, alpha=0.8)
    axes.text(8.7, y, "a fixed, simple\ndistribution", va="center", fontsize=9)
    axes.text(DATA, y - 0.95, "the empirical distribution", ha="center", fontsize=9)


def _bottleneck(axes: Axes, face: Tensor, look: Tensor, drawn: Tensor, points: Tensor) -> None:
    from matplotlib.patches import Rectangle

    y = ROWS[2]
    _named(axes, "keypoint bottleneck", y + 0.45)
    _picture(axes, face, 0.75, y + 0.5, 0.7)
    _picture(axes, drawn, 3.0, y - 0.95, 0.7)
    _picture(axes, look, 0.75, y - 0.95, 0.7)
    _arrow(axes, (1.6, y + 0.7), (6.2, y + 0.3), "u")
    _arrow(axes, (6.2, y - 0.3), (3.85, y - 0.85), "Ψ")
    _arrow(axes, (1.55, y - 0.95), (2.2, y - 0.95), "φ")
    axes.text(0.75, y - 1.85, "look", ha="center", fontsize=9)
    axes.text(3.0, y - 1.85, "drawn", ha="center", fontsize=9)
    axes.add_patch(Rectangle((SIMPLE - 0.95, y - 0.95), 1.9, 1.9, facecolor="white", edgecolor=canvas.INK, linewidth=1))
    for n, (across, down) in enumerate(points.tolist()):
        axes.plot([SIMPLE + 0.95 * across], [y - 0.95 * down], "o", color=COLOURS[n % len(COLOURS)], markersize=6)
    axes.text(8.7, y, "K points,\nwhich move\nas parts do", va="center", fontsize=9)


def _row(axes: Axes, pictures: Sequence[Tensor], y: float) -> None:
    for n, picture in enumerate(pictures):
        _picture(axes, picture, DATA + 1.25 * (n - 1), y, 0.58)


def _named(axes: Axes, words: str, y: float) -> None:
    axes.text(-0.5, y + 1.0, words, fontsize=11, weight="bold")


def _picture(axes: Axes, picture: Tensor, x: float, y: float, half: float) -> None:
    axes.imshow(picture.permute(1, 2, 0).clamp(0, 1).numpy(), extent=(x - half, x + half, y - half, y + half),
                aspect="auto", zorder=2)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], words: str) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": canvas.INK, "linewidth": 1.4})
    axes.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.18, words, ha="center", fontsize=12, style="italic")
