"""What all experiments do: read their options, write their files, and say what was written."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from u3lab import images
from u3lab._system import paths
from u3lab.lessons import results
from u3lab.nets import checkpoints


def options(parser: argparse.ArgumentParser, arguments: list[str] | None, *folder: str) -> argparse.Namespace:
    """The options with --seed, --short and --out; ``out`` is data/folder, or for a short run a new folder."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="a few steps, into a new folder unless --out is given")
    parser.add_argument("--out", type=Path, help="the folder that gets the files")
    chosen = parser.parse_args(arguments)
    if chosen.out is None:
        chosen.out = Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.data(*folder)
    return chosen


def pictures(chosen: argparse.Namespace, name: str) -> Path:
    """The folder of the cache where a recipe keeps its pictures until all are there; for a short run a new one."""
    return Path(tempfile.mkdtemp(prefix="u3lab-")) if chosen.short else paths.cache(name)


def picture(run: tuple, folder: Path) -> Path:
    """Where the picture of a run is kept."""
    return folder / ("-".join(map(str, run)).replace(" ", "_") + ".png")


def sheet(rows: Iterable[Iterable[tuple]], folder: Path, side: int) -> Tensor:
    """The kept pictures of runs as one, row by row; grey where there is none."""
    def one(run: tuple) -> Tensor:
        file = picture(run, folder)
        return images.load(file) if file.exists() else torch.full((1, 3, side, side), 0.5)

    return torch.cat([torch.cat([one(run) for run in row], 3) for row in rows], 2)


def write(path: Path, content: bytes | dict | list, said: str = "") -> None:
    """Write bytes, or anything else as JSON, and print what data/README.md says of the file."""
    if not isinstance(content, bytes):
        content = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    paths.write_atomically(path, content)
    print(path, len(content), "bytes", paths.sha256(path), said, flush=True)


def weights(path: Path, net: nn.Module, *, eight_bits: bool = False, **facts: object) -> None:
    """Write a network's weights with the facts of how they were made, and print what data/README.md says of them."""
    checkpoints.save(net, path, eight_bits=eight_bits, **facts)
    print(path, path.stat().st_size, "bytes", paths.sha256(path), facts, flush=True)


def state(chosen: argparse.Namespace, *what: object) -> Path | None:
    """Where a training keeps its state, in the cache, so that it can be stopped and go on; a short one keeps none."""
    return None if chosen.short else paths.cache("-".join(map(str, what)) + ".pt")


def rows(file: Path, head: dict, key: type[results.Key]) -> dict[results.Key, tuple]:
    """The rows that a table has already, none if there is no file; the recipe ends if they are of other pictures."""
    if not file.exists():
        return {}
    if (found := json.loads(file.read_text(encoding="utf-8"))["pictures"]) != head["pictures"]:
        raise SystemExit(f"{file} is of other pictures ({found}); delete it to begin anew")
    return results.rows(file, key)


def add_row(file: Path, head: dict, run: results.Key, reached: tuple, place: Callable[[results.Key], tuple]) -> None:
    """Write a table with one row more, sorted by ``place``; another program may have added its own in the meantime."""
    with paths.locked(paths.cache(file.name), seconds=60):  # no lock stays in data/
        table = {**rows(file, head, type(run)), run: reached}
        lines = ",\n  ".join(json.dumps([*one, *table[one]]) for one in sorted(table, key=place))
        begun = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
        paths.write_atomically(file, f'{begun},\n "rows": [\n  {lines}\n ]\n}}\n'.encode())


def fill(file: Path, head: dict, runs: Iterable[results.Key], reached: Callable[[results.Key], tuple],
         place: Callable[[results.Key], tuple]) -> None:
    """Run what a table lacks, each row written as it ends, and print what data/README.md says of the file."""
    for run in tqdm(list(runs)):
        if run not in rows(file, head, type(run)):
            add_row(file, head, run, reached(run), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
