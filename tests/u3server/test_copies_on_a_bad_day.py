"""Copies when the disk is full, read-only or without links, and when others save or start at the same moment."""

import errno
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import refuses, slip
from tests.u3server.test_copies import FIRST, NEWER, OTHER, SIX, course, held, mine, notebook, start
from u3lab._system import paths
from u3server import copies

__all__ = ["course", "mine"]  # fixtures
WORK, ROOT = notebook("my own"), Path(__file__).resolve().parents[2]


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith(".lock")}


def refuse(number: int, after: int = 0, works=None):
    """A function of the system that works so many times, and then gives an error."""
    calls = itertools.count()

    def call(*arguments, **named):
        if next(calls) >= after:
            raise OSError(number, os.strerror(number))
        return works(*arguments, **named)
    return call


@pytest.mark.parametrize("after", range(3))  # two copies and the record
@pytest.mark.parametrize("fresh", [(), ("06",)], ids=["", "fresh"])
@pytest.mark.parametrize("content", [FIRST, WORK], ids=["untouched", "worked on"])
def test_a_full_disk_loses_nothing_and_the_next_start_goes_on(course, mine, monkeypatch, content, fresh, after):
    """The disk is full from the first file on, or from a later one."""
    (mine / SIX).write_bytes(content)
    (mine / OTHER).unlink()
    for name in (SIX, OTHER):
        (course / name).write_bytes(NEWER)
    with monkeypatch.context() as patch:
        patch.setattr(paths, "write_atomically", refuse(errno.ENOSPC, after, paths.write_atomically))
        with slip("cannot be brought up to date", "No space left on device", "u3lab start FOLDER",
                  "what was done is: .*06.*; all others stay" if after else "and stay as they are") as told:
            start(course, mine, *fresh)
        assert "\n" not in str(told.value)
    assert content in everything(mine).values() or after and content == FIRST and not fresh
    assert not [name for name in everything(mine) if name.endswith(".u3lab")]
    start(course, mine, *fresh)
    assert (mine / OTHER).read_bytes() == NEWER
    assert content in held(mine).values() or content == FIRST and not fresh
    assert NEWER in held(mine).values() and set(held(mine).values()) <= {NEWER, content}


def test_a_disk_that_is_read_only(course, mine, monkeypatch):
    """That is no obstacle to root, so the system's answers are played."""
    (mine / SIX).write_bytes(WORK)
    (mine / OTHER).unlink()
    before = everything(mine)
    for call in ("replace", "rename", "link"):
        monkeypatch.setattr(os, call, refuse(errno.EROFS))
    for fresh in ((), ("06",)):
        with slip(f"the notebooks in {mine} cannot be brought up to date .Read-only file system"):
            start(course, mine, *fresh)
        assert everything(mine) == before


def test_when_the_new_one_cannot_take_its_place_the_old_one_goes_back(course, mine, monkeypatch):
    (mine / SIX).write_bytes(WORK)
    put, broken = copies._put, []

    def once(new, path):
        if not broken:
            broken.append(path)
            raise OSError(errno.EIO, "Input/output error")
        return put(new, path)

    monkeypatch.setattr(copies, "_put", once)
    refuses(start, course, mine, "06", says="Input/output error")
    assert broken and held(mine) == {SIX: WORK}


def test_a_disk_without_hard_links(course, mine, monkeypatch):
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    (mine / SIX).unlink()
    (mine / OTHER).write_bytes(WORK)
    assert start(course, mine, "07b")[0] == f"copied to {mine}: 06" and held(mine)[SIX] == FIRST
    assert copies._make(mine / SIX, NEWER) is False and held(mine)[SIX] == FIRST
    assert (mine / OTHER).read_bytes() == FIRST and WORK in everything(mine).values()


STARTER = """
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from u3server import copies
from u3lab._system import paths

@contextmanager
def none(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    yield False

course, locks, *fresh = sys.argv[1:]
paths.locked = paths.locked if locks == "locks" else none
print("ready", flush=True)
sys.stdin.readline()
print(*copies.refresh(Path(course), Path(course).parent / "my", fresh=fresh, today=date(2026, 12, 1)), sep="\\n")
"""


@pytest.mark.parametrize("locks", ["locks", "no locks"])
def test_several_starts_at_once(course, locks):
    """Also on a disk that knows no locks, as some network disks."""
    folder = course.parent / "my"
    folder.mkdir()
    (folder / SIX).write_bytes(WORK)
    command = [sys.executable, "-c", STARTER, str(course), locks, "06"]
    starters = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for _ in range(4)]
    assert [starter.stdout.readline() for starter in starters] == ["ready\n"] * 4
    for starter in starters:
        starter.stdin.write("\n")
        starter.stdin.flush()
    said = [starter.communicate(timeout=100)[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4
    assert (folder / SIX).read_bytes() == FIRST and (folder / OTHER).read_bytes() == FIRST
    assert list(held(folder).values()).count(WORK) == 1
    assert not [name for name in everything(folder) if name.endswith(".u3lab")]
    assert locks == "no locks" or sum("copied to" in one for one in said) == 1


@pytest.mark.parametrize("moment", ["before it moves", "before the new one comes", "after"])
def test_a_notebook_that_is_saved_while_it_is_replaced_is_kept(course, mine, monkeypatch, moment):
    """JupyterLab saves between our look at the copy, which was untouched, and the end."""
    (course / SIX).write_bytes(NEWER)
    dated, put = copies._dated, copies._put

    def save() -> None:
        (mine / SIX).write_bytes(WORK)

    def first(path, words, content=b""):
        if moment == "before it moves":
            save()
        return dated(path, words, content)

    def last(new, path):
        if moment == "before the new one comes":
            save()
        done = put(new, path)
        if moment == "after":
            os.replace(path, path.with_name("theirs"))  # as writers do that write whole files
            save()
        return done

    monkeypatch.setattr(copies, "_dated", first)
    monkeypatch.setattr(copies, "_put", last)
    said = start(course, mine)
    assert WORK in held(mine).values() and len(said) == 1
    monkeypatch.undo()
    start(course, mine)
    assert WORK in held(mine).values() and NEWER in held(mine).values()


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")
@pytest.mark.parametrize("target", ["file", "nothing"])
def test_a_link_in_the_place_of_a_copy_is_the_students(course, mine, target):
    (mine / SIX).unlink()
    (mine / SIX).symlink_to(course.parent / "elsewhere")
    if target == "file":
        (course.parent / "elsewhere").write_bytes(FIRST)
    (course / SIX).write_bytes(NEWER)
    assert "your own stays" in start(course, mine)[0] and (mine / SIX).is_symlink()
    assert (course.parent / "elsewhere").exists() == (target == "file")
    start(course, mine, "06")
    assert not (mine / SIX).is_symlink() and (mine / SIX).read_bytes() == NEWER
    assert os.readlink(mine / "06_saliency-mine-2026-12-01.ipynb") == str(course.parent / "elsewhere")
