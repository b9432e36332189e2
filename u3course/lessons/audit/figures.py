"""The figures of notebook 08: many patients' slices at once with a network's answers, what is known of nine kinds of
network, and three planes of a volume."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from u3course.lessons.selfsup.figures import font
from u3lab import images, pixels, results
from u3lab.figures import Figure, canvas
from u3lab.figures.charts import framed

COLUMNS, SIDE, FRAME, STRIP, GAP = 5, 94, 4, 24, 10  # slices in a row; pixels of one, its frame, a name, between walls
WIDTH = COLUMNS * SIDE + GAP
LETTER = (7, 8)  # where the middle of the letter is that stands in the corner, (x, y) in pixels of 96
CORNER = ((FRAME + LETTER[0] / 96 * (SIDE - 2 * FRAME)) / WIDTH,
          (STRIP + FRAME + LETTER[1] / 96 * (SIDE - 2 * FRAME)) / (2 * (STRIP + 2 * SIDE)))
"""A click on it in the first slice of a wall of two groups with two rows each."""
PLANE = 320  # pixels of a plane's square
LINES = torch.tensor([0.34, 0.71, 0.91])  # sky blue
BOX = torch.tensor([0.94, 0.89, 0.26])  # yellow, like no frame of an answer
KINDS = {"none": "honest: no cue", "harmless": "honest: letter on half of both classes",
         "corner": "letter in the corner of all ill", "scanner": "softer scanner for all ill",
         "weak": "weak letter: 4 in 5 ill, 1 in 5 healthy", "wander": "letter along the border of all ill",
         "clip": "bright clip on all ill", "date": "date: another year on the ill", "calipers": "calipers on all ill"}
"""Cue of slices → what it is, for a reader."""


def wall(groups: Mapping[str, tuple[Tensor, Tensor]]) -> Tensor:
    """Groups of slices, each below its name: name → slices (N,1,H,W) and which answers are right, (N) bool.

    A picture (1,3,h,480) with five slices in a row; a right answer has a blue frame, a wrong one a red frame and a ✗ at
    the bottom: in an upper corner it would hide the letter, mirrored or not.
    """
    parts = []
    for name, (slices, right) in groups.items():
        small = F.interpolate(slices, (SIDE - 2 * FRAME,) * 2, mode="bilinear", antialias=True).clamp(0, 1)
        tiles = torch.stack([framed(one.expand(3, -1, -1).flip(1), bool(ok)).flip(1)
                             for one, ok in zip(small, right, strict=True)])
        rows = F.pad(tiles, (0, 0, 0, 0, 0, 0, 0, -len(tiles) % COLUMNS), value=1.0).unflatten(0, (-1, COLUMNS))
        parts += [strip(name), F.pad(rows.permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2), (0, GAP), value=1.0)]
    return torch.cat(parts, 1)[None]


def strip(words: str) -> Tensor:
    """A line of words on the colour of a card, (3,STRIP,WIDTH)."""
    page = Image.new("RGB", (WIDTH, STRIP), canvas.CARD)
    ImageDraw.Draw(page).text((2, STRIP // 2), words, canvas.INK, font(13), anchor="lm")
    return images.load(page)[0]


def within(place: tuple[float, float], rows: int) -> tuple[float, float]:
    """Where in its slice a click on a wall is, (x, y) in [0,1]; each of two groups has so many rows."""
    block = STRIP + rows * SIDE
    across, down = place[0] * WIDTH, place[1] * 2 * block % block - STRIP
    return tuple(min(max((one % SIDE - FRAME) / (SIDE - 2 * FRAME), 0.0), 1.0) for one in (across, max(down, 0.0)))


def boxed(slices: Tensor, cell: tuple[slice, slice], others: Tensor) -> Tensor:
    """Slices (N,1,H,W) with the cell of others, and a thin yellow box around it, closed at the border: (N,3,H,W)."""
    inside = torch.zeros(slices.shape[2:], dtype=torch.bool)
    inside[cell] = True
    around = F.max_pool2d(inside[None, None].float(), 3, 1, 1)
    core = -F.max_pool2d(-F.pad(around, (1, 1, 1, 1)), 3, 1)
    return torch.where(around > core, BOX[:, None, None], torch.where(inside, others, slices))


def kinds() -> Figure:
    """Draw, for each kind of network on slices, how many answers leave with the lesion, and the threshold."""
    summary = results.facts("audited")["evidence"]["summary"]
    return against({name: summary[cue]["lesion filled in"] for cue, name in KINDS.items()},
                   summary["threshold"]["lesion removed"],
                   "share of answers that leave with the lesion (mean, least, largest)")


def against(found: Mapping[str, tuple[float, float, float]], limit: float, measured: str) -> Figure:
    """Bars of (value, low, high) beside a threshold, a dashed line; those of honest networks in another colour."""
    value, low, high = np.array(list(found.values())).T
    colours = [canvas.COLOURS[not name.startswith("honest")] for name in found]
    with canvas.plot(7.6, 0.9 + 0.34 * len(found), "") as (page, axes):
        drawn = axes.barh(list(found), value, 0.74, xerr=[value - low, high - value], color=colours, capsize=3,
                          ecolor=canvas.INK)
        axes.bar_label(drawn, fmt="%.2f", padding=5, fontsize=9)
        axes.axvline(limit, color="white", linewidth=2.6)  # a halo, for the bars are dark
        axes.axvline(limit, color=canvas.INK, linestyle="--", linewidth=1.2)
        axes.text(limit, -0.6, f"threshold: {limit:.3f}", ha="center", va="bottom", fontsize=9)
        axes.set(xlabel=measured, xlim=(0, 1.12), ylim=(len(found) - 0.5, -0.5))
        axes.tick_params(axis="y", length=0)
        alt = f"Bars and a threshold of {limit:.3f}: " + ", ".join(
            f"{name} {mean:.2f}" for name, mean in zip(found, value, strict=True)) + "."
        return Figure(canvas.png(canvas.levels(page), alt), alt)


def planes(volume: Tensor, map: Tensor, at: tuple[int, int, int], spacing: tuple[float, float, float]) -> Tensor:
    """Planes of a volume (D,H,W) in [0,1] through the voxel ``at`` (z, y, x), with a map over them, (1,3,320,960).

    All three have one scale in millimetres; the map (D,H,W) is signed, and lines show where the other planes are.
    """
    (z, y, x), extent = at, [n * mm for n, mm in zip(volume.shape, spacing, strict=True)]
    drawn, most = [], float(map.max()) or 1.0
    for cut, (down, right) in (((z,), (1, 2)), ((slice(None), y), (0, 2)), ((slice(None), slice(None), x), (0, 1))):
        flat = F.interpolate(pixels.overlay(volume[cut][None, None].expand(1, 3, -1, -1),
                                            map[cut][None, None].clamp(min=0), scale=most),
                             [round(extent[axis] * PLANE / max(extent)) for axis in (down, right)])
        for axis, of in ((2, down), (3, right)):  # where the other planes are
            flat.select(axis, int((at[of] + 0.5) / volume.shape[of] * flat.shape[axis])).copy_(LINES[None, :, None])
        high, wide = (PLANE - side for side in flat.shape[2:])
        drawn.append(F.pad(flat.flip(2) if down == 0 else flat,  # the head is at the top
                           (wide // 2, wide - wide // 2, high // 2, high - high // 2)))
    return torch.cat(drawn, 3)


def voxel(place: tuple[float, float], at: tuple[int, int, int], shape: tuple[int, int, int],
          spacing: tuple[float, float, float]) -> tuple[int, int, int]:
    """The voxel (z, y, x) after a click at (x, y) in [0,1] on :func:`planes` that were drawn through ``at``."""
    down, right = ((1, 2), (0, 2), (0, 1))[min(int(place[0] * 3), 2)]
    extent, found = [n * mm for n, mm in zip(shape, spacing, strict=True)], list(at)
    for axis, share in ((right, place[0] * 3 % 1), (down, 1 - place[1] if down == 0 else place[1])):
        found[axis] = int(((share - 0.5) * max(extent) / extent[axis] + 0.5) * shape[axis])
    return tuple(min(max(one, 0), n - 1) for one, n in zip(found, shape, strict=True))
