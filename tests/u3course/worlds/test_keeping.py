"""What is drawn once and kept: read as it was; drawn anew if the file is anything else, or if there is no place."""

import errno
import os
import pickle
import random
from types import SimpleNamespace

import pytest

from u3course.worlds import keeping, scenery
from u3lab._system import paths


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("U3LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(name: str = "a", draw=lambda: b"drawn" * 90) -> bytes:
    return keeping.once(keeping.file(name, ".pt", (scenery,), ("photos",)), draw)


def test_the_second_start_reads_and_drops_what_an_older_version_kept(cache):
    cache.mkdir()
    for name in ("a-0123456789ab.pt", "b-0123456789ab.pt", "a-0123456789ab.jpg"):
        (cache / name).write_bytes(b"old")
    first = kept()
    assert kept(draw=lambda: pytest.fail("drawn again")) == first
    version = keeping.version((scenery,), ("photos",))
    assert {file.name for file in cache.iterdir()} == {f"a-{version}.pt", "b-0123456789ab.pt", "a-0123456789ab.jpg"}


def test_a_broken_file_is_drawn_anew(cache):
    whole = kept()
    file, = cache.iterdir()
    good, draw = file.read_bytes(), random.Random(0)
    kept("other")
    other = next(one for one in cache.iterdir() if one != file).read_bytes()
    flipped = [good[:at] + bytes([good[at] ^ 1 << draw.randrange(8)]) + good[at + 1:] for at in range(len(good))]
    cut = [good[:end] for end in range(0, len(good), 7)]
    for content in (*flipped, *cut, good + b"x", other, b"\xff" * 5000, pickle.dumps([1])):
        file.write_bytes(content)
        assert keeping.read(file) is None
    assert kept() == whole and file.read_bytes() == good and good[:-keeping.SEAL] == whole


def test_without_a_place_it_is_drawn_each_time(cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a file where the folder should be")
    for folder in tmp_path / "file" / "cache", "~nobody-has-this-name", "/dev/null":
        monkeypatch.setenv("U3LAB_CACHE", str(folder))
        monkeypatch.chdir(tmp_path)
        assert kept(draw=lambda: b"drawn") == b"drawn"

    def refuse(*arguments, **named):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setenv("U3LAB_CACHE", str(cache))
    for module, call in (os, "mkdir"), (paths, "open"), (os, "replace"), (os, "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(module, call, refuse, raising=False)
            assert kept(draw=lambda: b"drawn") == b"drawn"
    assert not list(cache.iterdir())


def test_a_version_changes_with_each_program_and_each_material(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data", lambda folder: tmp_path / folder)
    maker, found = SimpleNamespace(__file__=str(tmp_path / "__init__.py")), []  # a package
    (tmp_path / "photos").mkdir()
    for name in ("__init__.py", "part.py", "photos/a.webp", "photos/b.webp"):
        (tmp_path / name).write_text(name)
        found.append(keeping.version.__wrapped__((maker,), ("photos",), "Pillow 12"))
    found.append(keeping.version.__wrapped__((maker,), ("photos",), "Pillow 13"))
    assert len(set(found)) == 5
