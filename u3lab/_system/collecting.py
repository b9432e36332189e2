"""Python's collector of garbage rests while a notebook's first cell imports.

It looks for cycles that nobody holds each time some hundred objects have come. Modules make hundreds of thousands, none
of them garbage: a sixth of the time in which a kernel imports torch goes there. ``u3lab/__init__`` calls :func:`rest`.
Cycles that the rest of that cell makes are found at its end, so a cell that trains should be another one.
"""

from __future__ import annotations

import gc

from u3lab._system import notebook


def rest() -> bool:
    """Stop collecting until the cell that runs now has ended; False, and nothing done, where there is no notebook."""
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
