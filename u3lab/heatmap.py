"""A square matrix of named things as a picture: which pairs are alike?

    heatmap.heatmap(K, ["cat", "dog", "cup"], ["animal", "animal", "thing"], alt="…")
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import torch

from u3lab import canvas
from u3lab.canvas import INK
from u3lab.errors import U3Error
from u3lab.figures import Figure, Numbers, numbers, required
from u3lab.pixels import heat

CELL = 0.19  # inches


def heatmap(values: Numbers, names: Sequence[str], groups: Sequence[str] = (), title: str = "", *,
            alt: str = "") -> Figure:
    """Values (N,N), negative ones blue, zero white, positive ones orange, up to the largest off the diagonal.

    Parameters
    ----------
    names
        Of the rows and the columns, in order.
    groups
        One for each name; neighbours of one group are held together by a bracket with the group's name.

    Raises
    ------
    U3Error
        Numbers of values, names and groups that do not fit, or no alt text.
    """
    alt, values, count = required(alt), numbers("the heat map", values), len(names)
    if values.shape != (count, count) or count < 2 or not np.isfinite(values).all() or len(groups) not in (0, count):
        raise U3Error(f"a heat map of shape {values.shape} has {count} names and {len(groups)} groups; give finite "
                      "numbers (N,N), N names and N groups or none")
    off = values[~np.eye(count, dtype=bool)]
    scale = max(float(np.abs(off).max()), 1e-12)
    with canvas.plot(2.6 + CELL * count, 1.4 + CELL * count, title) as (sheet, axes):
        clipped = np.clip(values, -scale, scale)
        axes.imshow(heat(torch.from_numpy(clipped), signed=True, scale=scale)[0].permute(1, 2, 0).numpy())
        axes.set_xticks(range(count), names, rotation=90, fontsize=8)
        axes.set_yticks(range(count), names, fontsize=8)
        axes.tick_params(length=0)
        start = 0
        for group, members in groupby(groups):
            end = start + len(list(members))
            x = count + 0.2
            axes.plot([count - 0.3, x, x, count - 0.3], [start - 0.4, start - 0.4, end - 0.6, end - 0.6], color=INK,
                      linewidth=1, clip_on=False)
            axes.text(count + 0.7, (start + end - 1) / 2, group, va="center", fontsize=8.5)
            start = end
        axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
        return Figure(canvas.png(canvas.levels(sheet), alt), alt)
