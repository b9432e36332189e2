"""A mishap of tests.load.chaos with one neighbour; and that what is lost would be counted."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.hub import need_hub
from tests.browser.jupyter import Lab
from tests.load.chaos_pupil import Pupil, version
from tests.load.chaos_room import Room, kept, moves

ROOT = Path(__file__).resolve().parents[2]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the mishaps are played by means of Linux")
SMALL = ["--small", "--neighbours", "1", "--calm", "1", "--lasts", "1", "--thinking", "0.3"]


def happened(mishap: str, folder: Path) -> dict:
    """What came of a mishap, played in a process of its own: tests in a browser keep a loop of asyncio in theirs."""
    ran = subprocess.run([sys.executable, "-m", "tests.load.chaos", mishap, *SMALL, "--json", str(folder / "found")],
                         cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads((folder / "found").read_text())[mishap]


@on_linux
@pytest.mark.parametrize("mishap", ["kernel-killed", "endless-loop", "websocket-cut"])
def test_a_mishap_loses_nothing_and_the_victim_goes_on(mishap, tmp_path):
    row = happened(mishap, tmp_path)
    assert row["noted"] > 0 and row["saved"] > 0 and row["moves"] == row["answered"]
    assert not any(row[what] for what in ("notes lost", "saves lost", "half", "neighbours' errors"))
    if mishap == "endless-loop":
        assert row["ran until interrupted"] and row["the interrupt says"] == "KeyboardInterrupt"
        assert 0 < row["moves again after"] < math.inf
        assert row["swallows the interrupt"] and row["after a restart moves again after"] < math.inf
    else:
        assert row["plays again after"] > 0
    if mishap == "websocket-cut":
        assert row["goes on"] == "by itself" and row["pictures as in the kernel"] is True


@on_linux
@pytest.mark.parametrize("mishap", ["own-server-killed", "hub-killed"])
def test_at_a_hub_too_nothing_is_lost(mishap, tmp_path):
    need_hub()
    row = happened(mishap, tmp_path)
    assert row["noted"] > 0 and row["saved"] > 0 and row["plays again after"] > 0
    assert not any(row[what] for what in ("notes lost", "saves lost", "half", "neighbours' errors"))
    if mishap == "hub-killed":
        assert row["kernels that lived"] == 2 and row["moves afterwards"] == row["answered afterwards"] > 0
    else:
        assert row["moves"] == row["answered"] > 0  # the neighbour notices nothing


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
