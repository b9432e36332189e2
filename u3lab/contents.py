"""How the course's JupyterLab saves: whole notebooks, whatever happens meanwhile.

Jupyter's own way writes over the old file and keeps a copy of it until that is done. A server that is killed between,
or a disk that is full, leaves half a notebook under its name, and the next save replaces the copy.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from u3lab._system import paths


class Contents(AsyncLargeFileManager):
    """Jupyter's files, of which each is the old one or the new one at any moment."""

    @contextmanager
    def atomic_writing(self, os_path: str, text: bool = True, encoding: str = "utf-8", **named: Any) -> Iterator[IO]:
        """A file to write, that takes the place of the one at ``os_path`` when it is complete."""
        with self.perm_to_403(os_path), paths.replacing(Path(os_path)) as file:
            if not text:
                yield file
                return
            lines = io.TextIOWrapper(file, encoding=encoding, newline="\n")
            yield lines
            lines.detach()  # writes what it holds, and leaves the file open
