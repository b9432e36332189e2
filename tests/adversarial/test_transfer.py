"""The pictures that all networks know, and attacks that keep to their level when they are written to a file."""

import pytest
import torch

from tests.helpers import cat, refuses, squeezenet
from tools.site.lists import ATTACKS
from u3lab import images, nets
from u3lab.adversarial import quantise_near
from u3lab.adversarial.quantisation import fools
from u3lab.adversarial.transfer import SIZE, labelled


@pytest.fixture(scope="module")
def both() -> list[nets.Classifier]:
    return [squeezenet(), nets.load("efficientnet_lite0", device="cpu")]


def test_the_pictures_are_known_to_all(both, monkeypatch):
    some = images.names("everyday")[8:14]
    monkeypatch.setattr(images, "names", lambda group: some)
    found = labelled(both)
    assert len(found) > 2
    for label, x in found.items():
        assert x.shape == (1, 3, SIZE, SIZE) and torch.equal((x * 255).round() / 255, x)
        assert not any(fools(net, x, label) for net in both)


@pytest.mark.parametrize("kind", [name for name, one in ATTACKS.items() if "eps" in one.takes])
@pytest.mark.parametrize("level", [1, 3])
def test_attacks_keep_to_their_level(kind: str, level: int):
    net, x = squeezenet(), cat(96).float()
    label, options = int(net(x).argmax()), {"steps": 3} if "steps" in ATTACKS[kind].takes else {}
    found = quantise_near(ATTACKS[kind](net, x, label, eps=level / 255, **options), x, level / 255)
    change = (found - (x * 255).round() / 255) * 255
    assert change.abs().max().round() == level
    assert (change - change.round()).abs().max() < 1e-3


def test_slips():
    refuses(labelled, [], says=("nets", "at least one"))
    classes = squeezenet().classes
    untrained = nets.Classifier(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                                    torch.nn.Linear(3, len(classes))).eval(), classes=classes)
    untrained.module[2].weight.data.zero_()
    untrained.module[2].bias.data = torch.arange(len(classes)).float()
    assert "toilet tissue" not in [images.label(name) for name in images.names()]  # what it always says
    refuses(labelled, [untrained], says=("none of the shipped pictures", "trained"))
