"""The table of chapter 6 on maps and the forgetful network: eight pictures, three shuffles, every filter bank.

    python -m u3lab.experiments forgetting      # data/results/forgetting.json, ten minutes
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__, images, nets
from u3lab._system import paths
from u3lab.experiments import _writing
from u3lab.lessons.saliency.forgetting import Run, forgotten

PICTURES = ("coffee", "camera", "dog", "koala", "lemur", "macaw", "goldfish", "aqueduct")
METHODS = ("edges (no network)", "gradient", "smooth grad", "integrated gradients", "deconvnet", "guided",
           "modulated gradient", "LRP z⁺", "excitation", "contrastive excitation", "Grad-CAM", "guided Grad-CAM")
SEEDS = 3


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    return METHODS.index(run.method), PICTURES.index(run.picture), run.seed


def main(arguments: list[str] | None = None) -> None:
    """Fill the table; a shuffle is one piece of work."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    file, net = chosen.out / "forgetting.json", nets.load()
    names, methods, seeds = (PICTURES[:1], METHODS[:2], 1) if chosen.short else (PICTURES, METHODS, SEEDS)
    head = {"recipe": "python -m u3lab.experiments forgetting", "u3lab": __version__, "torch": torch.__version__,
            "network": net.name, "pictures": list(PICTURES),
            "columns": (*Run._fields, "rank correlation after each bank, from the classes down …")}
    shown = torch.cat([images.load(name, size=net.size) for name in names])
    labels = [net.class_index(images.label(name)) for name in names]
    for seed in range(seeds):
        if Run(methods[0], names[0], seed) in _writing.rows(file, head, Run):
            continue
        found: dict[Run, list[float]] = {}
        for _, by_method in tqdm(forgotten(net, shown, labels, methods, seed=seed), desc=f"shuffle {seed}"):
            for method, values in by_method.items():
                for name, value in zip(names, values, strict=True):
                    found.setdefault(Run(method, name, seed), []).append(round(value, 3))
        for run, values in sorted(found.items(), key=lambda pair: pair[0].method == methods[0]):  # that one comes last
            _writing.add_row(file, head, run, tuple(values), place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))
