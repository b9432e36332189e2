"""How much an answer may print: a page that gets megabytes of text stands still, in the browser and in the file."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

LIMIT = 100_000  # bytes of one check, on stdout and stderr together
REST = f"\n… your code prints more than {LIMIT // 1000} kB; the rest is not shown\n"


class Allowance:
    """What the threads of one answer may still print: the thread that runs it, and those that it starts.

    Nothing here takes a lock, since an exception that is thrown into a thread could leave it locked for all others.
    Python changes threads between the lines where ``left`` is read and written only when a function is called.
    """

    def __init__(self) -> None:
        self.left = LIMIT - len(REST.encode())
        self._told = False
        self._others = set(threading.enumerate())
        self._own: set[threading.Thread] | None = None  # known once the check is over

    def covers(self, thread: threading.Thread) -> bool:
        """Whether this is a thread of the answer: while the check runs, every thread that was not there before."""
        return thread not in self._others if self._own is None else thread in self._own

    def close(self) -> None:
        """The check is over: later threads are not the answer's."""
        self._own = set(threading.enumerate()) - self._others

    def leave(self, thread: threading.Thread) -> None:
        """This thread runs nothing of the answer any more."""
        self._others.add(thread)
        if self._own is not None:
            self._own.discard(thread)

    @property
    def over(self) -> bool:
        """Whether the check is over, and none of the answer's threads was left behind."""
        return self._own is not None and not any(thread.is_alive() for thread in self._own)

    def spend(self, text: str, write: Callable[[str], Any]) -> Any:
        """Write the text, or as much of it as is allowed and, once, that there would be more."""
        size = len(text) if text.isascii() else len(text.encode(errors="replace"))
        room, self.left = self.left, self.left - size
        if size <= room:
            return write(text)
        told, self._told = self._told, True
        if not told:
            write(text[:max(room, 0)].encode(errors="replace")[:max(room, 0)].decode(errors="ignore") + REST)
        return len(text)


_allowances: tuple[Allowance, ...] = ()
_limited: dict[TextIO, tuple[Any, Any]] = {}  # stream → its own attribute "write", if it had one, and ours
_lock = threading.Lock()


@contextmanager
def limited() -> Iterator[Allowance]:
    """Within, the threads of an answer print only so much; a thread that is left behind stays limited.

    The streams stay the same objects, so that a logger or an answer that holds one of them is limited too. What an
    answer has put in the place of ``sys.stdout`` or ``sys.stderr`` is taken away.
    """
    global _allowances
    streams, allowance = (sys.stdout, sys.stderr), Allowance()
    with _lock:
        _allowances = (*_allowances, allowance)
        for stream in streams:
            if hasattr(stream, "__dict__") and stream not in _limited:
                kept = vars(stream).get("write")
                stream.write = ours = _through(stream.write)
                _limited[stream] = kept, ours
    try:
        yield allowance
    finally:
        sys.stdout, sys.stderr = streams
        allowance.close()
        give_back()


def give_back() -> None:
    """Make the streams as they were, unless a thread of an answer was left behind."""
    global _allowances
    with _lock:
        _allowances = tuple(allowance for allowance in _allowances if not allowance.over)
        while _limited and not _allowances:
            stream, (kept, ours) = _limited.popitem()
            if vars(stream).get("write") is not ours:  # somebody else has come after us
                continue
            if kept is None:
                del stream.write
            else:
                stream.write = kept


def _through(write: Callable[[str], Any]) -> Callable[[str], Any]:
    def limit(text: str) -> Any:
        thread = threading.current_thread()
        for allowance in _allowances:
            if allowance.covers(thread):
                return allowance.spend(text, write)
        return write(text)

    return limit
