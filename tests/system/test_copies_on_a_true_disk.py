"""``u3lab start --copy-only`` on a disk that is full to the end, and then read-only: for root as well as for others."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.load.chaos_disk import fill, way
from tests.system.test_copies import FIRST, NEWER, OTHER, SIX, notebook
from u3lab.__main__ import main
from u3lab._system import paths

ROOT = Path(__file__).resolve().parents[2]
WORK = notebook("my own")


def started(mine: Path, *arguments: str) -> dict:
    """What the command says and returns, and what is in the folder then."""
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        code = main(["start", "--copy-only", str(mine), *arguments])
    held = {path.name: path.read_text() for path in sorted(mine.iterdir()) if not path.name.endswith(".lock")}
    return {"code": code, "said": said.getvalue(), "held": held}


def bad_day(home: Path) -> list[dict]:
    """The starts of a student whose disk is full, read-only, and as before. Mounts are made, and not taken away."""
    disk, course = home / "disk", home / "installed" / "notebooks"
    mine, filler = disk / "mine", disk / "filler"
    for folder in (disk, course):
        folder.mkdir(parents=True)
    (course.parent / "__init__.py").touch()  # as in a wheel
    paths._NOTEBOOKS = course
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=True)
    for name in (SIX, OTHER):
        (course / name).write_bytes(FIRST)
    found = [started(mine)]
    (mine / SIX).write_bytes(WORK)
    for name in (SIX, OTHER):
        (course / name).write_bytes(NEWER)
    fill(filler)
    found += [started(mine), started(mine, "--fresh", "06")]
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    found += [started(mine), started(mine, "--fresh", "06")]
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    filler.unlink()
    return [*found, started(mine)]


def test_nothing_of_a_student_is_lost_and_one_sentence_says_why(tmp_path: Path):
    if not way():
        pytest.skip("a disk of one's own needs Linux, its program unshare, and leave to mount")
    command = [*way(), sys.executable, "-m", "tests.system.test_copies_on_a_true_disk", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    first, *bad, last = json.loads(done.stdout)
    assert first["code"] == 0 and first["held"][SIX] == FIRST.decode()
    for start, reason in zip(bad, 2 * ["No space left on device"] + 2 * ["Read-only file system"], strict=True):
        assert start["held"] == {**first["held"], SIX: WORK.decode()}, "as it was, and nothing of ours beside it"
        assert start["code"] == 1 and start["said"].count("\n") == 1
        assert f"cannot be brought up to date ({reason}), and stay as they are" in start["said"]
    assert last["code"] == 0 and last["held"][OTHER] == NEWER.decode() and last["held"][SIX] == WORK.decode()
    assert NEWER.decode() in [text for name, text in last["held"].items() if name.startswith("06_saliency-new-")]


if __name__ == "__main__":
    print(json.dumps(bad_day(Path(sys.argv[1]))))
