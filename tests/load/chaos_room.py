"""A room of students who work on while something happens to one of them or to all; what they got and what they lost.

Each moves sliders or plays, now and then passes an exercise, and saves a notebook, as JupyterLab does by itself.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from tests.browser.jupyter import OURS, Lab, jupyterlab
from tests.load.chaos_pupil import Pupil, version


@dataclass(frozen=True)
class Plan:
    """How many neighbours work, how long before the harm, and how long this lasts where that can be chosen, in seconds.

    They think for so long between two moves, and run these cells; without any, those of a chapter. ``rounds`` is how
    often the server is killed.
    """

    neighbours: int = 3
    calm: float = 20.0
    lasts: float = 60.0
    thinking: float = 2.0
    rounds: int = 20
    cells: Sequence[str] = ()


@contextmanager
def laboratory(home: Path | None = None, *, ours: bool = True) -> Iterator[Lab]:
    """JupyterLab on a home, or on one that goes with it: with the course's settings, or as it comes."""
    environment = {**os.environ, "U3LAB_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **(OURS if ours else {})}
    with ExitStack() as stack:
        home = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="u3lab-chaos-")))
        folder = home / "notebooks"
        folder.mkdir(exist_ok=True)
        for left in home.glob("runtime/jpserver-*"):  # a server that was killed says there where it was
            left.unlink()
        yield stack.enter_context(jupyterlab(home, folder, environment))


def family(pid: int) -> list[psutil.Process]:
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]


def kernel_of(one: Pupil) -> int | None:
    """The process of a student's kernel; None while there is none."""
    for process in family(one.lab.pid)[1:]:
        try:
            if any(one.line.kernel in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
        except psutil.Error:
            continue
    return None


async def another_kernel(one: Pupil, old: int | None, patience: float = 240.0) -> None:
    """Wait until the server has put a new process in the place of one that died, and it answers."""
    end = time.monotonic() + patience
    while (kernel_of(one) or old) == old:
        if time.monotonic() > end:
            raise TimeoutError("the server started no new kernel")
        await asyncio.sleep(0.1)
    while time.monotonic() < end:
        with suppress(TimeoutError):  # what was sent while the old one died is lost
            await asyncio.wait_for(one.line.run(""), 5)
            return
    raise TimeoutError("the new kernel does not answer")


@dataclass
class Room:
    """A victim and neighbours, all seated."""

    victim: Pupil
    neighbours: list[Pupil]

    @property
    def pupils(self) -> list[Pupil]:
        return [self.victim, *self.neighbours]


@asynccontextmanager
async def seated(lab: Lab, plan: Plan, *, plays: bool = False, own: Lab | None = None, url: str = "",
                 each: Sequence[Lab] = ()) -> AsyncIterator[Room]:
    """A victim, who ``plays`` or moves, on their ``own`` lab or the common one, by way of ``url``; and neighbours.

    These have the common lab, or each their own.
    """
    neighbours = [Pupil(number, (each or [lab] * plan.neighbours)[number - 1], plan.thinking)
                  for number in range(1, plan.neighbours + 1)]
    room = Room(Pupil(104 if plays else 100, own or lab, plan.thinking), neighbours)
    async with AsyncExitStack() as stack:
        for one in room.pupils:
            session = await stack.enter_async_context(connected(one.lab))
            await one.sit(session, url if one is room.victim and url else one.lab.url, plan.cells)
        yield room
        await asyncio.gather(*(one.leave() for one in room.pupils), return_exceptions=True)


def connected(lab: Lab) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"token {lab.token}"},
                                 timeout=aiohttp.ClientTimeout(total=600))


@asynccontextmanager
async def counted(room: Room, plan: Plan) -> AsyncIterator[dict]:
    """The victim notes and saves, the neighbours work while the block does harm, and work on; a row of the table.

    What the block puts into the row is kept; its ``ended`` is the moment when the harm itself was over.
    """
    await room.victim.note()
    await room.victim.save()
    over, row = asyncio.Event(), {}
    lessons = [asyncio.create_task(one.lesson(over)) for one in room.neighbours]
    start = time.monotonic()
    await asyncio.sleep(plan.calm)
    began = time.monotonic()
    try:
        yield row
        ended = row.pop("ended", time.monotonic())
    finally:
        over.set()
    errors = [error for error in await asyncio.gather(*lessons, return_exceptions=True) if error]
    seen = dict(row)
    row.clear()
    row |= {"neighbours": len(room.neighbours), "lasted": round(ended - began, 1), **moves(room, start, began, ended),
            **kept(room), **seen, "neighbours' errors": sorted({f"{type(one).__name__}: {one}" for one in errors})}


def moves(room: Room, start: float, began: float, ended: float) -> dict:
    """The neighbours' moves in calm times, and those that were made or waited for while the harm lasted."""
    made = [move for one in room.neighbours for move in one.moves]
    calm = [seconds for at, seconds in made if start <= at and at + seconds < began]
    harmed = [seconds for at, seconds in made if at < ended and at + seconds >= began]
    answered = [seconds for seconds in harmed if np.isfinite(seconds)]
    return {"moves": len(harmed), "answered": len(answered), "calm p50, p95, 100%": _quantiles(calm),
            "p50, p95, 100%": _quantiles(answered)}


def _quantiles(seconds: list[float]) -> list[float]:
    return np.percentile(seconds, (50, 95, 100)).round(2).tolist() if seconds else []


def kept(room: Room) -> dict:
    """What was said to be kept, and what of it the disk does not have."""
    lost, half, older = [], 0, 0
    for one in room.pupils:
        file = one.lab.folder.parent / "state" / "progress.json"
        there = json.loads(file.read_bytes())["exercises"] if one.kept.noted else []
        lost += set(one.kept.noted) - set(there)
        on_disk = version(one.lab.folder / one.file)
        half, older = half + (on_disk is None), older + (on_disk is not None and on_disk < one.kept.saved)
    each = [one.kept for one in room.pupils]
    return {"noted": sum(len(one.noted) for one in each), "notes lost": len(lost),
            "notes refused": sum(len(one.refused) for one in each),
            "saved": sum(one.sent - one.unsaved for one in each), "saves lost": older, "half": half,
            "saves refused": sum(one.unsaved for one in each)}


def since(start: float) -> float:
    return round(time.monotonic() - start, 1)


async def goes_on(room: Room) -> dict:
    """Whether the victim's player goes on by itself, and how soon; if not, play is clicked."""
    start = time.monotonic()
    try:
        await room.victim.newer(patience=10)
        return {"goes on": "by itself", "plays again after": since(start)}
    except TimeoutError:
        start = time.monotonic()
        await room.victim.play()
        return {"goes on": "after a click on play", "plays again after": since(start)}
