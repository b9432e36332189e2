"""How good, how far apart and how fast: measures against scikit-image and NumPy; a photo before noise."""

import sys

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import inpaint_biharmonic

from tests.helpers import refuses
from u3lab import images, prior


def test_without_sporco_the_next_step_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sporco.admm", None)
    picture, visible = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    refuses(prior.convolutional_sparse_coding, picture, visible, says="pip install sporco")


def test_impedance_a_photo_before_noise():
    settings = prior.PriorSettings(steps=230, noise=0)
    curves = [[float(prior.unexplained_variance(step.value, target))
               for step in prior.fit(prior.generator(size=64), target, settings=settings)]
              for target in prior.targets(images.load("coffee", size=64)).values()]
    photo, noisy, shuffled, white = (prior.first_step_below(curve, 0.5) or 231 for curve in curves)
    assert photo < noisy < shuffled < white


def test_targets_and_the_share_that_is_missing():
    """A pale picture whose channels differ; the share is of the variance within each channel."""
    x = 0.4 + 0.1 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    x = x + torch.tensor([-0.2, 0.0, 0.2]).view(1, 3, 1, 1)
    found = prior.targets(x, strength=0.03)
    assert torch.equal(found["picture"], x)
    assert torch.equal(found["shuffled pixels"].flatten(2).sort(2).values, x.flatten(2).sort(2).values)
    assert (found["picture + noise"] - x).std().item() == pytest.approx(0.03, rel=0.05)
    for of in (torch.mean, torch.std):
        assert of(found["white noise"]).item() == pytest.approx(of(x).item(), rel=0.05)
    assert float(prior.unexplained_variance(x.mean((2, 3), keepdim=True).expand_as(x), x)) == pytest.approx(1, rel=1e-4)
    assert float(prior.unexplained_variance((x + x.mean((2, 3), keepdim=True)) / 2, x)) == pytest.approx(0.25, rel=1e-4)


def test_psnr_is_that_of_scikit_image():
    a, b = torch.rand(2, 1, 3, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(prior.psnr(a, b)) == pytest.approx(peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=1))


@pytest.mark.oracle("scikit-image", prior=["biharmonic"])
def test_biharmonic_filling_is_that_of_scikit_image_and_leaves_the_rest():
    x = images.load("coffee", size=32)
    m = torch.ones(1, 1, 32, 32)
    m[..., 10:18, 12:20] = 0
    array = np.where(m[0, 0, ..., None] > 0, x[0].permute(1, 2, 0).double(), 0)
    wanted = inpaint_biharmonic(array, m[0, 0].numpy() < 0.5, channel_axis=-1)
    given = prior.biharmonic(x, m)[0].permute(1, 2, 0).double()
    torch.testing.assert_close(given, torch.from_numpy(wanted).clamp(0, 1), atol=1e-5, rtol=0)


def test_disagreement_is_the_spread_over_the_answers():
    answers = torch.rand(4, 1, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    wanted = np.std(answers.numpy(), axis=0).mean(1, keepdims=True)
    np.testing.assert_allclose(prior.disagreement(list(answers)).numpy(), wanted, rtol=1e-5)
