"""Progress on a bad day: kernels that are killed or write at once, disks without locks, links, newer files."""

import contextlib
import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import filelock
import pytest

from u3course import course
from u3course.course import state
from u3lab._system import paths

ROOT = Path(__file__).resolve().parents[2]
MEMORY = Path("/dev/shm")  # a second disk, and a quick one, where there is such a thing
NOTHING = {"exercises": [], "questions": []}
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
links = pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the progress; nothing has been told yet."""
    monkeypatch.setenv("U3LAB_STATE", str(tmp_path / "state"))
    state._told.clear()
    state._waiting.clear()
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def found(own_state: Path, *arguments: str) -> dict:
    """What the writers report."""
    command = [sys.executable, "-m", "tests.hostile.writers", str(own_state), *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def written(folder: Path) -> dict:
    return json.loads((folder / "progress.json").read_text())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".progress.json.lock"}


@forks
def test_a_hundred_kills_lose_nothing_and_leave_nothing(own_state):
    report = found(own_state, "killed", "100")
    assert report["torn"] > 0, "none was killed while it wrote: the test shows nothing"
    assert report["lost"] == 0 and report["swept"] == 100


@forks
def test_four_writers_at_once_lose_nothing(own_state):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else own_state) as folder:  # 1600 files to the disk
        assert found(Path(folder), "together", "400") == {"acknowledged": 1600, "lost": 0, "kept": 1600}


def test_a_kernel_that_is_stuck_stops_nobody(own_state, monkeypatch):
    monkeypatch.setattr(state, "PATIENCE", 0.1)
    with paths.locked(state.file(), 1) as alone:
        assert alone
        for key in "ab":  # said each time, since each time something is not saved
            note = state.record("exercises", key)
            assert note.startswith("your progress is not saved: another program has held") and "run this again" in note
        assert state.load() == ({"exercises": set(), "questions": set()}, "")
        assert "0 of 5" in str(course.progress())  # to read takes no lock
    assert state.record("exercises", "a") == "" and state.load()[0]["exercises"] == {"a", "b"}  # b waited


def test_a_damaged_file_is_not_set_aside_while_another_kernel_writes(own_state, monkeypatch):
    monkeypatch.setattr(state, "PATIENCE", 0.1)
    (own_state / "progress.json").write_text("{")
    with paths.locked(state.file(), 1):
        assert "another program has held" in state.load()[1]
        assert "another program has held" in state.record("exercises", "a")
        (own_state / "progress.json").write_text(json.dumps({**NOTHING, "exercises": ["b"]}))
    assert state.record("exercises", "a") == ""
    assert written(own_state)["exercises"] == ["a", "b"] and names(own_state) == {"progress.json"}


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError()])
def test_a_disk_without_locks_still_saves(own_state, monkeypatch, error):
    asked = []

    def none(handle, *, blocking):
        asked.append(handle)
        raise error

    monkeypatch.setattr(filelock, "lock_descriptor", none)
    (own_state / ".progress.json.0123abcd.u3lab").write_text("whose is it?")
    assert state.record("exercises", "a") == "" and asked
    assert written(own_state)["exercises"] == ["a"]
    assert names(own_state) == {"progress.json", ".progress.json.0123abcd.u3lab"}  # it may belong to somebody who lives


def test_only_our_own_leftovers_are_swept(own_state):
    others = {".progress.json.bak", ".progress.json.original", "progress.json.broken", ".u3lab", ".progress.json.u3lab",
              ".other.json.0123abcd.u3lab", ".progress.json.0123abcd.u3lab.old", "progress.json.0123abcd.u3lab"}
    for name in (*others, ".progress.json.0123abcd.u3lab"):
        (own_state / name).write_text("something")
    (own_state / ".progress.json.4567abcd.u3lab").mkdir()
    state.record("exercises", "a")
    assert names(own_state) == others | {"progress.json", ".progress.json.4567abcd.u3lab"}


def test_what_a_newer_u3lab_wrote_survives(own_state):
    newer = {"version": 2, "exercises": ["x"], "notes": {"6-guided": ["later", None, 1.5, "é\ud800"]},
             "questions": ["6/2"], "badges": ["first"], "": []}
    (own_state / "progress.json").write_text(json.dumps(newer))
    assert state.load() == ({"exercises": {"x"}, "questions": {"6/2"}}, "")
    assert state.record("exercises", "a") == state.record("questions", "6/1") == ""
    assert written(own_state) == {**newer, "exercises": ["a", "x"], "questions": ["6/1", "6/2"]}
    assert list(written(own_state)) == list(newer) and names(own_state) == {"progress.json"}


@links
@pytest.mark.parametrize("content", [json.dumps({**NOTHING, "exercises": ["old"]}), "{", None],
                         ids=["whole", "damaged", "dangling"])
def test_a_link_stays_one(own_state, content):
    """Also one to another disk, where there is such a thing."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else own_state.parent) as folder:
        target = Path(folder, "synchronised", "mine.json")
        if content is not None:
            target.parent.mkdir()
            target.write_text(content)
        (own_state / "progress.json").symlink_to(target)
        note = state.record("exercises", "new")
        assert (own_state / "progress.json").is_symlink() and "cannot" not in note
        assert json.loads(target.read_text())["exercises"] == (["new", "old"] if "old" in str(content) else ["new"])
        assert names(own_state) == {"progress.json"}
        if content == "{":
            assert "mine.json.broken" in note and target.with_name("mine.json.broken").read_text() == "{"


@links
def test_two_ways_to_one_file_have_one_lock(own_state, monkeypatch, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "progress.json").symlink_to(own_state / "progress.json")
    monkeypatch.setattr(state, "PATIENCE", 0.1)
    with paths.locked(tmp_path / "other" / "progress.json", 1):
        assert "another program" in state.record("exercises", "a")
    assert state.record("exercises", "a") == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_permissions_stay_as_they_are(own_state, mode):
    state.record("exercises", "a")
    state.file().chmod(mode)
    owner = os.geteuid()
    if owner == 0:
        with contextlib.suppress(OSError):  # a namespace without a network may have no user but root
            os.chown(state.file(), 1234, 5678)
            owner = 1234
    state.record("exercises", "b")
    after = state.file().stat()
    assert stat.S_IMODE(after.st_mode) == mode and written(own_state)["exercises"] == ["a", "b"]
    assert after.st_uid == owner and (owner != 1234 or after.st_gid == 5678)


def test_a_home_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("U3LAB_STATE", "~nobody-has-this-name/state")
    assert state.record("exercises", "a") == "" and state.load()[0]["exercises"] == {"a"}
