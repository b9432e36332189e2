"""A kernel that waits for its student: a server of a hub begins with it when ``U3LAB_CHAPTER`` names a chapter.

deploy/jupyterhub_config.py loads this as an extension of the student's server when deploy/warm_up.py asks for it. So
the server itself starts the kernel, as its student: nobody else needs to be let in.
"""

import ast
import os
from pathlib import Path
from typing import Any

from u3lab._system import paths
from u3lab.errors import U3Error
from u3server import copies

NAME = "U3LAB_CHAPTER"
PATIENCE = 120.0  # seconds; then the server begins without


def find(chapter: str) -> Path:
    """The notebook of a chapter, such as "01"; :class:`U3Error` if there is none."""
    folder = paths.notebooks()
    there = {copies.chapter(name): folder / name for name in copies.names(folder)}
    if chapter not in there:
        raise U3Error(f"there is no chapter {chapter!r}; choose one of {', '.join(there)}")
    return there[chapter]


def imports(notebook: Path) -> str:
    """The imports of a notebook's first code cell: as long as nothing else has run, they change nothing."""
    import nbformat  # the hub, which reads the names above, has no use for it

    first = next(cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code")
    return "\n".join(ast.unparse(line) for line in ast.parse(first.source).body
                     if isinstance(line, ast.Import | ast.ImportFrom))


async def warm(server: Any, notebook: Path) -> None:
    """Start the kernel of a notebook at a Jupyter server, and run its imports there, which no prompt counts."""
    session = await server.session_manager.create_session(path=notebook.name, name=notebook.name, type="notebook",
                                                          kernel_name="python3")
    client = server.kernel_manager.get_kernel(session["kernel"]["id"]).client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=PATIENCE)
        reply = await client.execute(imports(notebook), silent=True, reply=True, timeout=PATIENCE)
    finally:
        client.stop_channels()
    if reply["content"]["status"] != "ok":
        raise U3Error(f"the kernel said {reply['content'].get('evalue')}")
    server.log.info("a kernel of %s waits", notebook.name)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Warm up before the server answers, so that the hub calls it ready when the kernel is; failures go to the log."""
    server.io_loop.run_sync(lambda: warm(server, find(os.environ[NAME])))
