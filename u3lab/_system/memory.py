"""Memory that torch gives back stays with the process, ready for the next tensor; Python's collector rests at first.

The C library hands freed blocks back to the system at once, as soon as more than some hundred kilobytes lie free. The
next tensor then pays for fresh pages, one fault for every 4 kB: a sum over a small picture takes longer in the kernel
than in arithmetic. ``u3lab/__init__`` calls :func:`keep`; it helps every method, ours and others'.
"""

import asyncio
import ctypes
import gc
import sys

from u3lab._system import notebook

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
FREE = 256 * 2**20  # bytes that may lie free at the end of the heap before some go back to the system
BLOCK = 32 * 2**20  # blocks up to this size come from the heap; glibc takes no larger number
IDLE = 60.0  # seconds after a cell


def keep() -> bool:
    """Ask glibc to keep freed memory; False where there is another C library. It never raises."""
    return _called("mallopt", _M_TRIM_THRESHOLD, FREE) and _called("mallopt", _M_MMAP_THRESHOLD, BLOCK)


def give_back() -> bool:
    """Hand all free memory back to the system, also the holes between blocks in use; False where that is not possible.

    For the end of a long pass over many pictures, whose large maps are not needed again.
    """
    return _called("malloc_trim", 0)


def give_back_when_idle() -> bool:
    """From now on hand free memory back a minute after each cell; False, and nothing done, where no class computes.

    Freed memory stays with a kernel, ready for its next tensor. While its student reads, others need it more.
    """
    shell = notebook.shell() if notebook.shared() else None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a shell in a terminal
        return False
    if shell is None:
        return False
    waiting = loop.call_later(IDLE, give_back)

    def begin_anew(result: object) -> None:
        nonlocal waiting
        waiting.cancel()
        waiting = loop.call_later(IDLE, give_back)

    shell.events.register("post_run_cell", begin_anew)
    return True


def rest_collector() -> bool:
    """Collect no garbage until the cell that runs now has ended; False, and nothing done, where there is no notebook.

    Python's collector looks for cycles that nobody holds each time some hundred objects have come. Modules make
    hundreds of thousands, none of them garbage: a sixth of the time in which a kernel imports torch goes there. Cycles
    that the rest of that cell makes are found at its end, so a cell that trains should be another one.
    """
    shell = notebook.shell()
    if shell is None or not gc.isenabled():
        return False
    gc.disable()

    def go_on(result: object) -> None:
        shell.events.unregister("post_run_cell", go_on)
        gc.collect()
        gc.freeze()  # what is left stays as long as the kernel: later passes need not look at it
        gc.enable()

    shell.events.register("post_run_cell", go_on)
    return True


def _called(function: str, *numbers: int) -> bool:
    """Whether a function of glibc's is there and says that it did as told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(getattr(ctypes.CDLL(None), function)(*numbers))
    except (AttributeError, OSError):
        return False
