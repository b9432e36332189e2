"""Mark exercises and their checks for nbgrader: ``python tools/nbgrader_cells.py [FILE …]``.

Without a name, all of notebooks/. Two kinds of cells are marked, and marking twice changes nothing:

* a code cell tagged ``exercise-<id>``, where the answer is written;
* a code cell with ``course.check("<id>", …)``, which is worth the exercise's points and is locked.

The cell of the answer is not marked as a *solution*. nbgrader replaces the whole of a solution cell by a stub that
raises; ours is a stub already, one that shows how the answer begins and does not stop the notebook.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from u3course.course import catalogue
from u3lab._system.paths import write_atomically
from u3lab.errors import U3Error

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
CHECK = re.compile(r"course\.check\(\s*[\"']([^\"']+)[\"']")
TAG = "exercise-"
SCHEMA = 3


def mark(notebook: nbformat.NotebookNode) -> None:
    """Write the metadata of nbgrader into the notebook's cells, in place.

    Raises:
        U3Error: If an answer has no check or a check no answer, if one occurs twice, or if an id is unknown.
    """
    answers, checks = [], []
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
        if cell.cell_type != "code":
            continue
        tagged = [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", []) if tag.startswith(TAG)]
        checked = CHECK.findall(cell.source)
        if len(tagged) + len(checked) > 1:
            raise U3Error(f"{', '.join([*tagged, *checked])} share a cell; give each answer and each check its own")
        answers += tagged
        checks += checked
        if tagged or checked:
            cell.metadata["nbgrader"] = nbformat.from_dict(_metadata(*tagged, *checked, grade=bool(checked)))
    if sorted(answers) != sorted(set(checks)) or len(checks) > len(answers):
        raise U3Error(f"answers: {', '.join(answers)}; checks: {', '.join(checks)}; each exercise has one cell that is "
                      f"tagged {TAG}<id>, and one check")


def _metadata(exercise_id: str, *, grade: bool) -> dict:
    task = catalogue.find(exercise_id)
    facts = {"schema_version": SCHEMA, "grade": grade, "solution": False, "locked": grade, "task": False}
    if grade:
        return {**facts, "grade_id": task.id, "points": task.points}
    return {**facts, "grade_id": f"{task.id}-answer"}


def main() -> int:
    """Mark the notebooks that were named, or all; says which were changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="notebooks to mark; all of notebooks/ if none is named")
    for path in parser.parse_args().files or sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        before = nbformat.writes(notebook)
        mark(notebook)
        after = nbformat.writes(notebook)
        if after != before:
            write_atomically(path, (after.rstrip("\n") + "\n").encode())
            print(f"{path.name}: marked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
