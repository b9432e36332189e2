"""The contrast between two views: the loss by loops, and views whose cut, mirror and colours are what they say."""

import math

import numpy as np
import pytest
import torch
from skimage import color
from torch import Tensor

from tests.helpers import refuses, seeded, uniform
from u3lab.selfsup import TASKS, contrast, views


@pytest.mark.oracle("equation 1 in loops", selfsup=["contrast"])
def test_the_loss_is_equation_1() -> None:
    z, tau, total = uniform(5, 2, 7).sub(0.5).requires_grad_(), 0.3, 0.0
    flat = [z[n, v] for n in range(5) for v in range(2)]

    def sim(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v / u.norm() / v.norm() / tau).exp()

    for n in range(5):
        for i, j in ((2 * n, 2 * n + 1), (2 * n + 1, 2 * n)):
            others = sum(sim(flat[i], flat[k]) for k in range(10) if k != i)
            total -= (sim(flat[i], flat[j]) / others).log() / 10
    torch.testing.assert_close(contrast.nt_xent(z, tau=tau), total)
    assert torch.autograd.gradcheck(contrast.nt_xent, z)


def test_pairs_that_agree_and_pictures_that_differ_cost_least() -> None:
    z = torch.eye(4, dtype=torch.float64)[:, None].expand(4, 2, 4)
    assert contrast.found_partner(z) == 1
    assert float(contrast.nt_xent(z, tau=1.0)) == pytest.approx(math.log(1 + 6 / math.e))
    swapped = torch.stack([z[:, 0], z[:, 1].roll(1, 0)], 1)
    assert contrast.found_partner(swapped) == 0 and contrast.nt_xent(swapped) > contrast.nt_xent(z)
    refuses(contrast.nt_xent, z[:1], says="two or more")


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


def test_each_view_is_cut_recoloured_and_perhaps_greyed_by_itself() -> None:
    """Of pictures that redden to the right: how much is left of the slope, of the red, of any colour."""
    x = torch.full((400, 3, 16, 16), 0.3)
    x[:, 0] += torch.linspace(0, 0.3, 16)
    seen = TASKS["contrast"].pose(x, seeded()).views.flatten(0, 1)
    grey = (seen.std(1) < 1e-6).all(2).all(1)
    slope = seen[:, 0, :, -1].mean(1) - seen[:, 0, :, 0].mean(1)
    assert float(grey.double().mean()) == pytest.approx(0.2, abs=0.04)
    assert 0.3 < float((slope[~grey] > 0).double().mean()) < 0.7  # half of them are mirrored
    bright = seen[:, 1].mean((1, 2))
    assert float(bright.min()) < 0.2 and float(bright.max()) > 0.4  # 0.3 before
