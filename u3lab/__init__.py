"""u3lab: universal, unsupervised and understandable image representations, to be tried by hand.

Import u3lab before torch: OpenMP reads its waiting policy once, when torch is loaded. Threads that wait
actively spin against every other program on a two-core laptop; one busy neighbour then makes a network
thirty times slower. Passive waiting costs little and keeps the lab alive. The environment variable
U3LAB_THREADS says how many threads torch computes with; without it they are half of the cores, at most four.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from u3lab._system import memory as _memory  # noqa: E402  (the environment must be set first)
from u3lab._system import notebook as _notebook  # noqa: E402
from u3lab._system import threads as _threads  # noqa: E402
from u3lab.errors import U3Error  # noqa: E402

_notebook.refuse_unprotected()
_threads.settle()
_memory.keep()
_memory.rest_collector()
_memory.give_back_when_idle()

__version__ = "0.3.0"
__all__ = ["U3Error", "__version__"]


def __getattr__(name: str) -> object:
    """Tell a notebook of an earlier version where its first import has gone."""
    if name in ("course", "lessons", "worlds"):
        raise ImportError(f"this notebook is of an earlier u3lab, whose {name} is now in u3course; `u3lab start` or "
                          f"`make lab` brings a newer one beside it, or write `from u3course import {name}` here")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
