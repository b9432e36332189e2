"""What chapter 4 says of the prior and of its rivals, against other code and on several seeds."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import inpaint_biharmonic

from u3lab import images, prior
from u3lab.descent import last


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_impedance_a_photo_before_noise_for_every_seed(seed: int):
    x = images.load("coffee", size=64)
    settings = prior.PriorSettings(steps=230, noise=0, seed=seed)
    curves = [[float(prior.unexplained_variance(step.value, target))
               for step in prior.fit(prior.generator(size=64, seed=seed), target, settings=settings)]
              for target in prior.targets(x, seed=seed).values()]
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


def test_sparse_coding_and_total_variation_beat_the_mean_colour_on_scattered_holes():
    x = images.load("castle", size=48)
    m = (torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0)) > 0.4).float()
    hole = (1 - m).bool().expand_as(x)
    flat = ((x * m).sum((2, 3), keepdim=True) / m.sum()).expand_as(x)
    atoms = prior.dictionary(images.load("china", size=64))
    for filled in (prior.tv_inpaint(x * m, m), prior.sparse_coding(x * m, m, atoms)):
        assert torch.equal(filled[~hole], x[~hole])
        assert prior.psnr(filled[hole], x[hole]) > prior.psnr(flat[hole], x[hole]) + 3


@pytest.mark.parametrize("seed", [0, 1])
def test_a_wide_hole_in_a_texture_is_filled_better_than_smoothly(seed: int):
    x = images.load("brick", size=128)
    m = torch.ones(1, 1, 128, 128)
    m[..., 44:84, 40:88] = 0
    psi = prior.generator(size=128, depth=2, seed=seed)
    made = last(prior.fit(psi, x * m, task=prior.inpaint(m), settings=prior.PriorSettings(steps=150, average=0.9,
                                                                                          seed=seed))).value
    ours, smooth = (prior.ssim(torch.where(m.bool(), x, y), x) for y in (made, prior.biharmonic(x * m, m)))
    assert ours > smooth + 0.01


def test_disagreement_is_the_spread_over_the_answers():
    answers = torch.rand(4, 1, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    wanted = np.std(answers.numpy(), axis=0).mean(1, keepdims=True)
    np.testing.assert_allclose(prior.disagreement(list(answers)).numpy(), wanted, rtol=1e-5)
