"""A class on one server: real kernels, real websockets, thinking time; every fifth plays, every fifth solves exercises.

    python -m tests.u3server.load --students 10 [--hub [--warm]] [--minutes 2] [--within 60] [--json FILE]
    python -m tests.u3server.load --students 10 [--hub] --run-all 00

Everybody opens a chapter within the first minute; then all work. With ``--run-all`` each runs all cells of that chapter
instead. With ``--hub`` each has a server of JupyterHub, with ``--warm`` one for which deploy/warm_up.py was run before.
Said is what a student sees: seconds until all is ready, from a move to its picture, frames, failures; memory, shared
pages by their share; and how long kernels and servers have computed until all were ready, which other programs hardly
change. Nothing here is a test: the numbers belong to the machine.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from tests.u3server.load.school import Door, computed, open_school, shares
from tests.u3server.load.student import Student


def main(arguments: list[str] | None = None) -> dict:
    """Fill the room, let it work, and say what came of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--students", type=int, default=5)
    parser.add_argument("--hub", action="store_true", help="through JupyterHub, each with a server of one's own")
    parser.add_argument("--warm", action="store_true", help="with --hub: the servers have been warmed up before")
    parser.add_argument("--run-all", metavar="CHAPTER", help="each runs all cells of a chapter, such as 00")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long all work once they are ready")
    parser.add_argument("--within", type=float, default=60.0, help="seconds in which all of them come")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    chosen = parser.parse_args(arguments)
    if chosen.warm and not chosen.hub:
        parser.error("--warm goes with --hub")
    students = [Student(number, chapter=chosen.run_all or "", warm=chosen.warm) for number in range(chosen.students)]
    warm: dict[str, list[int]] = {}
    for one in students if chosen.warm else ():
        warm.setdefault(one.report.chapter, []).append(one.number)
    seconds = 0.0 if chosen.run_all else 60 * chosen.minutes
    with open_school(chosen.students, chosen.hub, warm) as door:
        found = asyncio.run(room(door, students, chosen.within, seconds))
    print(*(f"{name:36}{value}" for name, value in found.items()), sep="\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


async def room(door: Door, students: list[Student], within: float, seconds: float) -> dict:
    """Students come evenly over so many seconds, work for so many, and leave."""
    async with AsyncExitStack() as doors:
        start = time.monotonic()
        await asyncio.gather(*(_tried(one, _come(one, door, doors, within * k / len(students)))
                               for k, one in enumerate(students)))
        ready, spent = time.monotonic() - start, computed()
        there = [one for one in students if seconds and not one.report.failures]
        await asyncio.gather(*(_tried(one, one.work(seconds)) for one in there))
        memory = shares()
        await asyncio.gather(*(one.leave() for one in students), return_exceptions=True)
    return summary(students, ready, seconds, memory, spent)


async def _come(student: Student, door: Door, doors: AsyncExitStack, after: float) -> None:
    await asyncio.sleep(after)
    start = time.monotonic()
    session, url = await doors.enter_async_context(door(student.number))
    student.report.entered = time.monotonic() - start
    await student.begin(session, url)


async def _tried(student: Student, what: Awaitable) -> None:
    try:
        await what
    except Exception as error:  # whatever it is, it is this student's trouble, and the others go on
        student.report.failures.append(f"{type(error).__name__}: {error}")


def summary(students: list[Student], ready: float, seconds: float, memory: dict[str, list[float]],
            spent: dict[str, list[float]]) -> dict:
    """The numbers of a run, by name."""
    reports = [student.report for student in students]
    playing = [student.report.frames / seconds for student in students if student.plays and seconds]
    found = {
        "students": len(students), "players among them": len(playing),
        "at exercises": sum(student.writes for student in students),
        "all ready after, s": round(ready, 1),
        "at the server after, s, at most": round(max(report.entered for report in reports), 1),
        "a kernel answers after, s, at most": round(max(report.answered for report in reports), 1),
        "a student ready after, s, at most": round(max(report.entered + report.ready for report in reports), 1),
        **_answers("moves", [answer for report in reports for answer in report.answers]),
        **_answers("checks", [check for report in reports for check in report.checks]),
        "frames of a player, a second": round(float(np.mean(playing)), 2) if playing else None,
        "students lost": sum(bool(report.failures) for report in reports),
        "failures": sorted({failure for report in reports for failure in report.failures}),
    }
    for chapter in sorted({report.chapter for report in reports}):
        found |= _answers(f"moves in {chapter}", [answer for report in reports if report.chapter == chapter
                                                  for answer in report.answers])
    found |= {f"{kind} until all ready, core s": round(sum(each), 1) for kind, each in spent.items() if each}
    for kind, each in memory.items():
        found |= {f"{kind}, MiB each": round(float(np.mean(each))), f"{kind}, MiB together": round(sum(each))} \
            if each else {}
    return found


def _answers(what: str, seconds: list[float]) -> dict:
    """How many there were, and how long half of them, 95 % and 99 % took at most."""
    if not seconds:
        return {}
    names = (f"{what}: p50 s", f"{what}: p95 s", f"{what}: p99 s")
    return {what: len(seconds), **dict(zip(names, np.percentile(seconds, (50, 95, 99)).round(3).tolist(), strict=True))}


if __name__ == "__main__":
    main()
