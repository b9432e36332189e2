"""Where files are written and read: a pipe, a folder or a link in the place of a file gets one sentence."""

import os
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from tests.helpers import refuses
from tests.hostile import wrong
from tests.hostile.test_files import PATIENCE, patience
from u3course.worlds import keeping
from u3lab import universal
from u3lab.__main__ import main
from u3lab._system import paths
from u3lab.nets import checkpoints
from u3server import classes

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a system with pipes")


def adapted() -> universal.Adapted:
    return universal.adapt(wrong.net()).add_domain("new", ["p", "q"])


def loaded(path: Path) -> universal.Adapted:
    return universal.adapt(wrong.net()).load_domain(path)


@pytest.fixture(autouse=True)
def opened_at_last(tmp_path: Path) -> Iterator[None]:
    """Open the test's pipe after a while: who waits for it in C, with Python's lock, would wait for ever."""
    waiting = subprocess.Popen(["sh", "-c", f"sleep {PATIENCE}; exec 3<>pipe"], cwd=tmp_path,
                               start_new_session=True)
    yield
    os.killpg(waiting.pid, signal.SIGKILL)
    waiting.wait()


def odd(folder: Path, suffix: str) -> dict[str, Path]:
    """What is no file, by the word for it."""
    os.mkfifo(folder / "pipe")
    os.link(folder / "pipe", folder / f"pipe{suffix}")
    (folder / f"folder{suffix}").mkdir()
    return {"a pipe": folder / f"pipe{suffix}", "a folder": folder / f"folder{suffix}"}


def test_what_is_read_is_a_file(tmp_path):
    for word, path in odd(tmp_path, ".pt").items():
        with patience():
            refuses(loaded, path, says=(word, "no ordinary file", path.name))


def test_a_pipe_in_the_cache_is_no_drawing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with patience():
        assert keeping.once(tmp_path / "pipe", lambda: b"drawn") == b"drawn"


def report(path: Path) -> None:
    folder = path.parent / "class"
    folder.mkdir(exist_ok=True)
    (folder / "ada.json").write_text('{"exercises": ["6-mask"], "questions": []}')
    classes.report(folder, path)


WRITTEN: dict[str, Callable[[Path], object]] = {
    "a domain": lambda path: adapted().save_domain(path, "new"), "a table": report}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_is_written_replaces_files_alone(what, tmp_path):
    suffix = ".csv" if what == "a table" else ".safetensors"
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / "precious")
    places = odd(tmp_path, suffix) | {"a link": tmp_path / f"link{suffix}"}
    before = {path: os.lstat(path).st_mode for path in places.values()}
    for word, path in places.items():
        with patience():
            refuses(WRITTEN[what], path, says=(f"it is {word}", path.name))
    assert {path: os.lstat(path).st_mode for path in places.values()} == before
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_a_pipe_stays_one_whoever_writes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for write in (lambda path: paths.write_atomically(path, b"", links=True),
                  lambda path: checkpoints.save(torch.nn.Linear(1, 1), path)):
        with patience(), pytest.raises(paths.NoFile, match="a pipe"):
            write(tmp_path / "pipe")
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


def test_a_lock_makes_no_file_behind_a_link(tmp_path):
    (tmp_path / ".file.lock").symlink_to(tmp_path / "elsewhere")
    with paths.locked(tmp_path / "file", 1) as alone:
        assert not alone
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "a\0b"])
def test_a_path_that_leads_nowhere_makes_no_folder(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for function in (loaded, WRITTEN["a domain"]):
        refuses(function, name, says="give")
    refuses(classes.report, tmp_path, f"{name}.csv", says="give")
    assert main(["start", "--copy-only", name]) == 1 and capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())
