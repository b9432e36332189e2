"""The buttons under the picture of a player."""

from __future__ import annotations

import ipywidgets as w

FASTEST = 60  # frames a second; more cannot be seen


def buttons() -> tuple[w.Button, w.Button, w.Button, w.IntSlider, w.HBox]:
    """play, step and restart, the speed, and the row of them."""
    narrow = w.Layout(width="auto")
    parts = (w.Button(description="play", icon="play", layout=w.Layout(width="6em")),
             w.Button(description="step", icon="step-forward", layout=narrow),
             w.Button(description="restart", icon="refresh", layout=narrow),
             w.IntSlider(FASTEST, 1, FASTEST, description="speed", tooltip="at most so many steps a second"))
    return *parts, w.HBox(parts, layout=w.Layout(flex_flow="row wrap"))
