"""u3lab.images on batches: check, resize, blur."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter, laplace

from tests.helpers import refuses, uniform
from u3lab import images, pixels
from u3lab.images.blurring import plain_blur
from u3lab.images.cropping import zoom

GOOD = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))


def test_check_returns_the_same_batch():
    assert images.check(GOOD) is GOOD
    assert images.check(GOOD[:, :1], channels=1).shape[1] == 1
    images.check(GOOD * (1 + 2e-4) - 1e-4 * 0.5)


BAD = {
    "no tensor": (GOOD.numpy(), "a ndarray of shape .* is no batch"),
    "one picture": (GOOD[0], r"x\[None\]"),
    "rank 2": (GOOD[0, 0], "has the shape"),
    "empty batch": (GOOD[:0], "empty"),
    "no pixels": (GOOD[:, :, :0], "empty"),
    "grey": (GOOD[:, :1], r"expand\(-1, 3, -1, -1\)"),
    "channels last": (GOOD.permute(0, 2, 3, 1), "permute"),
    "two channels": (GOOD[:, :2], "has the shape"),
    "bytes": ((GOOD * 255).byte(), "uint8"),
    "half precision": (GOOD.half(), r"float16; .*x\.float\(\)"),
    "bfloat16": (GOOD.bfloat16(), r"bfloat16; .*x\.float\(\)"),
    "float8": (GOOD.to(torch.float8_e4m3fn), r"float8_e4m3fn; .*x\.float\(\)"),
    "complex": (GOOD.to(torch.complex64), "complex64"),
    "NaN": (GOOD.clone().index_fill(3, torch.tensor(0), float("nan")), "NaN"),
    "infinity": (GOOD / 0, "infinite"),
    "0 to 255": (GOOD * 255, "divide by 255"),
    "normalised": (GOOD * 4 - 2, "normalised"),
    "a little too bright": (GOOD * 0 + 1.001, "1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_check_refuses(kind):
    given, words = BAD[kind]
    refuses(images.check, given, says=words)


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (40, 40), (7, 9), (1, 30)])
def test_resize_sets_the_shorter_side(shape):
    x = images.resize(torch.full((2, 4, *shape), 0.25), 20)
    assert min(x.shape[2:]) == 20 and x.shape[:2] == (2, 4)
    assert x.shape[3] / x.shape[2] == pytest.approx(shape[1] / shape[0], rel=0.03)
    torch.testing.assert_close(x, torch.full_like(x, 0.25))


def pillows(x, height, width):
    """Pillow's bilinear resizing, which smooths what it shrinks, of each channel of (1,C,H,W) by itself."""
    sized = (Image.fromarray(channel.numpy()).resize((width, height), Image.Resampling.BILINEAR) for channel in x[0])
    return torch.stack([torch.from_numpy(np.array(channel)) for channel in sized])[None]


@pytest.mark.parametrize("size", [16, 30, 100])
def test_resize_is_pillows_and_does_not_alias(size):
    noise = torch.rand(1, 2, 48, 60, generator=torch.Generator().manual_seed(0))
    found = images.resize(noise, size)
    torch.testing.assert_close(found, pillows(noise, size, found.shape[3]), atol=1e-5, rtol=0)


def test_zoom_is_pillows_resizing_by_no_more_than_was_asked_for():
    noise, sizes = torch.rand(1, 2, 40, 60, generator=torch.Generator().manual_seed(0)), set()
    for seed in range(30):
        found = zoom(noise, 0.5, torch.Generator().manual_seed(seed))
        torch.testing.assert_close(found, pillows(noise, *found.shape[2:]), atol=1e-5, rtol=0)
        sizes.add(tuple(found.shape[2:]))
    assert min(sizes) == (20, 30) and max(sizes) == (60, 90) and len(sizes) == 8


def scipys(x: torch.Tensor, *sigmas: float) -> torch.Tensor:
    """SciPy's Gaussian blur with a σ for each of the last axes, which ends at ⌈3σ⌉ pixels."""
    radius = [int(np.ceil(3 * sigma)) for sigma in sigmas]
    axes = tuple(range(x.ndim - len(sigmas), x.ndim))
    return torch.from_numpy(gaussian_filter(x.numpy(), sigmas, mode="nearest", radius=radius, axes=axes))


@pytest.mark.parametrize("sigma", [0.3, 1, 2.5, 10, 40])
def test_blur_is_scipys_and_the_plain_one(sigma):
    x = uniform(2, 5, 13, 29)
    wanted = scipys(x, sigma, sigma)
    torch.testing.assert_close(images.blur(x, sigma), wanted, atol=1e-12, rtol=0)
    torch.testing.assert_close(images.blur(x.float(), sigma), wanted.float(), atol=1e-6, rtol=0)
    torch.testing.assert_close(plain_blur(x, sigma), images.blur(x, sigma), atol=1e-12, rtol=0)
    assert images.blur(x, 0) is x and torch.equal(images.blur(x, np.float64(sigma)), images.blur(x, sigma))


@pytest.mark.parametrize("shape, sigma, error", [
    *(((1, 2, *sides[-axes:]), sigma, 1e-12) for sides in ((7, 13, 29), (6, 3, 2100))
      for sigma, axes in (((1.0, 2.5), 2), ((0, 2.5), 2), ((0.4, 1.0, 2.5), 3), ((2.0, 0, 0), 3), (1.5, 3))),
    *(((1, 2, 13, 29), sigma, 1e-10) for sigma in (200, 500, 1000, 10_000)),
    *(((1, 1, *sides), sigma, 1e-9) for sides in ((3, 2500), (2500, 3)) for sigma in (0.4, 7, 700, 1000))])
