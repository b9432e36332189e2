"""The table of attacks on planted truths: networks of which it is known after how many steps they are turned."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab.experiments import attacks
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
