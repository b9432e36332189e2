"""Every shipped file has its row in data/README.md, and every row its file, unchanged."""

import importlib.util
import json
import re
import tomllib
import zipfile

import pytest
from PIL import Image

from u3lab import images
from u3lab._system import paths
from u3lab.datasets import packed

ROOT = paths.data("README.md").parent
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+?) \| `([0-9a-f]{64})` \| `([^`]+)` \|$", re.MULTILINE)
ROWS = {row[0]: row for row in ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
FREE = ("public domain", "no usage restrictions", "CC0 1.0", "CC BY ", "CC BY-SA ", "GPL 2 or later")
BY_HAND = re.compile(r"(quiz|exercises|results)/[^/]+\.md")  # for people to edit, where no recipe writes
SHIPPED = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*") if file.is_file())


def test_each_file_has_a_row_and_each_row_a_file():
    assert sorted([*ROWS, "README.md"]) == [file for file in SHIPPED if not BY_HAND.fullmatch(file)]


@pytest.mark.parametrize("file", ROWS)
def test_a_file_is_the_one_that_its_row_describes(file):
    _, what, source, licence, digest, _ = ROWS[file]
    assert paths.sha256(ROOT / file) == digest
    assert all(len(cell) > 2 for cell in (what, source, licence))


def test_the_commands_are_there():
    """What was computed has a recipe, what came from elsewhere a script in tools/, which no wheel carries."""
    checkout = ROOT.parent
    for command in {row[5] for row in ROWS.values()}:
        match command.split():
            case ["python", "-m", "evidence", name, *_]:
                assert importlib.util.find_spec(f"evidence.{name}"), command
            case ["python", script]:
                assert script.startswith("tools/"), command
                assert (checkout / script).is_file() or not (checkout / "pyproject.toml").is_file(), command
            case _:
                pytest.fail(f"no command: {command}")


def test_the_index_names_each_picture_once():
    index = json.loads((ROOT / "pictures" / "index.json").read_text(encoding="utf-8"))
    files = sorted(entry["file"] for entry in index.values())
    assert files == sorted(f.name for f in (ROOT / "pictures").iterdir() if f.name != "index.json")
    assert {entry["group"] for entry in index.values()} == set(images.GROUPS)


@pytest.mark.parametrize("name", images.names())
def test_a_picture_is_small_and_without_metadata(name):
    file = ROOT / "pictures" / json.loads((ROOT / "pictures" / "index.json").read_text(encoding="utf-8"))[name]["file"]
    with Image.open(file) as picture:
        assert min(picture.size) <= 320 and file.stat().st_size < 100_000
        assert not picture.getexif() and picture.mode in ("L", "RGB")


@pytest.mark.parametrize("collection", ["photos", "cutouts"])
def test_a_collection_is_complete_and_each_of_its_pictures_has_a_credit(collection):
    index = packed.index(collection)
    with zipfile.ZipFile(ROOT / collection / f"{collection}.zip") as archive:
        assert archive.namelist() == [f"{name}.webp" for name in index]
        for name, entry in index.items():
            assert len(entry["author"]) > 2 and any(entry["licence"].startswith(free) for free in FREE), name
            with Image.open(archive.open(f"{name}.webp")) as picture:
                assert max(picture.size) <= 512 and not picture.getexif()


def test_the_package_names_every_licence_of_the_collections():
    checkout = ROOT.parent / "pyproject.toml"
    if not checkout.is_file():
        pytest.skip("needs the checkout")
    expression = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]["license"].split(" AND ")
    spoken = {entry["licence"] for collection in ("photos", "cutouts") for entry in packed.index(collection).values()}
    spoken -= {"public domain", "no usage restrictions"}  # nothing is asked for
    spdx = {licence.replace("GPL 2 or later", "GPL-2.0-or-later").removesuffix(" DE").replace(" ", "-")
            for licence in spoken}
    assert spdx <= {*expression, "CC0-1.0"} and {"MIT", "BSD-3-Clause"} <= set(expression)


def test_all_of_it_stays_under_forty_two_megabytes():
    assert sum((ROOT / file).stat().st_size for file in SHIPPED) < 42e6
