"""The figures of chapter 1: the block diagram of adapters, and patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images
from u3lab.datasets import scans
from u3lab.figures import COLOURS, Figure, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARED, OWN = "#e3e3e0", COLOURS[5]  # grey is everybody's, orange is one domain's
HEIGHT, HALF = 0.62, 0.5  # of a box, and half its width


def adapters() -> Figure:
    """Three small circuits side by side; what is shared is grey, what each domain owns is orange."""
    with canvas.plot(7.6, 4.3, "") as (sheet, axes):
        axes.set(xlim=(-1.4, 10.4), ylim=(-1.15, 5.2))
        axes.axis("off")
        for x, title, draw, norm in ((0, "plain", _plain, SHARED), (4, "serial", _serial, OWN),
                                     (8.2, "parallel", _parallel, OWN)):
            axes.text(x, 4.95, title, ha="center", fontsize=12, weight="bold")
            axes.text(x, -0.15, "x", ha="center", va="top", style="italic", fontsize=12)
            draw(axes, x)
            _box(axes, x, 3.55, "norm", norm)
            _wire(axes, (x, 3.55 + HEIGHT / 2), (x, 4.7))
            axes.text(x + 0.12, 4.28, "ReLU", fontsize=9, va="center")
        for x, colour, words in ((-0.8, SHARED, "shared by all domains"), (3.6, OWN, "each domain has its own")):
            _rectangle(axes, x, -1.0, 0.5, 0.36, colour)
            axes.text(x + 0.65, -0.82, words, va="center", fontsize=10)
        return Figure(canvas.png(canvas.levels(sheet), ALT), ALT, line_art=True)


ALT = ("Three circuits. Plain: x goes through the 3 by 3 filters f, a norm and a ReLU. Serial: behind f, the 1 by 1 "
       "filters alpha are applied to f's answer v, and v is added again. Parallel: beside f, alpha is applied to x, "
       "and the two answers are added. Filters f are grey, shared by all domains; alpha and the norm beside it are "
       "orange, each domain has its own.")


def _plain(axes: Axes, x: float) -> None:
    _wire(axes, (x, 0), (x, 1 - HEIGHT / 2))
    _box(axes, x, 1, "f   3×3", SHARED)
    _wire(axes, (x, 1 + HEIGHT / 2), (x, 3.55 - HEIGHT / 2))


def _serial(axes: Axes, x: float) -> None:
    _wire(axes, (x, 0), (x, 0.75 - HEIGHT / 2))
    _box(axes, x, 0.75, "f   3×3", SHARED)
    _wire(axes, (x, 0.75 + HEIGHT / 2), (x, 1.85 - HEIGHT / 2))
    axes.text(x + 0.12, 1.28, "v", style="italic", fontsize=11, va="center")
    _box(axes, x, 1.85, "α   1×1", OWN)
    _wire(axes, (x, 1.85 + HEIGHT / 2), (x, 2.7 - 0.16))
    _wire(axes, (x, 1.28), (x - 0.95, 1.28), (x - 0.95, 2.7), (x - 0.16, 2.7))
    _plus(axes, x)


def _parallel(axes: Axes, x: float) -> None:
    for side, name, colour in ((-0.75, "f   3×3", SHARED), (0.75, "α   1×1", OWN)):
        _wire(axes, (x, 0.0), (x, 0.45), (x + side, 0.45), (x + side, 1.35 - HEIGHT / 2))
        _box(axes, x + side, 1.35, name, colour)
        _wire(axes, (x + side, 1.35 + HEIGHT / 2), (x + side, 2.7), (x + side * 0.22, 2.7))
    _plus(axes, x)


def _plus(axes: Axes, x: float) -> None:
    axes.text(x, 2.7, "+", ha="center", va="center", fontsize=12,
              bbox={"boxstyle": "circle,pad=0.12", "facecolor": "white", "edgecolor": canvas.INK})
    _wire(axes, (x, 2.7 + 0.2), (x, 3.55 - HEIGHT / 2))


def _box(axes: Axes, x: float, y: float, words: str, colour: str) -> None:
    _rectangle(axes, x - HALF, y - HEIGHT / 2, 2 * HALF, HEIGHT, colour)
    axes.text(x, y, words, ha="center", va="center", fontsize=11)


def _rectangle(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor=canvas.INK, linewidth=0.9))


def _wire(axes: Axes, *points: tuple[float, float]) -> None:
    """A line through some points, which ends in an arrow."""
    *before, start, end = points
    if before:
        axes.plot(*zip(*before, start, strict=True), color=canvas.INK, linewidth=1.2)
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": canvas.INK, "linewidth": 1.2,
                                              "shrinkA": 0, "shrinkB": 0})


def patients(runs: Mapping[str, Tensor]) -> Figure:
    """For each organ the patient that was learnt from, the new one, and lines of all trainings from one to the other.

    ``runs`` has for each organ sensitivity and specificity (2,P,N) on both patients P after each of N trainings.
    """
    with canvas.plot(9.6, 5.6, "") as (page, axes):
        axes.axis("off")
        for row, (organ, measured) in enumerate(runs.items()):
            for column, who in enumerate(("learnt from", "new patient")):
                place = axes.inset_axes([0.275 * column, 0.53 * (1 - row), 0.26, 0.44],
                                        title=f"{organ}: {who}", xticks=[], yticks=[])
                place.imshow(outlined(organ, column).permute(1, 2, 0).numpy())
            for column, (measure, lines) in enumerate(zip(("sensitivity", "specificity"), measured, strict=True)):
                chart = axes.inset_axes([0.61 + 0.22 * column, 0.53 * (1 - row) + 0.04, 0.17, 0.38], title=measure,
                                        xlim=(-0.25, 1.25), ylim=(-0.02, 1.04), xticks=[0, 1],
                                        xticklabels=["same", "new"])
                chart.plot([0, 1], lines.numpy(), "-o", color=COLOURS[column], alpha=0.45, markersize=3)
                chart.axhline(0.5, color=canvas.INK, linestyle="--", linewidth=1)
        return Figure(canvas.png(canvas.levels(page), PATIENTS), PATIENTS)


PATIENTS = ("Two rows, brain and chest. Each shows a slice of the training patient and one of the new patient, with "
            "the lesions outlined in yellow. Twenty lines run from other slices of the training patient to the new "
            "patient, for sensitivity and for specificity; a dashed line marks a guess, 0.5. Sensitivity falls: for "
            "the brain to anything from 0.15 to 1, for the chest to below 0.4. Specificity stays for the brain and "
            "falls a little for the chest.")


def outlined(organ: str, number: int) -> Tensor:
    """The slice of an organ's scan with most of the lesion, (3,H,W), and the lesion's outline in yellow; the patient
    that was learnt from is number 0, the new one number 1."""
    scan = scans.load({"brain": "brain", "chest": "lung"}[organ.split()[0]] + str(number + 1))
    widest = slice(scan.largest, scan.largest + 1)
    picture = images.resize(scan.images[widest], 256)[0]
    mask = F.interpolate(scan.masks[widest].float(), size=picture.shape[1:])[0]
    outline = (F.max_pool2d(mask[None], 3, 1, 1)[0] > 0.5) & (mask < 0.5)
    return torch.where(outline, torch.tensor([1.0, 0.9, 0.1]).view(3, 1, 1), picture).clamp(0, 1)
