"""Which chapter has which exercises and questions. Chapters are imported, and quizzes read, when they are asked for."""

import difflib
import importlib
import json
from contextlib import suppress
from functools import cache

from u3course.course import questions as text
from u3course.course.definitions import Exercise, Question
from u3lab._system import paths
from u3lab.checks import shown
from u3lab.errors import U3Error

LESSONS = "u3course.lessons"  # imported when a chapter is asked for: an arrow that goes up, known to the layer test
# The room in LESSONS whose ``exercises`` has those of a chapter.
CHAPTERS = {"0": "start", "1": "universal", "1b": "universal", "2": "selfsup", "2b": "selfsup", "2c": "selfsup",
            "3": "landmarks", "3b": "landmarks", "3c": "landmarks", "4": "prior", "5": "inversion", "5b": "inversion",
            "6": "saliency", "6a": "saliency", "6b": "adversarial", "6c": "equivariance", "7": "dissection",
            "7b": "dissection", "8": "audit"}
RIDDLE = "Which class is it?"
GARISH = f"{RIDDLE} (Marked: we could not tell it ourselves.)"
DEEP = "-deep"  # "6-deep" is the Deep Quiz of chapter 6
# In another chapter than where it began: readers' progress holds the first name.
PLAYED_IN = {"5-deep": "5b", "6-deep": "6a"}
# Exercises of earlier forms of the notebooks; readers have passed them.
RETIRED: frozenset[str] = frozenset({"0-upside-down", "0-koala-sigma", "0-reach", "1-serial", "1-count", "1-score",
                                     "2-rebalance", "2-permutations", "2b-pairs", "2b-marginal", "3-spline",
                                     "3-labelling", "3-soft-argmax", "3b-factor", "3b-frames", "3b-gaussians",
                                     "6-pointing", "6-modulated-gradient", "6-grad-cam", "6-mask-energy", "6-keep",
                                     "6b-step", "6b-target", "6b-loop"})


def exercises(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of a chapter."""
    return importlib.import_module(f"{LESSONS}.{CHAPTERS[_known(chapter)]}.exercises").EXERCISES[chapter]


def find(exercise_id: str) -> Exercise:
    """The exercise of that id.

    Raises:
        U3Error: If there is none; names the nearest or all of the chapter.
    """
    given = exercise_id if isinstance(exercise_id, str) else shown(exercise_id)
    chapter = given.partition("-")[0]
    near_by = [c for c in CHAPTERS if c[0] == chapter[0]] if chapter in CHAPTERS else CHAPTERS  # 5b has one of 5's
    known = {task.id: task for c in near_by for task in exercises(c)}
    if given in known:
        return known[given]
    if given in RETIRED:
        raise U3Error(f"{given} belongs to an earlier form of its notebook; open the new one (`make lab` brings it)")
    near = difflib.get_close_matches(given[:80], known, n=1)
    raise U3Error(f"there is no exercise {given[:80]!r}; "
                  + (f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"))


def questions(quiz_id: str) -> tuple[Question, ...]:
    """The questions that the quiz "<chapter>" asks, or the Deep Quiz "<chapter>-deep".

    Raises:
        U3Error: If there is no such quiz, its pictures are not there, or its text in data/quiz is broken.
    """
    if isinstance(quiz_id, str) and quiz_id.endswith(DEEP) and quiz_id.removesuffix(DEEP) in CHAPTERS:
        return _deep(quiz_id.removesuffix(DEEP))
    return tuple(one for one in _written(quiz_id) if not one.retired)


def quizzes(chapter: str) -> dict[str, tuple[Question, ...]]:
    """All quizzes of a chapter by id: its own, and the Deep Quiz if it has one."""
    found = {chapter: questions(chapter)}
    for name in (chapter + DEEP, *PLAYED_IN):
        if PLAYED_IN.get(name, chapter) == chapter:
            with suppress(U3Error):  # no pictures, no Deep Quiz
                found[name] = questions(name)
    return found


def asked(chapter: str) -> set[str]:
    """The questions of all quizzes of a chapter by their keys, "1/shared" or "5-deep/3"."""
    return {key for name, quiz in quizzes(chapter).items() for key in keys(name, quiz)}


def keys(quiz_id: str, posed: tuple[Question, ...]) -> list[str]:
    """What progress notes of the questions of a quiz: the id, or the place of one that has none."""
    return [f"{quiz_id}/{one.id or n}" for n, one in enumerate(posed)]


def today(key: str) -> str:
    """The key of a question today, of which an older version noted its place in the quiz."""
    quiz_id, _, place = key.partition("/")
    return f"{quiz_id}/{_renamed(quiz_id).get(place, place)}" if quiz_id in CHAPTERS else key


def retired(chapter: str) -> set[str]:
    """What was passed or answered in an earlier form of a chapter, and is asked no more: ids and keys."""
    return ({one for one in RETIRED if one.partition("-")[0] == chapter}
            | {f"{chapter}/{one.id}" for one in _written(chapter) if one.retired})


@cache
def _renamed(quiz_id: str) -> dict[str, str]:
    """Place in an older version → id."""
    return {one.was: one.id for one in _written(quiz_id) if one.was}


def _written(quiz_id: str) -> tuple[Question, ...]:
    """All that the text of a quiz asks or has asked."""
    return text.questions(paths.data("quiz", f"{_known(quiz_id)}.md"))


def _deep(chapter: str) -> tuple[Question, ...]:
    """Here is an iconic picture: which class or concept is it? Pictures, options and explanations are shipped."""
    rows = json.loads(paths.data("quiz", chapter, "index.json").read_text(encoding="utf-8"))
    return tuple(Question(GARISH if row.get("garish") else RIDDLE, tuple(row["options"]), row["answer"],
                          tuple(row["why"]), paths.data("quiz", chapter, row["file"]).read_bytes(), row["alt"])
                 for row in rows)


def _known(chapter: str) -> str:
    """The same chapter, if there is one."""
    if not isinstance(chapter, str) or chapter not in CHAPTERS:
        given = chapter if isinstance(chapter, str) else shown(chapter)
        raise U3Error(f"there is no chapter {given[:80]!r} with exercises; choose one of {', '.join(CHAPTERS)}")
    return chapter
