"""How the course's JupyterLab reads and saves: whole notebooks, whatever happens meanwhile.

Jupyter's own way writes over the old file and keeps a copy of it until that is done. A server that is killed between,
or a disk that is full, leaves half a notebook under its name, and the next save replaces the copy.

A notebook that ships names no version of Python. JupyterLab would write the kernel's into it, and its tab would show
the dot of unsaved work as soon as it is open. So a page gets it with the version in it; the file stays as it is.

A notebook may bring the state of widgets, and a widget brings its own JavaScript. Jupyter runs no output of a notebook
that this user has not run or signed; but ipywidgets makes all widgets anew as soon as a notebook is open, whoever wrote
it. So a page gets their state only with a notebook whose outputs it may show.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from u3lab._system import paths

# What ipykernel says of itself, and JupyterLab writes into each notebook.
LANGUAGE = {"name": "python", "version": sys.version.split()[0], "mimetype": "text/x-python",
            "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]}, "pygments_lexer": "ipython3",
            "nbconvert_exporter": "python", "file_extension": ".py"}


class Contents(AsyncLargeFileManager):
    """Jupyter's files, of which each is the old one or the new one at any moment."""

    async def get(self, path: str, *options: Any, **named: Any) -> dict[str, Any]:
        """A file, notebook or folder as a page gets it.

        A notebook in Python has what its kernel will say of itself, and one that is not trusted no state of widgets.
        """
        model = await super().get(path, *options, **named)
        if model["type"] == "notebook" and model["content"]:
            metadata = model["content"].get("metadata", {})
            if not _trusted(model["content"]):
                metadata.pop("widgets", None)
            language = metadata.get("language_info", LANGUAGE)
            if isinstance(language, dict) and language.get("name") == "python":
                metadata["language_info"] = dict(LANGUAGE)
        return model

    @contextmanager
    def atomic_writing(self, os_path: str, text: bool = True, encoding: str = "utf-8", **named: Any) -> Iterator[IO]:
        """A file to write, that takes the place of the one at ``os_path`` when it is complete."""
        with self.perm_to_403(os_path), paths.replacing(Path(os_path), links=True) as file:
            if not text:
                yield file
                return
            lines = io.TextIOWrapper(file, encoding=encoding, newline="\n")
            yield lines
            lines.detach()  # writes what it holds, and leaves the file open


def _trusted(notebook: dict[str, Any]) -> bool:
    """Whether this user has run or signed it: then Jupyter has marked its cells of code, of which there is one."""
    marks = [cell["metadata"].get("trusted") for cell in notebook.get("cells", ()) if cell["cell_type"] == "code"]
    return bool(marks) and all(marks)
