"""Run somebody's code so that nothing it does can harm the notebook: it raises, calls exit(), or never ends."""

import contextlib
import ctypes
import itertools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from u3course.course import printing, raised
from u3lab._system import notebook

SECONDS = 8.0  # for the whole check
_STOP_SECONDS = 1.0  # how long we try to stop it after that
_PAUSE = 0.02  # between two tries
RAISED = {SystemExit: "your code called exit(), which would end the notebook's kernel; use return instead",
          KeyboardInterrupt: "your code raised KeyboardInterrupt, as if somebody had pressed stop; remove that line",
          RecursionError: "your function calls itself without end",
          MemoryError: "your code asks for more memory than there is"}
_BARE = SystemExit, KeyboardInterrupt  # of which no details are told
_STACK = 16 * 2**20  # some systems give a thread too little for deep recursion


class Stopped(BaseException):
    """Thrown into code that takes too long. No ``except Exception`` catches it."""


@dataclass(frozen=True)
class Outcome:
    """``value`` is what the call returned, if ``slip`` is empty. A slip is a sentence; further lines are details."""

    value: Any = None
    slip: str = ""


def run(call: Callable[[], Any], seconds: float) -> Outcome:
    """Call it in a thread of its own and come back in time, if the thread lets us.

    A loop in Python is stopped. Code that is stuck inside a C function cannot be; it is left behind in its thread,
    and stops when it comes back to Python. While a C function keeps hold of the interpreter's lock, as
    ``sum(range(10**10))`` does, no other thread runs: then this function comes back when that one does.
    """
    outcomes: list[Outcome] = []
    inside, over = threading.Lock(), threading.Event()

    def work() -> None:
        try:
            try:
                with inside:
                    outcomes.append(_told(call))
            except Stopped:
                pass
            over.is_set()  # one Stopped may still be on its way; here, where Python calls a function, it arrives
        except Stopped:
            pass
        printing.leave(worker)
        over.set()

    worker = threading.Thread(target=work, name="answer", daemon=True)
    late = _late(seconds)
    with _exit_raises(), printing.limited(worker):
        before = threading.stack_size(_STACK)
        try:
            worker.start()
        finally:
            threading.stack_size(before)
        try:
            if not over.wait(seconds):
                late = _late(seconds, worker.ident)
        finally:  # also when the reader interrupts the kernel
            _stop(worker, inside, over)
    return outcomes[0] if outcomes else Outcome(slip=late)


def _told(call: Callable[[], Any]) -> Outcome:
    """The call's value, or what it raised as a sentence."""
    try:
        return Outcome(call())
    except Stopped:
        raise
    except BaseException as error:
        kind = type(error)  # what the error says of itself, in __class__, may raise as well
        words = next((words for one, words in RAISED.items() if issubclass(kind, one)), "")
        sentence, *details = raised.told(error).split("\n")
        return Outcome(slip="\n".join([words or sentence, *(() if issubclass(kind, _BARE) else details)]))


def _stop(worker: threading.Thread, inside: threading.Lock, over: threading.Event) -> None:
    """Throw Stopped into the thread until it ends: code with a bare ``except`` swallows some of them.

    Python itself has a way to do that, for other programs in C: it is called by ctypes. A Stopped that came when the
    thread has left the answer would end it with a traceback on the reader's page. So it is thrown only while the lock
    ``inside`` is locked. To look and to throw have to be one step, during which the thread cannot leave: with ``map``
    and ``compress`` both happen in C, and no other thread runs between them.
    """
    throw, kind = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(Stopped)
    for _ in range(int(_STOP_SECONDS / _PAUSE)):
        if over.is_set():
            return
        still_inside = iter(inside.locked, None)  # asks at the moment when it is drawn from
        thread = itertools.compress([ctypes.c_ulong(worker.ident)], still_inside)
        list(map(throw, thread, [kind]))
        over.wait(_PAUSE)


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """In a notebook, exit() asks the kernel to end; while an answer runs it raises SystemExit as in a script."""
    shell = notebook.shell()
    kept = {name: shell.user_ns[name] for name in ("exit", "quit") if shell and name in shell.user_ns}
    for name in kept:
        shell.user_ns[name] = sys.exit
    try:
        yield
    finally:
        for name, value in kept.items():
            shell.user_ns[name] = value


def _late(seconds: float, thread: int | None = None) -> str:
    """That the time is over, and where the code was at that moment."""
    frame = sys._current_frames().get(thread) if thread else None
    where = raised.own_lines(traceback.extract_stack(frame)) if frame else []
    return (f"your code was still running after {seconds:g} seconds; look for a loop that never ends"
            + ("\nit was here:\n" + "\n".join(where) if where else ""))
