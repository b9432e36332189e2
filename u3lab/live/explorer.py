"""A picture that follows its sliders.

    explore(lambda channel, y: pixels.heat(…), channel=(0, 511), y=(0, 12))
"""

import html
import os
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as w

from u3lab._system import credits
from u3lab.checks import function, shown
from u3lab.errors import U3Error
from u3lab.live import kernel
from u3lab.live.screen import Click, Picture, Screen

Answer = Picture | tuple[Picture, str]


def make_controls(controls: Mapping[str, Any]) -> dict[str, Any]:
    """Controls from ipywidgets' abbreviations; what is a control already stays as it is.

    Raises:
        U3Error: Something that no control can be made from.
    """
    found = {}
    for name, given in controls.items():
        try:
            control = given if isinstance(given, (w.Widget, Click)) else w.interactive.widget_from_abbrev(given)
        except Exception:  # of many kinds, as for a range that is turned round
            control = None
        if not hasattr(control, "value") or (control is not given and not getattr(control, "options", True)):
            raise U3Error(f"no control can be made for {name} = {shown(given)}; give (low, high), a list of choices, "
                          "True or False, or a widget")
        if isinstance(control, w.Widget) and hasattr(control, "description"):
            control.description = control.description or name
        found[name] = control
    return found


def row(controls: Mapping[str, Any], screen: Screen) -> w.HBox:
    """The controls side by side; a :class:`Click` has no widget of its own, the picture takes it."""
    for control in controls.values():
        if isinstance(control, Click):
            control.listen(screen)
    seen = [control for control in controls.values() if isinstance(control, w.Widget)]
    return w.HBox(seen, layout=w.Layout(flex_flow="row wrap"))


def slip(error: Exception) -> str:
    """An error as one line of HTML. A slip is a sentence already; a defect is named as what it is."""
    words = str(error) if isinstance(error, U3Error) else f"{type(error).__name__}: {error}"
    return f'<b role="alert">{html.escape(words)}</b>'


class Live:
    """What explorers and players have in common: controls, the picture that follows them, and a line of text.

    ``_answer`` is what a control that has moved asks for; it sets ``_asked`` back.
    """

    box: w.VBox  # all that is on the page

    def __init__(self, controls: dict[str, Any], *, paced: bool = False) -> None:
        self.controls, self.picture, self.line = make_controls(controls), Screen(paced=paced), w.HTML()
        self._asked, self._loop = False, kernel.main_loop()
        for control in self.controls.values():
            control.observe(self._ask, names="value")

    def close(self) -> None:
        """Give back the widgets; the picture on the page goes."""
        for control in self.controls.values():  # the student may hold one of them, and move it
            control.unobserve(self._ask, names="value")
        kernel.dispose(self.box)

    def _ask(self, change: object = None) -> None:
        """A control moved. Only the newest values count: what was asked before the answer began is dropped."""
        if not self._asked:
            self._asked = True
            kernel.post(self._loop, self._answer)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        """The live view, and for viewers without widgets the present picture and its text."""
        data, metadata = self.picture.still()
        return {**self.box._repr_mimebundle_(), **data}, metadata


class Explorer(Live):
    """Controls above a picture; made by :func:`explore`.

    Attributes:
        controls: The controls by name. Setting a ``value`` acts like moving the slider.
        picture: The :class:`~u3lab.live.screen.Screen` that shows the answer.
        line: The line of text under the picture.
    """

    def __init__(self, fn: Callable[..., Answer], controls: dict[str, Any]) -> None:
        how = f"give a function of the controls, {', '.join(controls)}, that returns a picture"
        function("fn", fn, 0, how, controls)
        super().__init__(controls)
        self.fn, self.box = fn, w.VBox([row(self.controls, self.picture), self.picture, self.line])
        try:
            self.update()
        except U3Error as error:
            self.line.value = slip(error)
        kernel.register(self)

    def pause(self) -> None:
        """Nothing to do: an explorer computes only when a control moves."""

    interrupt = pause

    def update(self) -> None:
        """Show the answer at the present values.

        Raises:
            Exception: What the function raises; the picture and its line stay as they are.
        """
        with credits.noted(own := {}):
            answer = self.fn(**{name: control.value for name, control in self.controls.items()})
        picture, line = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
        if not isinstance(picture, Picture) or not isinstance(line, str):
            raise U3Error(f"fn gives {shown(answer)}; let it return a picture (1,3,H,W) in [0,1] or a Figure, alone or "
                          "with a line of text")
        self.picture.show(picture, line)
        self.picture.badge = credits.badge(own)
        self.line.value = html.escape(line)

    def _answer(self) -> None:
        self._asked = False
        try:
            self.update()
        except Exception as error:  # nobody sees what a task raises: say it where the student looks
            self.line.value = slip(error)


def explore(fn: Callable[..., Answer], *, still: Mapping[str, Any] | None = None, **controls: Any) -> Explorer:
    """Show ``fn``'s answer, and a new one whenever a control moves.

    While an answer is computed, further moves are not queued: the next answer is that to the newest values. A slip
    shows as one line; the last good picture stays.

    Args:
        fn: Called with one value for each control; returns a picture (1,3,H,W) in [0,1] or a Figure, alone or with a
            line of text. It should answer within a tenth of a second.
        still: Control → its value where a notebook is run to be kept (``U3LAB_STILLS=1``, which tools/notebooks.py
            sets), so that its still picture shows what a reader is to guess.
        controls: ipywidgets, or ipywidgets' abbreviations: ``(0, 12)`` a slider, a list a menu, a bool a box to tick;
            also ``live.controls(settings)`` (its value is the settings object, or the tuple of several),
            ``live.PictureBox`` and ``live.Click``.

    Raises:
        U3Error: Something that no control can be made from, a value for a control that is not there, or a function that
            does not take just these.
        Exception: A defect of ``fn`` at the first values; later ones show as a line.
    """
    controls, still = make_controls(controls), still or {}
    if unknown := set(still) - set(controls):
        raise U3Error(f"still has a value for {', '.join(sorted(unknown))}, but the controls are {', '.join(controls)}")
    if os.environ.get("U3LAB_STILLS") == "1":
        for name, value in still.items():
            controls[name].value = value
    return Explorer(fn, controls)
