"""A JupyterLab or a Voilà of its own, and the browser of this machine; used by the tests and by the latency bench."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tools.notebooks import KERNEL, LANGUAGE

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
DEPLOY = NOTEBOOKS.parent / "deploy"
OURS = {"JUPYTER_CONFIG_PATH": str(DEPLOY)}  # JupyterLab as a class server has it
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    *(str(Path(os.environ.get(folder, "nowhere"), program))
      for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
      for program in ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")),
)
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
# A browser asks for updates, news and certificates by itself; a test talks to this machine only.
FLAGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-quic", "--no-first-run", *["--no-sandbox"] * ROOT]
SETTINGS = {  # JupyterLab keeps only the cells in view on the page, unless it is told not to
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
}
START_SECONDS = 180


def find_chromium() -> str | None:
    """The program of a browser that Chromium's protocol drives; None if there is none."""
    found = (shutil.which(command) for command in COMMANDS)
    return next((path for path in (*found, *PLACES) if path and os.path.exists(path)), None)


def write_notebook(file: Path, cells: Sequence[str]) -> Path:
    """A notebook of code cells, which knows as much of its kernel as those that ship."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells],
                                    metadata={"kernelspec": KERNEL, "language_info": LANGUAGE})
    nbformat.write(made, file)
    return file


def without_outputs(file: Path) -> nbformat.NotebookNode:
    """A notebook as it was before anybody ran it."""
    notebook = nbformat.read(file, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, the folder it shows and its process."""

    url: str
    token: str
    folder: Path
    pid: int

    def address(self, name: str) -> str:
        """Where the browser finds a notebook; each in a workspace of its own, so that no other tab is restored."""
        return f"{self.url}lab/workspaces/{Path(name).stem}/tree/{name}?token={self.token}"

    def get(self, path: str) -> Any:
        """What the server's own interface answers, such as "api/sessions"."""
        with urllib.request.urlopen(f"{self.url}{path}?token={self.token}", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def jupyterlab(home: Path, folder: Path, environment: Mapping[str, str] = os.environ, *,
               program: str = "jupyterlab") -> Iterator[Lab]:
    """JupyterLab, or "notebook", on a folder. ``home`` takes its settings, its log and what the kernels write."""
    for plugin, settings in SETTINGS.items():
        file = home / "lab" / "user-settings" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    token = secrets.token_hex(16)
    options = ["--no-browser", "--expose-app-in-browser", f"--IdentityProvider.token={token}",
               f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=100",
               *["--allow-root"] * ROOT]
    own = {"JUPYTERLAB_SETTINGS_DIR": home / "lab" / "user-settings", "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces"}
    with serve(program, options, home, folder, {**environment, **_as_text(own)}) as server:
        url = wait(server, home, lambda: written_address(home))
        yield Lab(url, token, folder, server.pid)


@contextmanager
def voila(home: Path, notebook: Path, options: Sequence[str] = (), *, folder: Path | None = None,
          environment: Mapping[str, str] = os.environ, python: str = sys.executable) -> Iterator[str]:
    """``u3lab serve`` with a notebook, started in a folder; the address of the page."""
    command = ["serve", str(notebook), "--", "--Voila.port_retries=50", *options]
    with serve("u3lab", command, home, folder or notebook.parent, environment, python) as server:
        yield wait(server, home, lambda: _logged_address(home))


@contextmanager
def stage(home: Path, chapter: str, *, preheated: bool = False, folder: Path | None = None) -> Iterator[str]:
    """``u3lab demo`` with a chapter; the address of the page. A second kernel waits only if it is preheated."""
    options = ["demo", chapter, "--", "--no-browser", *["--preheat_kernel=False"] * (not preheated)]
    with serve("u3lab", options, home, folder or home) as server:
        yield wait(server, home, lambda: _logged_address(home))


@contextmanager
def serve(module: str, options: list[str], home: Path, folder: Path, environment: Mapping[str, str] = os.environ,
          python: str = sys.executable) -> Iterator[subprocess.Popen]:
    """A Jupyter program on a folder; ``home`` takes its settings and its log."""
    own = {"JUPYTER_CONFIG_DIR": home, "JUPYTER_RUNTIME_DIR": home / "runtime", "IPYTHONDIR": home / "ipython",
           "U3LAB_STATE": home / "state"}
    with (home / "log").open("w") as log:
        server = subprocess.Popen([python, "-m", module, *options], stdout=log, stderr=log, cwd=folder,
                                  env={**environment, **_as_text(own)})
        try:
            yield server
        finally:
            _stop(server)


def _as_text(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in paths.items()}


def wait(server: subprocess.Popen, home: Path, address: Any) -> str:
    """The address of a server once there is one."""
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        time.sleep(0.3)
        url = address()
        if url:
            return url
    raise RuntimeError(f"the server did not start:\n{(home / 'log').read_text()[-3000:]}")


def written_address(home: Path) -> str:
    """JupyterLab picks its port itself and writes it into its runtime folder; "" until it answers there."""
    for file in (home / "runtime").glob("jpserver-*.json"):
        try:
            state = json.loads(file.read_text())
            urllib.request.urlopen(f"{state['url']}api?token={state['token']}", timeout=10).close()
        except (OSError, ValueError):  # written by half, or not listening yet
            continue
        return state["url"]
    return ""


def _logged_address(home: Path) -> str:
    """Voilà picks another port if its own is taken, and says which on its log; "" until it has."""
    found = re.search(r"https?://[\w.]+:\d+/", (home / "log").read_text())
    return found[0] if found else ""


def _stop(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
