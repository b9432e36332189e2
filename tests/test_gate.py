"""The gate: every function that takes a network refuses at once what is none, and one in training mode."""

import inspect
from collections.abc import Callable

import pytest
import torch

from tests.helpers import refuses
from tools.site.api import gathered
from u3lab import adversarial, audit, dissection, equivariance, inversion, nets, saliency, universal

X = torch.full((1, 3, 64, 64), 0.5)
# What may be asked for, by the name of its parameter. It is never used: the network is asked about first.
GIVEN = {"layer": "fire3", "layers": ["fire3"], "images": X, "image": X, "pictures": [X], "data": [], "target": 8,
         "label": 8, "unit": 0, "eps": 0.01, "method": "gradient", "patch": X[..., :8, :8], "features": X, "games": [],
         "thresholds": torch.zeros(128), "labels": torch.zeros(1), "order": [0], "counts": [1], "count": 1,
         "units": [0], "name": "digits", "cases": None}


def takers() -> dict[str, Callable]:
    """What the chapters offer whose first parameter is a network, by name."""
    found = {}
    for room in (adversarial, audit, dissection, equivariance, inversion, nets, saliency, universal):
        for name in gathered(room):
            function = getattr(room, name)
            if inspect.isfunction(function) and next(iter(inspect.signature(function).parameters), None) == "net":
                found[f"{room.__name__.removeprefix('u3lab.')}.{name}"] = function
    return found


TAKERS = takers()


@pytest.mark.parametrize("net, words", [(None, "a network is wanted here"), ("squeezenet1_1", "a network is wanted"),
                                        ("training", "training mode")])
@pytest.mark.parametrize("name", TAKERS)
def test_it_asks_about_the_network(name: str, net: object, words: str):
    function = TAKERS[name]
    wanted = [p.name for p in inspect.signature(function).parameters.values()
              if p.default is p.empty and p.kind is not p.VAR_POSITIONAL and p.name != "net"]
    if net == "training":
        net = nets.Classifier(torch.nn.Sequential(torch.nn.Dropout()), name="novice").train()
    refuses(function, net, **{name: GIVEN.get(name) for name in wanted}, says=words)
