"""What a reader has done: one small JSON in the user's state folder, and the table made from it.

The folder is ``U3LAB_STATE`` if that is set, else the place where the system keeps such things. Whatever happens to
the file, a notebook goes on.
"""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

from u3lab._system import paths
from u3lab.course import catalogue
from u3lab.course.page import Shown

KINDS = ("exercises", "questions")
_told: set[str] = set()  # what was reported already; once is enough


def file() -> Path:
    """Where the progress is kept."""
    folder = os.environ.get("U3LAB_STATE")
    if folder:
        return Path(folder).expanduser() / "progress.json"
    import platformdirs

    return platformdirs.user_state_path("u3lab", appauthor=False) / "progress.json"


def load() -> tuple[dict[str, set[str]], str]:
    """What is done, by kind, and a sentence if the file could not be read.

    A file that is no progress file is renamed to progress.json.broken.
    """
    done, note = _read()
    return (_nothing() if done is None else done), note


def record(kind: str, key: str) -> str:
    """Note that something is done. What another kernel has written meanwhile is kept.

    Returns
    -------
    str
        A sentence if something is wrong with the file, the first time; else "".
    """
    done, note = _read()
    if done is None or key in done[kind]:  # what cannot be read is not written over
        return note
    done[kind].add(key)
    content = json.dumps({name: sorted(keys) for name, keys in done.items()}, indent=1) + "\n"
    try:
        paths.write_atomically(file(), content.encode())
    except OSError as error:
        return note or _once(f"your progress cannot be saved ({error.strerror}); set U3LAB_STATE to a folder of yours")
    return note


def progress() -> Shown:
    """A table of what is done: exercises that passed and questions that were answered rightly, per chapter."""
    done, note = load()
    rows = []
    for chapter in catalogue.CHAPTERS:
        tasks = catalogue.exercises(chapter)
        asked = [f"{name}/{n}" for name, quiz in catalogue.quizzes(chapter).items() for n in range(len(quiz))]
        passed = [task for task in tasks if task.id in done["exercises"]]
        rows.append((f"chapter {chapter}", f"{len(passed)} of {len(tasks)}",
                     f"{sum(t.points for t in passed)} of {sum(t.points for t in tasks)}",
                     f"{len(done['questions'] & set(asked))} of {len(asked)}"))
    return _table(("", "exercises", "points", "questions"), rows, note)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], note: str) -> Shown:
    text = "\n".join("".join(f"{cell:<14}" for cell in row).rstrip() for row in [head, *rows])
    marks = "".join(f'<th scope="col" style="text-align:left;padding:.2em 1em">{cell}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f'<td style="text-align:left;padding:.2em 1em">{cell}</td>' for cell in row)
                    + "</tr>" for row in rows)
    page = f'<table style="color:currentColor"><thead><tr>{marks}</tr></thead><tbody>{lines}</tbody></table>'
    if note:
        page, text = page + f'<p role="status">{html.escape(note)}</p>', f"{text}\n{note}"
    return Shown(page, text)


def _nothing() -> dict[str, set[str]]:
    return {kind: set() for kind in KINDS}


def _read() -> tuple[dict[str, set[str]] | None, str]:
    """As :func:`load`, with None for a file that is in the way."""
    try:
        return _parsed(file().read_bytes()), ""
    except FileNotFoundError:
        return _nothing(), ""
    except OSError as error:
        return None, _once(f"your progress cannot be read ({error.strerror}): {file()}")
    except (ValueError, RecursionError):
        broken = file().with_name("progress.json.broken")
        try:
            os.replace(file(), broken)
        except OSError:
            return None, _once(f"your progress file is damaged and cannot be renamed: {file()}")
        return _nothing(), _once(f"your progress file was damaged; it is now {broken}, and a new one begins")


def _parsed(content: bytes) -> dict[str, set[str]]:
    """The file's content.

    Raises
    ------
    ValueError
        If it is anything else than lists of names.
    """
    read = json.loads(content)
    if not isinstance(read, dict) or not all(isinstance(read.get(kind), list) for kind in KINDS):
        raise ValueError("not a progress file")
    if not all(isinstance(key, str) for kind in KINDS for key in read[kind]):
        raise ValueError("not a progress file")
    return {kind: set(read[kind]) for kind in KINDS}


def _once(sentence: str) -> str:
    if sentence in _told:
        return ""
    _told.add(sentence)
    return sentence
