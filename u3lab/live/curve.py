"""The energy curve beside a running optimisation, as a small SVG: drawn in a fraction of a millisecond."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from u3lab.figures import COLOURS

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 300, 170, 40, 20, 8
POINTS = 150  # more cannot be told apart at this width


def svg(lines: Mapping[str, Sequence[float]], total: int | None, name: str) -> str:
    """Named curves over the steps from 0 to ``total`` (or as far as they go), with their last values in a legend.

    ``name`` is what the picture is called for a screen reader. Text and axes take the colour of the page, so that the
    curve is readable in the dark theme.
    """
    finite = [value for line in lines.values() for value in line if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(0.0, *finite), max(0.0, *finite)
    high = high if high > low else low + 1.0
    length = max(total or 0, max(map(len, lines.values())) - 1, 1)

    def at(step: float, value: float) -> str:
        x = LEFT + (WIDTH - LEFT - 6) * step / length
        return f"{x:.1f},{HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low):.1f}"

    drawn, legend = [], []
    for index, (label, line) in enumerate(lines.items()):
        stride = -(-len(line) // POINTS)
        kept = sorted({*range(0, len(line), stride), len(line) - 1})
        points = " ".join(at(step, line[step]) for step in kept if math.isfinite(line[step]))
        colour = "currentColor" if index == 0 else COLOURS[(index - 1) % len(COLOURS)]
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        legend.append(f'<span style="color:{colour}">━</span> {html.escape(label)} {line[-1]:.3f}')
    corner, axes = at(0, low), f"{at(0, high)} {at(0, low)} {at(length, low)}"
    words = f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{high:.2g}</text>' \
            f'<text x="{LEFT - 4}" y="{corner.split(",")[1]}" text-anchor="end">{low:.2g}</text>' \
            f'<text x="{WIDTH - 6}" y="{HEIGHT - 6}" text-anchor="end">step {length}</text>'
    return (f'<div style="line-height:1.5"><svg role="img" aria-label="{html.escape(name, quote=True)}" '
            f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="11" fill="currentColor">'
            f'<polyline points="{axes}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>{"".join(drawn)}{words}'
            f'</svg><br/>{"<br/>".join(legend)}</div>')
