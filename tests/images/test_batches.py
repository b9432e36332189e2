"""u3lab.images on batches: check, resize, blur."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from u3lab import U3Error, images
from u3lab.images.loading import plain_blur

# ---- check

GOOD = torch.rand(2, 3, 4, 5)


def test_check_returns_the_same_batch():
    assert images.check(GOOD) is GOOD
    assert images.check(GOOD[:, :1], channels=1).shape[1] == 1
    images.check(GOOD * (1 + 2e-4) - 1e-4 * 0.5)


BAD = {
    "no tensor": (GOOD.numpy(), "ndarray is not a batch"),
    "one picture": (GOOD[0], r"x\[None\]"),
    "rank 2": (GOOD[0, 0], "has the shape"),
    "empty batch": (GOOD[:0], "empty"),
    "no pixels": (GOOD[:, :, :0], "empty"),
    "grey": (GOOD[:, :1], r"expand\(-1, 3, -1, -1\)"),
    "channels last": (GOOD.permute(0, 2, 3, 1), "permute"),
    "two channels": (GOOD[:, :2], "has the shape"),
    "bytes": ((GOOD * 255).byte(), "uint8"),
    "NaN": (GOOD.clone().index_fill(3, torch.tensor(0), float("nan")), "NaN"),
    "infinity": (GOOD / 0, "infinite"),
    "0 to 255": (GOOD * 255, "divide by 255"),
    "normalised": (GOOD * 4 - 2, "normalised"),
    "a little too bright": (GOOD * 0 + 1.001, "1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_check_refuses(kind):
    given, words = BAD[kind]
    with pytest.raises(U3Error, match=words):
        images.check(given)


# ---- resize and blur


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (40, 40), (7, 9), (1, 30)])
def test_resize_sets_the_shorter_side(shape):
    x = images.resize(torch.full((2, 4, *shape), 0.25), 20)
    assert min(x.shape[2:]) == 20 and x.shape[:2] == (2, 4)
    assert x.shape[3] / x.shape[2] == pytest.approx(shape[1] / shape[0], rel=0.03)
    torch.testing.assert_close(x, torch.full_like(x, 0.25))


def test_resize_does_not_alias():
    checks = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float().expand(1, 1, -1, -1)
    assert (images.resize(checks, 16)[..., 2:-2, 2:-2] - 0.5).abs().max() < 0.02


@pytest.mark.parametrize("sigma", [0.3, 1, 2.5, 10, 40])
def test_blur_is_scipys_and_the_plain_one(sigma):
    x = torch.rand(2, 5, 13, 29, dtype=torch.float64)
    radius = int(np.ceil(3 * sigma))
    wanted = gaussian_filter(x.numpy(), sigma, mode="nearest", radius=radius, axes=(2, 3))
    torch.testing.assert_close(images.blur(x, sigma), torch.from_numpy(wanted), atol=1e-12, rtol=0)
    torch.testing.assert_close(images.blur(x.float(), sigma), torch.from_numpy(wanted).float(), atol=1e-6, rtol=0)
    torch.testing.assert_close(plain_blur(x, sigma), images.blur(x, sigma), atol=1e-12, rtol=0)


def test_blur_of_zero_is_the_picture():
    assert torch.equal(images.blur(GOOD, 0), GOOD)
    torch.testing.assert_close(images.blur(GOOD, 1e-9), GOOD)


def test_blur_keeps_the_range_and_a_flat_picture():
    torch.testing.assert_close(images.blur(torch.full((1, 3, 8, 8), 0.7), 5.0), torch.full((1, 3, 8, 8), 0.7))
    images.check(images.blur(torch.rand(1, 3, 30, 30).round(), 2.0))


def test_blur_is_differentiable():
    x = torch.rand(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: images.blur(x, 1.3), x)


@pytest.mark.parametrize("sigma", [-1, float("nan"), float("inf"), "3", None, True])
def test_blur_refuses_a_sigma(sigma):
    with pytest.raises(U3Error, match="sigma"):
        images.blur(GOOD, sigma)


@pytest.mark.parametrize("x", [GOOD[0], GOOD.byte(), "coffee"], ids=["one picture", "bytes", "name"])
def test_blur_refuses_other_things(x):
    with pytest.raises(U3Error, match="float tensor"):
        images.blur(x, 1.0)
