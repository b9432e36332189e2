"""``u3lab start``: your own copies of the notebooks, and JupyterLab on them.

In a clone the copies are in ``my/``, which git leaves alone; with an installed u3lab in ``u3lab-notebooks`` of the
folder that one is in. Another folder may be named. What you have done in exercises is kept elsewhere, in one place for
all folders; see :mod:`u3course.course.state`.
"""

import os
import re
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from u3course import checkout
from u3lab._system import paths
from u3lab.checks import place
from u3lab.errors import U3Error
from u3server import copies

OURS = "u3lab-notebooks"
# No news, no updates; and the tab's icon stays as it is: JupyterLab fetches another from the server whenever the kernel
# begins or ends anything, which is twice for each move of a slider, just before the server is to pass that move on. Nor
# is anything asked of the two parts of the server in UNUSED.
SETTINGS = Path(__file__).resolve().parent / "jupyterlab"
# A photo of one's own comes to the kernel as one message, and the server drops those over 10 MB unless told otherwise.
LARGEST_MESSAGE = 100 * 2**20  # bytes
# For the servers of a hub, too. Whether JupyterLab has to be built anew is not asked when a page is opened: Node would
# compute for half a second to find out.
TORNADO = {"websocket_max_message_size": LARGEST_MESSAGE,
           "page_config_data": {"buildAvailable": False, "buildCheck": False}}
CONTENTS = "u3server.contents.Contents"  # saves whole notebooks; for the servers of a hub, too
KERNELS = "u3server.kernels.Manager"  # that no other user of the machine hears; for the servers of a hub, too
# Language servers, of which there are none, and Voilà's button in JupyterLab: for the stage there is `u3lab demo`. To
# look for the ones and to load the other takes a third of a second.
UNUSED = {"jupyter_lsp": False, "voila.server_extension": False}

UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # what steers a terminal, or cannot be written there


def run(folder: str | None = None, *, fresh: Sequence[str] = (), copy_only: bool = False,
        options: Sequence[str] = ()) -> None:
    """Bring the copies up to date, say what was done, and open JupyterLab on them.

    Args:
        folder: Where the copies are; the usual place if it is left out.
        fresh: Chapters to begin anew, such as "06".
        copy_only: Leave JupyterLab alone.
        options: For JupyterLab, such as "--port=8890".

    Raises:
        U3Error: As :func:`u3server.copies.refresh` does, if the notebooks are not installed, or for a folder with
            control characters in its name.
    """
    if folder and UNSEEN.search(folder):
        raise U3Error(f"the name {folder[:80]!r} has letters that no screen shows; name another: `u3lab start FOLDER`")
    originals = paths.notebooks()
    clone = None if (originals.parent / "__init__.py").exists() else originals.parent  # in the wheel: in the package
    usual = clone / "my" if clone else Path(OURS)
    where = Path(os.path.realpath(place("FOLDER", folder, "the folder for your copies") if folder else usual))
    edited = checkout.notebooks() if clone else ()
    print(*copies.refresh(originals, where, fresh=fresh, edited=edited), sep="\n", flush=True)
    if not copy_only:
        names = copies.names(originals)
        first = next((name for name in names if copies.chapter(name) in fresh), names[0])
        _open(where / first, clone if clone and where.is_relative_to(clone) else where, options)


def _open(notebook: Path, root: Path, options: Sequence[str]) -> None:
    """JupyterLab at a notebook, in this process. Its settings are those of SETTINGS."""
    print(f"JupyterLab at {notebook}; end it with Ctrl-C twice", flush=True)
    page = quote(notebook.relative_to(root).as_posix())
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    import_jupyterlab()
    sys.argv = ["jupyter-lab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{page}",
                f"--LabApp.app_settings_dir={SETTINGS}", f"--ServerApp.contents_manager_class={CONTENTS}",
                f"--MappingKernelManager.kernel_manager_class={KERNELS}", f"--ServerApp.tornado_settings={TORNADO}",
                f"--ServerApp.jpserver_extensions={UNUSED}", *as_root, *options]
    runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)


def import_jupyterlab() -> None:
    """Import JupyterLab while no program is on the path.

    At that moment it asks yarn for its settings if there is a Node. That is half a second of a core, for those who
    build extensions.
    """
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.devnull  # not empty: then the system's usual folders count
    try:
        import jupyterlab.labapp  # noqa: F401
    finally:
        os.environ["PATH"] = path