def test_a_blur_along_each_axis_of_any_length(shape, sigma, error):
    """Of volumes as well; far wider than the picture; beyond 2048 pixels it is done in parts."""
    each = sigma if isinstance(sigma, tuple) else (sigma,) * (len(shape) - 2)
    torch.testing.assert_close(images.blur(uniform(*shape), sigma), scipys(uniform(*shape), *each), atol=error, rtol=0)


def test_blur_is_differentiable():
    x = torch.rand(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: images.blur(x, 1.3), x)


CALLS = {
    "blur": lambda x: images.blur(x, 1), "resize": lambda x: images.resize(x, 9),
    "shift": lambda x: images.shift(x, 1, torch.Generator()), "zoom": lambda x: images.zoom(x, 0.1, torch.Generator()),
    "total_variation": lambda x: images.total_variation(x, 2), "plain_blur": lambda x: plain_blur(x, 1)}


@pytest.mark.parametrize("dtype", [torch.float16, torch.float8_e4m3fn, torch.complex64, torch.uint8, torch.bool])
def test_another_precision_is_refused_in_one_sentence_and_maps_of_half_are_coloured_in_float32(dtype):
    for name, call in CALLS.items():
        refuses(call, GOOD.to(dtype), says=f"^{name} takes a float tensor of float32 or float64, this is {dtype}; .*$")
    for draw in (pixels.png, pixels.eight_bit, lambda x: pixels.overlay(x, torch.rand(4, 5))):
        refuses(draw, GOOD[0].to(dtype), says="the picture holds .* values; give float32 or float64")
    half = torch.rand(3, 8, 8).half() - 0.5
    for colour in (pixels.heat, pixels.signed_rgb):
        assert torch.equal(colour(half), colour(half.float())) and colour(half).dtype == torch.float32
        refuses(colour, half.to(torch.complex64), says="complex64.*abs")


@pytest.mark.parametrize("reach", [1, 3, 50])
def test_shift_is_a_cut_out_of_the_padded_picture(reach):
    for seed in range(20):
        dy, dx = torch.randint(0, 2 * reach + 1, (2,), generator=torch.Generator().manual_seed(seed)).tolist()
        wanted = torch.nn.functional.pad(GOOD, (reach,) * 4, mode="replicate")[..., dy : dy + 4, dx : dx + 5]
        assert torch.equal(images.shift(GOOD, reach, torch.Generator().manual_seed(seed)), wanted)


def test_shift_of_a_volume_has_a_reach_for_each_axis():
    x, seen, draw = torch.arange(7 * 8 * 9).float().view(1, 1, 7, 8, 9), set(), torch.Generator().manual_seed(0)
    for _ in range(200):
        found = images.shift(x, (0, 1, 2), draw)
        dy, dx = (int(found[0, 0, 3, 4, 4] - x[0, 0, 3, 4, 4]) + 9 * 4 + 4) // 9 - 4, int(found[0, 0, 3, 4, 4]) % 9 - 4
        seen |= {(dy, dx)}
        padded = torch.nn.functional.pad(x, (2, 2, 1, 1, 0, 0), mode="replicate")
        assert torch.equal(found, padded[..., 1 + dy : 9 + dy, 2 + dx : 11 + dx])
    assert seen == {(dy, dx) for dy in (-1, 0, 1) for dx in range(-2, 3)}
    refuses(images.shift, x, (1, 1), draw, says=r"reach = \(1, 1\); give one number, or 3 of them")


@pytest.mark.oracle("SciPy's Laplacian", inversion=["total variation"])
def test_the_gradient_of_the_squared_variation_is_the_laplacian():
    x = torch.rand(1, 1, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    gradient, = torch.autograd.grad(images.total_variation(x, 2.0) * x.numel(), x)
    wanted = -2 * laplace(x.detach()[0, 0].numpy(), mode="nearest")
    torch.testing.assert_close(gradient[0, 0], torch.from_numpy(wanted))


@pytest.mark.parametrize("sides", [(4, 5), (4, 5, 6)])
def test_variation_of_pictures_and_of_volumes(sides):
    x = uniform(2, 3, *sides)
    squares = sum(np.diff(x.numpy(), axis=k, append=np.take(x.numpy(), [-1], k)) ** 2 for k in range(2, x.ndim))
    assert images.total_variation(x, 3.0).item() == pytest.approx((squares**1.5).mean(), rel=1e-6)


def test_what_would_be_made_is_bounded():
    for call, words in {
            lambda: images.resize(GOOD, 30_000): "size = 30000 asks for 2 pictures of 30000×37500 pixels; at most 50 m",
            lambda: images.load("coffee", size=7072): "size = 7072 asks for a picture of 7072×7072",
            lambda: images.crops(["dog"], 64, count=10**6): "asks for 1000000 pictures of 64×64",
            lambda: plain_blur(GOOD, 1e4): "sigma = 10000"}.items():
        refuses(call, says=words)


@pytest.mark.parametrize("turned", [False, True])
def test_a_strip_is_cut_before_it_is_enlarged(turned):
    strip = torch.rand(1, 3, 10, 1000)
    x = images.load(strip.mT if turned else strip, size=40)
    whole = images.resize(strip, 40)[..., 1980:2020]
    torch.testing.assert_close((x.mT if turned else x)[..., 4:-4], whole[..., 4:-4])
    wide = torch.rand(1, 3, 10, 40)  # four to one is enlarged as ever
    assert torch.equal(images.load(wide, size=20), images.resize(wide, 20)[..., 30:50])
