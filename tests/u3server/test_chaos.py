"""A mishap of tests.u3server.load.chaos with one neighbour; and that what is lost would be counted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.jupyter import Lab
from tests.u3server.load.chaos import Plan, Pupil, kept, moves, version

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--small", "--neighbours", "1", "--calm", "1", "--thinking", "0.3", "--rounds", "1"]


@pytest.mark.skipif(sys.platform != "linux", reason="the mishaps are played by means of Linux")
@pytest.mark.parametrize("mishap", ["kernel-killed", "server-killed"])
def test_a_mishap_loses_nothing_and_the_victim_goes_on(mishap, tmp_path):
    """Played in a process of its own: tests in a browser keep a loop of asyncio in theirs."""
    command = [sys.executable, "-m", "tests.u3server.load.chaos", mishap, *SMALL, "--json", str(tmp_path / "found")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    row = json.loads((tmp_path / "found").read_text())[mishap]
    assert row["noted"] > 0 and row["saved"] > 0
    assert not any(row[what] for what in ("notes lost", "saves lost", "half"))
    if mishap == "kernel-killed":
        assert row["moves"] == row["answered"] and row["moves again"] and not row["neighbours' errors"]


def test_what_is_lost_is_counted(tmp_path):
    lab = Lab("", "", tmp_path / "notebooks", 0)
    (tmp_path / "state").mkdir()
    lab.folder.mkdir()
    one, other = (Pupil(number, lab, Plan(1, 1.0, 1.0, 1, ())) for number in (0, 5))
    one.noted, other.noted = ["a", "b"], ["c"]
    (tmp_path / "state" / "progress.json").write_text('{"exercises": ["a", "c"]}')
    one.saved = other.saved = 3
    (lab.folder / one.mine).write_text('{"metadata": {"version": 2}}')
    (lab.folder / other.mine).write_text('{"metadata": {"ver')
    assert version(lab.folder / other.mine) is None and version(lab.folder / "none") == 0
    found = kept([one, other])
    assert (found["noted"], found["notes lost"], found["saves lost"], found["half"]) == (3, 1, 1, 1)
    other.moves = [(0.0, 0.5), (2.0, 9.0), (4.0, math.inf), (30.0, 1.0)]
    seen = moves([one, other], 3.0, 20.0)
    assert (seen["moves"], seen["answered"]) == (2, 1) and seen["harmed p50, p95, 100%"] == [9.0] * 3
