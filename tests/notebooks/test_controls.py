"""A notebook that works may have a control that does not: the test after its cells finds it."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SETUP = "from u3lab import U3Error, live\nimport torch\n"
GOOD = "live.explore(lambda n: torch.full((1, 3, 8, 8), n / 4), n=(0, 4))"
PICKY = """def picky(n):
    if n == 4:
        raise U3Error("four is too much")
    return torch.zeros(1, 3, 8, 8)


live.explore(picky, n=(0, 4))"""
IDLE = 'live.explore(lambda n: (torch.zeros(1, 3, 8, 8), f"n = {n}"), n=(0, 4))'


def run(cells: list[str], folder: Path, plugin: str) -> subprocess.CompletedProcess:
    notebook = folder / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells]), notebook)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", plugin, "-p", "no:cacheprovider", "--nbval-lax",
         "--nbval-current-env", f"--rootdir={folder}", "-o", f"pythonpath={ROOT}", str(notebook)], cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("cells", "code", "words"), [
    ([SETUP, GOOD], 0, "3 passed"),
    ([SETUP, GOOD, PICKY], 1, "four is too much"),
    ([SETUP, f"if False:\n    {GOOD}"], 1, "0 >= 1"),  # a figure that never came
    ([SETUP, "parts = torch.linspace(0, 1, 25).view(5, 5)",  # the driver has one
      GOOD.replace("n / 4", "parts[n, n].item()")], 0, "4 passed"),
    ([SETUP, GOOD, IDLE], 1, "n changes neither the picture"),
    ([SETUP, "1 / 1"], 1, "assert 0 > 0"),  # nothing to move: such a notebook has no place in the course
])
def test_a_control_that_complains_fails_after_cells_that_passed(cells, code, words, tmp_path):
    answer = run(cells, tmp_path, "tests.notebooks.controls")
    assert answer.returncode == code, answer.stdout
    assert words in answer.stdout
    assert f"{len(cells) + (code == 0)} passed" in answer.stdout
