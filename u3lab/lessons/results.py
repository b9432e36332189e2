"""Results that took longer than a notebook has: made once by a recipe, shipped, and read here."""

from __future__ import annotations

import json
from typing import Any

from u3lab._system import paths


def results(name: str) -> dict[str, Any]:
    """The numbers in data/results/NAME.json; ``["recipe"]`` is the command that made them.

    Raises
    ------
    U3Error
        If there is no such file.
    """
    return json.loads(paths.data("results", f"{name}.json").read_text(encoding="utf-8"))
