"""The table of chapter 2: what encoders that were taught without labels are worth with a few.

    python -m u3lab.recipes.pretexts                                # data/results/pretexts.json, every task
    python -m u3lab.recipes.pretexts --tasks jigsaw --seed 1        # a part; several such may run side by side

An encoder learns from pictures without their labels: those of three natural domains, to train on, and squares of the
shipped photos. Then it is held fixed, and linear probes at each layer learn a domain from 5, 20 or 100 labels of each
class. Beside the tasks stand "random", an encoder that learnt nothing, and "supervised", one that was taught all the
labels of these domains, the probes' own among them: a bound, not a rival. A run is 5 to 15 minutes on one thread; its
rows are written as it ends, and what the file has is not computed again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import paths
from u3lab.datasets import decathlon
from u3lab.descent import Step, last
from u3lab.lessons.universal.trials import falling
from u3lab.nets import Classifier
from u3lab.recipes import _crops, _writing
from u3lab.selfsup import LAYERS, TASKS, PretextSettings, encoder, pretrain
from u3lab.selfsup.transfer import Probed, described, few, probes, supervised

POOL, DOMAIN = ("textures", "animals", "objects"), "textures"
CROPS, SIDE = 1300, 64
LABELS = (5, 20, 100)
STEPS, RATE, BATCH = 1000, 0.003, 64
LEARNT = ("random", "supervised")
COLUMNS = ("task", "data", "domain", "seed", "labels", "layer", "val", "test")


def natural(crops: int, seed: int) -> tuple[Tensor, Tensor, int]:
    """Pictures (N,3,64,64), labels (N), which the squares of photos, at the end, do not have (−1), and how many."""
    images, labels, classes = [], [], 0
    for name in POOL:
        domain = decathlon.load(name)
        images.append(domain.images)
        labels.append(domain.labels + classes)
        classes += len(domain.classes)
    images.append(_crops.squares(SIDE, crops, seed=seed))
    return torch.cat(images), torch.cat([*labels, torch.full((crops,), -1)]), classes


def taught(net: Classifier, task: str, data: tuple[Tensor, Tensor, int], seed: int, steps: int) -> Iterator[Step]:
    """The steps of an encoder's training; the rate falls to nearly 0."""
    images, labels, classes = data
    settings = PretextSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=seed)
    if task != "supervised":
        return falling(pretrain(net, images, task, settings=settings), settings)
    named = int((labels >= 0).sum())

    def raw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(named, (count,), generator=generator)
        return images[chosen], labels[chosen]

    return falling(pretrain(net, raw, supervised(classes), settings=settings), settings)


def judged(net: Classifier, task: str, seed: int, labels: tuple[int, ...]) -> Iterator[tuple[Probed, tuple]]:
    """Every probe of an encoder, with the share of validation and of test pictures that it gets right."""
    domain, *held_out = (decathlon.load(DOMAIN, split) for split in ("train", "val", "test"))
    features = described(net, domain.images)
    others = [described(net, split.images) for split in held_out]
    for each in labels:
        chosen = few(domain.labels, each, seed=seed)
        found = probes({layer: one[chosen] for layer, one in features.items()}, domain.labels[chosen])
        for layer, one in found.items():
            shares = [one.accuracy(other[layer], split.labels) for other, split in zip(others, held_out, strict=True)]
            yield Probed(task, "natural", DOMAIN, seed, each, layer), tuple(round(share, 4) for share in shares)


def place(run: Probed) -> tuple:
    """Where a row stands in the table."""
    return run.data, run.domain, [*LEARNT, *TASKS].index(run.task), run.seed, run.labels, LAYERS.index(run.layer)


def main(arguments: list[str] | None = None) -> None:
    """Teach encoders, and add their probes to the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tasks", nargs="+", choices=[*LEARNT, *TASKS], default=[*LEARNT, *TASKS])
    chosen = _writing.options(parser, arguments, "results")
    tasks, labels, steps, crops = chosen.tasks, LABELS, STEPS, CROPS
    if chosen.short:
        tasks, labels, steps, crops = ["random", "upright"], LABELS[:1], 2, 4
    file = chosen.out / "pretexts.json"
    head = {"recipe": "python -m u3lab.recipes.pretexts", "u3lab": __version__, "torch": torch.__version__,
            "pictures": decathlon.version(), "columns": COLUMNS}
    rows = _writing.rows(file, head, Probed)
    lacking = [task for task in tasks if not all(Probed(task, "natural", DOMAIN, chosen.seed, each, layer) in rows
                                                 for each in labels for layer in LAYERS)]
    data = natural(crops, chosen.seed) if lacking else None
    for task in lacking:
        net = encoder(seed=chosen.seed)
        if task != "random":
            last(tqdm(taught(net, task, data, chosen.seed, steps), total=steps + 1, desc=task))
        for run, reached in judged(net, task, chosen.seed, labels):
            _writing.add_row(file, head, run, reached, place)
    print(file, file.stat().st_size, "bytes", paths.sha256(file))


if __name__ == "__main__":
    main()
