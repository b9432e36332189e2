"""A mishap of tests.load.chaos with one neighbour; and that what is lost would be counted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.jupyter import Lab
from tests.load.chaos_pupil import Pupil, version
from tests.load.chaos_room import Room, kept, moves

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--small", "--neighbours", "1", "--calm", "1", "--lasts", "1", "--thinking", "0.3"]


@pytest.mark.skipif(sys.platform != "linux", reason="the mishaps are played by means of Linux")
def test_a_killed_kernel_loses_nothing(tmp_path):
    """In a process of its own: the tests in a browser keep a loop of asyncio running in theirs."""
    file = tmp_path / "found.json"
    ran = subprocess.run([sys.executable, "-m", "tests.load.chaos", "kernel-killed", *SMALL, "--json", str(file)],
                         cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    row = json.loads(file.read_text())["kernel-killed"]
    assert row["noted"] > 0 and row["saved"] > 0 and row["moves"] == row["answered"] and row["plays again after"] > 0
    assert not any(row[what] for what in ("notes lost", "saves lost", "half", "neighbours' errors"))


def test_what_is_lost_is_counted(tmp_path):
    lab = Lab("", "", tmp_path / "notebooks", 0)
    (tmp_path / "state").mkdir()
    lab.folder.mkdir()
    one, other = Pupil(1, lab, 1.0), Pupil(2, lab, 1.0)
    one.kept.noted, other.kept.noted = ["a", "b"], ["c"]
    (tmp_path / "state" / "progress.json").write_text('{"exercises": ["a", "c"]}')
    one.kept.saved = one.kept.sent = other.kept.saved = other.kept.sent = 3
    (lab.folder / one.file).write_text('{"metadata": {"version": 2}}')
    (lab.folder / other.file).write_text('{"metadata": {"ver')
    assert version(lab.folder / other.file) is None and version(lab.folder / "none") == 0
    found = kept(Room(one, [other]))
    assert (found["noted"], found["notes lost"], found["saves lost"], found["half"]) == (3, 1, 1, 1)
    other.moves = [(0.0, 0.5), (2.0, 9.0), (4.0, math.inf), (30.0, 1.0)]
    seen = moves(Room(one, [other]), 0.0, 3.0, 20.0)
    assert (seen["moves"], seen["answered"]) == (2, 1) and seen["p50, p95, 100%"] == [9.0] * 3
