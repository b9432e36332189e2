"""Mishaps of what is written: the server is killed while it saves, the disk is full."""

import asyncio
import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import psutil

from tests.browser.jupyter import Lab
from tests.load.chaos_pupil import TEXT, Page, Pupil
from tests.load.chaos_room import Plan, Room, connected, counted, family, kept, laboratory, seated, since
from tests.load.line import Failed

INSIDE = {"U3LAB_CHAOS": "inside"}  # by which this program knows that its mounts are its own
DISK = "48m"
PATIENCE = 240.0  # seconds for a round, on a machine that has much else to do


async def server_killed(plan: Plan) -> dict:
    """kill -9 of the server, again and again, always while it writes a notebook of 3 MB and a kernel notes progress.

    Half of the rounds have the course's server, the others JupyterLab as it comes.
    """
    found = {"neighbours": 0}
    for name, ours in ("", True), ("JupyterLab as it comes, ", False):
        with tempfile.TemporaryDirectory(prefix="u3lab-chaos-") as home:
            found |= {f"{name}{what}": value for what, value in (await _rounds(plan, Path(home), ours)).items()}
    return found


async def _rounds(plan: Plan, home: Path, ours: bool) -> dict:
    victim, gone, caught, half, older = None, [], 0, 0, 0
    for number in range(plan.rounds):
        with laboratory(home, ours=ours) as lab:
            if victim is None:
                victim = Pupil(100, lab, plan.thinking)
                victim.text = 27 * TEXT
            victim.lab = lab
            writing, seconds = await asyncio.wait_for(_killed(victim, random.Random(number)), PATIENCE)
        now = kept(Room(victim, []))
        caught, gone = caught + writing, [*gone, seconds]
        half, older = half + now["half"], older + now["saves lost"]
        print(f"  round {number + 1} of {plan.rounds}{'' if ours else ', as it comes'}: "  # a round takes 20 seconds
              f"{'writing' if writing else 'not writing'}, {'half' if now['half'] else 'whole'}", file=sys.stderr)
    return {**now, "half": half, "saves lost": older, "rounds": plan.rounds, "killed while it wrote": caught,
            "kernels gone after, at most": max(gone)}


async def _killed(victim: Pupil, draw: random.Random) -> tuple[bool, float]:
    """One round: a kernel, a first save, and the end of the server.

    Whether it left a file that it had begun to write, and seconds until its kernel is gone as well.
    """
    lab = victim.lab
    async with connected(lab) as session:
        victim.line = await Page.open(session, lab.url)
        await victim.save()
        await victim.note()
        before = time.time()
        work = [asyncio.create_task(repeated(task)) for task in (victim.note, victim.save)]
        await asyncio.to_thread(begins_to_write, lab.folder, before, draw.uniform(0, 0.02))
        server, *kernels = family(lab.pid)
        server.kill()
        start = time.monotonic()
        await asyncio.to_thread(psutil.wait_procs, kernels, 30)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        return _unfinished(lab.folder, before), since(start)


async def repeated(task: Callable[[], Awaitable[bool]]) -> None:
    while await task():
        pass


def begins_to_write(folder: Path, since_when: float, then: float) -> None:
    """Wait until the server begins to write, and then so long."""
    end = time.monotonic() + PATIENCE / 2
    while not _unfinished(folder, since_when):
        if time.monotonic() > end:
            raise TimeoutError("the server has not begun to write")
        time.sleep(0.001)  # else the thread that sends the notebook gets no turn
    time.sleep(then)


def _unfinished(folder: Path, since_when: float) -> bool:
    """Whether a save has begun since then and is not done: there is a hidden file, that is new or changed."""
    with suppress(FileNotFoundError):
        return any(entry.name[0] == "." and entry.is_file() and entry.stat().st_ctime > since_when
                   for entry in os.scandir(folder))
    return False


async def full_disk(plan: Plan) -> dict:
    """A disk on which all is kept is full while all work on; then there is room again."""
    with small_disk() as home:
        if home is None:
            return {"not tried": "a disk of one's own cannot be mounted here"}
        with laboratory(home) as lab:
            async with seated(lab, plan) as room, counted(room, plan) as row:
                victim = room.victim
                fill(home / "filler")
                noted, newcomer = await victim.note(), await _newcomer(lab)
                saved, moved = await victim.save(), await victim.try_to_move()
                await asyncio.sleep(plan.lasts)
                (home / "filler").unlink()
                start = time.monotonic()
                again = await victim.note(), await victim.save(), await victim.try_to_move()
                row |= {"ended": start, "noted, saved, moved on the full disk": [noted, saved, moved],
                        "said": victim.kept.refused[:1], "a new kernel there": newcomer,
                        "noted, saved, moved afterwards": again, "all again after": since(start),
                        "a new kernel afterwards": await _newcomer(lab)}
                await asyncio.sleep(plan.calm)
    return row


async def _newcomer(lab: Lab) -> str:
    """What happens to somebody who opens a notebook now."""
    async with connected(lab) as session:
        try:
            page = await asyncio.wait_for(Page.open(session, lab.url), 60)
        except (aiohttp.ClientError, TimeoutError, Failed) as error:
            return f"{type(error).__name__}: {str(error)[:80]}"
        await page.close()
        return "starts"


def fill(file: Path) -> None:
    """Take all the room that a disk has."""
    with open(file, "wb", buffering=0) as whole, suppress(OSError):
        while True:
            whole.write(bytes(2**16))
    with open(file, "ab", buffering=0) as whole, suppress(OSError):
        while True:
            whole.write(bytes(1))


@functools.cache
def way() -> list[str]:
    """How a command gets mounts of its own, which go with it; [] where that is not allowed."""
    for begin in (["unshare", "-m"], ["unshare", "-rm"]):
        tried = [*begin, "mount", "-t", "tmpfs", "-o", "size=1m", "none", tempfile.gettempdir()]
        if shutil.which("unshare") and subprocess.run(tried, capture_output=True).returncode == 0:
            return begin
    return []


def enter() -> None:
    """Begin this program anew with mounts of its own, where that is possible."""
    if not INSIDE.items() <= os.environ.items() and way():
        os.environ.update(INSIDE)
        os.execvp("unshare", [*way(), sys.executable, "-m", "tests.load.chaos", *sys.argv[1:]])


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A folder on a disk of 48 MB; None where there can be none."""
    with tempfile.TemporaryDirectory(prefix="u3lab-chaos-") as folder:
        if not INSIDE.items() <= os.environ.items():
            yield None
            return
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
