"""The controls of settings objects: one for each setting, with its range, its symbol and its line of help."""

import dataclasses
import html
import math
from collections import Counter
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import ipywidgets as w
import traitlets as t

from u3lab.checks import shown
from u3lab.errors import U3Error
from u3lab.settings import Setting
from u3lab.settings import fields as fields_of

WIDE = 10_000  # a whole number with a larger range is typed, not slid


class Controls(w.VBox):
    """Sliders, menus and boxes to tick that write into settings objects as they are moved.

        controls(MaskSettings(), "lam")
        controls(DeepImagePrior(), InversionSettings(), "depth", "jitter")

    A field that only one of the objects has goes by its own name, "lam"; one that several have by that of its class
    as well, "TV.lam".

    Args:
        settings_then_names: One or more objects of classes made with :func:`u3lab.settings.settings`, each of another
            class. They are changed in place, so that a solver that reads them at every step is steered. Then the names
            of the fields to show; the others wait in a fold below. All are shown if none is named.

    Attributes:
        value: The settings object, or the tuple of them if there are several; a moved control counts as a change of it.
        objects: The settings objects, always as a tuple.
        fields, known: The widget of each field and its :class:`~u3lab.settings.Setting`, by name.
        named: The names that were given.

    Raises:
        U3Error: No settings object, something that is none, two of one class, a name that is no field or that several
            have.
    """

    value = t.Any()

    def __init__(self, *settings_then_names: Any) -> None:
        self.objects, names = sorted_out(settings_then_names)
        self.settings = self.objects if len(self.objects) > 1 else self.objects[0]
        self.named, self._places = names, places(self.objects)
        check_names(names, self.objects, self._places)
        self.known = {name: fields_of(owner)[field] for name, (owner, field) in self._places.items()}
        self.first = {name: self._read(name) for name in self.known}
        self.fields = {name: control(self.known[name], value, name) for name, value in self.first.items()}
        self._listeners: list[Callable[[str], None]] = []
        for name, field in self.fields.items():
            field.observe(lambda change, name=name: self._turned(name, change["new"]), names="value")
        self.reset_button = w.Button(description="reset", icon="undo", tooltip="put every control back where it was",
                                     layout=w.Layout(width="auto"))
        self.reset_button.on_click(lambda button: self.reset())
        super().__init__(self._rows(names), value=self.settings)

    def _rows(self, names: tuple[str, ...]) -> list[w.Widget]:
        """The named fields in a row, and a fold with the others."""
        first = [self.fields[name] for name in names or self.known]
        rest = [field for name, field in self.fields.items() if names and name not in names]
        rows = [w.HBox([*first, self.reset_button], layout=w.Layout(flex_flow="row wrap"))]
        if rest:
            rows.append(w.Accordion([w.HBox(rest, layout=w.Layout(flex_flow="row wrap"))], titles=("more settings",)))
        return rows

    def _read(self, name: str) -> Any:
        owner, field = self._places[name]
        return getattr(owner, field)

    def _turned(self, name: str, value: Any) -> None:
        owner, field = self._places[name]
        setattr(owner, field, meant(self.known[name], value))
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
        lines = [f"{label(known, name)} = {self._read(name)}: {known.help}" for name, known in self.known.items()]
        table = "<br>".join(html.escape(line) for line in lines)
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": "\n".join(lines), "text/html": table}


def sorted_out(given: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The settings objects, which come first, and the names after them."""
    objects = tuple(takewhile(lambda one: not isinstance(one, str), given))
    names = given[len(objects):]
    for one in objects:
        if not dataclasses.is_dataclass(one) or isinstance(one, type) or not all(
                "setting" in field.metadata for field in dataclasses.fields(one)):
            raise U3Error(f"{shown(one)} is no settings object; give one such as MaskSettings(), then names of fields")
    for name in names:
        if not isinstance(name, str):
            raise U3Error(f"a {type(name).__name__} stands after a name; give all settings objects first, then names")
    if not objects:
        raise U3Error("no settings object was given; give one such as MaskSettings(), then names of its fields")
    return objects, names


def places(objects: tuple[Any, ...]) -> dict[str, tuple[Any, str]]:
    """Every field by the name that no other has, "lam" or "TV.lam" → its object and the name that it has there."""
    kinds = Counter(type(one).__name__ for one in objects)
    for kind, number in kinds.items():
        if number > 1:
            raise U3Error(f"{number} settings objects are of class {kind}; give one of each class")
    shared = Counter(field for one in objects for field in fields_of(one))
    return {f"{type(one).__name__}.{field}" if shared[field] > 1 else field: (one, field)
            for one in objects for field in fields_of(one)}


def check_names(names: tuple[str, ...], objects: tuple[Any, ...], known: dict[str, tuple[Any, str]]) -> None:
    """U3Error for a name that is no field, or that of several."""
    they, have = ("it", "has") if len(objects) == 1 else ("they", "have")
    for name in names:
        full = [key for key, (_, field) in known.items() if field == name and key != name]
        if full:
            raise U3Error(f"several settings objects have {name!r}; write {' or '.join(full)}")
        if name not in known:
            raise U3Error(f"{' and '.join(type(one).__name__ for one in objects)} {have} no setting {name!r}; "
                          f"{they} {have} {', '.join(known)}")


def label(setting: Setting, name: str) -> str:
    """What a line of text calls a field: by its symbol, unless another object has one of the same name."""
    return name if "." in name else setting.symbol or name


def control(setting: Setting, value: Any, name: str) -> w.Widget:
    """The widget for one setting: a menu for choices, a box to tick for yes or no, else a slider."""
    common = {"value": value, "description": setting.symbol or name, "tooltip": f"{name}: {setting.help}"}
    if setting.choices:
        return w.Dropdown(options=setting.choices, **common)
    if isinstance(value, bool):
        return w.Checkbox(indent=False, **common)
    end = max(setting.slide_to, value)
    if isinstance(setting.low, int):
        kind = w.IntSlider if end - setting.low <= WIDE else w.BoundedIntText
        return kind(min=setting.low, max=end, **common)
    if setting.scale == "log":
        low, high, at = map(math.log10, (notch(setting), end, max(value, notch(setting))))
        step = through(at - low, (high - low) / 100)
        return w.FloatLogSlider(min=low, max=high, step=step, readout_format=".3g", **common)
    step = nice_step(end - setting.low, value - setting.low)
    return w.FloatSlider(min=setting.low, max=end, step=step, readout_format=f".{decimals(step)}f", **common)


def notch(setting: Setting) -> float:
    """Where a logarithmic slider ends on the left. If 0 is allowed, which has no logarithm, that notch stands for 0."""
    return setting.low or setting.high / 1e6


def meant(setting: Setting, value: Any) -> Any:
    """The number that a slider stands for: the browser's sums and powers of ten are off in the last digits."""
    if not isinstance(setting.low, float):
        return value
    if setting.scale == "log" and setting.low == 0 and value <= notch(setting) * 1.000001:
        return 0.0
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
