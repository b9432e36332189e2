"""The students of tests.load do what a browser does: they run cells, move sliders, and get pictures."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.browser.jupyter import jupyterlab
from tests.browser.small import EXPLORER, PLAYER, SETUP
from tests.load.__main__ import computed, shares, summary
from tests.load.line import Failed, Line
from tests.load.student import Student


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on an empty folder."""
    with jupyterlab(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("folder")) as started:
        yield started


async def seated(lab, session, number):
    """A student with two small figures: one with a slider, one that plays."""
    student = Student(number)
    student.line = await Line.open(session, lab.url)
    student.line.heard = student.heard
    await student.line.run(SETUP)
    student.figures = [await student.line.run(source) for source in (EXPLORER, PLAYER)]
    return student


def test_students_move_sliders_and_play(lab):
    async def lesson():
        async with aiohttp.ClientSession(headers={"Authorization": f"token {lab.token}"}) as session:
            mover, player = await seated(lab, session, 0), await seated(lab, session, 4)
            await asyncio.gather(mover.work(3), player.work(3))
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
    assert found["moves"] == len(mover.report.answers) and found["students lost"] == 0 and found["p95 s"] > 0
    assert len(spent["kernels"]) == 2 and found["kernels until all ready, core s"] > 1  # torch alone takes a second
