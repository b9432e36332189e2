"""How live figures share the kernel's main thread, and the machine: work is done between messages, and stops in time.

Cells run in the main thread, one at a time, in an event loop. A task in that loop does one step, then gives way.
Messages of widgets may arrive in other threads (JupyterLab hands them to subshells of the kernel), even while a cell
runs. So what a widget's message asks for is posted to the main loop, and only plain values are written at once.

A player wants a whole core for minutes; an explorer wants one for a tenth of a second, now and then, and somebody waits
for it. On a class server a few players fill all cores, and every explorer stands in their queue. Linux counts how long
a thread was ready to run and got no core. A player whose steps wait for long rests after each of them, eight times as
long as they waited beyond what it bears: the queue gets short, and the picture comes less often. No step is left out.
Priorities would do the same, but who has lowered his own may not raise it again, and cells run in the same thread.
"""

import asyncio
import signal
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psutil

from u3lab._system import notebook

BREATH = 0.001  # seconds; long enough for messages that have arrived to be handled before the next step
BEARS = 0.25  # of the time that it computes, where a class computes
ALONE = 1.0  # the same on a computer of one's own: beside a browser and one busy program a player waits less than that
RESTS = 8.0  # times the waiting beyond that: the longer, the shorter is the queue that players leave
LONGEST = 1.0  # seconds: a player moves on, however full the machine is
LESSON = 60.0  # seconds: so long does a class open its pages
POLITE = 20.0  # times the rests of a player that a student plays: nobody waits for these steps
NEW = 0.2  # share of the last step in the running means: the system deals out cores in portions of some milliseconds

Clocks = tuple[float, float]


class Figure(Protocol):
    """A live figure: it can be told to stop playing, to compute nothing more by itself, and to go for good."""

    def pause(self) -> None: ...

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


_alive: weakref.WeakSet[Figure] = weakref.WeakSet()
_by_cell: dict[str, list[weakref.ref[Figure]]] = {}  # cell id → the figures that its last run made


def main_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of the kernel, asked for by a cell; None in a plain script, where no loop runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def post(loop: asyncio.AbstractEventLoop | None, work: Callable[[], object]) -> None:
    """Have this done in the main loop soon, whatever thread asks; at once where there is no loop."""
    if loop is None:
        work()
    else:
        loop.call_soon_threadsafe(work)


async def breathe(seconds: float = 0.0) -> None:
    """Let waiting messages in."""
    await asyncio.sleep(max(seconds, BREATH))


def register(figure: Figure) -> None:
    """From now on this figure pauses with the others, and closes when the cell that made it is run again.

    Without that, ipywidgets would keep it for ever, with all the tensors that its solver holds.
    """
    _alive.add(figure)
    shell = notebook.shell()
    if shell is None:
        return
    if _before_a_cell not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _before_a_cell)
    # The cell that runs now has an id only if the front end sent one, as JupyterLab does.
    cell = shell.get_parent().get("metadata", {}).get("cellId") if hasattr(shell, "get_parent") else None
    if cell:
        _by_cell.setdefault(cell, []).append(weakref.ref(figure))


def _before_a_cell(info: Any) -> None:
    pause_all()
    for made in _by_cell.pop(getattr(info, "cell_id", None), ()):
        figure = made()
        if figure is not None:
            figure.close()


def pause_all(but: Figure | None = None) -> None:
    """Pause every figure, or every other one."""
    for figure in list(_alive):
        if figure is not but:
            figure.pause()


def interrupt_all(*_: object) -> None:
    """End whatever a figure does by itself."""
    for figure in list(_alive):
        figure.interrupt()


def dispose(widget: Any) -> None:
    """Close a widget and all inside it; ipywidgets holds every widget that is not closed."""
    for child in getattr(widget, "children", ()):
        dispose(child)
    for part in ("layout", "style"):
        if getattr(widget, part, None) is not None:
            getattr(widget, part).close()
    widget.close()


def heed_interrupts() -> None:
    """Let "Interrupt Kernel" stop the players.

    Between two messages ipykernel ignores the interrupt signal, so a player would not hear it. Where the signal is
    not ignored, in a cell or in a script, Python's own KeyboardInterrupt is left in place.
    """
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupt_all)
    except ValueError:  # not the main thread: the signal does not come here
        pass


def clocks() -> Clocks:
    """Seconds that this thread has computed, and has waited for a core; both 0 where the system does not tell."""
    try:
        computed, waited, _ = Path("/proc/thread-self/schedstat").read_bytes().split()
    except (OSError, ValueError):  # not Linux, or one that does not count
        return 0.0, 0.0
    return int(computed) / 1e9, int(waited) / 1e9


def delay(clock: Callable[[], Clocks] = clocks, begun: float | None = None) -> float:
    """Seconds that are left of a lesson's beginning: of this kernel's first minute, if it has waited for cores."""
    computed, waited = clock()
    begun = psutil.Process().create_time() if begun is None else begun
    return max(begun + LESSON - time.time(), 0.0) if waited > BEARS * computed else 0.0


class Pace:
    """The rests of one run; made and asked in the thread that computes. ``polite``: they are so many times as long."""

    def __init__(self, clock: Callable[[], Clocks] = clocks, *, polite: float = 1.0) -> None:
        self._clock, self._last, self._polite = clock, clock(), polite
        self._bears = BEARS if notebook.shared() else ALONE
        self._computed = self._waited = 0.0  # seconds a step, running means

    def rest(self) -> float:
        """Seconds to rest after the step that was computed since the last call."""
        now = self._clock()
        computed, waited = (new - old for new, old in zip(now, self._last, strict=True))
        self._last = now
        self._computed += NEW * (computed - self._computed)
        self._waited += NEW * (waited - self._waited)
        return self._polite * min(max(RESTS * (self._waited - self._bears * self._computed), 0.0), LONGEST)


async def take(step: Callable[[], bool], count: int) -> None:
    """Take so many steps once the lesson has begun, as the machine allows; fewer if one says False: there is none."""
    await breathe(delay())
    pace = Pace(polite=POLITE)
    for _ in range(count):
        heed_interrupts()
        if not step():
            return
        await breathe(pace.rest())
