"""A class on one server: real kernels, real websockets, thinking time, and players at every fifth place.

    python -m tests.load --students 10 [--minutes 2] [--within 60] [--json FILE]

Everybody opens a chapter within the first minute; then all work. Said is what a student sees: seconds until all is
ready, from a move to its picture, frames, failures; and the memory of the kernels, shared pages by their share.
Nothing here is a test: the numbers belong to the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from tests.browser.jupyter import Lab, jupyterlab
from tests.load.student import Student

MIB = 2**20


def main(arguments: list[str] | None = None) -> dict:
    """Fill the room, let it work, and say what came of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--students", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long all work once they are ready")
    parser.add_argument("--within", type=float, default=60.0, help="seconds in which all of them come")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="u3lab-load-") as home:
        folder = Path(home, "notebooks")
        folder.mkdir()
        environment = {**os.environ, "U3LAB_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        with jupyterlab(Path(home), folder, environment) as lab:
            found = asyncio.run(room(lab, chosen.students, chosen.within, 60 * chosen.minutes))
    print(*(f"{name:34}{value}" for name, value in found.items()), sep="\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    return found


async def room(lab: Lab, count: int, within: float, seconds: float) -> dict:
    """Students come evenly over so many seconds, work for so many, and leave."""
    students = [Student(number) for number in range(count)]
    headers = {"Authorization": f"token {lab.token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=600)) as session:
        start = time.monotonic()
        await asyncio.gather(*(_tried(one, _come(one, session, lab, within * k / count))
                               for k, one in enumerate(students)))
        ready = time.monotonic() - start
        there = [one for one in students if not one.report.failures]
        await asyncio.gather(*(_tried(one, one.work(seconds)) for one in there))
        memory = shares(lab.pid)
        await asyncio.gather(*(one.leave() for one in students), return_exceptions=True)
    return summary(students, ready, seconds, memory)


async def _come(student: Student, session: aiohttp.ClientSession, lab: Lab, after: float) -> None:
    await asyncio.sleep(after)
    await student.begin(session, lab.url)


async def _tried(student: Student, what: asyncio.Future) -> None:
    try:
        await what
    except Exception as error:  # whatever it is, it is this student's trouble, and the others go on
        student.report.failures.append(f"{type(error).__name__}: {error}")


def shares(pid: int) -> list[float]:
    """The proportional set size of each kernel of a server, in MiB; Linux only, elsewhere nothing."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            lines = Path(f"/proc/{child.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        found += [int(line.split()[1]) * 1024 / MIB for line in lines if line.startswith("Pss:")]
    return found


def summary(students: list[Student], ready: float, seconds: float, memory: list[float]) -> dict:
    """The numbers of a run, by name."""
    reports = [student.report for student in students]
    answers = [answer for report in reports for answer in report.answers]
    p50, p95, p99 = np.percentile(answers, (50, 95, 99)).round(3).tolist() if answers else (None,) * 3
    playing = [student.report.frames / seconds for student in students if student.plays]
    return {
        "students": len(students), "players among them": len(playing),
        "all ready after, s": round(ready, 1),
        "a student ready after, s, at most": round(max(report.ready for report in reports), 1),
        "moves": len(answers), "p50 s": p50, "p95 s": p95, "p99 s": p99,
        "frames of a player, a second": round(float(np.mean(playing)), 2) if playing else None,
        "students lost": sum(bool(report.failures) for report in reports),
        "failures": sorted({failure for report in reports for failure in report.failures}),
        "a kernel's memory, MiB, mean": round(float(np.mean(memory))) if memory else None,
        "all kernels, MiB": round(sum(memory)) if memory else None,
    }


if __name__ == "__main__":
    main()
