"""What is left of a map when the network forgets: eight pictures, three shuffles, every filter bank.

    python -m evidence forgetting          # results/forgetting.json, ten minutes

The rank correlation of each map with that of the intact network, picture by picture, after the filter banks were
shuffled from the classes down (Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018).
"""

from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from evidence.hits import BLUR, BLURRED
from u3lab import images, nets, saliency
from u3lab.images.blurring import blur
from u3lab.measures import rank_correlation
from u3lab.nets import Classifier
from u3lab.saliency import METHODS

NETWORK = "squeezenet1_1"
PICTURES = ("coffee", "camera", "dog", "koala", "lemur", "macaw", "goldfish", "aqueduct")
SHOWN = ("edges (no network)", "gradient", "smooth grad", "integrated gradients", "deconvnet", "guided",
         "modulated gradient", "LRP z⁺", "excitation", "contrastive excitation", "Grad-CAM", "guided Grad-CAM",
         "gradient, blurred", "guided, blurred", "LRP z⁺, blurred")
SEEDS = (0, 1, 2)
BANKS = (1, 2, 3, 5, 8, 12, 16, 20, 26)  # after so many the summary looks

Run = NamedTuple("Run", [("method", str), ("picture", str), ("seed", int)])
"""One method, one picture, one shuffle."""

Row = NamedTuple("Row", [("correlations", tuple[float, ...])])
"""The rank correlation with the intact map after each bank, from the classes down."""


def summary(rows: Rows) -> Summary:
    """The mean after some banks, by method; the interval is over pictures."""
    last = min(len(values) for (values,) in rows.values())
    return by_cell((str(count), run.method, values[count - 1], run.picture) for count in BANKS if count <= last
                   for run, (values,) in rows.items())


TABLE = Table(
    "forgetting", Run, Row, summary=summary, facts={"network": NETWORK}, digits=3,
    again="a shuffle takes three minutes; a test compares one bank picture by picture",
    chart=Chart("curves", "rank correlation with the intact map", along="filter banks shuffled, from the classes down",
                columns=("edges (no network)", "guided", "LRP z⁺", "gradient", "Grad-CAM", "deconvnet"),
                alt="Curves of rank correlation against the number of shuffled filter banks. Edges stay at 1, guided "
                    "backprop and LRP near 0.9 for long; the gradient and Grad-CAM fall at once."))


def work(plan: Plan) -> Iterator[Work]:
    """A shuffle is a piece of work."""
    names, methods, net = plan.few(PICTURES), plan.few(SHOWN, 2), nets.load(NETWORK)
    plan.judge(photos=names)
    shown = torch.cat([images.load(name, size=net.size) for name in names])
    labels = [net.class_index(images.label(name)) for name in names]
    for seed in plan.few(SEEDS):
        yield Work([Run(method, name, seed) for method in methods for name in names], measured, net, shown, labels,
                   methods, names, seed)


def measured(net: Classifier, shown: Tensor, labels: Sequence[int], methods: Sequence[str], names: Sequence[str],
             seed: int) -> dict[Run, Row]:
    """All rows of one shuffle."""
    banks = [by_method for _, by_method in forgotten(net, shown, labels, methods, seed=seed)]
    return {Run(method, name, seed): Row(tuple(by_method[method][k] for by_method in banks))
            for method in methods for k, name in enumerate(names)}


def forgotten(net: Classifier, pictures: Tensor, labels: Sequence[int], methods: Sequence[str], *, seed: int = 0,
              stops: Container[int] | None = None) -> Iterator[tuple[int, dict[str, list[float]]]]:
    """Shuffle a copy of the network bank by bank, and compare the maps of all pictures at some stops, or at all.

    Yields:
        (int, dict): How many banks are shuffled, and method → the rank correlation for each picture (B).
    """
    def maps(net: Classifier, name: str) -> Tensor:
        found = METHODS[BLURRED.get(name, name)](net, pictures, list(labels))
        return blur(found, BLUR) if name in BLURRED else found

    intact = {name: maps(net, name) for name in methods}
    for count, (_, broken) in enumerate(saliency.randomise_downwards(net, seed=seed), 1):
        if stops is None or count in stops:
            yield count, {name: list(map(rank_correlation, intact[name], maps(broken, name))) for name in methods}
