"""What an exercise asks, from its text in data/exercises, which anybody can edit: one file a chapter, in Markdown.

    ## The flip identity {#6c-flip}

    10 minutes, easy, 2 points

    What is asked, in one or two sentences.

    ```python
    def my_filters(filters):   # what it is given, and what is wanted
    ```

    1. The gentlest hint.
    2. The plainest one.

    Mistakes:

    - What is said to somebody whose answer behaves as one of these.
      - `rate * gradient → gradient`
      - `return filters.flip(1)`

A line goes on with what is above it; what stands before the first ``##`` is for people. A mistake is either the
reference with other lines, "old → new", several of them parted by " ;; ", or what a function of the reference's
arguments returns, with torch, F, math and the names of the file of the exercise's cases. ``\\n`` begins a new line.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from u3course.course.definitions import Exercise, Judge, Mistake
from u3course.course.judging import by_cases
from u3course.course.trying import Cases
from u3lab._system import paths
from u3lab.errors import U3Error

FORM = re.compile(
    r"(?P<title>.+?) \{#(?P<id>[\w-]+)\}\n+(?P<minutes>\d+) minutes, (?P<difficulty>\w+), (?P<points>\d+) points?\n\n"
    r"(?P<goal>.+?)\n\n```python\n(?P<signature>.+?)\n```\n\n(?P<hints>1\. .+?)\n\n"
    r"Mistakes:\n\n(?P<mistakes>- .+)", re.DOTALL)


def task(exercise_id: str, reference: Callable[..., Any], cases: Cases, *, judge: Callable[..., Judge] = by_cases,
         helpers: tuple[Callable[..., Any], ...] = (), **near: Any) -> Exercise:
    """The exercise whose words stand under its id, and whose answer is a function.

    Args:
        exercise_id: As the text has it.
        reference: The right function; its source is the solution.
        cases: As for :func:`~u3course.course.judging.by_cases`.
        judge: What makes the judge of the reference, the cases, the mistakes that the text tells and ``near``.
        helpers: Functions that the reference calls and that belong to the solution.
        **near: How far values may be from the reference's: ``rtol``, ``atol``; and ``finish``.

    Raises:
        U3Error: As for :func:`words`.
    """
    said = words(exercise_id)
    judged = judge(reference, cases, said.pop("mistakes"), **near)
    return Exercise(**said, reference=reference, judge=judged, helpers=helpers)


def words(exercise_id: str) -> dict[str, Any]:
    """The words of an exercise, by the names that :class:`~u3course.course.definitions.Exercise` has for them, and its
    ``mistakes``.

    Raises U3Error if its chapter's file has no such exercise, or one is not written as above.
    """
    file = paths.data("exercises", f"{exercise_id.partition('-')[0]}.md")
    found = read(file)
    if exercise_id not in found:
        raise U3Error(f"{file.name} asks no {exercise_id!r}; write it there")
    return dict(found[exercise_id])


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
                                    "points": int(said["points"]), "hints": tuple(map(_one_line, hints)),
                                    "mistakes": tuple(map(_mistake, written["mistakes"].split("\n- ")))}
    return found


def _mistake(text: str) -> Mistake:
    message, *wrong = text.removeprefix("- ").split("\n  - ")
    return Mistake(tuple(one.strip()[1:-1].replace("\\n", "\n") for one in wrong), _one_line(message))


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.strip())
