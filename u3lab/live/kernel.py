"""How live figures share the kernel's main thread: work is done between messages, and stops when it should.

Cells run in the main thread, one at a time, in an event loop. A task in that loop does one step, then gives way.
Messages of widgets may arrive in other threads (JupyterLab hands them to subshells of the kernel), even while a cell
runs. So what a widget's message asks for is posted to the main loop, and only plain values are written at once.
"""

from __future__ import annotations

import asyncio
import signal
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from u3lab._system import notebook

BREATH = 0.001  # seconds; long enough for messages that have arrived to be handled before the next step


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
