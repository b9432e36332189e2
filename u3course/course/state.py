"""What a reader has done: one small JSON in the user's state folder, and what is counted over it.

The folder is ``U3LAB_STATE`` if that is set, else the place where the system keeps such things; who visits a page of
Voilà has one that goes with the page, since the other is the host's. Whatever happens to the file, a notebook goes on.
Kernels that record at once wait for each other; what the file says beside our kinds, as that of a newer u3lab may, is
kept.
"""

import functools
import html
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
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
_waiting: list[tuple[str, str]] = []  # kind and key of what could not be written; it goes with the next note


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

    Raises OSError if it cannot be read, is no ordinary file (a pipe would wait for ever) or too large.
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
    """Note that something is done, and what an earlier note had to leave. What another kernel has written is kept.

    Returns a sentence if something is wrong with the file, the first time; else "".
    """
    content, note = _content()
    if content is None or not _waiting and _has(content, kind, key):  # what cannot be read is not written over
        return note
    notes = [*_waiting, (kind, key)]
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
            return note
    except U3Error as busy:
        _waiting[:] = notes
        return f"your progress is not saved: {busy}"
    except OSError as error:
        _waiting[:] = notes
        return note or _once(f"your progress cannot be saved ({error.strerror}); make room, or set U3LAB_STATE to a "
                             "folder of yours: it is saved with what you do next")


def record_first(question: str, option: int) -> None:
    """Note the option that was chosen first in a question, "5-deep/3=1"; later ones change nothing."""
    record(FIRST, f"{question}={option}")


def _with(content: dict[str, Any], notes: list[tuple[str, str]]) -> dict[str, Any]:
    """A file's content with these keys in their kinds."""
    for kind, key in notes:
        if not _has(content, kind, key):
            content = {**content, kind: sorted({*content.get(kind, ()), key})}
    return content


def _has(content: dict[str, Any], kind: str, key: str) -> bool:
    """Whether a kind has the key, or another answer to its question; a kind of another form is left as it is."""
    keys = content.get(kind, [])
    return not _are_keys(keys) or key.partition("=")[0] in (other.partition("=")[0] for other in keys)


def _are_keys(keys: Any) -> bool:
    return isinstance(keys, list) and all(isinstance(key, str) for key in keys)


def progress() -> Shown:
    """A table of what is done: exercises that passed and questions that were answered rightly, per chapter."""
    done, note = load()
    answered = {catalogue.today(key) for key in done["questions"]}
    rows, earlier = [], 0
    for chapter in catalogue.CHAPTERS:
        tasks, asked = catalogue.exercises(chapter), catalogue.asked(chapter)
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
        past = f"{earlier} more of earlier forms of the notebooks, which nobody is asked any more"
        note = f"{past}; {note}" if note else past
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

    Raises ValueError or RecursionError if one of our kinds is no list of names, or the whole cannot be written again.
    """
    read = json.loads(content)
    if not isinstance(read, dict) or not all(_are_keys(read.get(kind)) for kind in KINDS):
        raise ValueError("not a progress file")
    json.dumps(read, indent=1)
    return read


def _once(sentence: str) -> str:
    if sentence in _told:
        return ""
    _told.add(sentence)
    return sentence


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
    people = [dict(reversed([key.split("=", 1) for key in keys if "=" in key])) for keys in _first_of_each(folder)]
    given = [[one[key] for one in people if (key := f"{quiz_id}/{n}") in one] for n in range(len(asked))]
    return [(chosen.count(str(question.answer)), len(chosen)) for question, chosen in zip(asked, given, strict=True)]


def _first_of_each(folder: str | os.PathLike[str] | None) -> Iterator[list[str]]:
    """The first answers of each person."""
    if own := folder is None:
        found = [file()]
    elif (where := Path(os.path.expanduser(os.fspath(folder)))).is_dir():
        found = sorted(where.rglob("*.json"))
    else:
        raise U3Error(f"there is no folder {str(folder)!r}; gather the progress.json of each student in one, or leave "
                      "the folder out to read your own")
    for path in found:
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            keys = json.loads(bytes_of(path, own=own))[FIRST]
            if isinstance(keys, list):
                yield [key for key in keys if isinstance(key, str)]
