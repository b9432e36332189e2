"""What a reader has done: one small JSON in the user's state folder, and the table made from it.

The folder is ``U3LAB_STATE`` if that is set, else the place where the system keeps such things; who visits a page of
Voilà has one that goes with the page, since the other is the host's. Whatever happens to the file, a notebook goes on.
Kernels that record at once wait for each other; what the file says beside our kinds, as
that of a newer u3lab may, is kept.
"""

from __future__ import annotations

import functools
import html
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from u3course.course import catalogue
from u3course.course.page import Shown
from u3lab._system import notebook, paths
from u3lab.errors import U3Error

KINDS = ("exercises", "questions")
FIRST = "first"  # beside the kinds, in newer files: the first answer to each riddle of a Deep Quiz
LARGEST = 2**20  # bytes of a progress file; a full one has some thousand
PATIENCE = 5  # seconds that a kernel waits for another one
_told: set[str] = set()  # what was reported already; once is enough
_waiting: dict[tuple[str, str], Callable[[str], bool]] = {}  # what could not be written; it goes with the next note


def file() -> Path:
    """Where the progress is kept."""
    if notebook.visited():
        return Path(_of_a_visit().name) / "progress.json"
    folder = os.environ.get("U3LAB_STATE")
    if folder:
        return Path(os.path.expanduser(folder)) / "progress.json"
    import platformdirs

    return platformdirs.user_state_path("u3lab", appauthor=False) / "progress.json"


@functools.cache
def _of_a_visit() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="u3lab-")  # gone when the kernel ends


def bytes_of(path: Path, *, own: bool = False) -> bytes:
    """What a progress file holds; only one's ``own`` may be a link to it.

    Raises:
        OSError: If it cannot be read, is no ordinary file (a pipe would wait for ever) or too large.
    """
    if paths.ordinary(path, links=own).stat().st_size > LARGEST:
        raise OSError(0, "too large for a progress file")
    return path.read_bytes()


def load() -> tuple[dict[str, set[str]], str]:
    """What is done, by kind, and a sentence if the file could not be read.

    A file that is no progress file is renamed to progress.json.broken.
    """
    content, note = _content()
    return {kind: set((content or {}).get(kind, ())) for kind in KINDS}, note


def record(kind: str, key: str) -> str:
    """Note that something is done. What another kernel has written meanwhile is kept.

    Returns:
        str: A sentence if something is wrong with the file, the first time; else "".
    """
    return _note(kind, key, lambda other: other == key)


def record_first(question: str, option: int) -> None:
    """Note the option that was chosen first in a question, "5-deep/3=1"; later ones change nothing."""
    _note(FIRST, f"{question}={option}", lambda other: other.startswith(f"{question}="))


def _note(kind: str, key: str, same: Callable[[str], bool]) -> str:
    """Add a key to a kind, unless it has one that counts as the same; and what an earlier note had to leave."""
    content, note = _content()
    if content is None or not _waiting and _has(content, kind, same):  # what cannot be read is not written over
        return note
    notes = {**_waiting, (kind, key): same}
    try:
        with paths.locked(file(), PATIENCE) as alone:
            content, later = _content(waited=True)
            note = note or later
            if content is not None:
                if (added := _with(content, notes)) != content:
                    if alone:
                        paths.sweep(file())
                    paths.write_atomically(file(), (json.dumps(added, indent=1) + "\n").encode(), links=True)
                _waiting.clear()
    except U3Error as busy:
        _waiting.update(notes)
        return f"your progress is not saved: {busy}"
    except OSError as error:
        _waiting.update(notes)
        return note or _once(f"your progress cannot be saved ({error.strerror}); make room, or set U3LAB_STATE to a "
                             "folder of yours: it is saved with what you do next")
    return note


