"""The figure of notebook 03b: equivariance, generative modelling, and the keypoint bottleneck between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from u3lab.figures import COLOURS, Figure, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATA, SIMPLE = 1.6, 7.4  # where the columns stand
ROWS = (7.6, 4.7, 1.5)
ALT = ("Three rows, pictures on the left and a simple space on the right. Equivariance: an arrow Φ leads from pictures "
       "of a chair to places on a circle. Generative modelling: an arrow Ψ leads from a round cloud of points to the "
       "pictures. Keypoint bottleneck: an arrow leads from a face to its keypoints, and another back to a face, which "
       "gets its look from a second face.")


def directions(chairs: Sequence[Tensor], face: Tensor, look: Tensor, drawn: Tensor, points: Tensor) -> Figure:
    """Three rows: data on the left, a simple space on the right, and arrows that say what is learnt.

    Parameters
    ----------
    chairs
        Three pictures (3,H,W).
    face, look, drawn
        The target, the picture that gives the look, and what the generator makes of both, (3,H,W) each.
    points
        The keypoints (K,2) of the target.
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
    y = ROWS[0]
    _row(axes, chairs, y)
    _named(axes, "equivariance", y)
    _arrow(axes, (3.6, y), (5.7, y), "Φ")
    _circle(axes, SIMPLE, y, 0.95, fill="none")
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
    axes.add_patch(_square(SIMPLE, y, 0.95))
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


def _circle(axes: Axes, x: float, y: float, radius: float, fill: str) -> None:
    from matplotlib.patches import Circle

    axes.add_patch(Circle((x, y), radius, facecolor=fill, edgecolor=canvas.INK, linewidth=1.0))


def _square(x: float, y: float, half: float) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((x - half, y - half), 2 * half, 2 * half, facecolor="white", edgecolor=canvas.INK, linewidth=1.0)
