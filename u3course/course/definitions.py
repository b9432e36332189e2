"""What a chapter writes down: its exercises, the mistakes that they know, and the questions of its quiz."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from u3lab.errors import U3Error

Judge = Callable[[Any], str]  # answer → "" if it is right, else what is wrong; further lines are shown as they are
LEVELS = ("easy", "medium", "hard")


class NotTried(Exception):
    """Raised by a judge when the answer is still the stub."""


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, and what to say to somebody who gave it.

    Attributes:
        wrong: The ways to make it: each an edit of the reference's lines, "rate * gradient → gradient", to be combined
            with the edits of the exercise's other mistakes; or what a function of the reference's arguments returns,
            "return x.mean(0)".
        message: What is said.
    """

    wrong: tuple[str, ...]
    message: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One task of a notebook.

    Attributes:
        id: "<chapter>-<name>" of letters, digits and hyphens; it is the grade_id of nbgrader as well.
        title, goal, signature: What is shown: a few words, one or two sentences, and what the answer looks like.
        minutes, difficulty, points: Difficulty is "easy", "medium" or "hard".
        hints: From the gentlest to the plainest; where possible each begins with the symptom that it cures.
        reference: The library's own function. Its source is the solution.
        judge: See :data:`Judge`; :func:`~u3course.course.by_cases` makes one for answers that are functions.
        helpers: Functions that the reference calls and that belong to the solution.
    """

    id: str
    title: str
    goal: str
    signature: str
    minutes: int
    difficulty: str
    points: int
    hints: tuple[str, ...]
    reference: Callable[..., Any]
    judge: Judge
    helpers: tuple[Callable[..., Any], ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]+[a-z]?-[A-Za-z0-9-]+", self.id):
            raise U3Error(f"{self.id!r} is no id of an exercise; write the chapter, a hyphen and a name: '6-guided'")
        if self.difficulty not in LEVELS:
            raise U3Error(f"{self.id} has the difficulty {self.difficulty!r}; choose one of {', '.join(LEVELS)}")


@dataclass(frozen=True)
class Question:
    """One question of a quiz: which of the options is right, and a sentence on each of them.

    ``answer`` counts from 0. ``picture`` holds the bytes of a JPEG or PNG, ``alt`` says what it shows. ``id`` is what
    progress notes; a question without one is noted by its place. ``was`` is the place by which it was noted before it
    had an id, and one that is ``retired`` is no longer asked.
    """

    text: str
    options: tuple[str, ...]
    answer: int
    why: tuple[str, ...]
    picture: bytes = b""
    alt: str = ""
    id: str = ""
    was: str = ""
    retired: bool = False

    def __post_init__(self) -> None:
        if len(self.why) != len(self.options) or len(set(self.options)) < len(self.options):
            raise U3Error(f"the question {self.text!r} has {len(self.options)} options and {len(self.why)} "
                          "explanations; give different options and one explanation for each")
        if not 0 <= self.answer < len(self.options):
            raise U3Error(f"the question {self.text!r} has no option {self.answer}; count the answer from 0")
        if self.picture and not self.alt:
            raise U3Error(f"the picture of {self.text!r} has no alt text; say what it shows without telling the answer")
