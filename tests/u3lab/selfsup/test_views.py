"""Views of pictures: cuts, mirrors, colours, light and moved digits are what they say."""

import math

import numpy as np
import pytest
import torch
from skimage import color

from tests.helpers import seeded, uniform
from u3lab import selfsup
from u3lab.datasets import handwritten
from u3lab.selfsup import views


def test_a_crop_is_a_part_of_the_picture() -> None:
    """Read off pictures of coordinates, on which every crop is linear."""
    at = (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    x = torch.stack([at[:, None].expand(64, 64), at.expand(64, 64)]).expand(400, 2, 64, 64)
    y = views.crop(x, seeded(), least=0.25, stretch=1.5)
    top, bottom = y[:, 0, 16, 32], y[:, 0, 48, 32]  # away from the border, which is repeated
    left, right = y[:, 1, 32, 16], y[:, 1, 32, 48]
    height, width = 2 * (bottom - top), 2 * (right - left)
    assert 0.4 < (width < 0).double().mean() < 0.6 and (height > 0).all()
    for places, side in ((y[:, 0, 31:33, 32], height), (y[:, 1, 32, 31:33], width.abs())):  # anywhere
        at = (places.mean(1) - side / 2) / (1 - side)
        assert -0.001 < at[side < 0.9].min() < 0.03 and 0.97 < at[side < 0.9].max() < 1.001
    area, ratio = height * width.abs(), width.abs() / height
    assert 0.24 < area.min() < 0.3 and 0.85 < area.max() <= 1.0001
    assert 1 / 1.51 < ratio.min() < 0.72 and 1.38 < ratio.max() < 1.51
    assert y.min() >= x.min() and y.max() <= x.max()
    assert (views.crop(x, seeded(), mirror=False)[:, 1, 32, 48] > 0.3).all()
    torch.testing.assert_close(views.crop(x, seeded(), least=1, stretch=1, mirror=False), x)


def test_a_turned_hue_keeps_the_luma_and_comes_round() -> None:
    turn = views._turn(torch.tensor([0.0, 1.0, 2 * math.pi, 2 * math.pi / 3], dtype=torch.float64))
    chroma = uniform(4, 3, 50)
    chroma = chroma - torch.einsum("c,bcn->bn", torch.tensor(views.LUMA).double(), chroma)[:, None]
    turned = turn @ chroma
    torch.testing.assert_close(torch.einsum("c,bcn->bn", torch.tensor(views.LUMA).double(), turned),
                               torch.zeros(4, 50).double())
    torch.testing.assert_close(turned[[0, 2]], chroma[[0, 2]])
    red = torch.tensor([1.0, 0, 0], dtype=torch.float64)
    assert (turn[3] @ red).argmax() == 2  # has become blue, a third of the circle away


def test_recolouring_keeps_what_it_should() -> None:
    x = 0.3 + 0.3 * uniform(6, 3, 16, 16)
    torch.testing.assert_close(views.recolour(x, seeded(), strength=0), x)
    y = views.recolour(x, seeded(), strength=0.3)
    assert y.min() >= 0 and y.max() <= 1
    for one, two in zip(x, y, strict=True):  # brightness and contrast are a straight line of the luma
        before, after = views.luma(one[None]).flatten().numpy(), views.luma(two[None]).flatten().numpy()
        assert np.corrcoef(before, after)[0, 1] > 1 - 1e-9
    pale = 0.5 + 0.1 * (uniform(300, 3, 16, 16) - 0.5)
    both = pale, views.recolour(pale, seeded(), strength=0.3)
    light = [one.mean((1, 2, 3)) for one in both]
    wide = [views.luma(one).std((1, 2, 3)) for one in both]
    colour = [(one - one.mean(1, keepdim=True)).square().mean((1, 2, 3)).sqrt() for one in both]  # how far from grey
    brighter, wider, stronger = (two / one for one, two in (light, wide, colour))
    for found in (brighter, wider / brighter, stronger / wider):
        assert 0.68 < found.min() < 0.73 and 1.27 < found.max() < 1.32
    hue = [color.rgb2hsv(np.moveaxis(one.numpy(), 1, -1))[..., 0] for one in (x, y)]
    assert 0.005 < np.abs((hue[1] - hue[0] + 0.5) % 1 - 0.5).mean() < 0.1


def test_the_share_of_grey_pictures() -> None:
    x = uniform(500, 3, 2, 2)
    grey = (views.grey_some(x, seeded(), share=0.2).std(1) < 1e-9).all((1, 2))
    assert 0.14 < grey.double().mean() < 0.26
    torch.testing.assert_close(views.grey_some(x, seeded(), share=1)[:, :1], views.luma(x))
    assert torch.equal(views.grey_some(x, seeded(), share=0), x)


def test_views_move_digits_and_nothing_else() -> None:
    digits, _ = handwritten.load(2)
    before = digits.clone()
    one, again, two = (selfsup.digit_views(digits, seeded(seed)) for seed in (0, 0, 1))
    assert one.shape == digits.shape and torch.equal(digits, before)
    assert torch.equal(one, again) and not torch.equal(one, two)
    assert one.min() >= 0 and one.max() <= 1 and torch.equal(one[:, 0], one[:, 2])


def test_views_fill_the_ranges_that_they_name() -> None:
    """Read off ramps, whose slopes at the middle tell the matrix A of a view: A = R(turn)/zoom [[1, shear], [0, 1]]."""
    ramp = ((torch.arange(28) + 0.5) / 28).expand(600, 3, 28, 28)
    across, down, back = (selfsup.digit_views(x.contiguous(), seeded())[:, 0]
                          for x in (ramp, ramp.mT, 1 - ramp))
    A = 28 * torch.stack([torch.stack([x[:, 14, 15] - x[:, 14, 14], x[:, 15, 14] - x[:, 14, 14]], 1)
                          for x in (across, down)], 1)
    first, second = A.unbind(2)
    turn, size = torch.atan2(first[:, 1], first[:, 0]).rad2deg(), -first.norm(dim=1).log()
    shear = (first * second).sum(1) / first.square().sum(1)
    for found, most in ((turn, 25.0), (shear, 0.4), (size, 0.3)):
        assert -most - 1e-3 < float(found.min()) < -0.97 * most and 0.97 * most < float(found.max()) < most + 1e-3
    both = (across + back)[:, 14, 14] - 1  # above 0 where the greatest of some pixels was taken, below for the least
    assert float((both > 1e-4).double().mean()) == pytest.approx(0.25, abs=0.04)
    assert float((both < -1e-4).double().mean()) == pytest.approx(0.25, abs=0.04)
    for x in (across, down):
        far = 28 * (x[both.abs() <= 1e-4][:, 13:15, 13:15].mean((1, 2)) - 0.5)  # of the middle, in pixels
        assert -3.001 < float(far.min()) < -2.9 and 2.9 < float(far.max()) < 3.001


def test_a_bias_field_is_slow_and_only_darkens() -> None:
    fields = selfsup.bias_field(torch.ones(5, 3, 40, 30), seeded(), most=0.4)
    assert torch.equal(fields[:, 0], fields[:, 2]) and not torch.equal(fields[0], fields[1])
    lows, highs = fields.amin((1, 2, 3)), fields.amax((1, 2, 3))
    assert torch.allclose(lows, torch.tensor(-0.8).exp(), atol=1e-4) and torch.allclose(highs, torch.ones(5), atol=1e-4)
    assert float(fields.diff(dim=2).abs().max()) < 0.08 and float(fields.diff(dim=3).abs().max()) < 0.08
    x = torch.rand(5, 3, 40, 30)
    assert torch.allclose(selfsup.bias_field(x, seeded(), most=0.4), x * fields)


def test_new_light_is_one_contrast_and_one_brightness_for_all_pixels() -> None:
    x = 0.4 + 0.2 * torch.rand(200, 3, 8, 8, generator=seeded())
    y = selfsup.relit(x, seeded(1), most=0.3)
    wide = [one.amax((1, 2, 3), keepdim=True) - one.amin((1, 2, 3), keepdim=True) for one in (x, y)]
    contrast = wide[1] / wide[0]
    light = y - 0.5 - contrast * (x - 0.5)
    assert light.amax((1, 2, 3)).allclose(light.amin((1, 2, 3)), atol=1e-5)
    assert 0.7 <= float(contrast.min()) < 0.72 and 1.28 < float(contrast.max()) <= 1.3001
    assert -0.1501 <= float(light.min()) < -0.14 and 0.14 < float(light.max()) <= 0.1501
