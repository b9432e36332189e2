"""Every control of every notebook works at its minimum, in the middle and at its maximum."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent.parent / "notebooks"
DRIVER = Path(__file__).with_name("driver.py").read_text("utf-8")
LAST = f"""{DRIVER}

from u3lab.live import kernel

print(repr(await drive(sorted(kernel._alive, key=lambda figure: figure.box.model_id))))
"""


def driven(path: Path) -> tuple[int, list[str], list[str]]:
    """Run a notebook's code in a new kernel, then move all its controls.

    Returns how many live figures its cells make, what was moved, and who complained.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    made = sum(cell.source.count(call) for cell in cells for call in ("live.explore(", "live.play("))
    notebook.cells = [*cells, nbformat.v4.new_code_cell(LAST)]
    NotebookClient(notebook, kernel_name="python3", timeout=600, store_widget_state=False, coalesce_streams=True,
                   resources={"metadata": {"path": str(FOLDER)}}).execute()
    said = [output.text for output in notebook.cells[-1].outputs if output.get("name") == "stdout"]
    return made, *ast.literal_eval(said[-1].splitlines()[-1])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_control_complains_anywhere_in_its_range(path):
    made, moved, complaints = driven(path)
    assert complaints == []
    assert len({line.partition(": ")[0] for line in moved}) >= made > 0  # no figure was overlooked
