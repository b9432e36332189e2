"""Check an answer, and say in one box what came out. Nothing that an answer does makes the check raise."""

import contextlib
import io
import os
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import torch

from u3course.course import catalogue, cells, guard, page, pieces, raised, state
from u3course.course.definitions import Exercise, NotTried
from u3lab.errors import U3Error

NOT_TRIED, NOT_YET, PASSED = "not tried yet", "not yet", "passed"
STUCK_SECONDS = 10  # later than any report that can still come by itself
STUCK = ("Python is inside one single call of your answer and cannot interrupt it; `sum(range(10**10))` is such a "
         "call, and so is a regular expression that tries every way. The check cannot end it, and Kernel → Interrupt "
         "does not help. What helps is Kernel → Restart Kernel; your progress is kept. Then change the answer, and run "
         "the cells again from the top.")
_LOOKS = {NOT_TRIED: ("○", "grey"), NOT_YET: ("△", "amber"), PASSED: ("✓", "green")}


@dataclass(frozen=True)
class Report:
    """What came out of a check.

    Attributes:
        exercise: The id.
        state: "not tried yet", "not yet" or "passed".
        message: A sentence; further lines, if any, are a traceback or an example.
        points: What the answer earns: all points of the exercise, or 0.
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

    def _ipython_display_(self) -> None:
        """As the value of the cell in which its check has shown it, it is on the page already."""
        if not any(self is report and cell == page.running_cell() for report, cell in _on_page):
            raise NotImplementedError  # IPython's word for: as any other value
        _on_page.clear()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        mark, colour = _LOOKS[self.state]
        sentence, _, details = self.message.partition("\n")
        body = f"<b>{mark} {page.words(self.exercise)}: {self.state}</b><br>{page.words(sentence)}"
        shown = page.box(colour, body + (page.verbatim(details) if details else ""), status=True)
        # nbgrader takes the points of a cell from the text of its value, if that is a number.
        return {"text/html": shown, "text/plain": str(self.points) if graded() else repr(self)}


_on_page: list[tuple[Report, str]] = []  # the last report that was shown by its check, and in which run of a cell


def graded() -> bool:
    """Whether nbgrader runs this kernel, to grade a notebook or to validate it."""
    return bool(os.environ.get("NBGRADER_EXECUTION"))


def check(exercise_id: str, answer: Any) -> Report:
    """Check an answer to an exercise.

    Args:
        exercise_id: For example "6-guided".
        answer: What the exercise asks for, mostly a function. ``...``, or a function that returns it, is "not tried
            yet".

    Returns:
        Report: In a notebook it stands below the cell as a box, also when it is not the cell's last value.

            It comes within ten seconds, unless the answer is inside one call of C code that keeps hold of the
            interpreter, such as ``sum(range(10**10))``, a regular expression that explodes, or ``7**(10**9)``. No
            thread of Python runs then, and nothing can end such a call but a restart of the kernel; a notebook's page
            says so after ten seconds.
    """
    try:
        exercise = catalogue.find(exercise_id)
    except Exception as error:  # no such exercise; or a chapter that cannot be imported, in a broken installation
        said = f"the exercise cannot be read ({type(error).__name__}: {error}); run `python -m u3lab doctor`"
        return Report(str(exercise_id)[:80], NOT_TRIED, str(error) if isinstance(error, U3Error) else said, 0)
    if answer is ...:
        return _not_tried(exercise)
    if graded():  # nbgrader takes the points from the cell's value, so nothing is shown before
        # A word on stderr in a checking cell counts as a failure for nbgrader, were it only a warning.
        with contextlib.redirect_stderr(io.StringIO()):
            return _judged(exercise, answer)
    if not page.in_notebook():
        return _noted(_judged(exercise, answer))
    return _shown(exercise, answer)


def _shown(exercise: Exercise, answer: Any) -> Report:
    """The report, on the page already. Its place is taken before the answer runs, since afterwards may be too late."""
    stuck = page.box("amber", f"<b>△ {page.words(exercise.id)}: no result after ten seconds</b><br>{page.words(STUCK)}")
    spot = page.Spot(page.Shown(page.later(STUCK_SECONDS, stuck), f"{exercise.id}: the check runs"))
    try:
        report = _noted(_judged(exercise, answer))
    except BaseException:
        spot.put(Report(exercise.id, NOT_YET, "the check was interrupted; run the cell again", 0))
        raise
    spot.put(report)
    _on_page[:] = [(report, spot.cell)]
    return report


def _noted(report: Report) -> Report:
    """Write down what was passed; the report says so if that is not possible."""
    note = state.record("exercises", report.exercise) if report.passed else ""
    return replace(report, message=f"{report.message}\n{note}") if note else report


def _judged(exercise: Exercise, answer: Any) -> Report:
    if isinstance(answer, FunctionType) and (stale := cells.slip(answer.__name__)):
        return Report(exercise.id, NOT_YET, stale, 0)

    def judge() -> str | None:
        try:
            return exercise.judge(answer)
        except NotTried:
            return None

    if "optim" in {*_used(answer), *_used(exercise.reference)}:
        torch.optim.SGD([torch.zeros(1, requires_grad=True)])  # the first imports for seconds: not on the answer's time
    outcome = guard.run(judge, guard.SECONDS)
    wrong = outcome.slip or outcome.value
    if wrong is None and not (wrong := raised.unfinished(_used(answer), answer.__globals__) if _used(answer) else ""):
        return _not_tried(exercise)
    if wrong:
        return Report(exercise.id, NOT_YET, wrong, 0)
    pieces.keep(exercise.id, answer)
    points = f"{exercise.points} point{'s' if exercise.points != 1 else ''}"
    return Report(exercise.id, PASSED, f"well done: {points}; compare with `course.solution(\"{exercise.id}\")`",
                  exercise.points)


def _used(answer: Any) -> tuple[str, ...]:
    """The names that a function uses of others."""
    return answer.__code__.co_names if isinstance(answer, FunctionType) else ()


def _not_tried(exercise: Exercise) -> Report:
    return Report(exercise.id, NOT_TRIED,
                  f'put your answer in place of the `...`; `course.hint("{exercise.id}")` gives a hint', 0)
