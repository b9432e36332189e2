"""The map of the course in notebook 00 says what the chapters say of themselves."""

import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[4] / "notebooks"
CELLS = nbformat.read(FOLDER / "00_start_here.ipynb", as_version=4).cells
TEXT = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
MAP = TEXT[TEXT.index("### The map of the course"):]
ROWS = {file: (number, name) for number, name, file in re.findall(
    r"^\| \[([0-9]+[a-z]?) · ([^\]]+)\]\(([^)]+)\) \| .+ \|$", MAP, re.M)}


def test_every_chapter_is_on_it_in_its_order():
    assert list(ROWS) == sorted(path.name for path in FOLDER.glob("*.ipynb") if not path.name.startswith("00_"))


@pytest.mark.parametrize("file", ROWS)
def test_numbers_and_names_are_those_of_the_chapter(file: str):
    number, name = ROWS[file]
    first = nbformat.read(FOLDER / file, as_version=4).cells[0].source
    heading = re.search(r"^# 0?([0-9]+[a-z]?) · (.+)$", first, re.M)
    assert heading[1] == number and heading[2].lower().startswith(name.lower().split()[0])
