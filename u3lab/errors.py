"""The one exception of the course: a slip, told in a sentence that says what to do next."""

from __future__ import annotations

from numbers import Integral


class U3Error(ValueError):
    """A foreseeable slip. The message says what was given, what is wanted and the next step."""

    def _render_traceback_(self) -> list[str]:
        """IPython calls this instead of printing the stack: a student sees the sentence alone."""
        return [f"U3Error: {self}"]


def at_least_one(name: str, value: int) -> None:
    """Refuse a number of steps, samples… that is not a whole number from 1 on."""
    if not isinstance(value, Integral) or value < 1:
        raise U3Error(f"{name} = {value!r}; give a whole number, at least one")
