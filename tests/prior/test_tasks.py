"""The data terms, against plain numpy and pillow."""

import numpy as np
import pytest
import torch

from tests.helpers import refuses
from u3lab import prior


def pair(height=12, width=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64) for _ in range(2))


def test_reconstruct_is_the_mean_square():
    x, y = pair()
    assert float(prior.reconstruct(x, y)) == pytest.approx(np.mean((x.numpy() - y.numpy()) ** 2))


def test_inpaint_counts_the_visible_pixels_only():
    x, y = pair()
    visible = torch.rand(1, 1, 12, 16) > 0.4
    seen = visible[0, 0].numpy()
    expected = np.mean(((x - y).numpy() ** 2)[0][:, seen])
    assert float(prior.inpaint(visible)(x, y)) == pytest.approx(expected)
    assert float(prior.inpaint(torch.ones(1, 1, 12, 16))(x, y)) == pytest.approx(float(prior.reconstruct(x, y)))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_lanczos_is_a_reduction_by_windowed_sinc(factor):
    """A brute-force version: each coarse pixel is a weighted mean about its centre."""
    x, _ = pair(6 * factor, 5 * factor)
    weights = []
    for k in range(4 * factor):
        t = (k - (4 * factor - 1) / 2) / factor
        weights.append(np.sinc(t) * np.sinc(t / 2))
    weights = np.array(weights) / np.sum(weights)
    padded = np.pad(x.numpy()[0], [(0, 0), *[(2 * factor, 2 * factor)] * 2], mode="edge")
    expected = np.zeros((3, 6, 5))
    for row in range(6):
        for column in range(5):
            y, z = row * factor + factor // 2 + (factor % 2) / 2, column * factor + factor // 2 + (factor % 2) / 2
            top, left = int(y), int(z)  # the window is centred on the coarse pixel's centre
            patch = padded[:, top:top + 4 * factor, left:left + 4 * factor]
            expected[:, row, column] = np.einsum("cij,i,j->c", patch, weights, weights)
    np.testing.assert_allclose(prior.lanczos(x, factor)[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("make, words", [
    (lambda: prior.inpaint(torch.ones(12, 16)), r"give a tensor \(1,1,H,W\)"),
    (lambda: prior.inpaint(torch.rand(1, 1, 4, 4)), "other than 0 and 1"),
    (lambda: prior.inpaint(torch.zeros(1, 1, 4, 4)), "the other way round"),
    (lambda: prior.inpaint(torch.ones(1, 1, 4, 4))(torch.rand(1, 3, 5, 4), torch.rand(1, 3, 5, 4)), "4×4 pixels"),
    (lambda: prior.lanczos(torch.rand(1, 3, 10, 12), 4), "multiples of 4")])
def test_a_slip_is_told(make, words):
    refuses(make, says=words)
