"""Results that took longer than a notebook has: made once by a recipe, shipped, and read here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from u3lab._system import paths

Key = TypeVar("Key", bound=tuple)


def results(name: str) -> dict[str, Any]:
    """The numbers in data/results/NAME.json; ``["recipe"]`` is the command that made them.

    Raises
    ------
    U3Error
        If there is no such file.
    """
    return json.loads(paths.data("results", f"{name}.json").read_text(encoding="utf-8"))


def rows(file: Path, key: type[Key]) -> dict[Key, tuple]:
    """The rows of a table that a recipe has written: what was run, a NamedTuple of the class ``key`` → what it reached.

    The first columns are the fields of ``key``.
    """
    width = len(key._fields)
    return {key(*row[:width]): tuple(row[width:]) for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}


def table(name: str, key: type[Key]) -> dict[Key, tuple]:
    """The rows of data/results/NAME.json."""
    return rows(paths.data("results", f"{name}.json"), key)
