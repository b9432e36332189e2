"""What an exercise asks, from its text in data/exercises, which anybody can edit: one file a chapter, in Markdown.

    ## The flip identity {#6c-flip}

    10 minutes, easy, 2 points

    What is asked, in one or two sentences.

    ```python
    def my_filters(filters):   # what it is given, and what is wanted
    ```

    1. The gentlest hint.
    2. The plainest one.

A line goes on with what is above it; what stands before the first ``##`` is for people.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from u3lab._system import paths
from u3lab.errors import U3Error

FORM = re.compile(
    r"(?P<title>.+?) \{#(?P<id>[\w-]+)\}\n+(?P<minutes>\d+) minutes, (?P<difficulty>\w+), (?P<points>\d+) points?\n\n"
    r"(?P<goal>.+?)\n\n```python\n(?P<signature>.+?)\n```\n\n(?P<hints>1\. .+)", re.DOTALL)


def words(exercise_id: str) -> dict[str, Any]:
    """The words of an exercise, by the names that :class:`~u3course.course.definitions.Exercise` has for them.

    Raises:
        U3Error: If its chapter's file has no such exercise, or one is not written as above.
    """
    file = paths.data("exercises", f"{exercise_id.partition('-')[0]}.md")
    found = read(file)
    if exercise_id not in found:
        raise U3Error(f"{file.name} asks no {exercise_id!r}; write it there")
    return found[exercise_id]


@cache
def read(file: Path) -> dict[str, dict[str, Any]]:
    """All exercises of a file: id → its words. U3Error as for :func:`words`."""
    found = {}
    for part in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        written = FORM.fullmatch(part.strip())
        if written is None:
            raise U3Error(f"{file.name}: {part.splitlines()[0][:60]!r} is not written as u3course.course.words shows")
        said = {what: _one_line(text) for what, text in written.groupdict().items()}
        hints = re.split(r"^\d+\. ", written["hints"], flags=re.MULTILINE)[1:]
        found[said["id"]] = said | {"signature": written["signature"], "minutes": int(said["minutes"]),
                                    "points": int(said["points"]), "hints": tuple(map(_one_line, hints))}
    return found


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.strip())
