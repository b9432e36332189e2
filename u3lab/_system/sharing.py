"""A kernel's duties to the others where a class computes on one machine; ``U3LAB_SHARED=1`` says so, as in deploy/."""

from __future__ import annotations

import asyncio
import os

from u3lab._system import memory, notebook

NAME = "U3LAB_SHARED"
IDLE = 60.0  # seconds after a cell


def shared() -> bool:
    """Whether a class computes here."""
    return os.environ.get(NAME) == "1"


def give_back_when_idle() -> bool:
    """From now on hand free memory back a minute after each cell; False, and nothing done, where no class computes.

    Freed memory stays with a kernel, ready for its next tensor. While its student reads, others need it more.
    """
    shell = notebook.shell() if shared() else None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a shell in a terminal
        return False
    if shell is None:
        return False
    waiting = loop.call_later(IDLE, memory.give_back)

    def begin_anew(result: object) -> None:
        nonlocal waiting
        waiting.cancel()
        waiting = loop.call_later(IDLE, memory.give_back)

    shell.events.register("post_run_cell", begin_anew)
    return True
