"""With loopback alone: JupyterLab opens and saves the copies, a kernel answers, and tests of every kind pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import loopback

ROOT = Path(__file__).resolve().parents[1]
FEW = ["tests/u3lab/test_settings.py", "tests/u3lab/system/test_paths.py", "tests/u3lab/images/test_loading.py",
       "tests/u3lab/live/test_player_in_a_loop.py"]
PLACES = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
ALONE = """
import errno, socket
names = [name for _, name in socket.if_nameindex()]
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    pass
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print(*names, errno.errorcode[error.errno])
"""
OPEN = """
import json, pathlib, subprocess, sys, time, urllib.request
home = pathlib.Path(sys.argv[1])
options = ["--no-browser", "--IdentityProvider.token=t", "--ServerApp.port_retries=100"]
with (home / "log").open("w") as log:
    server = subprocess.Popen([sys.executable, "-m", "u3lab", "start", str(home / "my"), "--", *options],
                              stdout=log, stderr=log, cwd=home)

def get(url, data=None, method=None):
    asked = urllib.request.Request(url, data, {"Authorization": "token t"}, method=method)
    return urllib.request.urlopen(asked, timeout=60)

try:
    url = ""
    while not url:
        assert server.poll() is None, (home / "log").read_text()
        time.sleep(0.3)
        try:
            found = next((home / "runtime").glob("jpserver-*.json"))
            url = json.loads(found.read_text())["url"]
            get(url + "api").close()
        except (StopIteration, ValueError, OSError):  # not there, written by half, or not listening yet
            url = ""
    page = get(url + "lab/tree/00_start_here.ipynb").read().decode()
    notebook = json.load(get(url + "api/contents/00_start_here.ipynb"))
    kernel = json.load(get(url + "api/kernels", b"{}"))
    file = home / "my" / notebook["name"]
    old, words = file.stat().st_ino, "# my own words"
    notebook["content"]["cells"][-1]["source"] = words
    get(url + "api/contents/" + notebook["name"], json.dumps(notebook).encode(), "PUT").close()
    saved = json.loads(file.read_bytes())["cells"][-1]["source"] == [words] and file.stat().st_ino != old
    print("JupyterLab" in page, notebook["type"], kernel["name"], "saved as a new file" if saved else "")
finally:
    server.terminate()
    server.wait(60)
"""


@pytest.fixture(scope="module")
def room() -> list[str]:
    command, why = loopback.way()
    return command or pytest.skip(why)


def said(room: list[str], *arguments: str, **environment: str) -> str:
    answer = subprocess.run([*room, sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=500,
                            env={**os.environ, **loopback.INSIDE, **environment})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_there_is_loopback_and_nothing_else(room):
    assert said(room, "-c", ALONE).split() == ["lo", "ENETUNREACH"]


def test_jupyterlab_opens_the_copies_starts_a_kernel_and_saves(room, tmp_path):
    own = {name: str(tmp_path / folder) for name, folder in PLACES.items()}
    heard = said(room, "-c", OPEN, str(tmp_path), PYTHONPATH=str(ROOT), **own)
    assert heard == "True notebook python3 saved as a new file\n"


def test_tests_of_pictures_files_and_kernels_pass(room):
    closing = said(room, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FEW).splitlines()[-1]
    assert " passed" in closing and "failed" not in closing
