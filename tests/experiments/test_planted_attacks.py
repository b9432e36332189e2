"""The table of attacks on planted truths: networks of which it is known after how many steps they are turned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab.experiments import adversarial_patch, attacks
from u3lab.lessons.adversarial import attacking
from u3lab.lessons.adversarial.attacking import ANY

ALL = (slice(None), slice(None))
CLASSES = ("dark", "bright", "never", "hopeless", "lost")
# "bright" begins where the red, or red and green together, passes its threshold; the other three never lead
NETWORKS = {"squeezenet1_1": [1.0, 0.0, 0.0], "efficientnet_lite0": [0.5, 0.5, 0.0]}


def network(name: str):
    red, green, blue = (100 * w for w in NETWORKS[name])
    far = [0.0, 0.0, 1.0]  # more blue makes them likelier, and they would need much more than an attack has
    weights = [[0.0] * 3, [red, green, blue], far, far, far]
    return planted.network(name, CLASSES, (ALL,), weights, [0.0, -100 * 127.6 / 255, -9.0, -9.0, -9.0], 32)


def picture(levels: float) -> Tensor:
    """Grey, so many levels below the last one that is dark; on whole levels."""
    return torch.full((1, 3, 32, 32), (127 - levels) / 255)


def test_an_attacked_picture_is_one_that_every_network_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attacking, "labelled", lambda nets: {"photo": picture(0)})
    monkeypatch.setattr(attacking, "pasted", lambda size: (SimpleNamespace(name="a", label="dark", image=picture(1)),))
    monkeypatch.setattr(attacking, "fools", lambda net, x, label: net == "wrong")
    assert list(attacking.pictures(["right", "right"])) == ["photo", "a (pasted)"]
    assert list(attacking.pictures(["right", "wrong"])) == ["photo"]


def test_adversarial_patch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Made on some photos with the maker, put down on others with each network, in the size and turn of its row."""
    given = torch.rand(4, 3, 8, 8), torch.rand(14, 3, 8, 8)
    monkeypatch.setattr(adversarial_patch, "photos", lambda: given)
    monkeypatch.setattr(adversarial_patch.nets, "load", lambda name: name)
    monkeypatch.setattr(adversarial_patch, "cut_out", lambda patch, size: patch)
    monkeypatch.setattr(adversarial_patch, "shuffled", lambda patch: 1 - patch)

    def training(net: str, pictures: Tensor, target: str, *, settings: object) -> Iterator[SimpleNamespace]:
        assert (net, target, settings.steps) == ("squeezenet1_1", "bubble", 800) and pictures is given[0]
        yield SimpleNamespace(value=torch.full((1, 3, 8, 8), 0.25))

    def reached(net: str, patch: float, scale: float, turn: float) -> float:
        return adversarial_patch.NETWORKS.index(net) / 2 + patch / 4 + scale / 4 + turn / 1000

    def success_rate(net: str, pictures: Tensor, target: str, patch: Tensor, *, scale: float, turn: float,
                     trials: int) -> float:
        assert pictures is given[1] and (target, trials) == ("bubble", 8 * 14)
        return reached(net, float(patch.mean()), scale, turn)

    monkeypatch.setattr(adversarial_patch, "adversarial_patch", training)
    monkeypatch.setattr(adversarial_patch, "success_rate", success_rate)
    table = planted.table(adversarial_patch, tmp_path)
    assert len(table) == 2 * (6 + 4 + 1)
    for (name, varied, value), row in table.items():
        size, turn = (value, 45) if varied == "size" else (0.33, value)
        assert row.rate == pytest.approx(reached(name, 0.75 if varied == "pixels shuffled" else 0.25, size, turn),
                                         abs=1e-3), (name, varied, value)


def test_attacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A step of ε/4 is a quarter of a level, or one: when the threshold is passed is known, and whether both see it.

    An attack on the first network changes red alone, which is half of what the second one sees.
    """
    monkeypatch.setattr(attacks.nets, "load", network)
    shown = {"near": ("dark", picture(0)), "further": ("dark", picture(2)), "far": ("dark", picture(9))}
    monkeypatch.setattr(attacks, "pictures", lambda networks: shown)
    table = planted.table(attacks, tmp_path)
    assert len(table) == 2 * 3 * 2 * (1 + 3)
    for (name, goal, level, which), row in table.items():
        missing = {"near": 0.6, "further": 2.6, "far": 9.6}[which]  # levels from the picture to the threshold
        assert goal in (ANY, *CLASSES[1:]) and goal != "dark"
        turned = goal in (ANY, "bright") and level > missing
        assert row.there == turned, (name, goal, level, which)
        # A file has whole levels, the nearest; a step before it gets there, or after, half a level may be either
        reaches = [next(n for n in range(1, 99) if round(n * level / 4 + half) > missing) if turned else -1
                   for half in (1e-6, -1e-6)]
        assert row.first in reaches and (level == 1 or len(set(reaches)) == 1), (name, goal, level, which)
        carried = turned and (name == "efficientnet_lite0" or level / 2 > missing)
        assert row.fooled == carried and row.reached == (carried and goal == "bright"), (name, goal, level, which)
    held = {(run.network, row.there, row.fooled) for run, row in table.items()}
    assert {("squeezenet1_1", True, False), ("efficientnet_lite0", True, True)} <= held  # the rows tell them apart
