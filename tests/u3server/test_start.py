"""The command ``u3lab start``: where the copies are, what is said, and how JupyterLab is opened."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.u3server.test_copies import FIRST, NEWER, OTHER, SIX, notebook
from u3course import checkout
from u3course.course import state
from u3lab import __main__ as command_line
from u3lab.__main__ import main
from u3lab._system import paths
from u3server import start

WORK = notebook("my own")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch) -> Path:
    """A clone with two chapters, in whose parent folder one is; JupyterLab only notes how it was called."""
    (tmp_path / "clone" / "notebooks").mkdir(parents=True)
    for name in (SIX, OTHER):
        (tmp_path / "clone" / "notebooks" / name).write_bytes(FIRST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "_NOTEBOOKS", tmp_path / "clone" / "notebooks")
    monkeypatch.setattr(checkout, "_ROOT", tmp_path / "clone")
    monkeypatch.setattr(sys, "argv", ["u3lab"])
    monkeypatch.setattr(runpy, "run_module", lambda name, **named: opened.append((name, list(sys.argv))))
    opened.clear()
    return tmp_path / "clone"


opened: list[tuple[str, list[str]]] = []


@pytest.fixture
def installed(clone: Path) -> Path:
    """The same as a wheel has it, inside the package."""
    (clone / "__init__.py").touch()
    return clone


def lines(capsys, *arguments: str) -> list[str]:
    assert main(["start", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_in_a_clone_the_copies_are_in_my(clone, capsys):
    assert lines(capsys, "--copy-only") == [f"copied to {clone / 'my'}: 06, 07b"]
    assert lines(capsys, "--copy-only") == [f"nothing new: your notebooks are in {clone / 'my'}"] and not opened


def test_installed_they_are_in_the_folder_that_one_is_in(installed, capsys):
    assert lines(capsys, "--copy-only") == [f"copied to {installed.parent / 'u3lab-notebooks'}: 06, 07b"]
    assert not (installed / "my").exists()


@pytest.mark.parametrize("folder", ["mine", "nowhere/../mine", "./mine/", "clone/../mine"])
def test_a_folder_of_ones_own(clone, capsys, folder):
    assert lines(capsys, folder, "--copy-only") == [f"copied to {clone.parent / 'mine'}: 06, 07b"]
    assert {path.name for path in clone.parent.iterdir()} == {"clone", "mine"}


def test_a_home(clone, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(clone.parent))
    monkeypatch.setenv("USERPROFILE", str(clone.parent))
    assert lines(capsys, "~/mine", "--copy-only") == [f"copied to {clone.parent / 'mine'}: 06, 07b"]


def test_jupyterlab_opens_the_first_notebook_with_the_settings_of_a_lab(clone, capsys):
    said = lines(capsys, "--", "--no-browser", "--port", "8890")
    assert said[-1] == f"JupyterLab at {clone / 'my' / SIX}; end it with Ctrl-C twice"
    [(name, (program, *options))] = opened
    assert name == "jupyterlab" and program == "jupyter-lab" and options[-3:] == ["--no-browser", "--port", "8890"]
    assert f"--ServerApp.root_dir={clone}" in options, "links to docs/ lead somewhere"
    assert f"--LabApp.default_url=/lab/tree/my/{SIX}" in options
    assert f"--ServerApp.tornado_settings={start.TORNADO}" in options
    settings = json.loads((start.SETTINGS / "overrides.json").read_text())
    assert settings == {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false",
                                                                        "checkForUpdates": False}}
    unwanted = json.loads((start.SETTINGS / "page_config.json").read_text())["disabledExtensions"]
    assert {"@jupyterlab/application-extension:faviconbusy", "@jupyterlab/lsp-extension"} < set(unwanted)
    assert all(unwanted.values()) and f"--ServerApp.jpserver_extensions={start.UNUSED}" in options
    assert f"--LabApp.app_settings_dir={start.SETTINGS}" in options
    assert f"--ServerApp.contents_manager_class={start.CONTENTS}" in options


@pytest.mark.skipif(sys.platform == "win32", reason="the node of this test is a shell script")
@pytest.mark.parametrize("code, asked", [("import jupyterlab.labapp", True), ("start.import_jupyterlab()", False)])
def test_while_jupyterlab_is_imported_no_node_is_asked(code, asked, tmp_path):
    """A node that leaves a note stands on the path, and is on it again afterwards."""
    (tmp_path / "node").write_text(f"#!/bin/sh\n: > {tmp_path}/note\n")
    (tmp_path / "node").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    code = f"import os; from u3server import start; {code}; print(os.environ['PATH'])"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PATH": path}, capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == path and (tmp_path / "note").exists() == asked


def test_jupyterlab_opens_a_chapter_that_begins_anew(installed, capsys):
    lines(capsys, "--copy-only", "my lab")
    (installed.parent / "my lab" / OTHER).write_bytes(WORK)
    said = lines(capsys, "--fresh", "07b", "my lab")
    assert said[0].startswith(f"{OTHER} begins anew; what you had is kept as 07b_")
    options = opened[0][1]
    assert f"--ServerApp.root_dir={installed.parent / 'my lab'}" in options
    assert "--LabApp.default_url=/lab/tree/07b_gr%C3%B6%C3%9Fe_%E6%A6%82%E5%BF%B5.ipynb" in options


def test_what_is_wrong_is_one_sentence_and_nothing_opens(clone, capsys, monkeypatch):
    (clone.parent / "file").touch()
    for arguments, words in ((["--fresh", "6"], "choose one of 06, 07b"), (["file"], "is no folder"),
                             (["clone/notebooks"], "holds the notebooks as they came")):
        assert main(["start", *arguments]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("u3lab: ") and words in said.err and said.err.count("\n") == 1
    monkeypatch.setattr(paths, "_NOTEBOOKS", clone / "gone")
    assert main(["start"]) == 1 and paths.again("notebooks") in capsys.readouterr().err
    assert not opened and {path.name for path in clone.iterdir()} == {"notebooks"}


def test_a_notebook_of_the_clone_that_was_changed_gives_a_copy_that_counts_as_work(clone, capsys, monkeypatch):
    monkeypatch.setattr(checkout, "notebooks", lambda: {SIX: " M"})
    (clone / "notebooks" / SIX).write_bytes(WORK)
    lines(capsys, "--copy-only")
    monkeypatch.setattr(checkout, "notebooks", dict)
    (clone / "notebooks" / SIX).write_bytes(NEWER)
    assert f"{SIX}: your own stays as it is" in lines(capsys, "--copy-only")[0]
    assert (clone / "my" / SIX).read_bytes() == WORK


def test_progress_has_one_place_whatever_the_folder(clone, capsys, monkeypatch):
    monkeypatch.setenv("U3LAB_STATE", str(clone.parent / "state"))
    lines(capsys, "one", "--copy-only")
    monkeypatch.chdir(clone.parent / "one")
    state.record("exercises", "6-guided")
    lines(capsys, "../two", "--copy-only", "--fresh", "06")
    monkeypatch.chdir(clone.parent / "two")
    assert state.load()[0]["exercises"] == {"6-guided"}


def test_the_name_alone_says_what_there_is(capsys):
    assert main([]) == 1
    said = capsys.readouterr().out
    assert "begin with `u3lab start`" in said and "doctor" in said


def test_what_was_written_for_an_earlier_version_is_told_where_its_import_has_gone():
    for name in ("course", "lessons", "worlds"):
        done = subprocess.run([sys.executable, "-c", f"from u3lab import {name}"], capture_output=True, text=True)
        assert done.returncode == 1 and f"or write `from u3course import {name}` here" in done.stderr.splitlines()[-1]
    done = subprocess.run([sys.executable, "-c", "import u3lab; u3lab.nowhere"], capture_output=True, text=True)
    assert "AttributeError: module 'u3lab' has no attribute 'nowhere'" in done.stderr


def test_a_clone_that_was_updated_and_not_installed_again_is_told(capsys, monkeypatch):
    monkeypatch.setattr(command_line, "entry_points", lambda group: ())
    assert main(["start"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and "run `make lab`, or `pip install -e .`" in said.err and said.err.count("\n") == 1
