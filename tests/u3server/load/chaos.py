"""Mishaps in a class: what neighbours notice, what is lost, and how soon the victim can go on.

    python -m tests.u3server.load.chaos [MISHAP …] [--neighbours 3] [--json FILE]

Each mishap has a server, kernels and websockets of its own. Neighbours move sliders, pass exercises and save a notebook
all the while. Linux. Nothing here is a test: the seconds belong to the machine.
"""

import argparse
import asyncio
import json
import math
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import nbformat
import numpy as np
import psutil

from tests.browser.jupyter import OURS, Lab, jupyterlab
from tests.browser.small import EXPLORER, SETUP
from tests.u3server.load.line import Failed, Line
from tests.u3server.load.school import session
from tests.u3server.load.student import PATIENCE, Student

NOTE = """
from u3course.course import state as _state
if _error := _state.record("exercises", {key!r}):
    raise OSError(_error)
"""
TEXT = "a line that a student wrote\n" * 4000  # a notebook of 110 KB



@dataclass(frozen=True)
class Plan:
    """How many neighbours there are, and in seconds: their calm before the harm, and between two moves.

    They run these cells; without any, those of a chapter. ``rounds`` is how often the server is killed.
    """

    neighbours: int
    calm: float
    thinking: float
    rounds: int
    cells: Sequence[str]


class Pupil(Student):
    """A student who keeps the times of all moves, and what was reported to be saved."""

    def __init__(self, number: int, lab: Lab, plan: Plan) -> None:
        super().__init__(number)
        self.lab, self.plan, self.patience, self.mine = lab, plan, 3 * PATIENCE, f"student-{number}.ipynb"
        self.moves: list[tuple[float, float]] = []  # when a move was made, and seconds until its picture; inf for none
        self.noted: list[str] = []
        self.text = TEXT
        self.sent = self.saved = 0  # the newest version of the notebook that was sent, and that the server has accepted

    async def run_all(self) -> None:
        cells = self.plan.cells or self.cells()
        self.figures = []
        self.line.models.clear()
        for source in cells:
            await self.run(source)

    async def lesson(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.plan.thinking)
            await self.try_to_move()
            await self.note()
            await self.save()

    async def try_to_move(self) -> bool:
        """Make a move, and wait for its picture; whether there was one."""
        start = time.monotonic()
        try:
            await self.move()
        except (TimeoutError, Failed, ConnectionError):
            self.moves.append((start, math.inf))
            return False
        self.moves.append((start, self.report.answers[-1]))
        return True

    async def note(self) -> bool:
        """Pass an exercise; whether it is kept."""
        key = f"{self.mine}/{len(self.noted)}"
        try:
            await self.line.run(NOTE.format(key=key))
        except Failed:
            return False
        self.noted.append(key)
        return True

    async def save(self) -> bool:
        """Save the notebook with a new number, as JupyterLab does; whether the server says that it is done."""
        self.sent += 1
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(self.text + "more\n" * self.sent)],
                                            metadata={"version": self.sent})
        try:
            async with self.line.session.put(f"{self.lab.url}api/contents/{self.mine}",
                                             json={"type": "notebook", "content": notebook}) as answer:
                if answer.status not in (200, 201):
                    return False
        except aiohttp.ClientError:
            return False
        self.saved = self.sent
        return True


# ---- the room --------------------------------------------------------------------------------------------------------

