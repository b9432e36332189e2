"""A chapter's page of Voilà, or a notebook's: ``u3lab demo 06`` for the projector, ``u3lab serve 06`` for visitors.

:mod:`u3server.demo` makes the page. ``serve`` listens at an address that others reach; ``u3lab serve FILE`` is a whole
notebook. What visitors may do is said in :mod:`u3server.visitors`, and is the same for both.
"""

import importlib.util
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat

from u3lab.errors import U3Error
from u3server.demo import TEMPLATES, find, listed, page

VOILA = [
    "--template=u3lab",
    # The kernel of a page that was closed goes after two minutes: each holds up to 1.2 GiB. One that waits stays.
    "--MappingKernelManager.cull_idle_timeout=120", "--MappingKernelManager.cull_interval=30",
]
STAGE = [
    "--preheat_kernel=True",  # a kernel with the figures waits, so that a page that is loaded again is there at once
    "--VoilaKernelManager.fill_delay=10",  # seconds: the next one does not compute while a page is being loaded
]


def demo(chapter: str | None = None, *, options: Sequence[str] = ()) -> None:
    """Open the page of a chapter, and stay until Ctrl-C; without a chapter, say which there are.

    Args:
        chapter: Such as "06".
        options: For Voilà, such as "--port=8890" or "--theme=dark".

    Raises:
        U3Error: No such chapter or none with live figures for the stage; an option that opens the page for more than
            its controls; or Voilà is not installed.
    """
    if chapter is None:
        print("live figures for the stage; open one with `u3lab demo CHAPTER`", *listed(), sep="\n")
        return
    with made(chapter) as file:
        print(f"Voilà on {file.name}; end it with Ctrl-C", flush=True)
        _open(file, STAGE, options)


def serve(page: str | None = None, *, address: str = "127.0.0.1", port: int = 8866, visitors: int = 10,
          options: Sequence[str] = ()) -> None:
    """Serve a page for visitors, who move its controls and run no code, until Ctrl-C; without a page, list them.

    Args:
        page: A chapter, such as "06", for its live figures; or the file of a notebook, whole and without its code.
        address: Where the server listens: "127.0.0.1" is this machine alone, "0.0.0.0" whoever reaches it.
        port: Of this address; it is not changed if it is taken.
        visitors: Open pages at a time. Each has a kernel, 2 GiB of memory at most (on Linux; elsewhere there is no
            limit), and loses it after 15 minutes without a move.
        options: For Voilà, such as "--token=SECRET", "--Kernels.memory=1.5" (GiB) or "--Kernels.rest=300" (seconds).

    Raises:
        U3Error: As :func:`demo`; no such file; or less than one visitor.
    """
    if page is None:
        print("pages for visitors; open one with `u3lab serve CHAPTER`, a whole notebook with `u3lab serve FILE`",
              *listed(), sep="\n")
        return
    if visitors < 1:
        raise U3Error(f"{visitors} visitors are none; give --visitors 1 or more")
    # Kernels share the machine, as those of a class do.
    os.environ.setdefault("U3LAB_SHARED", "1")
    os.environ.setdefault("U3LAB_THREADS", "1")
    ours = [f"--Voila.ip={address}", f"--Voila.port={port}", "--Voila.port_retries=0", "--Voila.open_browser=False",
            f"--Kernels.most={visitors}", "--Pages.other_names=True"]
    with made(page) as file:
        print(f"{file.name} for visitors, {visitors} at a time: they move its controls and run no code. There is no "
              "encryption, and without `-- --token=SECRET` no password; end it with Ctrl-C", flush=True)
        _open(file, ours, options)


@contextmanager
def made(name: str) -> Iterator[Path]:
    """The notebook to open: of a chapter, its page, in a folder of its own; a file, as it is."""
    if name.endswith(".ipynb"):
        file = Path(name).resolve()
        if not file.is_file():
            raise U3Error(f"there is no notebook {name[:80]!r}; give the file of one, or a chapter such as 06")
        yield file
        return
    file = find(name)
    with tempfile.TemporaryDirectory(prefix="u3lab-demo-") as folder:
        nbformat.write(page(nbformat.read(file, as_version=4)), Path(folder) / file.name)
        yield Path(folder) / file.name


def _open(notebook: Path, ours: Sequence[str], options: Sequence[str]) -> None:
    """Voilà on a notebook, in this process."""
    if importlib.util.find_spec("voila") is None:
        raise U3Error("the page needs Voilà, which is not installed here; `pip install voila`, then try again")
    from u3server.visitors import Pages

    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(TEMPLATES), os.environ.get("JUPYTER_PATH"))))
    given = {option.partition("=")[0] for option in options}  # Voilà takes no option twice
    kept = [option for option in (*VOILA, *ours) if option.partition("=")[0] not in given]
    Pages.launch_instance([str(notebook), *kept, *options])