def _with(content: dict[str, Any], notes: dict[tuple[str, str], Callable[[str], bool]]) -> dict[str, Any]:
    """A file's content with these keys in their kinds."""
    for (kind, key), same in notes.items():
        if not _has(content, kind, same):
            content = {**content, kind: sorted({*content.get(kind, ()), key})}
    return content


def _has(content: dict[str, Any], kind: str, same: Callable[[str], bool]) -> bool:
    """Whether a kind has such a key; a kind of another form is left as it is."""
    keys = content.get(kind, [])
    return not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or any(map(same, keys))


def progress() -> Shown:
    """A table of what is done: exercises that passed and questions that were answered rightly, per chapter."""
    done, note = load()
    answered = {catalogue.today(key) for key in done["questions"]}
    rows, earlier = [], 0
    for chapter in catalogue.CHAPTERS:
        tasks = catalogue.exercises(chapter)
        asked = catalogue.asked(chapter)
        passed = [task for task in tasks if task.id in done["exercises"]]
        rows.append((f"chapter {chapter}", f"{len(passed)} of {len(tasks)}",
                     f"{sum(t.points for t in passed)} of {sum(t.points for t in tasks)}",
                     f"{len(answered & asked)} of {len(asked)}"))
        earlier += len((done["exercises"] | answered) & catalogue.retired(chapter))
    head = ("", "exercises", "points", "questions")
    text = "\n".join("".join(f"{cell:<14}" for cell in row).rstrip() for row in [head, *rows])
    style = 'style="text-align:left;padding:.2em 1em"'
    marks = "".join(f'<th scope="col" {style}>{cell}</th>' for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td {style}>{cell}</td>' for cell in row)}</tr>" for row in rows)
    page = f'<table style="color:currentColor"><thead><tr>{marks}</tr></thead><tbody>{lines}</tbody></table>'
    if earlier:
        note = f"{earlier} more of earlier forms of the notebooks, which nobody is asked any more" + (
            f"; {note}" if note else "")
    if note:
        page, text = page + f'<p role="status">{html.escape(note)}</p>', f"{text}\n{note}"
    return Shown(page, text)


def _content(*, waited: bool = False) -> tuple[dict[str, Any] | None, str]:
    """All that the file says, or None for a file that is in the way, and a sentence if something is wrong with it.

    To read needs no lock, to set a damaged file aside does: another kernel may have begun a new one by now. With
    ``waited`` it is ours already.
    """
    try:
        return parsed(bytes_of(file(), own=True)), ""
    except FileNotFoundError:
        return {kind: [] for kind in KINDS}, ""
    except OSError as error:
        return None, _once(f"your progress cannot be read ({error.strerror}): {file()}")
    except (ValueError, RecursionError):
        if waited:
            return _set_aside()
    try:
        with paths.locked(file(), PATIENCE):
            return _content(waited=True)
    except U3Error as busy:
        return None, f"your progress cannot be read: {busy}"


def _set_aside() -> tuple[dict[str, Any] | None, str]:
    damaged = Path(os.path.realpath(file()))  # a link to it stays, and will point to the new file
    broken = damaged.with_name(f"{damaged.name}.broken")
    try:
        os.replace(damaged, broken)
    except OSError:
        return None, _once(f"your progress file is damaged and cannot be renamed: {damaged}")
    return {kind: [] for kind in KINDS}, _once(f"your progress file was damaged; it is now {broken}; a new one begins")


def parsed(content: bytes) -> dict[str, Any]:
    """The file's content.

    Raises:
        ValueError, RecursionError: If one of our kinds is anything else than a list of names, or the whole is nothing
            that could be written again.
    """
    read = json.loads(content)
    kinds = [read.get(kind) for kind in KINDS] if isinstance(read, dict) else [None]
    if not all(isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in kinds):
        raise ValueError("not a progress file")
    json.dumps(read, indent=1)
    return read


def _once(sentence: str) -> str:
    if sentence in _told:
        return ""
    _told.add(sentence)
    return sentence
