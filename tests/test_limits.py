"""Each house stays as small as it was meant to be: lines of Python that git tracks."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINES = {"u3audit": 3200, "u3server": 2000, "evidence": 18_000}  # evidence with its tests and its bench


def lines_of(house: str) -> int:
    """Of what git tracks; of all that lies there, where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z", f"{house}/*.py"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name] or (ROOT / house).rglob("*.py")
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files if file.exists())


@pytest.mark.parametrize("house", LINES)
def test_a_house_has_no_more_lines_than_its_limit(house: str):
    assert 0 < lines_of(house) <= LINES[house]
