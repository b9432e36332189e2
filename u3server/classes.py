"""A class: who passed which exercises, read from the progress files that students hand in.

``u3lab report FOLDER`` prints the table. Nothing is sent anywhere, and nothing outside of the folder is read. A
progress file is plain text in its owner's hands: it tells what somebody did, and proves nothing. Marks need nbgrader.
"""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from u3course.course import catalogue, state
from u3lab import checks
from u3lab._system import paths
from u3lab.errors import U3Error

Done = dict[str, set[str]]  # kind → keys, as in state.load
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with what a spreadsheet takes a cell for a formula


def report(folder: str | os.PathLike[str], csv_file: str | os.PathLike[str] | None = None) -> str:
    """The table of a class as text, with a line for each file that was passed over.

    Args:
        folder: One with a file or a folder for each student: ada.json, ben/progress.json. What lies in one student's
            folder is taken together.
        csv_file: A file ending in .csv, to be written with one column for each exercise: its points, or 0.

    Raises:
        U3Error: No such folder, no progress in it, or a file that cannot be written.
    """
    where = checks.place("folder", folder, "the folder with the progress files")
    file = None if csv_file is None else checks.place("csv_file", csv_file, "a file that ends in .csv")
    if file is not None and file.suffix.lower() != ".csv":
        raise U3Error(f"the table goes into a file that ends in .csv, not into {os.fspath(csv_file)!r}")
    students, notes = gather(where)
    if not students:
        raise U3Error(f"no progress was found in {str(where)!r}; gather the progress.json of each student there, as "
                      "ada.json or ada/progress.json" + (f" ({'; '.join(notes[:5])})" if notes else ""))
    if file is not None:
        try:
            paths.write_atomically(file, sheet(students))
        except OSError as error:
            raise U3Error(f"{os.fspath(csv_file)!r} cannot be written ({error.strerror}); name another file") from error
    return "\n".join([table(students), *notes])


def gather(folder: Path) -> tuple[dict[str, Done], list[str]]:
    """What each student has done, by name, and a line for each file or folder that gave nothing.

    Raises:
        U3Error: If there is no such folder.
    """
    if not folder.is_dir():
        raise U3Error(f"there is no folder {str(folder)!r}; gather the progress.json of each student in one")
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise U3Error(f"the folder {str(folder)!r} cannot be read ({error.strerror}); name another one") from error
    students: dict[str, Done] = {}
    notes = []
    for entry in entries:
        name, files = _printable(entry.name.removesuffix(".json")), list(_files(entry))
        for file in files:
            try:
                read = state.parsed(state.bytes_of(file))
            except (OSError, ValueError, RecursionError) as error:
                why = error.strerror if isinstance(error, OSError) else "damaged, or no progress file"
                notes.append(f"passed over: {_printable(file.relative_to(folder).as_posix())} ({why})")
                continue
            done = students.setdefault(name, {kind: set() for kind in state.KINDS})
            for kind in state.KINDS:
                done[kind] |= set(read[kind])
        if entry.is_dir() and not files:
            notes.append(f"nothing handed in: {name}")
    return students, notes


def table(students: dict[str, Done]) -> str:
    """How many exercises of each chapter each student has passed, and their points and questions altogether."""
    every = {"of": {"exercises": {task.id for tasks in _tasks().values() for task in tasks}, "questions": _asked()}}
    head = ["chapter", *_tasks(), "exercises", "points", "questions"]
    rows = [head, *(_row(name, done) for name, done in [*every.items(), *students.items()])]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    return "\n".join("  ".join(cell.rjust(width) if n else cell.ljust(width)
                               for n, (cell, width) in enumerate(zip(row, widths, strict=True))) for row in rows)


def sheet(students: dict[str, Done]) -> bytes:
    """The class for a spreadsheet: a row for each student, a column for each exercise with its points, or 0."""
    tasks = [task for chapter in _tasks().values() for task in chapter]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["student", *(task.id for task in tasks), "exercises", "points", "questions"])
    for name, done in students.items():
        earned = [task.points * (task.id in done["exercises"]) for task in tasks]
        lines.writerow([f"'{name}" if name.startswith(_FORMULA) else name, *earned, *_row(name, done)[-3:]])
    return text.getvalue().encode("utf-8-sig")  # without the mark at its start, Excel takes names for another alphabet


def _row(name: str, done: Done) -> list[str]:
    passed = [[task for task in tasks if task.id in done["exercises"]] for tasks in _tasks().values()]
    answered = {catalogue.today(key) for key in done["questions"]} & _asked()
    return [name, *(str(len(some)) for some in passed), str(sum(map(len, passed))),
            str(sum(task.points for some in passed for task in some)), str(len(answered))]


def _tasks() -> dict[str, tuple]:
    return {chapter: catalogue.exercises(chapter) for chapter in catalogue.CHAPTERS}


def _asked() -> set[str]:
    return set().union(*map(catalogue.asked, catalogue.CHAPTERS))


def _files(entry: Path) -> Iterator[Path]:
    """The .json of a student: the entry itself, or those in a folder; hidden ones belong to other programs."""
    if entry.is_dir() and not entry.is_symlink():
        for place, folders, names in os.walk(entry):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            yield from (Path(place, one) for one in sorted(names) if one.endswith(".json") and not one.startswith("."))
    elif entry.suffix == ".json":
        yield entry


def _printable(name: str) -> str:
    """A file's name for the screen: who may name files may not steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
