"""What all recipes do: read their options, write their files, and say what was written."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from u3lab._system import paths


def options(parser: argparse.ArgumentParser, arguments: list[str] | None, *folder: str) -> argparse.Namespace:
    """The options with --seed, --short and --out; ``out`` is data/folder, or for a short run a new folder."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="a few steps, into a new folder unless --out is given")
    parser.add_argument("--out", type=Path, help="the folder that gets the files")
    chosen = parser.parse_args(arguments)
    if chosen.out is None:
        chosen.out = Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.data(*folder)
    return chosen


def write(path: Path, content: bytes | dict | list, said: str = "") -> None:
    """Write bytes, or anything else as JSON, and print what data/README.md says of the file."""
    if not isinstance(content, bytes):
        content = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    paths.write_atomically(path, content)
    print(path, len(content), "bytes", paths.sha256(path), said, flush=True)
