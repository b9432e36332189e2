"""Check an answer, and say in one box what came out. Nothing that an answer does makes the check raise."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from typing import Any

from u3lab.course import catalogue, guard, page, state
from u3lab.course.definitions import Exercise, NotTried
from u3lab.errors import U3Error

NOT_TRIED, NOT_YET, PASSED = "not tried yet", "not yet", "passed"
_LOOKS = {NOT_TRIED: ("○", "grey"), NOT_YET: ("△", "amber"), PASSED: ("✓", "green")}


@dataclass(frozen=True)
class Report:
    """What came out of a check.

    Attributes
    ----------
    exercise
        The id.
    state
        "not tried yet", "not yet" or "passed".
    message
        A sentence; further lines, if any, are a traceback or an example.
    points
        What the answer earns: all points of the exercise, or 0.
    """

    exercise: str
    state: str
    message: str
    points: int

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.state == PASSED

    def __repr__(self) -> str:
        return f"{_LOOKS[self.state][0]} {self.exercise}: {self.state}\n{self.message}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        mark, colour = _LOOKS[self.state]
        sentence, _, details = self.message.partition("\n")
        body = f"<b>{mark} {page.words(self.exercise)}: {self.state}</b><br>{page.words(sentence)}"
        shown = page.box(colour, body + (page.verbatim(details) if details else ""), status=True)
        # nbgrader takes the points of a cell from the text of its value, if that is a number.
        return {"text/html": shown, "text/plain": str(self.points) if graded() else repr(self)}


def graded() -> bool:
    """Whether nbgrader runs this kernel, to grade a notebook or to validate it."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def check(exercise_id: str, answer: Any) -> Report:
    """Check an answer to an exercise.

    Parameters
    ----------
    exercise_id
        For example "6-guided".
    answer
        What the exercise asks for, mostly a function. ``...``, or a function that returns it, is "not tried yet".

    Returns
    -------
    Report
        Always, within ten seconds. As the last value of a cell it is shown as a box.
    """
    try:
        exercise = catalogue.find(exercise_id)
    except U3Error as slip:
        return Report(str(exercise_id)[:80], NOT_TRIED, str(slip), 0)
    except Exception as error:  # a chapter that cannot be imported: an installation that is not whole
        return Report(str(exercise_id)[:80], NOT_TRIED,
                      f"the exercise cannot be read ({type(error).__name__}: {error}); run `python -m u3lab doctor`", 0)
    # A word on stderr in a checking cell counts as a failure for nbgrader, were it only a warning.
    with contextlib.redirect_stderr(io.StringIO()) if graded() else contextlib.nullcontext():
        report = _judged(exercise, answer)
    if report.passed and not graded():
        note = state.record("exercises", exercise.id)
        if note:
            return Report(report.exercise, report.state, f"{report.message}\n{note}", report.points)
    return report


def _judged(exercise: Exercise, answer: Any) -> Report:
    def judge() -> str | None:
        try:
            return exercise.judge(answer)
        except NotTried:
            return None

    outcome = guard.run(judge, guard.SECONDS) if answer is not ... else guard.Outcome(None)
    if outcome.slip:
        return Report(exercise.id, NOT_YET, outcome.slip, 0)
    if outcome.value is None:
        return Report(exercise.id, NOT_TRIED,
                      f'put your answer in place of the `...`; `course.hint("{exercise.id}")` gives a hint', 0)
    if outcome.value:
        return Report(exercise.id, NOT_YET, outcome.value, 0)
    points = f"{exercise.points} point{'s' if exercise.points != 1 else ''}"
    return Report(exercise.id, PASSED, f"well done: {points}; compare with `course.solution(\"{exercise.id}\")`",
                  exercise.points)
