"""How files are written: whole or not at all, through links, with the permissions that they had; and locks."""

import os
import stat
import time
from pathlib import Path

import filelock
import pytest

from tests.helpers import raising
from u3lab import U3Error
from u3lab._system import paths

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions and links")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_is_whole_or_as_it_was(tmp_path):
    file = tmp_path / "new" / "file.bin"
    paths.write_atomically(file, b"first")
    with pytest.raises(KeyboardInterrupt), paths.replacing(file) as opened:
        opened.write(b"second, and")
        assert file.read_bytes() == b"first"
        raise KeyboardInterrupt
    assert file.read_bytes() == b"first" and names(file.parent) == {"file.bin"}


@posix
def test_a_new_file_has_the_usual_permissions_and_an_old_one_its_own(tmp_path):
    before = os.umask(0o027)
    try:
        paths.write_atomically(tmp_path / "new", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    with paths.replacing(tmp_path / "new") as opened:
        assert stat.S_IMODE(os.stat(opened.name).st_mode) == 0o600, "open to others while it is written"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


@posix
def test_a_disk_without_permissions_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"old")
    for name in ("chmod", "chown"):
        monkeypatch.setattr(os, name, raising(PermissionError(1, "Operation not permitted")))
    paths.write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


@posix
def test_links_stay_links(tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to(Path("deep", "three"))  # which is not there
    with pytest.raises(paths.NoFile, match="a link"):
        paths.write_atomically(tmp_path / "one", b"content")
    assert not (tmp_path / "deep").exists()
    paths.write_atomically(tmp_path / "one", b"content", links=True)
    assert (tmp_path / "one").is_symlink() and (tmp_path / "two").is_symlink()
    assert (tmp_path / "deep" / "three").read_bytes() == b"content" and names(tmp_path / "deep") == {"three"}


def test_what_is_left_goes_after_a_day(tmp_path):
    ages = {".a.0123abcd.u3lab": 2 * paths.DAY, ".b.0123abcd.u3lab": paths.DAY / 2, ".u3lab": 2 * paths.DAY,
            ".c.part": 2 * paths.DAY}
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    paths.write_atomically(tmp_path / "file", b"")
    assert names(tmp_path) == {*ages, "file"} - {".a.0123abcd.u3lab"}


def test_a_lock_keeps_others_out_until_it_ends(tmp_path):
    file = tmp_path / "folder" / "file"
    with paths.locked(file, 1) as alone:
        assert alone
        with pytest.raises(U3Error, match=r"another program has held .*file for 0.05 seconds; shut down"):
            with paths.locked(file, 0.05):
                pytest.fail("two at once")
    with pytest.raises(ZeroDivisionError), paths.locked(file, 0):
        raise ZeroDivisionError
    with paths.locked(file, 0) as alone:
        assert alone
    assert names(file.parent) == {".file.lock"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_lock_does_not_live_on_in_a_child(tmp_path):
    """A child that was forked meanwhile, as loaders of data are, has the file open as well."""
    reading, writing = os.pipe()
    with paths.locked(tmp_path / "file", 1):
        if not (child := os.fork()):
            os.read(reading, 1)
            os._exit(0)
    with paths.locked(tmp_path / "file", 0) as alone:
        assert alone
    os.write(writing, b"x")
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), OSError(38, "Function not implemented"),
                                   NotImplementedError()])
def test_without_locks_work_goes_on(tmp_path, monkeypatch, error):
    monkeypatch.setattr(filelock, "lock_descriptor", raising(error))
    (tmp_path / "a file").write_bytes(b"")
    for file in (tmp_path / "file", tmp_path / "a file" / "below"):
        with paths.locked(file, 1) as alone:
            assert not alone


def test_a_home_that_is_not_there(monkeypatch):
    monkeypatch.setenv("U3LAB_CACHE", "~nobody-has-this-name/cache")
    assert paths.cache("file") == Path("~nobody-has-this-name/cache/file")
