"""How much an answer may print: a page that gets megabytes of text stands still, in the browser and in the file."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

LIMIT = 100_000  # bytes of one check, on stdout and stderr together
REST = f"\n… your code prints more than {LIMIT // 1000} kB; the rest is not shown\n"
_left: dict[threading.Thread, int] = {}  # the threads of answers → bytes that they may still print
_limited: dict[TextIO, tuple[Any, Any]] = {}  # stream → its own attribute "write", if it had one, and ours
_lock = threading.Lock()


@contextmanager
def limited(worker: threading.Thread) -> Iterator[None]:
    """Within, the thread of an answer prints only so much; until it has called :func:`leave` it stays limited.

    The streams stay the same objects, so that a logger or an answer that holds one of them is limited too. What an
    answer has put in the place of ``sys.stdout`` or ``sys.stderr`` is taken away.
    """
    streams = sys.stdout, sys.stderr
    with _lock:
        _left[worker] = LIMIT - len(REST.encode())
        for stream in streams:
            if hasattr(stream, "__dict__") and stream not in _limited:
                kept = vars(stream).get("write")
                stream.write = ours = _through(stream.write)
                _limited[stream] = kept, ours
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        if not worker.is_alive():
            leave(worker)


def leave(worker: threading.Thread) -> None:
    """This thread runs nothing of an answer any more. After the last one the streams are as they were."""
    with _lock:
        _left.pop(worker, None)
        while _limited and not _left:
            stream, (kept, ours) = _limited.popitem()
            if vars(stream).get("write") is not ours:  # somebody else has come after us
                continue
            if kept is None:
                del stream.write
            else:
                stream.write = kept


def _through(write: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, but for an answer's thread: as much of its text as is allowed and, once, that there would be more."""
    def limit(text: str) -> Any:
        worker = threading.current_thread()
        room = _left.get(worker)
        if room is None:
            return write(text)
        size = len(text) if text.isascii() else len(text.encode(errors="replace"))
        if size <= room:
            _left[worker] = room - size
            return write(text)
        _left[worker] = -1
        if room >= 0:
            write(text.encode(errors="replace")[:room].decode(errors="ignore") + REST)
        return len(text)

    return limit
