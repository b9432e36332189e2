"""The untrained generators: their sizes, their seeds, and that the hourglass is the published network."""

import pytest
import torch
from torch import nn

from tests.helpers import refuses
from u3lab import prior
from u3lab.prior import generators

KINDS = ("hourglass", "unet", "resnet")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(64, 64), (37, 52)])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("code", ["noise", "grid"])
def test_a_picture_of_the_size_that_was_asked_for(kind, size, depth, code):
    psi = prior.generator(kind, size=size, depth=depth, code=code)
    x = psi()
    assert x.shape == (1, 3, *size) and 0 < x.min() and x.max() < 1
    assert x.shape[2:] == psi.size


@pytest.mark.parametrize("kind, skip", [*((kind, 0) for kind in KINDS), ("hourglass", 4)])
def test_every_weight_matters(kind, skip):
    psi = prior.generator(kind, size=32, depth=2, skip=skip)
    psi().square().mean().backward()
    for name, weight in psi.named_parameters():
        assert weight.grad is not None, name
        # A bias that a normalisation takes away again is the one kind of weight without effect.
        assert weight.grad.abs().max() > 0 or name.endswith("bias"), name


def test_the_same_seed_the_same_network_and_nothing_else_is_seeded():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, other, third = (prior.generator(size=32, depth=2, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one(), other()) and torch.equal(one.code, other.code)
    assert not torch.equal(one.code, third.code)
    assert not torch.equal(one.colour.weight, third.colour.weight)


OTHER = {"depth": 3, "widths": (9, 16, 16), "code": "grid", "channels": 9, "seed": 1}  # than what is drawn first


@pytest.mark.parametrize("kind, more", [("hourglass", {"skip": 4, "upsample": "bilinear"}),
                                        ("unet", {"upsample": "bilinear"}), ("resnet", {})])
def test_every_argument_changes_what_is_drawn(kind, more):
    given = {"size": 32, "depth": 2, "widths": (8, 8, 8)}
    plain = prior.generator(kind, **given)()
    assert [name for name, value in (OTHER | more).items()
            if torch.equal(prior.generator(kind, **given | {name: value})(), plain)] == []


def test_upsampling_is_bilinear_or_by_the_nearest():
    """Of a scale whose lower part gives one bright pixel and whose upper part leaves it: 2×2 equal ones, or a hill."""
    drawn = {}
    for how in ("nearest", "bilinear"):
        scale = generators.Scale(1, 1, None, 1, 0, how)
        scale.down, scale.up = nn.AvgPool2d(2), nn.Identity()
        drawn[how] = scale(torch.nn.functional.pad(torch.full((1, 1, 2, 2), 4.0), (2, 2, 2, 2)))[0, 0, 2].tolist()
    assert drawn == {"nearest": [0, 0, 4, 4, 0, 0], "bilinear": [0, 0.75, 2.25, 2.25, 0.75, 0]}


def test_codes():
    noise = prior.generator(size=32, depth=2, channels=5).code
    assert noise.shape == (1, 5, 32, 32) and 0 <= noise.min() and noise.max() <= 0.1
    grid = prior.generator(size=(32, 48), depth=2, code="grid").code
    assert grid.shape == (1, 2, 32, 48)
    assert grid[0, 0, 5].tolist() == torch.linspace(0, 1, 48).tolist()  # x grows to the right
    assert grid[0, 1, :, 7].tolist() == torch.linspace(0, 1, 32).tolist()  # y grows downwards


def test_the_published_network():
    """Five scales of 128 channels, four led across: the convolutions' sizes as in the paper's supplement."""
    psi = prior.generator(size=64, depth=5, widths=(128,) * 5, skip=4, channels=32)
    shapes = [tuple(m.weight.shape) for m in psi.modules() if isinstance(m, nn.Conv2d)]
    assert len(shapes) == 5 * 5 + 1
    assert shapes.count((4, 128, 1, 1)) == 4 and shapes.count((4, 32, 1, 1)) == 1  # skips
    assert shapes.count((128, 132, 3, 3)) == 5 and shapes.count((128, 128, 1, 1)) == 5  # on the way up
    assert shapes.count((128, 128, 3, 3)) == 9 and shapes.count((128, 32, 3, 3)) == 1  # on the way down
    assert shapes[-1] == (3, 128, 1, 1)
    assert all(m.padding_mode == "reflect" for m in psi.modules() if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1)


@pytest.mark.parametrize("given, words", [({"depth": 9}, "widths has 6 numbers"),
                                          ({"size": 20, "depth": 4}, "at least 32×32")])
def test_a_slip_is_told(given, words):
    refuses(prior.generator, **given, says=words)


def test_what_a_residual_block_adds_is_not_rectified():
    """Normalised last, it is 0 on average in each channel; a rectified one would be above."""
    x = torch.rand(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    added = generators.Residual(4)(x) - x
    torch.testing.assert_close(added.mean((0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
