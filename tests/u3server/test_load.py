"""The students of tests.u3server.load do what a browser does: they run cells, move sliders, and get pictures."""

import asyncio
import json
import os

import aiohttp
import pytest

from tests.browser import hub
from tests.browser.jupyter import jupyterlab
from tests.browser.small import EXPLORER, PLAYER, SETUP
from tests.u3server.load import student
from tests.u3server.load.__main__ import computed, main, shares, summary
from tests.u3server.load.line import Failed, Line
from tests.u3server.load.student import Student


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on an empty folder."""
    with jupyterlab(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("folder")) as started:
        yield started


async def seated(lab, session, number):
    """A student with two small figures: one with a slider, one that plays."""
    one = Student(number)
    one.line = await Line.open(session, lab.url)
    one.line.heard = one.heard
    await one.line.run(SETUP)
    one.figures = [await one.line.run(source) for source in (EXPLORER, PLAYER)]
    return one


def test_students_move_sliders_play_and_solve_exercises(lab, monkeypatch):
    async def lesson():
        async with aiohttp.ClientSession(headers={"Authorization": f"token {lab.token}"}) as session:
            mover, player = await seated(lab, session, 0), await seated(lab, session, 4)
            await asyncio.gather(mover.work(3), player.work(3))
            assert Student(3).writes and not (mover.writes or player.writes)
            await mover.check()
            with monkeypatch.context() as patch, pytest.raises(Failed, match="AssertionError"):
                patch.setattr(student, "ANSWERS", {"through(p)": True})  # the course does not agree
                await mover.check()
            memory, spent = shares(), computed()
            with pytest.raises(Failed, match="ZeroDivisionError"):
                await mover.line.run("1 / 0")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(mover.line.run("import time; time.sleep(0.5)"), 0.1)
            await asyncio.wait_for(mover.line.run("a = 1"), 60)  # what comes too late stops nobody
            await asyncio.gather(mover.leave(), player.leave())
            return mover, player, memory, spent

    mover, player, memory, spent = asyncio.run(lesson())
    assert mover.report.answers and not mover.plays and all(answer > 0 for answer in mover.report.answers)
    assert player.report.frames > 10 and not player.report.answers
    found = summary([mover, player], 1.0, 3.0, memory, spent)
    assert found["moves"] == len(mover.report.answers) and found["students lost"] == 0 and found["moves: p95 s"] > 0
    assert found["checks"] == 1 and found["checks: p50 s"] == pytest.approx(mover.report.checks[0], abs=1e-3)
    assert len(spent["kernels"]) == 2 and found["kernels until all ready, core s"] > 1  # torch alone takes a second


@pytest.mark.parametrize("ci, what", [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
@pytest.mark.skipif(os.name == "nt", reason="JupyterHub does not run on Windows")
def test_a_ci_machine_without_the_proxy_fails_and_any_other_skips(ci, what, monkeypatch):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(hub, "find_proxy", lambda: None)
    with pytest.raises(what, match="proxy was not found"):
        hub.need_hub()


def test_a_student_comes_through_the_hub(tmp_path):
    hub.need_hub()
    found = main(["--students", "1", "--hub", "--within", "0", "--minutes", "0.1", "--json", str(tmp_path / "found")])
    assert found["failures"] == [] and found["students lost"] == 0 and found["players among them"] == 0
    assert found["a student ready after, s, at most"] > found["at the server after, s, at most"] > 0
    assert found["servers until all ready, core s"] > 0.5 and found["servers, MiB together"] > 30
    assert json.loads((tmp_path / "found").read_text()) == found
