"""The command ``u3lab prepare``: it draws just what the notebooks ask for, and says where that is kept."""

import errno
import inspect
import os
import re
from pathlib import Path

import nbformat
import pytest

from u3course import prepare
from u3course.worlds import concepts, decathlon, faces
from u3lab.__main__ import main
from u3lab._system import paths

LONG = re.compile(r"faces\.draw\(\d{3,}[^)]*\)|concepts\.load\([^)]*\)")  # fewer faces are drawn as fast as read


def test_it_draws_the_series_that_the_notebooks_ask_for():
    folder = Path(__file__).resolve().parent.parent.parent / "notebooks"
    cells = [cell.source for path in folder.glob("*.ipynb") for cell in nbformat.read(path, as_version=4).cells
             if cell.cell_type == "code"]
    asked = {call for source in cells for call in LONG.findall(source)}
    assert len(asked) == 4 and set(LONG.findall(inspect.getsource(prepare))) == asked


@pytest.fixture
def drawn(monkeypatch):
    """Which splits of the decathlon were asked for; nothing is drawn."""
    asked = []
    monkeypatch.setattr(decathlon, "load", lambda name, split: asked.append((name, split)))
    for room, name in ((faces, "draw"), (concepts, "load")):
        monkeypatch.setattr(room, name, lambda *given, **named: None)
    return asked


@pytest.mark.parametrize("there", [True, False])
def test_it_draws_every_domain_and_says_where_all_is(there, drawn, tmp_path, capsys, monkeypatch):
    for name in ("decathlon-a.jpg", "faces-b.safetensors", "concepts-c.pt", "of somebody else"):
        (tmp_path / name).write_bytes(bytes(2 * 10**6))
    folder = tmp_path if there else tmp_path / "none"
    monkeypatch.setenv("U3LAB_CACHE", str(folder))
    assert main(["prepare"]) == 0
    assert drawn == [(name, split) for name in decathlon.names() for split in ("train", "val", "test")]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 13 and said[-1] == f"kept in {folder}: {6 if there else 0} MB"
    assert not list(folder.glob(".*"))


def test_it_draws_nothing_for_a_folder_that_cannot_be_written(drawn, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("U3LAB_CACHE", str(tmp_path / "file" / "folder"))
    assert main(["prepare"]) == 1 and not drawn
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(f"u3lab: nothing can be kept in {tmp_path / 'file' / 'folder'} (")


def test_a_disk_that_fills_up_meanwhile_is_told(drawn, tmp_path, capsys, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("U3LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(concepts, "load", lambda *given, **named: monkeypatch.setattr(paths, "write_atomically", full))
    assert main(["prepare"]) == 1 and drawn
    said = capsys.readouterr()
    assert "kept in" not in said.out and f"({os.strerror(errno.ENOSPC)})" in said.err
