"""Matrices to look at: a table whose cells hold their numbers, and a heat map of named things."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import torch

from u3lab import checks
from u3lab.errors import U3Error
from u3lab.figures import canvas, given
from u3lab.figures.canvas import INK
from u3lab.figures.charts import Figure
from u3lab.figures.given import Numbers
from u3lab.pixels import heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.19  # inches


def table(values: Numbers, rows: Sequence[str], columns: Sequence[str], *, title: str = "", alt: str = "",
          by_column: bool = False) -> Figure:
    """Numbers (R,C) written into cells that are the lighter, the larger the number: a matrix to look at.

    ``by_column`` lightens each column over its own range, for columns in different units.
    """
    alt, values = given.required(alt), given.numbers("the table", values)
    rows, columns = checks.words("rows", rows, none=True), checks.words("columns", columns, none=True)
    given.texts(title=title)
    if values.shape != (len(rows), len(columns)) or not values.size or not np.isfinite(values).all():
        raise U3Error(f"a table of shape {values.shape} has names for {len(rows)} rows and {len(columns)} columns; "
                      "give finite numbers (rows, columns), at least one, and a name for each")
    with canvas.plot(1.2 + 0.62 * len(columns), 0.9 + 0.4 * len(rows), title) as (sheet, axes):
        low, high = values.min(0 if by_column else None), values.max(0 if by_column else None)
        axes.imshow(light := (values - low) / (high - low).clip(1e-12), cmap="inferno", aspect="auto", vmin=0, vmax=1)
        axes.set_xticks(range(len(columns)), columns, rotation=30 if max(map(len, columns)) > 8 else 0)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        for (row, column), value in np.ndenumerate(values):
            words = (f"{value:.2f}" if (values % 1).any() else f"{value:.0f}").replace("-", "−")  # counts as counts
            ink = "black" if light[row, column] > 0.6 else "white"
            axes.text(column, row, words, ha="center", va="center", fontsize=9, color=ink)
        return Figure(canvas.png(canvas.levels(sheet), alt), alt)


def heatmap(values: Numbers, names: Sequence[str], *, paths: Sequence[Sequence[str]] = (),
            title: str = "", alt: str = "") -> Figure:
    """Values (N,N), negative ones blue, zero white, positive ones orange, up to the largest off the diagonal.

    Args:
        names: Of the rows and the columns, in order.
        paths: For each name what it is, and what that is, up to a root that all share, such as ("cat",
            "mammal", "animal", "thing"). The tree is drawn beside the rows, and forks of three rows to a third of all
            are named. Rows that share an ancestor have to be neighbours.

    Raises:
        U3Error: Numbers of values, names and paths that do not fit, or no alt text.
    """
    alt, values = given.required(alt), given.numbers("the heat map", values)
    names, count = checks.words("names", names), len(names)
    given.texts(title=title)
    if values.shape != (count, count) or count < 2 or not np.isfinite(values).all():
        raise U3Error(f"a heat map of shape {values.shape} has {count} names; give finite numbers (N,N) and N names")
    paths = [checks.words("a path", path) for path in paths]
    if paths and (len(paths) != count or len({path[-1] for path in paths}) > 1):
        raise U3Error(f"a heat map of {count} names has {len(paths)} paths; give a path for each name, all to one root")
    off = values[~np.eye(count, dtype=bool)]
    scale = max(float(np.abs(off).max()), 1e-12)
    with canvas.plot(2.6 + CELL * count + 2.2 * bool(paths), 1.4 + CELL * count, title) as (sheet, axes):
        clipped = np.clip(values, -scale, scale)
        axes.imshow(heat(torch.from_numpy(clipped), signed=True, scale=scale)[0].permute(1, 2, 0).numpy())
        axes.set_xticks(range(count), names, rotation=90, fontsize=8)
        axes.set_yticks(range(count), names, fontsize=8)
        axes.tick_params(length=0)
        if paths:
            _draw_tree(axes, [path[::-1] for path in paths], count - 0.2)
        axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
        return Figure(canvas.png(canvas.levels(sheet), alt), alt)


def _draw_tree(axes: Axes, paths: Sequence[Sequence[str]], left: float) -> None:
    """The tree of the paths, each from the root to a row's own name, on the right of the rows that it begins at."""
    deepest = max(len(path) for path in paths)

    def branch(rows: range, depth: int) -> tuple[float, float]:
        """Draw what hangs below the name that the rows share at a depth; returns the place of its root, (x, y)."""
        while depth + 1 < min(len(paths[row]) for row in rows) and len({paths[row][depth + 1] for row in rows}) == 1:
            depth += 1  # a name with a single name below it is no fork
        parts = [list(members) for _, members in groupby(rows, key=lambda row: paths[row][: depth + 2])]
        if len(rows) == 1 or len(parts) == 1:
            return left, (rows[0] + rows[-1]) / 2
        ends = [branch(range(part[0], part[-1] + 1), depth + 1) for part in parts]
        x = max(left + 0.55 * (deepest - depth), max(end for end, _ in ends) + 0.5)
        for end, y in ends:
            axes.plot([end, x], [y, y], color=INK, linewidth=0.9, clip_on=False)
        axes.plot([x, x], [ends[0][1], ends[-1][1]], color=INK, linewidth=0.9, clip_on=False)
        y = (ends[0][1] + ends[-1][1]) / 2
        if 2 < len(rows) <= len(paths) / 3:
            axes.text(x + 0.15, y, paths[rows[0]][depth], va="center", fontsize=7.5, clip_on=False,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8})
        return x, y

    branch(range(len(paths)), 0)
