"""What the solver of a player may yield: a step, and with it another picture to show, and words; what is said of it."""

from __future__ import annotations

from u3lab.checks import shown
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.live.screen import Picture

Shown = Step | tuple[Step, Picture] | tuple[Step, Picture, str]


def as_line(step: Step, total: int | None, words: str = "") -> str:
    """What is said of a step, of which there will be so many."""
    progress = f"step {step.iteration}" + (f" of {total}" if total else "")
    return " · ".join(filter(None, (progress, f"E = {step.loss:.3f}", words)))


def parts(given: Shown) -> tuple:
    """What a solver yields as a tuple, if it begins with a step."""
    found = given if isinstance(given, tuple) else (given,)
    if not 1 <= len(found) <= 3 or not isinstance(found[0], Step):
        raise U3Error(f"the solver yields {shown(given)}; let it yield a Step, (Step, picture), or these and a text")
    return found
