"""The tables of chapter 5b: icons by what was maximised, by prior and by seed, and which networks recognise them.

    python -m u3lab.experiments icon_table              # all parts, into data/results; what is there already stays
    python -m u3lab.experiments icon_table --part study     # six classes, 15 minutes of one thread, and a sheet
    python -m u3lab.experiments icon_table --part alone     # the quiz's classes, one network, 20 minutes, and a sheet
    python -m u3lab.experiments icon_table --part unchosen  # classes drawn by chance, both networks, 5 min.
    python -m u3lab.experiments icon_table --part channels  # 36 channels beside a thousand crops, 4 minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from u3lab import __version__, images, nets, pixels
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.inversion import channels, icon_table
from u3lab.lessons.inversion.icon_table import Run
from u3lab.lessons.inversion.icons import QUALITY
from u3lab.nets import Classifier

PARTS = ("study", "alone", "unchosen", "channels")


def picture(networks: dict[str, Classifier], keep: bool, run: Run) -> Tensor:
    """The icon of a run as it ships, as a JPEG; kept in the cache, so that a stopped recipe goes on."""
    file = paths.cache("icon-" + "-".join(map(str, run)).replace(" ", "_") + ".jpg")
    if keep and file.exists():
        return images.load(file)
    makers = [networks[name] for name in run.makers.split("+")]
    x = icon_table.climb(makers, run.name, goal=run.goal, prior=run.prior, seed=run.seed, side=run.side,
                         steps=run.steps)
    jpeg = pixels.jpeg(x, quality=QUALITY)
    if keep:
        paths.write_atomically(file, jpeg)
    return images.load(jpeg)


def reached(networks: dict[str, Classifier], made: Callable[[Run], Tensor], run: Run) -> tuple:
    """The row of a run."""
    return icon_table.judged(made(run), run.name, networks[run.makers.split("+")[0]], list(networks.values()))


def sheet(made: Callable[[Run], Tensor], rows: Iterable[list[Run]]) -> bytes:
    """Icons as one JPEG, row by row."""
    return pixels.jpeg(torch.cat([torch.cat([made(run) for run in row], 3) for row in rows if row], 2), quality=QUALITY)


def main(arguments: list[str] | None = None) -> None:
    """Fill the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    chosen = _writing.options(parser, arguments, "results")
    networks = {net.name: net for net in icon_table.judges()}
    first = next(iter(networks.values()))
    parts = {"study": icon_table.study(), "alone": icon_table.alone(), "unchosen": icon_table.unchosen(first)}
    order = [run for runs in parts.values() for run in runs]
    if chosen.short:
        parts = {part: [run._replace(steps=2) for run in runs[:1]] for part, runs in parts.items()}
        order = [run for runs in parts.values() for run in runs]
    head = {"recipe": "python -m u3lab.experiments icon_table", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"classes": len(icon_table.CLASSES), "drawn by chance": icon_table.UNCHOSEN},
            "columns": (*Run._fields, *icon_table.Judged._fields)}
    made = partial(picture, networks, not chosen.short)
    todo = [run for part, runs in parts.items() if part in chosen.part for run in runs]
    if todo:
        _writing.fill(chosen.out / "icons.json", head, todo, partial(reached, networks, made), order.index)
    if "study" in chosen.part:
        _writing.write(chosen.out / "icons.jpg", sheet(made, icon_table.tiles(parts["study"]).values()))
    if "alone" in chosen.part:
        rows = [parts["alone"]] if chosen.short else icon_table.shown_alone().values()
        _writing.write(chosen.out / "icons-alone.jpg", sheet(made, rows))
    if "channels" in chosen.part:
        few = {"units": 1, "steps": 2, "each": 1} if chosen.short else {}
        _writing.write(chosen.out / "channels.json", channels.table(nets.load(device="cpu"), networks, **few))
