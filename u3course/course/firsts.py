"""First answers: which riddles of a Deep Quiz people can tell, counted over the progress files of a class."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from u3course.course import catalogue, state
from u3lab.errors import U3Error


def first_answers(quiz_id: str, folder: str | os.PathLike[str] | None = None) -> list[tuple[int, int]]:
    """For each question of a Deep Quiz: how many people chose rightly at first, and how many chose at all.

    Args:
        quiz_id: Such as "5-deep".
        folder: One with the progress.json of several people, each in a folder of its own or under a name of its own
            ending in .json; files of other content are passed over. Without it, your own file is read.

    Raises:
        U3Error: No such quiz, or no such folder.
    """
    asked = catalogue.questions(quiz_id)
    people = [dict(reversed([key.split("=", 1) for key in keys if "=" in key])) for keys in _files(folder)]
    given = [[one[key] for one in people if (key := f"{quiz_id}/{n}") in one] for n in range(len(asked))]
    return [(chosen.count(str(question.answer)), len(chosen)) for question, chosen in zip(asked, given, strict=True)]


def _files(folder: str | os.PathLike[str] | None) -> Iterator[list[str]]:
    """The first answers of each person."""
    own = folder is None
    if own:
        found = [state.file()]
    elif (path := Path(os.path.expanduser(os.fspath(folder)))).is_dir():
        found = sorted(path.rglob("*.json"))
    else:
        raise U3Error(f"there is no folder {str(folder)!r}; gather the progress.json of each student in one, or leave "
                      "the folder out to read your own")
    for file in found:
        try:
            keys = json.loads(state.bytes_of(file, own=own))[state.FIRST]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(keys, list):
            yield [key for key in keys if isinstance(key, str)]
