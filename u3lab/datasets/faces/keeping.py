"""Long series of made faces, drawn once: a file of the user's cache folder has the very numbers that were drawn.

A face takes about 5 ms. Without the file, chapter 2 begins with 5 s of drawing each time that it is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import PIL
from torch import Tensor

from u3lab._system import paths

LEAST, MOST = 4 * 2**20, 50 * 2**20  # bytes of pictures: less is drawn as fast as it is read, more would fill the disk
SEAL = hashlib.sha256().digest_size
READERS = ("__init__", "keeping")  # modules of this room that have no part in the drawing


def kept(series: str, size: int, draw: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What ``draw`` returns, from the file if there is one. ``series`` names all that it depends on but the programs.

    ``size`` are the bytes of its pictures; very short and very long series are not kept.
    """
    from safetensors.torch import load, save

    if not LEAST <= size <= MOST:
        return draw()
    file = paths.cache(f"faces-{series}-{_version()}.safetensors")
    if (content := _read(file)) is not None:
        return load(content)
    drawn = draw()
    content = save(drawn)
    with suppress(OSError):  # a disk that is full or read-only costs the next start some seconds, nothing else
        paths.write_atomically(file, content + _seal(file, content))
        for old in set(file.parent.glob(f"faces-{series}-*.safetensors")) - {file}:
            old.unlink()
    return drawn


def _read(file: Path) -> bytes | None:
    """What was kept; None if there is nothing, or anything else."""
    try:
        whole = file.read_bytes()
    except OSError:
        return None
    content, seal = whole[:-SEAL], whole[-SEAL:]
    return content if seal == _seal(file, content) else None


def _seal(file: Path, content: bytes) -> bytes:
    """What the file ends with: it is of this very series, and whole to the last byte."""
    seal = hashlib.sha256(file.name.encode())
    seal.update(content)
    return seal.digest()


@cache
def _version() -> str:
    """A name for these very pictures: it changes when anything changes that they are drawn by or from."""
    room = Path(__file__).parent
    makers = [file for file in sorted(room.glob("*.py")) if file.stem not in READERS]
    makers += [room.with_name(f"{name}.py") for name in ("packed", "photos", "scenery")]
    files = [*makers, *sorted(paths.data("photos").iterdir())]
    drawers = f"Pillow {PIL.__version__}, NumPy {np.__version__}"
    return hashlib.sha256("".join([drawers, *map(paths.sha256, files)]).encode()).hexdigest()[:12]
