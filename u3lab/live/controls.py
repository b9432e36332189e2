"""The controls of a settings object: one for each setting, with its range, its symbol and its line of help."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any

import ipywidgets as w
import traitlets as t

from u3lab.errors import U3Error
from u3lab.settings import Setting
from u3lab.settings import fields as fields_of

WIDE = 10_000  # a whole number with a larger range is typed, not slid


class Controls(w.VBox):
    """Sliders, menus and boxes to tick that write into a settings object as they are moved.

    Parameters
    ----------
    settings
        An object of a class made with :func:`u3lab.settings.settings`. It is changed in place, so that a solver that
        reads it at every step is steered.
    names
        The fields to show; the others wait in a fold below. All are shown if none is named.

    Raises
    ------
    U3Error
        A name that is not a field.
    """

    value = t.Any()  # the settings object; a moved control counts as a change of it

    def __init__(self, settings: Any, *names: str) -> None:
        known = fields_of(settings)
        for name in names:
            if name not in known:
                raise U3Error(f"{type(settings).__name__} has no setting {name!r}; it has {', '.join(known)}")
        self.settings, self.known, self.first = settings, known, dict(vars(settings))
        self.fields = {name: control(known[name], getattr(settings, name), name) for name in known}
        self._listeners: list[Callable[[str], None]] = []
        for name, field in self.fields.items():
            field.observe(lambda change, name=name: self._turned(name, change["new"]), names="value")
        self.reset_button = w.Button(description="reset", icon="undo", tooltip="put every control back where it was",
                                     layout=w.Layout(width="auto"))
        self.reset_button.on_click(lambda button: self.reset())
        first = [self.fields[name] for name in names or known]
        rest = [field for name, field in self.fields.items() if names and name not in names]
        rows = [w.HBox([*first, self.reset_button], layout=w.Layout(flex_flow="row wrap"))]
        if rest:
            fold = w.Accordion([w.HBox(rest, layout=w.Layout(flex_flow="row wrap"))], titles=("more settings",))
            rows.append(fold)
        super().__init__(rows, value=settings)

    def _turned(self, name: str, value: Any) -> None:
        setattr(self.settings, name, meant(self.known[name], value))
        for listener in self._listeners:
            listener(name)
        self.notify_change({"name": "value", "old": None, "new": self.settings, "owner": self, "type": "change"})

    def on_turn(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(name)`` after a control was moved and its field written."""
        self._listeners.append(listener)

    def reset(self) -> None:
        """Put every control back to where it was at first."""
        for name, value in self.first.items():
            self.fields[name].value = value

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        """The live view, and the present values as text."""
        lines = [f"{self.known[n].symbol or n} = {getattr(self.settings, n)}: {self.known[n].help}" for n in self.known]
        table = "<br>".join(html.escape(line) for line in lines)
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": "\n".join(lines), "text/html": table}


def control(setting: Setting, value: Any, name: str) -> w.Widget:
    """The widget for one setting: a menu for choices, a box to tick for yes or no, else a slider."""
    common = {"value": value, "description": setting.symbol or name, "tooltip": f"{name}: {setting.help}"}
    if setting.choices:
        return w.Dropdown(options=setting.choices, **common)
    if isinstance(value, bool):
        return w.Checkbox(indent=False, **common)
    if isinstance(setting.low, int):
        kind = w.IntSlider if setting.high - setting.low <= WIDE else w.BoundedIntText
        return kind(min=setting.low, max=setting.high, **common)
    if setting.scale == "log":
        low, high, at = map(math.log10, (setting.low, setting.high, value))
        step = through(at - low, (high - low) / 100)
        return w.FloatLogSlider(min=low, max=high, step=step, readout_format=".3g", **common)
    step = nice_step(setting.high - setting.low, value - setting.low)
    return w.FloatSlider(min=setting.low, max=setting.high, step=step, readout_format=f".{decimals(step)}f", **common)


def meant(setting: Setting, value: Any) -> Any:
    """The number that a slider stands for: the browser's sums and powers of ten are off in the last digits."""
    if not isinstance(setting.low, float):
        return value
    return min(max(float(f"{value:.9g}"), setting.low), setting.high)


# A view of a slider moves to the nearest of min, min + step, min + 2·step, … and writes that back as soon as it is
# drawn. So the value that the slider is made with must be one of these.


def through(way: float, step: float) -> float:
    """The step near the given one of which a whole number make up ``way``, a value's distance from the minimum."""
    return way / max(1, round(way / step)) if way else step


def nice_step(span: float, way: float = 0.0) -> float:
    """About a hundredth of the range, as 1, 2 or 5 times a power of ten; finer if no whole number makes up ``way``."""
    power = math.floor(math.log10(span / 100))
    coarse = next(factor * 10.0**power for factor in (1, 2, 5, 10) if factor * 10.0**power >= span / 100 * 0.999)
    for step in (coarse, *(10.0**finer for finer in range(power, power - 4, -1))):
        if math.isclose(way / step, round(way / step), abs_tol=1e-6):
            return step
    return through(way, step)


def decimals(step: float) -> int:
    """How many digits after the point a multiple of the step needs."""
    return max(0, -math.floor(math.log10(step) + 1e-9))
