"""How a player shares the machine: it computes with what the others leave.

A player wants a whole core for minutes; an explorer wants one for a tenth of a second, now and then, and somebody waits
for it. On a class server a few players fill all cores, and every explorer stands in their queue. Linux counts how long
a thread was ready to run and got no core. A player whose steps wait for long rests after each of them, eight times as
long as they waited beyond what it bears: the queue gets short, and the picture comes less often. No step is left out,
so the run and its curve stay what they are; alone on its machine a player never waits, and never rests. On a computer
of one's own it bears more: there it waits for the page itself, and for programs that the student wants.

Priorities would do the same, but who has lowered his own may not raise it again, and cells run in the same thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from u3lab._system import sharing
from u3lab.live import kernel

BEARS = 0.25  # of the time that it computes, where a class computes
ALONE = 1.0  # the same on a computer of one's own: beside a browser and one busy program a player waits less than that
RESTS = 8.0  # times the waiting beyond that: the longer, the shorter is the queue that players leave
LONGEST = 1.0  # seconds: a player moves on, however full the machine is
LESSON = 60.0  # seconds: so long does a class open its pages
POLITE = 20.0  # times the rests of a player that a student plays: nobody waits for these steps
NEW = 0.2  # share of the last step in the running means: the system deals out cores in portions of some milliseconds

Clocks = tuple[float, float]


def clocks() -> Clocks:
    """Seconds that this thread has computed, and has waited for a core; both 0 where the system does not tell."""
    try:
        computed, waited, _ = Path("/proc/thread-self/schedstat").read_bytes().split()
    except (OSError, ValueError):  # not Linux, or one that does not count
        return 0.0, 0.0
    return int(computed) / 1e9, int(waited) / 1e9


def delay(told: Callable[[], Clocks] = clocks, begun: float | None = None) -> float:
    """Seconds that are left of a lesson's beginning: of this kernel's first minute, if it has waited for cores."""
    computed, waited = told()
    begun = psutil.Process().create_time() if begun is None else begun
    return max(begun + LESSON - time.time(), 0.0) if waited > BEARS * computed else 0.0


class Pace:
    """The rests of one run; made and asked in the thread that computes. ``polite``: they are so many times as long."""

    def __init__(self, told: Callable[[], Clocks] = clocks, *, polite: float = 1.0) -> None:
        self._told, self._last, self._polite = told, told(), polite
        self._bears = BEARS if sharing.shared() else ALONE
        self._computed = self._waited = 0.0  # seconds a step, running means

    def rest(self) -> float:
        """Seconds to rest after the step that was computed since the last call."""
        now = self._told()
        computed, waited = (new - old for new, old in zip(now, self._last, strict=True))
        self._last = now
        self._computed += NEW * (computed - self._computed)
        self._waited += NEW * (waited - self._waited)
        return self._polite * min(max(RESTS * (self._waited - self._bears * self._computed), 0.0), LONGEST)


async def take(step: Callable[[], bool], count: int) -> None:
    """Take so many steps once the lesson has begun, as the machine allows; fewer if one says False: there is none."""
    await kernel.breathe(delay())
    pace = Pace(polite=POLITE)
    for _ in range(count):
        kernel.heed_interrupts()
        if not step():
            return
        await kernel.breathe(pace.rest())
