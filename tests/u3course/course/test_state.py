"""Progress: one small file, merged and written whole; whatever is wrong with it is said once and stops nothing."""

import errno
import json
import os
import re

import pytest

from tests.helpers import raising
from u3course import course
from u3course.course import state
from u3course.lessons.saliency.hitting import hits
from u3lab._system import paths


def right(p, through):
    return through(p).relu()


def table() -> str:
    return str(course.progress())


def done() -> str:
    """What the table says about the exercises of chapter 6."""
    return re.search(r"^chapter 6 +(\d of \d)", table(), re.M)[1]


def test_a_passed_exercise_is_kept(own_state):
    assert done() == "0 of 3" and not own_state.exists()  # looking writes nothing
    course.check("6-guided", lambda p, through: p)
    course.check("6-guided", ...)
    assert not own_state.exists()
    course.check("6-guided", right)
    assert json.loads((own_state / "progress.json").read_text()) == {"exercises": ["6-guided"], "questions": []}
    assert "chapter 6     1 of 3        2 of 8" in table()
    course.check("6-guided", lambda p, through: p)  # a later attempt takes nothing away
    assert done() == "1 of 3"
    assert {path.name for path in own_state.iterdir()} == {"progress.json", ".progress.json.lock"}


def test_the_table_as_a_page():
    bundle = course.progress()._repr_mimebundle_()
    assert '<th scope="col"' in bundle["text/html"] and "chapter 0" in bundle["text/html"]
    assert bundle["text/plain"] == table()


def test_what_another_kernel_wrote_is_kept(own_state):
    course.check("6-guided", right)
    (own_state / "progress.json").write_text(json.dumps({"exercises": ["6-hits"], "questions": ["6/2", "old/7"]}))
    course.check("6-guided", right)
    assert state.load()[0] == {"exercises": {"6-guided", "6-hits"}, "questions": {"6/2", "old/7"}}
    assert done() == "2 of 3"  # and what is no longer in the course is not counted


DAMAGED = [b"", b"{", b"[]", b'{"exercises": []}', b'{"exercises": [1], "questions": []}', b"\xff\xfe\x00",
           b"[" * 10**5, b'{"exercises": "6-guided", "questions": []}']


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_set_aside(own_state, content: bytes):
    own_state.mkdir()
    (own_state / "progress.json").write_bytes(content)
    assert "was damaged" in table() and "damaged" not in table() and done() == "0 of 3"
    (own_state / "progress.json").write_bytes(content)
    state._told.clear()
    report = course.check("6-guided", right)
    assert report.passed and report.points == 2
    assert report.message.count("\n") == 1 and "was damaged" in report.message
    assert (own_state / "progress.json.broken").read_bytes() == content
    assert done() == "1 of 3" and "damaged" not in table()


def test_a_folder_that_cannot_be_written_is_said_once(own_state):
    own_state.write_text("a file where the folder should be")
    first, second = course.check("6-guided", right), course.check("6-guided", right)
    assert first.passed and second.passed
    assert "your progress cannot be" in first.message and "cannot" not in second.message
    assert done() == "0 of 3"


def test_a_file_that_cannot_be_read_is_not_written_over(own_state, monkeypatch):
    course.check("6-hits", hits)
    with monkeypatch.context() as patch:
        patch.setattr(type(own_state), "read_bytes", raising(PermissionError(13, "Permission denied")))
        assert "cannot be read (Permission denied)" in course.check("6-guided", right).message
    assert state.load()[0]["exercises"] == {"6-hits"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
def test_a_pipe_in_the_place_of_the_file_does_not_hang(own_state):
    own_state.mkdir()
    os.mkfifo(own_state / "progress.json")
    report = course.check("6-guided", right)
    assert report.passed and "no ordinary file" in report.message
    assert done() == "0 of 3"


@pytest.mark.parametrize("call", ["mkdir", "open", "replace", "fsync"])
def test_whichever_step_is_refused(own_state, monkeypatch, call):
    """A folder that is read-only is no obstacle to root, so the system's answers are played."""
    refused = raising(OSError(errno.EROFS, "Read-only file system"))
    with monkeypatch.context() as patch:
        if call == "open":
            patch.setattr(paths, "open", refused, raising=False)
        patch.setattr(os, call, refused)
        first, second = state.record("exercises", "a"), state.record("exercises", "b")
    assert first == ("your progress cannot be saved (Read-only file system); make room, or set U3LAB_STATE to a folder "
                     "of yours: it is saved with what you do next")
    assert second == "" and state.load() == ({"exercises": set(), "questions": set()}, "")
    assert not own_state.exists() or {path.name for path in own_state.iterdir()} <= {".progress.json.lock"}


def test_what_a_full_disk_did_not_take_is_saved_with_the_next(own_state, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(paths, "write_atomically", raising(OSError(errno.ENOSPC, "No space left on device")))
        assert "saved with what you do next" in state.record("exercises", "a")
        state.record("exercises", "a")
        state.record_first("5-deep/0", 1)
    state.record_first("5-deep/0", 2)  # the first answer counts, though it had to wait
    assert json.loads((own_state / "progress.json").read_text()) == {
        "exercises": ["a"], "questions": [], "first": ["5-deep/0=1"]}
    assert state.record("questions", "6/1") == "" and state.load()[0] == {"exercises": {"a"}, "questions": {"6/1"}}


def test_the_place_without_a_setting(monkeypatch, tmp_path):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv("U3LAB_STATE")
    monkeypatch.setattr(platformdirs, "user_state_path", lambda name, appauthor: tmp_path / name)
    assert state.file() == tmp_path / "u3lab" / "progress.json"
