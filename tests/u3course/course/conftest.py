"""Every test has a state folder of its own, and is not graded."""

import pytest

from u3course.course import state, widgets


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("U3LAB_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    state._told.clear()
    state._waiting.clear()
    widgets._opened.clear()
    return tmp_path / "state"
