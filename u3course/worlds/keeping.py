"""What takes long to draw is drawn once: a file of the user's cache folder has the very bytes that were drawn.

A file's name ends with a version of what it is drawn by and from, ``NAME-VERSION.suffix``, and the file with a seal: it
is of this very name, and whole to the last byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from u3lab._system import paths

SEAL = hashlib.sha256().digest_size


def once(file: Path, draw: Callable[[], bytes]) -> bytes:
    """What a file keeps; if it keeps nothing, what is drawn now, which it then keeps."""
    if (content := read(file)) is None:
        content = draw()
        keep(file, content)
    return content


def read(file: Path) -> bytes | None:
    """The bytes that :func:`keep` was given; None if there is no such file, or anything else."""
    try:
        whole = paths.ordinary(file).read_bytes()
    except OSError:
        return None
    content = memoryview(whole)[:-SEAL]
    return bytes(content) if whole[-SEAL:] == _seal(file, content) else None


def keep(file: Path, content: bytes) -> None:
    """Write the bytes, and drop what older versions have kept of the same."""
    with suppress(OSError):  # a disk that is full or read-only costs the next start some seconds, nothing else
        paths.write_atomically(file, content + _seal(file, content))
        for old in set(file.parent.glob(f"{file.name.rpartition('-')[0]}-*{file.suffix}")) - {file}:
            old.unlink()


def version(files: Iterable[Path], drawers: str = "") -> str:
    """A name for these very pictures: it changes with any of the files, programs and materials, that they come from.

    ``drawers`` names what else draws them, with its version.
    """
    return hashlib.sha256("".join([drawers, *map(paths.sha256, files)]).encode()).hexdigest()[:12]


def _seal(file: Path, content: bytes | memoryview) -> bytes:
    seal = hashlib.sha256(file.name.encode())
    seal.update(content)
    return seal.digest()
