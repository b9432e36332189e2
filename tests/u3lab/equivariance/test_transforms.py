"""Flips, rotations and scalings: exact permutations against torch, the rest against its grid sampler."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

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


@pytest.mark.parametrize("about", ["z", "y", "x"])
@pytest.mark.parametrize("spacing", [(6.5, 0.78, 0.78), (1.0, 2.0, 3.0), (1.0, 1.0, 1.0)])
def test_a_turn_in_millimetres_is_scipys(about: str, spacing: tuple):
    """Of voxels that are no cubes: places in mm, turned by SciPy's rotation, read by its affine map."""
    x, s = uniform(2, 1, 9, 14, 12).numpy(), np.array(spacing)
    g = rotation(10, about=about).in_cells(spacing)
    towards = 10 if about == "y" else -10  # SciPy turns z to x, and y to z, and x to y; ours are z to x, z to y, y to x
    turn = Rotation.from_euler(about, towards, degrees=True).as_matrix()[::-1, ::-1]  # of (z, y, x) in mm
    back, centre = np.diag(1 / s) @ turn.T @ np.diag(s), (np.array(x.shape[2:]) - 1) / 2
    theirs = [affine_transform(one[0], back, centre - back @ centre, order=1, mode="mirror") for one in x]
    at = np.einsum("ij,jdhw->idhw", back, np.indices(x.shape[2:]) - centre[:, None, None, None])
    inside = (np.abs(at) <= centre[:, None, None, None]).all(0)
    assert inside.mean() > 0.3
    ours = g(torch.from_numpy(x))[:, 0].numpy()
    np.testing.assert_allclose(ours[:, inside], np.stack(theirs)[:, inside], atol=1e-7)
    reach = np.abs(at) <= centre[:, None, None, None] + 0.5
    assert np.array_equal(g.inside(*x.shape[2:]).numpy(), reach.all(0))
    sheared = rotation(10, about=about)(torch.from_numpy(x))[:, 0].numpy()
    pair = [mm for mm, axis in zip(spacing, "zyx", strict=True) if axis != about]
    assert np.allclose(sheared, ours, atol=1e-6) == (pair[0] == pair[1])


@pytest.mark.parametrize("g, exact", [
    (HFLIP, lambda x: x.flip(4)), (VFLIP, lambda x: x.flip(3)), (rotation(90), lambda x: x.rot90(1, (3, 4))),
    (rotation(90, about="z"), lambda x: x.rot90(1, (3, 4))), (rotation(90, about="y"), lambda x: x.rot90(1, (2, 4))),
    (rotation(90, about="x"), lambda x: x.rot90(1, (2, 3))),
    (Transform("through", ((-1, 0, 0), (0, 1, 0), (0, 0, 1))), lambda x: x.flip(2))])
def test_a_volume_is_flipped_and_turned_exactly(g: Transform, exact):
    x = uniform(2, 3, 5, 5, 5)
    assert torch.equal(g(x), exact(x)) and torch.equal(g.inverse(g(x)), x) and g.inside(5, 5, 5).all()
    whole = torch.stack([rotation(20)(one) for one in x.unbind(2)], 2)
    assert torch.equal(rotation(20)(x), whole)  # slice by slice
    if len(g.matrix) == 3:
        refuses(g, x[0], says=r"moves volumes \(B,C,D,H,W\)")


@pytest.mark.parametrize("make, words", [
    (lambda: Transform("g", ((1,),)), ("matrix", "three rows")),
    (lambda: HFLIP.in_cells((1, 0)), ("spacing = 0",)), (lambda: HFLIP.in_cells(2.0), ("spacing = 2.0", "a list")),
    (lambda: rotation(9, about="x").in_cells((1.0, 1.0)), ("moves volumes",)),
    (lambda: HFLIP(torch.zeros(3, 4, 4)), (r"\(3, 4, 4\)",))])
def test_slips(make, words):
    refuses(make, says=words)


def test_a_large_picture_is_moved_in_parts(monkeypatch):
    x = torch.rand(2, 3, 17, 23)
    whole = rotation(20)(x)
    monkeypatch.setattr(transforms, "SITES", 50)
    assert torch.equal(rotation(20)(x), whole)
