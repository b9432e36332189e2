"""The map of the course in notebook 00 says what the chapters say of themselves."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"
CELLS = nbformat.read(FOLDER / "00_start_here.ipynb", as_version=4).cells
TEXT = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
MAP = TEXT[TEXT.index("· The map of the course"):]
ROW = re.compile(r"^\| \[([0-9]+[a-z]?) · ([^\]]+)\]\(([^)]+)\) \| .+ \| ([^|]*) \| (\d+) \|$", re.M)
FOUND = ROW.findall(MAP)
ROWS = {file: (number, name, int(hours)) for number, name, file, _, hours in FOUND}
# What must have been read before. What a chapter says again stands in brackets, and need not be on a route.
NEEDS = {number: set(re.findall(r"\d+[a-z]?", re.sub(r"\(.*\)", "", needs))) for number, _, _, needs, _ in FOUND}
ROUTE = re.compile(r"^\| [^|]+ \| ((?:[0-9]+[a-z]? → )+[0-9]+[a-z]?)[^|]* \| (\d+) minutes \|$", re.M)


def title(file: str) -> str:
    return nbformat.read(FOLDER / file, as_version=4).cells[0].source


def test_every_chapter_is_on_it():
    assert sorted(ROWS) == sorted(path.name for path in FOLDER.glob("*.ipynb") if not path.name.startswith("00_"))


@pytest.mark.parametrize("file", ROWS)
def test_numbers_and_times_are_those_of_the_chapter(file: str):
    number, name, hours = ROWS[file]
    first = title(file)
    heading, demo, lab, alone = (re.search(pattern, first, re.M) for pattern in (
        r"^# 0?([0-9]+[a-z]?) · (.+)$", r"\| demo \| (\d+) minutes", r"\| lab \| (\d+) minutes",
        r"\| self-study \| (\d+) hours"))
    assert heading[1] == number and heading[2].lower().startswith(name.lower().split()[0])
    if demo:  # a chapter that has said its times
        assert (demo[1], lab[1], int(alone[1])) == ("10", "45", hours)


def test_routes_add_up():
    numbers, routes = [number for number, _, _ in ROWS.values()], ROUTE.findall(MAP)
    assert len(routes) >= 5 and sum(map(bool, NEEDS.values())) >= 5
    for route, minutes in routes:
        stops = route.split(" → ")
        assert set(stops) <= set(numbers) and int(minutes) == 45 * len(stops)
        assert not [stop for n, stop in enumerate(stops) if NEEDS[stop] - set(stops[:n])], route
    assert f"{10 * len(ROWS)} minutes, as demos" in MAP
