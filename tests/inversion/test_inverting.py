"""Inversion against what can be written down, and on the real network what chapter 5 says of it."""

import itertools
import math

import pytest
import torch
from scipy.ndimage import laplace
from torch import nn

from tests.helpers import refuses
from u3lab import images, inversion, nets
from u3lab.descent import last
from u3lab.images.variation import total_variation
from u3lab.inversion import priors
from u3lab.inversion.inverting import search
from u3lab.inversion.linear import tikhonov


@pytest.fixture(scope="module")
def cat():
    return images.load("chelsea", size=96)


def test_a_linear_code_with_a_quadratic_price_gives_tikhonovs_solution():
    g = torch.Generator().manual_seed(0)
    matrix = torch.randn(20, 48, generator=g, dtype=torch.float64)
    truth = torch.rand(48, generator=g, dtype=torch.float64)
    y, lam = matrix @ truth, 0.3
    x = torch.zeros(48, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([x], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-14,
                                  line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        value = (matrix @ x - y).square().sum() + lam * x.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    torch.testing.assert_close(tikhonov(matrix, y, lam), x.detach(), atol=1e-6, rtol=1e-6)


def test_pictures_of_one_code_may_differ_the_null_space():
    g = torch.Generator().manual_seed(1)
    matrix = torch.randn(10, 30, generator=g, dtype=torch.float64)
    truth = torch.rand(30, generator=g, dtype=torch.float64)
    found = tikhonov(matrix, matrix @ truth, 1e-9)
    torch.testing.assert_close(matrix @ found, matrix @ truth, atol=1e-6, rtol=0)
    assert (found - truth).norm() > 0.3 * truth.norm()


@pytest.mark.oracle("SciPy's Laplacian", inversion=["total variation"])
def test_the_gradient_of_the_squared_variation_is_the_laplacian():
    x = torch.rand(1, 1, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    gradient, = torch.autograd.grad(total_variation(x, 2.0) * x.numel(), x)
    wanted = -2 * laplace(x.detach()[0, 0].numpy(), mode="nearest")
    torch.testing.assert_close(gradient[0, 0], torch.from_numpy(wanted))


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_variation_is_the_mean_power_of_the_gradients_length(beta):
    """Place by place: √(dx² + dy²)^β, not |dx|^β + |dy|^β."""
    x = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lengths = [math.hypot(x[b, c, min(i + 1, 3), j] - x[b, c, i, j], x[b, c, i, min(j + 1, 4)] - x[b, c, i, j])
               for b, c, i, j in itertools.product(*map(range, x.shape))]  # 0 at the far border
    assert float(total_variation(x, beta)) == pytest.approx(sum(one**beta for one in lengths) / x.numel(), rel=1e-3)


def test_photos_have_no_odd_colours():
    """The constant is what it says: the covariance of the shipped pictures; a pixel-by-pixel sum is the oracle."""
    photos = [images.load(name, size=64)[..., :64, :64] for name in images.names("everyday")]
    pixels = torch.cat([x.flatten(2)[0].T for x in photos]) - 0.5
    torch.testing.assert_close(pixels.T @ pixels / len(pixels), torch.tensor(priors.COLOURS), atol=1e-4, rtol=0)
    assert sum(float(priors.oddness(x)) for x in photos) / len(photos) == pytest.approx(3, abs=0.02)
    x = torch.rand(1, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    inverse = torch.linalg.inv(torch.tensor(priors.COLOURS))
    by_hand = [v @ inverse @ v for v in (x[0] - 0.5).flatten(1).T]
    torch.testing.assert_close(priors.oddness(x), torch.stack(by_hand).mean())
    poison = torch.tensor([0.1, 1.0, 0.1]).view(1, 3, 1, 1)
    assert priors.oddness(poison) > 10 * 3


def test_variation_gives_conv1_back(net, cat):
    settings = inversion.InversionSettings(steps=150)
    x = last(inversion.invert(net, "conv1", cat, prior=inversion.TV(lam=1.0), settings=settings)).value
    with torch.no_grad():
        error = inversion.code_error(inversion.code(net, "conv1", x), inversion.code(net, "conv1", cat))
    assert error < 0.02 and 0 <= x.min() and x.max() <= 1
    assert (x - cat).square().mean() < 0.001


def test_the_generator_gives_a_picture_whose_code_stands_a_shift(net, cat):
    """Noise with the same code loses it when it is moved; what the generator draws keeps far more of it."""
    def read(x, shift):
        with torch.no_grad():
            return float(inversion.code_error(inversion.code(net, "fire7", x.roll((shift, shift), (2, 3))),
                                              inversion.code(net, "fire7", cat.roll((shift, shift), (2, 3)))))

    free = last(inversion.invert(net, "fire7", cat, prior=inversion.Pixels(),
                                 settings=inversion.InversionSettings(steps=150))).value
    drawn = last(inversion.invert(net, "fire7", cat, prior=inversion.DeepImagePrior(),
                                  settings=inversion.InversionSettings(steps=150))).value
    assert read(free, 0) < 0.2 and read(drawn, 0) < 0.2
    assert read(drawn, 5) < 0.8 * read(free, 5)


def test_slips_are_told(net, cat):
    with pytest.raises(TypeError, match="zoom"):  # a zoomed picture has a code of another size
        inversion.InversionSettings(zoom=0.3)
    dead = nets.Classifier(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Threshold(1e9, 0.0)).eval())
    refuses(inversion.invert, dead, "1", cat, says="zero throughout")


def test_search_takes_any_aim(net):
    steps = search(net, (16, 16), inversion.Pixels(lr=0.1), inversion.InversionSettings(steps=60),
                   lambda x, views: {"far": (x - 0.25).square().mean()})
    torch.testing.assert_close(last(steps).value, torch.full((1, 3, 16, 16), 0.25), atol=0.02, rtol=0)
