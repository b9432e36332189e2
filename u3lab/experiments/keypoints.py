"""Keypoints as a bottleneck, notebook 03b: faces, chairs and three discs.

    python -m u3lab.experiments keypoints            # data/results/keypoints.json, data/weights/keypoints.safetensors

A training takes half an hour of one thread. Those of a quarter of its steps, by which Γ are compared and chairs are
learnt, take eight minutes. One that was stopped goes on from its state in the cache; what the table has is not computed
again.

The pictures were chosen out of five attempts, by the error of landmarks with the first seed. With photos behind that
moved along or stood still, 500 marked faces read 42 % off the points after 500 to 800 steps, the mean shape having
44 %. Before a wall, with pictures of 32 pixels and another moment in half of the pairs, they read 24 % after 6,000
steps. In "two walls" the pictures of a person have each a wall of their own, and what it looks like goes through the
points.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import torch
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.landmarks import discs, parts, seats
from u3lab.lessons.landmarks.parts import Drawn

SEEDS = 3
PICTURES = ("discs", "person", "chair")
DISC_SEEDS, DISC_STEPS, COUNTS = 5, (300, 1500), (3, 10)


def runs() -> list[Drawn]:
    """All trainings of faces, without what is measured; the first two ship."""
    first, *others = [Drawn("person", judge, parts.K, parts.STEPS // 4, 0, "", 0) for judge in parts.JUDGES]
    return [first._replace(steps=parts.STEPS), first._replace(thing="person, two walls"), first, *others]


def place(run: Drawn) -> tuple:
    """Where a row stands in the table."""
    judges = (*parts.JUDGES, "random weights", "mean shape")
    return run.thing, judges.index(run.judge), run.count, -run.steps, run.seed, run.measure, run.labels


def rounded(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """As they are written."""
    return tuple(round(one, 4) for one in numbers)


def of_faces(file: Path, head: dict, run: Drawn, chosen: argparse.Namespace) -> None:
    """Train one network on faces, if the table lacks it, and measure it."""
    weights = chosen.out / "weights" / f"{parts.NAMES[run.thing]}.safetensors"
    ships = run in runs()[:2] or chosen.short
    if run._replace(measure="regression", labels=parts.LABELS[-1]) in _writing.rows(file, head, Drawn) and (
            weights.exists() or not ships):
        return
    model, taught = parts.learnt(run, _writing.state(chosen, "keypoints", *run[:5]))
    for _ in tqdm(taught, total=run.steps + 1, desc=f"{run.judge}, {run.steps} steps, seed {run.seed}"):
        pass
    if ships:
        _writing.weights(weights, model, eight_bits=True, recipe="python -m u3lab.experiments keypoints",
                         torch=torch.__version__)
    for row, found in parts.measured(model, run):
        _writing.add_row(file, head, row, rounded(found), place)


def part_of(chosen: argparse.Namespace) -> float:
    """How much of the marked chairs is drawn: a tenth will do for the form."""
    return 0.1 if chosen.short else 1.0


def of_chairs(file: Path, head: dict, seed: int, steps: int, chosen: argparse.Namespace) -> None:
    """Train one network on chairs, if the table lacks it, and measure how far off their points are, in pixels."""
    run = Drawn("chair", "colouring" if steps else "random weights", parts.K, steps, seed, "pixels", seats.LABELLED)
    if run in _writing.rows(file, head, Drawn):
        return
    model, taught = seats.learnt(seed, steps, _writing.state(chosen, "keypoints", *run[:5]))
    for _ in tqdm(taught, total=steps + 1, desc=f"chairs, {steps} steps, seed {seed}"):
        pass
    if steps and not seed:
        _writing.weights(chosen.out / "weights" / f"{seats.NAME}.safetensors", model, eight_bits=True,
                         recipe="python -m u3lab.experiments keypoints", torch=torch.__version__)
    _writing.add_row(file, head, run, rounded((seats.measured(model, part_of(chosen)),) * 2), place)


def of_discs(file: Path, head: dict, count: int, seed: int, steps: int) -> None:
    """Train one network on discs, if the table lacks it, and measure how well each disc is followed."""
    run = Drawn("discs", "pixels", count, steps, seed, "R² of disc 2", 200)
    if run in _writing.rows(file, head, Drawn):
        return
    model, taught = discs.learnt(count, seed, steps)
    for _ in taught:
        pass
    for disc, share in enumerate(discs.explained(model)):
        _writing.add_row(file, head, run._replace(measure=f"R² of disc {disc}"), rounded((share, share)), place)


def main(arguments: list[str] | None = None) -> None:
    """Fill the table and write the weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--things", nargs="+", choices=PICTURES, default=PICTURES, help="a part; several such may run "
                        "side by side")
    chosen = _writing.options(parser, arguments)
    file, todo, seeds, disc_seeds = chosen.out / "results" / "keypoints.json", runs(), SEEDS, DISC_SEEDS
    if chosen.short:
        todo, seeds, disc_seeds = [Drawn("person", "colouring", parts.K, 2, 0, "", 0)], 1, 1
    head = {"recipe": "python -m u3lab.experiments keypoints", "u3lab": __version__, "torch": torch.__version__,
            "pictures": {"people": parts.STOCK // 2, "side": parts.SIDE}, "steps": parts.STEPS, "batch": parts.BATCH,
            "columns": (*Drawn._fields, "all", "hard")}
    if "discs" in chosen.things:
        for steps, seed, count in itertools.product((2,) if chosen.short else DISC_STEPS, range(disc_seeds), COUNTS):
            of_discs(file, head, count, seed, steps)
    if "person" in chosen.things:
        for seed in range(seeds):
            nothing = Drawn("person", "random weights", parts.K, 0, seed, "", 0)
            for row, found in parts.measured(parts.learnt(nothing)[0], nothing):
                _writing.add_row(file, head, row, rounded(found), place)
        _writing.add_row(file, head, Drawn("person", "mean shape", 0, 0, 0, "regression", parts.LABELS[-1]),
                         rounded(parts.mean_shape()), place)
        for run in todo:
            of_faces(file, head, run, chosen)
    if "chair" in chosen.things:
        _writing.add_row(file, head, Drawn("chair", "mean shape", 0, 0, 0, "pixels", seats.LABELLED),
                         rounded((seats.mean_shape(part_of(chosen)),) * 2), place)
        for seed, steps in itertools.product(range(seeds), (0, todo[-1].steps)):
            of_chairs(file, head, seed, steps, chosen)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
