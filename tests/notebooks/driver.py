"""Drives every control of the live figures in a kernel, as an impatient student would, and notes what complains.

The test puts this file's text into the last cell of a notebook that was run: it stands alone.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any

import ipywidgets as w

from u3lab.live import Click, Explorer, PictureBox, Player, controls

CORNERS = ((0.0, 0.0), (0.5, 0.5), (1.0, 1.0))
STEPS = 4  # of a player after each turn of a control that the notebook names, from the start
PACE = {"settings.steps", "speed"}  # these change when a run ends, not what it shows


def parts(name: str, control: Any) -> Iterator[tuple[str, Any, str, list]]:
    """What can be moved in a control: its name, the object, the trait to set, and minimum, middle and maximum."""
    if isinstance(control, controls):
        for field, widget in control.fields.items():
            yield from parts(f"{name}.{field}", widget)
    elif isinstance(control, PictureBox):
        yield from parts(name, control.menu)
    elif isinstance(control, Click):
        yield name, control, "value", list(CORNERS)
    elif isinstance(control, w.FloatLogSlider):
        ends = control.min, (control.min + control.max) / 2, control.max
        yield name, control, "value", [control.base**end for end in ends]
    elif hasattr(control, "options"):
        last = len(control.options) - 1
        yield name, control, "index", sorted({0, last // 2, last})
    elif isinstance(control.value, bool):
        yield name, control, "value", [False, True]
    elif hasattr(control, "min") and not isinstance(control.value, tuple):
        low, high = control.min, control.max
        middle = (low + high) // 2 if isinstance(low, int) else (low + high) / 2
        yield name, control, "value", [low, middle, high]
    else:
        raise TypeError(f"{name}: the driver does not know how to move a {type(control).__name__}")


def controls_of(figure: Explorer | Player) -> dict[str, Any]:
    """Every control of a live figure, by name."""
    own = {"settings": figure.sliders, "speed": figure.speed} if isinstance(figure, Player) else {}
    return {**own, **figure.controls}


async def settle(figure: Explorer | Player, steered: bool) -> None:
    """Let the figure answer; a player takes a step more, or begins anew if that must show what was moved."""
    for _ in range(3):  # what a control asks for is done when the loop turns
        await asyncio.sleep(0)
    if isinstance(figure, Player):
        if steered:
            figure.restart()
        for _ in range(STEPS if steered else 1):
            figure.advance()


def state(figure: Explorer | Player, value: Any) -> tuple[bytes, list[str]]:
    """What a figure shows: its picture, and the numbers beside it that are not the control's own value."""
    own = isinstance(value, int | float) and not isinstance(value, bool)
    numbers = [number for number in re.findall(r"-?\d+(?:\.\d+)?", figure.line.value)
               if not (own and abs(float(number) - value) <= 10.0 ** -len(number.partition(".")[2]) / 2)]
    return bytes(figure.picture.value), numbers


async def drive(figures: Iterable[Explorer | Player]) -> tuple[list[str], list[str]]:
    """Move every control, one at a time; returns what was moved, and a line for each complaint."""
    moved, complaints = [], []
    for number, figure in enumerate(figures):
        kind = f"{type(figure).__name__} {number} ({', '.join(controls_of(figure))})"
        for name, control in controls_of(figure).items():
            for label, part, trait, values in parts(name, control):
                if getattr(part, "disabled", False):
                    continue
                before, seen = getattr(part, trait), []
                steered = label not in PACE and (
                    name != "settings" or label.removeprefix("settings.") in figure.sliders.named)
                for value in [*values, before]:
                    moved.append(f"{kind}: {label} = {value}")
                    try:
                        setattr(part, trait, value)
                        await settle(figure, steered)
                    except Exception as error:
                        complaints.append(f"{moved[-1]} raised {type(error).__name__}: {error}")
                    if 'role="alert"' in figure.line.value:
                        complaints.append(f"{moved[-1]} says {figure.line.value}")
                    elif steered:
                        seen.append(state(figure, getattr(part, "value", None)))
                if len(values) > 1 and len(seen) > 1 and all(one == seen[0] for one in seen):
                    complaints.append(f"{kind}: {label} changes neither the picture nor a number")
    return moved, complaints
