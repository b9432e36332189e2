"""What a kernel computes at a lesson's beginning is counted, and a cell that fails is told."""

import nbformat
import pytest

from tests.load import kernels


def test_the_seconds_of_a_chapter_are_those_of_its_kernel(capsys):
    found = kernels.main(["06"])
    assert 1 < found["06"] < 60 and capsys.readouterr().out == f"chapter 06: {found['06']:.1f} s of a core\n"


def test_a_cell_that_fails_is_told(monkeypatch):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    monkeypatch.setattr(kernels.demo, "page", lambda notebook: page)
    with pytest.raises(RuntimeError, match="06: division by zero"):
        kernels.computed("06")
