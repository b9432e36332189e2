"""A JupyterLab of its own and the system's Chromium, for tests that do what a student does with mouse and keyboard."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, sync_playwright

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    *(str(Path(os.environ.get(folder, "nowhere"), program))
      for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
      for program in ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")),
)
# A browser asks for updates, news and certificates by itself; a test talks to this machine only.
FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-quic", "--no-first-run")
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SETTINGS = {  # JupyterLab keeps only the cells in view on the page, unless it is told not to
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token and the folder it shows."""

    url: str
    token: str
    folder: Path

    def address(self, name: str) -> str:
        """Where the browser finds a notebook; each in a workspace of its own, so that no other tab is restored."""
        return f"{self.url}lab/workspaces/{Path(name).stem}/tree/{name}?token={self.token}"


def find_chromium() -> str | None:
    """The program of a browser that Chromium's protocol drives; None if there is none."""
    found = (shutil.which(command) for command in COMMANDS)
    return next((path for path in (*found, *PLACES) if path and os.path.exists(path)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser with a new, empty profile."""
    program = find_chromium()
    if program is None:
        missing = "no Chromium, Chrome or Edge was found; install one to test the notebooks in a browser"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=[*FLAGS, *["--no-sandbox"] * ROOT])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a copy of the notebooks without their outputs, so that what is seen was made by this run."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS.glob("*.ipynb"):
        nbformat.write(without_outputs(path), folder / path.name)
    for plugin, settings in SETTINGS.items():
        file = home / "lab" / "user-settings" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    token = secrets.token_hex(16)
    options = ["--no-browser", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
               "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=100", *["--allow-root"] * ROOT]
    own = {"JUPYTER_CONFIG_DIR": home, "JUPYTER_RUNTIME_DIR": home / "runtime", "IPYTHONDIR": home / "ipython",
           "JUPYTERLAB_SETTINGS_DIR": home / "lab" / "user-settings", "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces"}
    with (home / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], stdout=log, stderr=log, cwd=folder,
                                  env=os.environ | {name: str(path) for name, path in own.items()})
        try:
            yield Lab(wait_for(server, home), token, folder)
        finally:
            stop(server)


def without_outputs(path: Path) -> nbformat.NotebookNode:
    """A notebook as it was before anybody ran it."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def wait_for(server: subprocess.Popen, home: Path, seconds: float = 180) -> str:
    """The address of the server once it answers. It picks the port itself and writes it into its runtime folder."""
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        time.sleep(0.3)
        for file in (home / "runtime").glob("jpserver-*.json"):
            try:
                state = json.loads(file.read_text())
                urllib.request.urlopen(f"{state['url']}api?token={state['token']}", timeout=10).close()
            except (OSError, ValueError):  # written by half, or not listening yet
                continue
            return state["url"]
    stop(server)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'log').read_text()[-3000:]}")


def stop(server: subprocess.Popen) -> None:
    """End the server, and with it its kernels."""
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
