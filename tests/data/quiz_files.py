"""What the pictures of every Deep Quiz have in common."""

from pathlib import Path

from PIL import Image


def check_files(folder: Path, index: list[dict], count: int, side: int, most: int) -> None:
    """The folder holds index.json and its pictures 1.jpg … in order, square, of at most so many bytes, without EXIF."""
    names = [f"{number}.jpg" for number in range(1, count + 1)]
    assert [entry["file"] for entry in index] == names
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "index.json"])
    for name in names:
        with Image.open(folder / name) as picture:
            assert picture.size == (side, side) and picture.format == "JPEG" and not picture.getexif()
        assert (folder / name).stat().st_size <= most
