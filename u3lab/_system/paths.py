"""Where shipped files lie, how they are checked, and how files are written without half-written states."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from u3lab.errors import U3Error

_PACKAGE = Path(__file__).resolve().parent.parent
# The wheel carries data/ inside the package; in a checkout (editable install) it lies beside it.
_DATA = next((p for p in (_PACKAGE / "data", _PACKAGE.parent / "data") if p.is_dir()), _PACKAGE.parent / "data")


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


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # a temporary file is readable by its owner alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def cache(name: str) -> Path:
    """Path of a file that can be made again at any time, in ``U3LAB_CACHE`` or the user's cache folder."""
    folder = os.environ.get("U3LAB_CACHE")
    if folder:
        return Path(folder).expanduser() / name
    import platformdirs

    return platformdirs.user_cache_path("u3lab", appauthor=False) / name
