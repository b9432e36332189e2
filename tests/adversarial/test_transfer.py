"""Who is fooled by what: every row of the table, on small pictures and few of them."""

import pytest
import torch

from tests.adversarial.attacked import small
from tests.helpers import cat, refuses, squeezenet
from u3lab import images, nets
from u3lab.adversarial.quantisation import fools
from u3lab.adversarial.transfer import SIZE, attack, bounded, fooling_table, labelled


@pytest.fixture(scope="module")
def both() -> list[nets.Classifier]:
    return [squeezenet(), nets.load("efficientnet_lite0", device="cpu")]


def test_the_pictures_are_known_to_all(both):
    found = labelled(both, count=3)
    assert len(found) == 3
    for label, x in found.items():
        assert x.shape == (1, 3, SIZE, SIZE) and torch.equal((x * 255).round() / 255, x)
        assert not any(fools(net, x, label) for net in both)


@pytest.mark.parametrize("kind", bounded())
@pytest.mark.parametrize("level", [1, 3])
def test_attacks_keep_to_their_level(kind: str, level: int):
    net, x = squeezenet(), cat(96).float()
    found = attack(net, x, int(net(x).argmax()), kind, level, steps=3)
    change = (found - (x * 255).round() / 255) * 255
    assert change.abs().max().round() == level
    assert (change - change.round()).abs().max() < 1e-3


def test_table(both):
    """PGD with two grey levels fools the network that it was made for; what fools one need not fool the other."""
    rows = fooling_table(both, levels=(2,), count=1, steps=4)
    assert [(row.attack, row.made_for, row.shown_to) for row in rows] == [
        (kind, a.name, b.name) for a in both for kind in bounded() for b in both]
    assert all(row.level == 2 and row.count == 1 and row.share in (0, 1) for row in rows)
    assert all(row.share == 1 for row in rows if row.attack == "pgd" and row.made_for == row.shown_to)


def test_slips():
    net, x = small()
    refuses(fooling_table, [], says=("nets", "at least one"))
    refuses(attack, net, x, "a", "cw", 1, says=("no attack 'cw'", "fgsm or pgd"))
    refuses(attack, net, x, "a", "deepfool", 1, says=("no attack 'deepfool' that ε bounds", "fgsm or pgd"))
    refuses(attack, net, x, "a", "pgd", 0.5, says="level = 0.5")
    refuses(attack, net, x, "a", "pgd", 1, steps=0, says="steps = 0")
    classes = squeezenet().classes
    untrained = nets.Classifier(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                                    torch.nn.Linear(3, len(classes))).eval(), classes=classes)
    untrained.module[2].weight.data.zero_()
    untrained.module[2].bias.data = torch.arange(len(classes)).float()
    assert "toilet tissue" not in [images.label(name) for name in images.names()]  # what it always says
    refuses(labelled, [untrained], says=("none of the shipped pictures", "trained"))
