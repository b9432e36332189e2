"""Where shipped files lie, how they are checked, and how files are written without half-written states."""

import errno
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache as cache_forever
from pathlib import Path
from typing import BinaryIO

from u3lab.errors import U3Error

_PACKAGE = Path(__file__).resolve().parent.parent


def _shipped(name: str) -> Path:
    """A folder that the wheel carries inside the package; in a checkout (editable install) it lies beside it."""
    return next((p for p in (_PACKAGE / name, _PACKAGE.parent / name) if p.is_dir()), _PACKAGE.parent / name)


_DATA, _NOTEBOOKS = _shipped("data"), _shipped("notebooks")
_UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.u3lab")  # what a file is called while it is being written
_MAY_DIFFER = re.compile(r".+\.md|results/[^/]+\.json")
DAY = 24 * 60 * 60


def data(*parts: str) -> Path:
    """Path of a shipped file, e.g. ``data("pictures", "chelsea.jpg")``.

    What ``README.md`` of the folder has a hash of must have that hash: damaged weights would compute nonsense, those of
    another network something else. It is asked once a process, unless the file changes. Text for people to edit and
    tables that recipes write anew may differ.

    Raises:
        U3Error: If the file is not there, damaged, or another one.
    """
    path, name = _DATA.joinpath(*parts), "/".join(parts)
    try:
        kind = os.stat(path).st_mode
        wanted = "" if stat.S_ISDIR(kind) or _MAY_DIFFER.fullmatch(name) else hashes(_DATA / "README.md").get(name)
        sound = not wanted or digest(ordinary(path)) == wanted
    except (FileNotFoundError, NotADirectoryError):
        raise U3Error(f"the shipped file {name!r} is missing; {again('data', *parts)}") from None
    except NoFile:
        sound = False
    except OSError as error:
        raise U3Error(f"the shipped file {name!r} cannot be read ({error.strerror}); make it readable") from None
    if not sound:
        raise U3Error(f"the shipped file {name!r} is damaged, or another one than data/README.md lists; to have it as "
                      f"it came, delete it and {again('data', *parts)}")
    return path


def again(*parts: str) -> str:
    """What brings a shipped file, or a folder of them, again: an imperative, for a clone, a wheel, or an archive."""
    if _DATA.parent == _PACKAGE:
        return f"install the wheel again: `pip install --force-reinstall --no-deps {wheel()}`"
    if (_DATA.parent / ".git").exists():
        return f"run `git checkout HEAD -- {'/'.join(parts)}` in the clone"
    return "unpack the course again"


def wheel() -> str:
    """What the file is called that the course is installed from, where it is no clone."""
    from u3lab import __version__

    return f"u3lab-{__version__}-py3-none-any.whl"


@cache_forever
def hashes(readme: Path) -> dict[str, str]:
    """The SHA-256 of each shipped file, from the table of data/README.md: the first cell is its path below data/."""
    found = {}
    for line in readme.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if sums := [cell for cell in cells if re.fullmatch("[0-9a-f]{64}", cell)]:
            found[cells[0].removeprefix("data/")] = sums[0]
    return found


def notebooks() -> Path:
    """The folder with the course's notebooks as they came.

    Raises:
        U3Error: If it is not there: the installation is incomplete.
    """
    if not _NOTEBOOKS.is_dir():
        raise U3Error(f"the course's notebooks are missing; {again('notebooks')}")
    return _NOTEBOOKS


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path: Path) -> str:
    """As :func:`sha256`, but asked once a process of a file that does not change."""
    seen = os.stat(path)
    return _digest(path, seen.st_ino, seen.st_size, seen.st_mtime_ns)


@cache_forever
def _digest(path: Path, *version: int) -> str:
    return sha256(path)


class NoFile(OSError):
    """What lies at a path is no file: a folder, a pipe, a socket, a device; or a link, where none is wanted."""


_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


def ordinary(path: Path, *, links: bool = True) -> Path:
    """The path, if an ordinary file lies there: to be read, since a pipe waits for ever and a device may never end.

    ``links`` = False refuses a symbolic link, too.

    Raises:
        NoFile, OSError: If something else lies there, or nothing that may be looked at.
    """
    kind = stat.S_IFMT(os.stat(path, follow_symlinks=links).st_mode)
    if kind != stat.S_IFREG:
        raise NoFile(errno.EINVAL, f"it is {_KINDS.get(kind, 'a device')}, no ordinary file", str(path))
    return path


def write_atomically(path: Path, content: bytes, *, links: bool = False) -> None:
    """Write a file so that a reader sees the old content or the new, never a part; see :func:`replacing`."""
    with replacing(path, links=links) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, *, links: bool = False) -> Iterator[BinaryIO]:
    """A new file, open for writing, that takes the place of ``path`` when the block ends well, and else goes.

    Only a file is replaced, which keeps its permissions. With ``links`` a symbolic link stays one, and what it points
    to is written. What writers that were killed have left in the folder goes when it is a day old: no living one rests
    so long.

    Raises:
        NoFile, OSError: If a folder, a device or a pipe lies there, or a link without ``links``; or if the disk
            refuses.
    """
    path = _real(path) if links else path
    with suppress(FileNotFoundError):
        ordinary(path, links=False)
    path = _real(path)  # of the folders above
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

    Yields:
        bool: Whether there is a lock: not on a disk that has none (some network disks), nor in a folder that is
            read-only.

    Raises:
        U3Error: If another program has held it for so many seconds.
    """
    path = _real(path)
    handle = None
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        through_no_link = getattr(os, "O_NOFOLLOW", 0)
        handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | through_no_link, 0o666)
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
