"""The lecture's big table: one photo, every layer of a network, one row for each prior, with the errors.

``python -m u3lab.recipes.inversion_table`` makes the shipped ones.

A step of the generator costs several of the pixels, so each prior has its own number of steps, for about the same time.
As in Mahendran & Vedaldi (2015), the price of total variation is 1, 10 and 100 in the first, second and last third of
the layers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images
from u3lab._system import paths
from u3lab.descent import last
from u3lab.inversion.inverting import InversionSettings, code, code_error, invert
from u3lab.inversion.priors import PRIORS
from u3lab.nets import Classifier

PHOTO, SIDE, QUALITY = "chelsea", 128, 82
# The prior's name → steps, and its settings by the third of the network.
ROWS: dict[str, tuple[int, tuple[dict[str, float], ...]]] = {
    "none": (1200, ({},) * 3), "total variation": (1200, ({"lam": 1.0}, {"lam": 10.0}, {"lam": 100.0})),
    "deep image prior": (240, ({},) * 3)}


class Inverted(NamedTuple):
    """What a prior made of one layer's code: the picture (1,3,H,W) and its errors.

    ``code`` is ‖Φ(x)−Φ(x₀)‖²/‖Φ(x₀)‖², ``moved`` the same when both pictures are shifted by 5 pixels, ``pixels`` the
    mean square of x − x₀, ``seconds`` what it took.
    """

    image: Tensor
    code: float
    moved: float
    pixels: float
    seconds: float = 0.0


def judge(net: Classifier, layer: str, x: Tensor, image: Tensor, *, seconds: float = 0.0) -> Inverted:
    """The errors of x as an inversion of a picture's code at a layer."""
    def error(shift: int) -> float:
        with torch.no_grad():
            a, b = (code(net, layer, y.roll((shift, shift), (2, 3))) for y in (x, image))
        return float(code_error(a, b))

    return Inverted(x, error(0), error(5), float((x - image).square().mean()), seconds)


def big_table(net: Classifier, layers: Sequence[str], image: Tensor, *, share: float = 1.0,
              seed: int = 0) -> Iterator[tuple[str, str, Inverted]]:
    """Invert each layer under each prior: (prior, layer, what came out). ``share`` of the steps are made."""
    for name, (steps, thirds) in ROWS.items():
        for index, layer in enumerate(layers):
            settings = InversionSettings(steps=max(1, round(share * steps)), seed=seed)
            prior, begun = PRIORS[name](**thirds[3 * index // len(layers)]), time.perf_counter()
            x = last(invert(net, layer, image, prior=prior, settings=settings)).value
            yield name, layer, judge(net, layer, x, image, seconds=time.perf_counter() - begun)


def sheet(found: Mapping[tuple[str, str], Inverted], layers: Sequence[str]) -> Tensor:
    """All pictures of the table as one, row by row, (1,3,rows·H,layers·W)."""
    priors = dict.fromkeys(prior for prior, _ in found)
    return torch.cat([torch.cat([found[prior, layer].image for layer in layers], 3) for prior in priors], 2)


def shipped(name: str) -> tuple[dict[str, list[Tensor]], dict]:
    """The table of a network that comes with the course: prior → pictures, layer by layer, and its numbers."""
    facts = json.loads(paths.data("results", f"inversion-{name}.json").read_text(encoding="utf-8"))
    whole = images.load(paths.data("results", f"inversion-{name}.jpg"))
    rows = whole.split(facts["side"], 2)
    return {prior: list(row.split(facts["side"], 3)) for prior, row in zip(facts["code"], rows, strict=True)}, facts
