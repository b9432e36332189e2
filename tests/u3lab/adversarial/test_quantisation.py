"""Eight bits: no attack counts that a PNG does not keep; and the pictures that all networks know."""

import pytest
import torch

from tests.helpers import cat, refuses, squeezenet
from tests.u3lab.adversarial.attacked import small
from tests.u3lab.nets import own
from u3lab import images, nets, pixels
from u3lab.adversarial.attacks import AttackSettings, pgd, root_mean_square
from u3lab.adversarial.quantisation import SIZE, fools, labelled, quantise, quantise_near
from u3lab.descent import last


def noise(seed: int, size: float, shape: tuple = (1, 3, 16, 12)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(shape, generator=generator)
    return x, (x + size * torch.randn(shape, generator=generator)).clamp(0, 1)


def test_levels_are_those_of_a_png():
    every = (torch.arange(256) / 255).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    assert torch.equal(quantise(every), every)
    x = cat(32).float()
    assert torch.equal(images.load(pixels.png(quantise(x))), quantise(x))
    assert (quantise(x) - x).abs().max() <= 0.5 / 255 + 1e-7


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("eps", [0.0, 0.5 / 255, 1 / 255, 0.016, 4 / 255, 8 / 255, 0.5, 1.0])
def test_the_ball_is_kept_exactly(eps: float, norm: str, seed: int):
    x, far = noise(seed, 0.1)
    found = quantise_near(far, x, eps, norm=norm)
    levels = found.double() * 255
    change = levels.round() - (quantise(x).double() * 255).round()
    assert (levels - levels.round()).abs().max() < 1e-4
    assert torch.equal(images.load(pixels.png(found)), found)
    if norm == "linf":
        assert change.abs().max() <= eps * 255 + 1e-5
    else:
        assert root_mean_square(change) <= eps * 255 + 1e-5
    assert (change * (far - quantise(x)) >= 0).all()  # nothing was turned round


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_inside_the_ball_it_is_plain_rounding(norm: str):
    x, near = noise(0, 0.01)
    assert torch.equal(quantise_near(near, x, 0.2, norm=norm), quantise(near))


def test_l2_uses_up_the_ball():
    x, far = noise(0, 0.1)
    for eps in (1 / 255, 0.016):
        found = quantise_near(far, x, eps, norm="l2")
        assert root_mean_square(found - quantise(x)) > 0.95 * eps


@pytest.mark.parametrize("target", [None, "toaster"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_file_on_disk_still_fools(tmp_path, norm: str, target: str | None):
    """Original and attack both at eight bits, two levels apart at most (L∞), one on average (L2)."""
    net, x = squeezenet(), quantise(cat(128).float())
    label = net.classes[net(x).argmax()]
    eps = 2 / 255 if norm == "linf" else 1 / 255
    settings = AttackSettings(eps=eps, norm=norm, step_size=0.004 if norm == "linf" else 0.001, steps=12)
    found = quantise_near(last(pgd(net, x, label, target=target, settings=settings)).value, x, eps, norm=norm)
    file = tmp_path / "attack.png"
    file.write_bytes(pixels.png(found))
    again = images.load(file)
    assert torch.equal(again, found)
    said = net.classes[net(again).argmax()]
    assert said != label if target is None else said == target
    assert fools(net, found, label, target=target) and not fools(net, x, label)


@pytest.mark.parametrize("sides", [(24, 20), (8, 12, 10)])
def test_grey_pictures_and_volumes_have_the_same_levels(sides: tuple):
    net = nets.wrap(own.grey() if len(sides) == 2 else own.of_volumes(), size=sides)
    x = quantise(own.pictures(1, *sides))
    assert torch.equal((x * 255).round() / 255, x) and (x - own.pictures(1, *sides)).abs().max() <= 0.5 / 255 + 1e-6
    label = int(net(x).argmax())
    found = quantise_near(last(pgd(net, x, label, settings=AttackSettings(eps=0.1, step_size=0.02))).value, x, 0.1)
    assert (found - x).abs().max() <= 0.1 and torch.equal(quantise(found), found)
    assert net(found).argmax() != label and fools(net, found, label) and not fools(net, x, label)


def test_pictures_of_two_sizes():
    _, x = small()
    refuses(quantise_near, x, x[..., :5], 0.1, says="same size")


def test_the_pictures_are_known_to_all(monkeypatch):
    both, some = [squeezenet(), nets.load("efficientnet_lite0", device="cpu")], images.names("everyday")[8:14]
    monkeypatch.setattr(images, "names", lambda group: some)
    found = labelled(both)
    assert len(found) > 2
    for label, x in found.items():
        assert x.shape == (1, 3, SIZE, SIZE) and torch.equal((x * 255).round() / 255, x)
        assert not any(fools(net, x, label) for net in both)


def test_slips():
    refuses(labelled, [], says=("nets", "at least one"))
    classes = squeezenet().classes
    untrained = nets.Classifier(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                                    torch.nn.Linear(3, len(classes))).eval(), classes=classes)
    untrained.module[2].weight.data.zero_()
    untrained.module[2].bias.data = torch.arange(len(classes)).float()
    assert "toilet tissue" not in [images.label(name) for name in images.names()]  # what it always says
    refuses(labelled, [untrained], says=("none of the shipped pictures", "trained"))
