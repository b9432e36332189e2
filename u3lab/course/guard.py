"""Run somebody's code so that nothing it does can harm the notebook: it raises, calls exit(), or never ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 8.0  # for the whole check
_STOP_SECONDS = 1.0  # how long we try to stop it after that
_STACK = 16 * 2**20  # some systems give a thread too little for deep recursion
_LIBRARIES = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
_NOT_YOURS = tuple({str(Path(p)) + os.sep for p in (Path(__file__).parent.parent, *_LIBRARIES)})


class Stopped(BaseException):
    """Thrown into code that takes too long. No ``except Exception`` catches it."""


@dataclass(frozen=True)
class Outcome:
    """``value`` is what the call returned, if ``slip`` is empty. A slip is a sentence; further lines are details."""

    value: Any = None
    slip: str = ""


def run(call: Callable[[], Any], seconds: float) -> Outcome:
    """Call it in a thread of its own and come back in time, whatever it does.

    A loop in Python is stopped. Code that is stuck inside a C function cannot be; it is left behind in its thread,
    and stops when it comes back to Python.
    """
    box = [Outcome(slip=_late(seconds))]
    done, lock = threading.Event(), threading.Lock()

    def work() -> None:
        try:
            outcome = _told(call)
            with lock:  # from here on nobody sends a Stopped any more
                box[0] = outcome
                done.set()
        except Stopped:
            done.set()

    worker = threading.Thread(target=work, name="answer", daemon=True)
    with _exit_raises():
        before = threading.stack_size(_STACK)
        try:
            worker.start()
        finally:
            threading.stack_size(before)
        try:
            if not done.wait(seconds):
                box[0] = Outcome(slip=_late(seconds, worker.ident))
        finally:  # also when the reader interrupts the kernel
            _stop(worker, done, lock)
    return box[0]


def _told(call: Callable[[], Any]) -> Outcome:
    """The call's value, or what it raised as a sentence."""
    try:
        return Outcome(call())
    except Stopped:
        raise
    except SystemExit:
        return Outcome(slip="your code called exit(), which would end the notebook's kernel; use return instead")
    except KeyboardInterrupt:
        return Outcome(slip="your code raised KeyboardInterrupt, as if somebody had pressed stop; remove that line")
    except RecursionError as error:
        return Outcome(slip="your function calls itself without end\n" + _short(error))
    except MemoryError as error:
        return Outcome(slip="your code asks for more memory than there is\n" + _short(error))
    except BaseException as error:
        return Outcome(slip=f"your code raised {type(error).__name__}\n{_short(error)}")


def _stop(worker: threading.Thread, done: threading.Event, lock: threading.Lock) -> None:
    """Throw Stopped into the thread until it ends: code with a bare ``except`` swallows some of them."""
    for _ in range(int(_STOP_SECONDS / 0.02)):
        with lock:
            if done.is_set():
                return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(Stopped))
        done.wait(0.02)


@contextlib.contextmanager
def _exit_raises() -> Iterator[None]:
    """In a notebook, exit() asks the kernel to end; while an answer runs it raises SystemExit as in a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
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
    where = _lines(traceback.extract_stack(frame)) if frame else []
    return (f"your code was still running after {seconds:g} seconds; look for a loop that never ends"
            + ("\nit was here:\n" + "\n".join(where) if where else ""))


def _short(error: BaseException) -> str:
    """The traceback, of which only the reader's own lines are kept, then type, message and notes."""
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    message = "\n".join(message.splitlines()[:3])[:300]
    head = type(error).__name__ + (f": {message}" if message else "")
    return "\n".join([*_lines(traceback.extract_tb(error.__traceback__)), head, *getattr(error, "__notes__", [])])


def _lines(frames: Iterable[traceback.FrameSummary]) -> list[str]:
    """The last three frames of the reader's own code."""
    own = [frame for frame in frames if not _foreign(frame.filename)]
    skipped = [f"… {len(own) - 3} more calls"] if len(own) > 3 else []
    shown = []
    for frame in own[-3:]:
        in_cell = frame.filename.startswith("<") or "ipykernel_" in frame.filename
        file = "your cell" if in_cell else Path(frame.filename).name
        shown += [f"{file}, line {frame.lineno}, in {frame.name}", f"    {frame.line}"]
    return skipped + shown


def _foreign(file: str) -> bool:
    """Whether a file is the library's, Python's or another package's."""
    return file.startswith(("<frozen", *_NOT_YOURS))
