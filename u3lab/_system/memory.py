"""Memory that torch gives back stays with the process, ready for the next tensor.

The C library hands freed blocks back to the system at once, as soon as more than some hundred kilobytes lie free. The
next tensor then pays for fresh pages, one fault for every 4 kB: a sum over a small picture takes longer in the kernel
than in arithmetic. ``u3lab/__init__`` calls :func:`keep`; it helps every method, ours and others'.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
FREE = 256 * 2**20  # bytes that may lie free at the end of the heap before some go back to the system
BLOCK = 32 * 2**20  # blocks up to this size come from the heap; glibc takes no larger number


def keep() -> bool:
    """Ask glibc to keep freed memory; False where there is another C library. It never raises."""
    return _called("mallopt", _M_TRIM_THRESHOLD, FREE) and _called("mallopt", _M_MMAP_THRESHOLD, BLOCK)


def give_back() -> bool:
    """Hand all free memory back to the system, also the holes between blocks in use; False where that is not possible.

    For the end of a long pass over many pictures, whose large maps are not needed again.
    """
    return _called("malloc_trim", 0)


def _called(function: str, *numbers: int) -> bool:
    """Whether a function of glibc's is there and says that it did as told."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(getattr(ctypes.CDLL(None), function)(*numbers))
    except (AttributeError, OSError):
        return False
