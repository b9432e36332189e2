"""What takes long to draw is drawn once: a file of the user's cache folder has the very bytes that were drawn.

A file's name ends with a version of what it is drawn by and from, ``NAME-VERSION.suffix``, and the file with a seal: it
is of this very name, and whole to the last byte.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

from u3lab._system import paths

SEAL = hashlib.sha256().digest_size


def file(name: str, suffix: str, makers: tuple[ModuleType, ...], folders: tuple[str, ...], drawers: str = "") -> Path:
    """The file of some pictures in the user's cache folder.

    They are drawn by ``makers``, modules or packages of modules, and ``drawers``, whatever else draws them, with its
    version; from what is in ``folders`` of data/.
    """
    return paths.cache(f"{name}-{version(makers, folders, drawers)}{suffix}")


@cache
def version(makers: tuple[ModuleType, ...], folders: tuple[str, ...], drawers: str = "") -> str:
    """A name for these very pictures: it changes with any of the files, programs and materials, that they come from."""
    programs = [one for maker in map(Path, (maker.__file__ for maker in makers))
                for one in (sorted(maker.parent.glob("*.py")) if maker.stem == "__init__" else [maker])]
    materials = [one for folder in folders for one in sorted(paths.data(folder).iterdir())]
    return hashlib.sha256("".join([drawers, *map(paths.sha256, programs + materials)]).encode()).hexdigest()[:12]


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


def _seal(file: Path, content: bytes | memoryview) -> bytes:
    seal = hashlib.sha256(file.name.encode())
    seal.update(content)
    return seal.digest()
