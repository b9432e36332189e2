"""In a real kernel: exit() does not end it, an endless loop is stopped, a slip is shown with the lines of its cell."""

from __future__ import annotations

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

SETUP = "import u3lab\n\nfrom u3lab import course\nfrom u3lab.course import guard\n\nguard.SECONDS = 0.5"
CALL = '\n\n\ncourse.check("6-guided", rule)'
LEAVES = "def rule(p, through):\n    exit()" + CALL
SLIPS = "def rule(p, through):\n    q = p\n    return through(oops)" + CALL
LOOPS = "def rule(p, through):\n    while True:\n        p = p + 1" + CALL
RIGHT = "def rule(p, through):\n    print('hello')\n    return through(p).relu()" + CALL


def test_a_kernel_survives_its_reader():
    sources = [SETUP, LEAVES, SLIPS, LOOPS, RIGHT, "kept = exit\nkept is not __import__('sys').exit"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    said = [cell.outputs[-1].data["text/plain"] for cell in notebook.cells[1:]]
    assert "your code called exit()" in said[0]
    assert "your cell, line 3, in rule\n    return through(oops)\nNameError: name 'oops' is not defined" in said[1]
    assert "still running after 0.5 seconds" in said[2] and "your cell, line " in said[2]
    assert "passed" in said[3] and notebook.cells[4].outputs[0].text == "hello\n" * 5
    assert said[4] == "True"
