"""Every shipped file has its row in data/README.md, and every row its file, unchanged."""

import importlib.util
import json
import re

import pytest
from PIL import Image

from u3lab import images
from u3lab._system import paths

ROOT = paths.data("README.md").parent
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+?) \| `([0-9a-f]{64})` \| `([^`]+)` \|$", re.MULTILINE)
ROWS = {row[0]: row for row in ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
SHIPPED = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.rglob("*") if file.is_file())


def test_each_file_has_a_row_and_each_row_a_file():
    assert sorted([*ROWS, "README.md"]) == SHIPPED


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
            case ["python", "-m", module, *_]:
                assert module.startswith("u3lab.recipes.") and importlib.util.find_spec(module), command
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


def test_all_of_it_stays_under_ten_megabytes():
    assert sum((ROOT / file).stat().st_size for file in SHIPPED) < 10e6
