"""A picture that follows its sliders.

    explore(lambda channel, y: pixels.heat(…), channel=(0, 511), y=(0, 12))
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any

from torch import Tensor

from u3lab import pixels
from u3lab.errors import U3Error
from u3lab.figures import Figure

Answer = Tensor | Figure | tuple[Tensor | Figure, str]


class Explorer:
    """Controls above a picture; made by :func:`explore`.

    Attributes
    ----------
    controls
        The ipywidgets by name. Setting a ``value`` acts like moving the slider.
    picture
        The ipywidgets image that shows the answer.
    line
        The line of text under the picture.
    """

    def __init__(self, fn: Callable[..., Answer], controls: dict[str, Any]) -> None:
        import ipywidgets as w

        self.fn = fn
        self.controls = {name: c if isinstance(c, w.Widget) else w.interactive.widget_from_abbrev(c)
                         for name, c in controls.items()}
        for name, control in self.controls.items():
            control.description = control.description or name
        self.picture = w.Image(layout=w.Layout(max_width="100%", width="max-content"))
        self.line = w.HTML()
        self.box = w.VBox([w.HBox(list(self.controls.values()), layout=w.Layout(flex_flow="row wrap")),
                           self.picture, self.line])
        self.format, self.alt = "png", "no picture yet"
        for control in self.controls.values():
            control.observe(lambda change: self.update(), names="value")
        self.update()

    def update(self) -> None:
        """Ask for the picture at the present values. A slip shows as one line, and the last good picture stays."""
        try:
            answer = self.fn(**{name: control.value for name, control in self.controls.items()})
        except U3Error as slip:
            self.line.value = f"<b>{html.escape(str(slip))}</b>"
            return
        shown, line = answer if isinstance(answer, tuple) else (answer, "")
        self.format, data = ("png", shown.png) if isinstance(shown, Figure) else ("jpeg", pixels.jpeg(shown, 90))
        self.picture.set_trait("format", self.format)
        self.picture.value = data
        self.alt = line or (shown.alt if isinstance(shown, Figure) else "picture that follows its controls")
        self.line.value = html.escape(line)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        """The live view, and for viewers without widgets the present picture and its text."""
        data = {**self.box._repr_mimebundle_(), "text/plain": self.alt}
        if self.picture.value:
            data[f"image/{self.format}"] = base64.b64encode(self.picture.value).decode()
        return data, {f"image/{self.format}": {"alt": self.alt}}


def explore(fn: Callable[..., Answer], **controls: Any) -> Explorer:
    """Show ``fn``'s answer, and a new one whenever a control moves.

    Parameters
    ----------
    fn
        Called with one value for each control; returns a picture (1,3,H,W) in [0,1] or a Figure, alone or with a line
        of text. It should answer within a tenth of a second.
    controls
        ipywidgets, or ipywidgets' abbreviations: ``(0, 12)`` a slider, a list a menu, a bool a box to tick.
    """
    return Explorer(fn, controls)
