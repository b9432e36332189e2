"""The houses of the project, and the files of Python in them."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("u3lab", "u3course", "u3audit", "u3server")  # what the wheel holds
ALL = (*SHIPPED, "evidence")


def files(*houses: str) -> Iterator[Path]:
    """All files of these houses but their tests."""
    for house in houses:
        yield from (file for file in sorted((ROOT / house).rglob("*.py"))
                    if "tests" not in file.relative_to(ROOT).parts)


def name_of(file: Path) -> str:
    """A file's name as a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
