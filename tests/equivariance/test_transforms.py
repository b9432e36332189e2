"""Flips, rotations and scalings: exact permutations against torch, the rest against its grid sampler."""

import math

import pytest
import torch
import torch.nn.functional as F

from tests.helpers import refuses, uniform
from u3lab.equivariance import HFLIP, VFLIP, Transform, rotation, scaling, transforms

IDENTITY = rotation(0)


@pytest.mark.parametrize("side", [1, 2, 5, 6])
@pytest.mark.parametrize("g, exact", [
    (HFLIP, lambda x: x.flip(3)), (VFLIP, lambda x: x.flip(2)), (IDENTITY, lambda x: x), (scaling(1), lambda x: x),
    (rotation(90), lambda x: x.rot90(1, (2, 3))), (rotation(-90), lambda x: x.rot90(-1, (2, 3))),
    (rotation(180), lambda x: x.rot90(2, (2, 3))), (rotation(-180), lambda x: x.rot90(2, (2, 3)))])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_only_permutes_is_exact(g: Transform, exact, side: int, dtype: torch.dtype):
    x = uniform(2, 3, side, side).to(dtype)
    assert torch.equal(g(x), exact(x))
    assert g.inside(side, side).all()
    assert torch.equal(g.inverse(g(x)), x)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("height, width", [(7, 7), (6, 9)])
@pytest.mark.parametrize("g", [rotation(15), rotation(-130), scaling(0.6), scaling(2**-0.5), scaling(1.7)],
                         ids=lambda g: g.name)
def test_the_rest_as_torch_samples_it(g: Transform, height: int, width: int, seed: int):
    """grid_sample's affine map goes from the result to the picture, in (x, y) and in units of half a side."""
    x = uniform(1, 2, height, width, seed=seed)
    (a, b), (c, d) = g.inverse.matrix
    theta = torch.tensor([[d, c * height / width, 0], [b * width / height, a, 0]], dtype=torch.float64)[None]
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    theirs, ones = (F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
                    for image in (x, torch.ones_like(x)))
    whole = ones > 1 - 1e-9
    torch.testing.assert_close(g(x)[whole], theirs[whole])
    assert g.inside(height, width)[whole[0, 0]].all()


def test_what_lies_outside_is_mirrored_and_masked():
    x = torch.arange(8, dtype=torch.float64).view(1, 1, 1, 8)
    assert scaling(0.5)(x).flatten().tolist() == [3.5, 1.5, 0.5, 2.5, 4.5, 6.5, 5.5, 3.5]
    assert scaling(0.5).inside(8, 8).sum() == 16
    share = rotation(45).inside(101, 101).double().mean().item()
    assert share == pytest.approx(2 * (math.sqrt(2) - 1), abs=0.01)  # of a square within the same, turned by 45°


def test_a_picture_stays_a_picture_and_has_a_gradient():
    x = uniform(1, 3, 9, 9).float().requires_grad_()
    y = rotation(33)(x)
    assert 0 <= y.min() and y.max() <= 1
    y.sum().backward()
    assert x.grad.isfinite().all() and x.grad.sum() == pytest.approx(x.numel(), rel=1e-5)  # the weights add up to 1


def test_turns_add_up():
    x = uniform(1, 1, 8, 8)
    assert torch.equal(rotation(90)(rotation(90)(x)), rotation(180)(x))
    assert torch.equal(HFLIP(VFLIP(x)), rotation(180)(x))


@pytest.mark.parametrize("make, words", [
    (lambda: rotation(181), ("degrees = 181", "-180 to 180")), (lambda: rotation(float("nan")), ("degrees", "nan")),
    (lambda: rotation("90"), ("degrees",)), (lambda: rotation(True), ("degrees",)),
    (lambda: scaling(0.4), ("0.5 to 2",)), (lambda: scaling(2.1), ("0.5 to 2",)),
    (lambda: scaling(-1), ("factor = -1",)), (lambda: scaling(None), ("factor",)),
    (lambda: HFLIP(torch.zeros(3, 4, 4)), (r"\(3, 4, 4\)",)), (lambda: HFLIP("cat"), ("'cat'", "tensor")),
    (lambda: HFLIP(torch.zeros(1, 3, 4, 4, dtype=torch.uint8)), ("float",))])
def test_slips(make, words):
    refuses(make, says=words)


def test_a_large_picture_is_moved_in_parts(monkeypatch):
    x = torch.rand(2, 3, 17, 23)
    whole = rotation(20)(x)
    monkeypatch.setattr(transforms, "SITES", 50)
    assert torch.equal(rotation(20)(x), whole)
