"""Files that get a name without taking it from another: for what nobody may lose."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from u3lab._system import paths


def make(path: Path, content: bytes) -> bool:
    """Write a new file, whole or not at all. False if there is one of that name by now, which stays."""
    with _written(path, content) as new:
        return _put(new, path)


def dated(path: Path, words: str, content: bytes = b"") -> Path:
    """Write a new file beside another: "06-new-2026-11-28.ipynb", or with a number if that name is taken."""
    for number in itertools.count(1):
        free = path.with_name(f"{path.stem}-{words}{f'-{number}' if number > 1 else ''}{path.suffix}")
        with suppress(FileExistsError):
            free.open("xb").close()
            break
    try:
        if content:
            paths.write_atomically(free, content)
    except BaseException:
        free.unlink()
        raise
    return free


def set_aside(path: Path, words: str, content: bytes) -> tuple[Path, bool]:
    """Move a file to a dated name, and write a new one in its place.

    Returns:
        tuple[Path, bool]: Where the old one is, and whether the new one has its place: not if somebody took it in
            between.
    """
    with _written(path, content) as new:  # first: a full disk is noticed here, before anything moves
        aside = dated(path, words)
        try:
            os.replace(path, aside)  # which is empty, and ours
        except OSError:
            aside.unlink()
            raise
        try:
            return aside, _put(new, path)
        except OSError:
            if _put(aside, path):
                aside.unlink(missing_ok=True)
            raise


@contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """A hidden file with this content beside a path, while the block runs."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.u3lab")
    try:
        paths.write_atomically(new, content)
        yield new
    finally:
        with suppress(OSError):
            new.unlink()


def _put(new: Path, path: Path) -> bool:
    """Give a file that is written its name; False if there is one of that name by now, which stays."""
    try:
        os.link(new, path)  # unlike a rename, never over another file
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # a disk without such links: look first, which is nearly as good
        if os.path.lexists(path):
            return False
        os.rename(new, path)
    return True
