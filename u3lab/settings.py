"""Settings: the fields of a method in one dataclass, checked whenever one is turned.

From one definition come the defaults, the validation, the documentation and the sliders::

    @settings
    class MaskSettings:
        lam: float = setting(0.5, 0.0, 5.0, symbol="λ", help="price of a large mask")

A solver reads its settings at every step, so turning a setting steers an optimisation that is running.
"""

import dataclasses
import math
import numbers
from typing import Any, TypeVar, dataclass_transform

from u3lab.checks import one_of
from u3lab.errors import U3Error

S = TypeVar("S")


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of one field: its range (or its choices), its scale, its symbol and a line of help.

    ``once`` marks a field that is read only when a run starts; the others are read at every step. ``slide_to`` is
    where a slider ends, for values beyond it that take a larger machine than a laptop.
    """

    low: float | None
    high: float | None
    choices: tuple[str, ...]
    scale: str
    symbol: str
    help: str
    once: bool
    slide_to: float | None


def setting(default: Any, low: float | None = None, high: float | None = None, *, choices: tuple[str, ...] = (),
         scale: str = "linear", symbol: str = "", help: str, once: bool = False, slide_to: float | None = None) -> Any:
    """A dataclass field that knows its range [low, high] (or its choices) and how a slider shows it.

    A field without range and choices is a yes or no. ``scale`` is "linear" or "log". ``symbol`` is the letter in the
    formula, ``help`` one line for the tooltip. ``once`` says that only the start of a run reads it. With
    ``slide_to`` a slider ends there, and what lies beyond, up to ``high``, is set by code alone.
    """
    known = Setting(low, high, choices, scale, symbol, help, once, high if slide_to is None else slide_to)
    return dataclasses.field(default=default, metadata={"setting": known})


@dataclass_transform(field_specifiers=(setting,), kw_only_default=True)
def settings(cls: type) -> type:
    """Make a keyword-only dataclass whose fields refuse values outside their range, at any time.

    Raises:
        U3Error: On assignment of an unknown field or of a value outside the field's range; names all three.
    """
    cls = dataclasses.dataclass(kw_only=True)(cls)
    known = fields(cls)

    def set_field(self, name: str, value: Any) -> None:
        if name not in known:
            raise U3Error(f"{cls.__name__} has no setting {name!r}; it has {', '.join(known)}")
        object.__setattr__(self, name, _checked(f"{cls.__name__}.{name}", known[name], value))

    cls.__setattr__ = set_field
    return cls


def or_default(value: S | None, kind: type[S]) -> S:
    """The settings that a function was given, or their defaults; settings of another method are refused."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise U3Error(f"settings = {value!r}; this function takes {kind.__name__}(…)"[:200])
    return value


def fields(kind: Any) -> dict[str, Setting]:
    """The fields of a settings class or object by field name, in order."""
    return {field.name: field.metadata["setting"] for field in dataclasses.fields(kind)}


def _checked(name: str, setting: Setting, value: Any) -> Any:
    if setting.choices:
        return one_of(name, value, setting.choices)
    if setting.low is None:
        if not isinstance(value, bool):
            raise U3Error(f"{name} = {value!r}; give True or False")
        return value
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise U3Error(f"{name} = {value!r}; give a number from {setting.low} to {setting.high}")
    if isinstance(setting.low, int) and value != int(value):
        raise U3Error(f"{name} = {value!r}; give a whole number from {setting.low} to {setting.high}")
    if not setting.low <= value <= setting.high:
        raise U3Error(f"{name} = {value!r} is out of range; give a number from {setting.low} to {setting.high}")
    return type(setting.low)(value)