@contextmanager
def laboratory(home: Path) -> Iterator[Lab]:
    """JupyterLab as a class server has it."""
    (home / "notebooks").mkdir(exist_ok=True)
    for left in home.glob("runtime/jpserver-*"):  # a server that was killed says there where it was
        left.unlink()
    with jupyterlab(home, home / "notebooks",
                    {**os.environ, **OURS, "U3LAB_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}) as lab:
        yield lab


@asynccontextmanager
async def lesson(plan: Plan) -> AsyncIterator[tuple[Pupil, dict]]:
    """A victim, and a row of the table: neighbours work while the block does harm, and what they got is put there."""
    with tempfile.TemporaryDirectory(prefix="u3lab-chaos-") as home, laboratory(Path(home)) as lab:
        room = [Pupil(5 * number, lab, plan) for number in range(plan.neighbours + 1)]  # all move sliders
        async with AsyncExitStack() as sessions:
            for one in room:
                one.line = await Line.open(await sessions.enter_async_context(session(lab.token)), lab.url)
                one.line.heard = one.heard
                await one.run_all()
            victim, *neighbours = room
            await victim.note()
            await victim.save()
            over, row = asyncio.Event(), {}
            lessons = [asyncio.create_task(one.lesson(over)) for one in neighbours]
            await asyncio.sleep(plan.calm)
            began = time.monotonic()
            try:
                yield victim, row
            finally:
                over.set()
            ended = time.monotonic()
            errors = await asyncio.gather(*lessons, return_exceptions=True)
            row |= {**moves(neighbours, began, ended), **kept(room),
                    "neighbours' errors": [repr(error) for error in errors if error]}
            await asyncio.gather(*(one.leave() for one in room), return_exceptions=True)


def moves(pupils: list[Pupil], began: float, ended: float) -> dict:
    """Moves in calm times, and those that were made or waited for while the harm lasted."""
    made = [move for one in pupils for move in one.moves]
    calm = [seconds for at, seconds in made if at + seconds < began]
    harmed = [seconds for at, seconds in made if at < ended and at + seconds >= began]
    answered = [seconds for seconds in harmed if math.isfinite(seconds)]
    return {"moves": len(harmed), "answered": len(answered),
            **{f"{when} p50, p95, 100%": np.percentile(seconds, (50, 95, 100)).round(2).tolist()
               for when, seconds in (("calm", calm), ("harmed", answered)) if seconds}}


def kept(pupils: list[Pupil]) -> dict:
    """What was reported to be kept, and what of it the disk does not have."""
    lost, half, older = set(), 0, 0
    for one in pupils:
        progress = json.loads((one.lab.folder.parent / "state" / "progress.json").read_bytes())
        lost |= set(one.noted) - set(progress["exercises"])
        on_disk = version(one.lab.folder / one.mine)
        half, older = half + (on_disk is None), older + (on_disk is not None and on_disk < one.saved)
    return {"noted": sum(len(one.noted) for one in pupils), "notes lost": len(lost),
            "saved": sum(one.saved for one in pupils), "saves lost": older, "half": half}


def version(file: Path) -> int | None:
    """The version of a notebook on the disk; 0 if there is none, None if it is half of one."""
    try:
        return json.loads(file.read_bytes())["metadata"]["version"]
    except FileNotFoundError:
        return 0
    except (ValueError, KeyError):
        return None


def since(start: float) -> float:
    return round(time.monotonic() - start, 1)


# ---- mishaps ---------------------------------------------------------------------------------------------------------

async def kernel_killed(plan: Plan) -> dict:
    """kill -9 of a kernel; then a new kernel on the same page, Run All."""
    async with lesson(plan) as (victim, row):
        old, start = kernel_of(victim), time.monotonic()
        os.kill(old, signal.SIGKILL)
        await another_kernel(victim, old)
        row["a new kernel answers after"] = since(start)
        await victim.run_all()
        row |= {"moves again": await victim.try_to_move(), "moves again after": since(start)}
    return row


async def server_killed(plan: Plan) -> dict:
    """kill -9 of the server, again and again, while it writes a notebook of 3 MB and a kernel notes progress."""
    row = {"rounds": plan.rounds, "half": 0, "saves lost": 0, "notes lost": 0}
    with tempfile.TemporaryDirectory(prefix="u3lab-chaos-") as home:
        victim = None
        for _ in range(plan.rounds):
            with laboratory(Path(home)) as lab:
                victim = victim or Pupil(0, lab, plan)
                victim.lab, victim.text = lab, 27 * TEXT
                await killed(victim)
            found = kept([victim])
            row |= {what: row[what] + found[what] for what in ("half", "saves lost")}
            row |= {what: found[what] for what in ("noted", "notes lost", "saved")}
    return row


async def killed(victim: Pupil) -> None:
    """One round: a kernel, a first save, and the end of the server in the midst of another."""
    async with session(victim.lab.token) as own:
        victim.line = await Line.open(own, victim.lab.url)
        await victim.save()
        await victim.note()
        begun = time.time()
        work = [asyncio.create_task(repeated(task)) for task in (victim.note, victim.save)]
        await asyncio.wait_for(asyncio.to_thread(begins_to_write, victim.lab.folder, begun), 2 * PATIENCE)
        server, *kernels = family(victim.lab.pid)
        server.kill()
        await asyncio.to_thread(psutil.wait_procs, kernels, 30)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


async def repeated(task: Callable[[], Awaitable[bool]]) -> None:
    while await task():
        pass


def begins_to_write(folder: Path, since_when: float) -> None:
    """Wait until the server has begun a save, for which it makes a hidden file."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            if any(entry.name[0] == "." and entry.is_file() and entry.stat().st_ctime > since_when
                   for entry in os.scandir(folder)):
                return
        time.sleep(0.001)  # else the thread that sends the notebook gets no turn
    raise TimeoutError("the server has not begun to write")


def family(pid: int) -> list[psutil.Process]:
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]


def kernel_of(one: Pupil) -> int | None:
    """The process of a student's kernel; None while there is none."""
    for process in family(one.lab.pid)[1:]:
        with suppress(psutil.Error):
            if any(one.line.kernel in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
    return None


async def another_kernel(one: Pupil, old: int | None) -> None:
    """Wait until the server has put a new process in the place of one that died, and it answers."""
    end = time.monotonic() + 4 * PATIENCE
    while time.monotonic() < end:
        if (kernel_of(one) or old) == old:
            await asyncio.sleep(0.1)
            continue
        with suppress(TimeoutError):  # what was sent while the old one died is lost
            await asyncio.wait_for(one.line.run(""), 5)
            return
    raise TimeoutError("the new kernel does not answer")


MISHAPS = {"kernel-killed": kernel_killed, "server-killed": server_killed}


def main(arguments: list[str] | None = None) -> dict[str, dict]:
    """Let the mishaps happen one after the other, and print what came of each."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("mishaps", nargs="*", metavar="MISHAP", help=f"some of {', '.join(MISHAPS)}; else all")
    parser.add_argument("--neighbours", type=int, default=3)
    parser.add_argument("--calm", type=float, default=20.0, help="seconds before the harm, to compare with")
    parser.add_argument("--rounds", type=int, default=20, help="how often the server is killed")
    parser.add_argument("--thinking", type=float, default=2.0, help="seconds between two moves")
    parser.add_argument("--small", action="store_true", help="a figure of a few pixels in place of a chapter's")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    chosen = parser.parse_args(arguments)
    plan = Plan(chosen.neighbours, chosen.calm, chosen.thinking, chosen.rounds,
                (SETUP, EXPLORER) if chosen.small else ())
    found = {}
    for name in chosen.mishaps or MISHAPS:
        found[name] = asyncio.run(MISHAPS[name](plan))
        print(f"\n{name}", *(f"  {what:38}{value}" for what, value in found[name].items()), sep="\n", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    return found


if __name__ == "__main__":
    main()
