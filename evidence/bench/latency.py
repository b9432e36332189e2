"""How fast a live figure answers: from a key on a slider to changed pixels, and new pictures a second of a player.

Each row is measured alone, beside a process that keeps one core busy, and in four notebooks that are used at once.
"""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence.bench import table
from tests.browser.jupyter import FLAGS, OURS, Lab, find_chromium, jupyterlab

if TYPE_CHECKING:
    from playwright.async_api import Page

KERNELS, MOVES, SECONDS = 4, 80, 10.0
WORST = 1.5  # how many times slower than the quiet figure a busy neighbour may make it


@dataclass
class Row:
    """One figure of the notebook. What was measured is a list of values for each kernel."""

    name: str
    cell: int
    target: float  # the most milliseconds at p95; for a player the fewest pictures a second
    plays: bool = False
    measured: dict[str, list[list[float]]] = field(default_factory=dict)  # by condition

    def figure(self, condition: str, share: float = 0.95) -> float:
        """The judged number: the median over the kernels of p95, or of the pictures a second."""
        return statistics.median(percentile(one, share) for one in self.measured[condition])

    def ratio(self) -> float:
        quiet, busy = self.figure("quiet"), self.figure("busy")
        return quiet / busy if self.plays else busy / quiet

    def verdicts(self) -> tuple[bool, bool]:
        quiet = self.figure("quiet")
        return quiet >= self.target if self.plays else quiet <= self.target, self.ratio() <= WORST


@contextmanager
def busy_core() -> Iterator[None]:
    """A neighbour that computes all the time."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def percentile(values: list[float], share: float) -> float:
    """The smallest value that is not exceeded by that share of them."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def report(quick: bool) -> list[dict[str, Any]]:
    """Measure and print a table; [] with one line if there is no browser."""
    program = find_chromium()
    if program is None:
        print("Skipped: no Chromium, Chrome or Edge was found.")
        return []
    done = [Row("explore: new class, forward and backward", 1, 120), Row("explore: new channel, pass kept", 2, 60),
            Row("play: meaningful perturbation", 3, 25, plays=True),
            Row("explore: a keypoint moved, the face drawn again", 4, 66)]  # 15 pictures a second
    measure(done, program, *((6, 2.0) if quick else (MOVES, SECONDS)))
    print("\np50 / p95 in ms from the event to the drawn page, or pictures a second; of several kernels the median.")
    table.show_all(list(map(line, done)))
    return [{"row": row.name, "target": row.target, "unit": "pictures/s" if row.plays else "ms", "ratio": row.ratio(),
             "met": row.verdicts(), **row.measured} for row in done]


def line(row: Row) -> dict[str, Any]:
    def shown(condition: str) -> str:
        best = "" if row.plays else f"{row.figure(condition, 0.5):.0f} / "
        return f"{best}{row.figure(condition):.1f}"

    quiet, busy = row.verdicts()
    return {"row": row.name, "quiet": shown("quiet"), "target": f"{'≥' if row.plays else 'p95 ≤'} {row.target}",
            "met": quiet, "one core busy": shown("busy"), "busy/quiet": row.ratio(), f"≤ {WORST}": busy,
            f"{KERNELS} kernels at once": shown("many")}


def measure(done: list[Row], program: str, moves: int, seconds: float) -> None:
    """Fill the rows, on a lab of its own with our settings, whose kernels choose their threads as a student's do."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_"))}
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder, \
            jupyterlab(Path(home), Path(folder), {**environment, **OURS}) as lab:
        asyncio.run(_measure(done, program, lab, moves, seconds))


async def _measure(done: list[Row], program: str, lab: Lab, moves: int, seconds: float) -> None:
    from playwright.async_api import async_playwright

    from evidence.bench.latency_page import opened

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        pages = [await opened(browser, lab, "latency-1.ipynb")]
        await _all(done, "quiet", pages, moves, seconds)
        with busy_core():
            await _all(done, "busy", pages, moves, seconds)
        pages += [await opened(browser, lab, f"latency-{n}.ipynb") for n in range(2, KERNELS + 1)]
        await _all(done, "many", pages, moves, seconds)
        await browser.close()


async def _all(done: list[Row], condition: str, pages: list[Page], moves: int, seconds: float) -> None:
    from evidence.bench import latency_page

    for row in done:
        if row.plays:
            work = [latency_page.frames(page, row.cell, seconds) for page in pages]
        else:
            work = [latency_page.moves(page, row.cell, moves) for page in pages]
        row.measured[condition] = await asyncio.gather(*work)
