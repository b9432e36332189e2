"""Where shipped files lie, how they are checked, and how files are written without half-written states."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from u3lab.errors import U3Error

_PACKAGE = Path(__file__).resolve().parent.parent


def _shipped(name: str) -> Path:
    """A folder that the wheel carries inside the package; in a checkout (editable install) it lies beside it."""
    return next((p for p in (_PACKAGE / name, _PACKAGE.parent / name) if p.is_dir()), _PACKAGE.parent / name)


_DATA, _NOTEBOOKS = _shipped("data"), _shipped("notebooks")
_UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.u3lab")  # what a file is called while it is being written
DAY = 24 * 60 * 60


def data(*parts: str) -> Path:
    """Path of a shipped file, e.g. ``data("pictures", "chelsea.jpg")``.

    Raises
    ------
    U3Error
        If the file is not there: the installation is incomplete.
    """
    path = _DATA.joinpath(*parts)
    if not path.exists():
        raise U3Error(f"the shipped file {'/'.join(parts)!r} is missing; install u3lab again (`make lab`)")
    return path


def notebooks() -> Path:
    """The folder with the course's notebooks as they came.

    Raises
    ------
    U3Error
        If it is not there: the installation is incomplete.
    """
    if not _NOTEBOOKS.is_dir():
        raise U3Error("the course's notebooks are missing; install u3lab again (`make lab`, or `pip install u3lab`)")
    return _NOTEBOOKS


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part; see :func:`replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file, open for writing, that takes the place of ``path`` when the block ends well, and else goes.

    A symbolic link stays one: what it points to is written. So do the permissions of a file that is there. What
    writers that were killed have left in the folder goes when it is a day old: no living one rests so long.
    """
    path = _real(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.u3lab")
    try:
        with open(unfinished, "xb") as file:
            _keep_permissions(path, unfinished)
            _sweep(path.parent, before=unfinished.stat().st_mtime - DAY)  # by the disk's own clock
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a file can be empty after a power cut, and a full disk goes unnoticed
        os.replace(unfinished, path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _real(path: Path) -> Path:
    """What a symbolic link points to, whether it is there or not; any other path itself."""
    return Path(os.path.realpath(path))


def _keep_permissions(path: Path, new: Path) -> None:
    """Give a new file the owner, the group and the permissions of the one that it will replace, as far as we may."""
    with suppress(OSError, AttributeError):  # there is none; or a system or a disk without owners
        old = path.stat()
        with suppress(PermissionError):
            os.chown(new, old.st_uid, old.st_gid)
        os.chmod(new, stat.S_IMODE(old.st_mode))


def sweep(path: Path) -> None:
    """Delete what killed writers of this file have left. Only for who has its lock: nobody else writes it now."""
    path = _real(path)
    _sweep(path.parent, name=path.name)


def _sweep(folder: Path, *, name: str = "", before: float = float("inf")) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            ours = _UNFINISHED.fullmatch(entry.name)
            if ours and name in ("", ours[1]):
                with suppress(OSError):
                    if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                        os.unlink(entry.path)


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[bool]:
    """Keep other programs that ask for this lock from a file while the block runs.

    The lock is one of the system on a small file beside it, which stays; it ends with its holder, however that ends.

    Yields
    ------
    bool
        Whether there is a lock: not on a disk that has none (some network disks), nor in a folder that is read-only.

    Raises
    ------
    U3Error
        If another program has held it for so many seconds.
    """
    path = _real(path)
    handle = None
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o666)
    if handle is None:
        yield False
        return
    from filelock import unlock_descriptor

    alone = False
    try:
        alone = _wait(handle, path, seconds)
        yield alone
    finally:
        if alone:  # closing is not enough while a process that was forked meanwhile has the file open as well
            with suppress(OSError):
                unlock_descriptor(handle)
        os.close(handle)


def _wait(handle: int, path: Path, seconds: float) -> bool:
    from filelock import lock_descriptor

    end = time.monotonic() + seconds
    while True:
        try:
            if lock_descriptor(handle, blocking=False):
                return True
        except (OSError, NotImplementedError):
            return False
        if time.monotonic() > end:
            raise U3Error(f"another program has held {path} for {seconds:g} seconds; "
                          "shut down the kernel that does not answer, and run this again")
        time.sleep(0.005)


def cache(name: str) -> Path:
    """Path of a file that can be made again at any time, in ``U3LAB_CACHE`` or the user's cache folder."""
    return _of_the_user("U3LAB_CACHE", "cache") / name


def own(*parts: str) -> Path:
    """Path of a file that the user's own experiments make, in ``U3LAB_RESULTS`` or the user's data folder."""
    return _of_the_user("U3LAB_RESULTS", "data").joinpath(*parts)


def _of_the_user(variable: str, kind: str) -> Path:
    if folder := os.environ.get(variable):
        return Path(os.path.expanduser(folder))  # Path's own raises where there is no such home
    import platformdirs

    return getattr(platformdirs, f"user_{kind}_path")("u3lab", appauthor=False)
