"""The perceptual distance, against loops over places; convolutional sparse coding, against what it is good for."""

import sys

import numpy as np
import pytest
import torch

from tests.helpers import refuses
from u3lab import images, nets, prior

NET = nets.load("squeezenet1_1", device="cpu")


def by_hand(x: torch.Tensor, truth: torch.Tensor, where: np.ndarray) -> float:
    """Place by place; the weight of a place is the part of its window in ``where``."""
    layers = []
    for layer in NET.layers[:-1]:
        a, b = (NET.features(one, layer)[0].numpy().astype(float) for one in (x, truth))
        total = weights = 0.0
        for i in range(a.shape[1]):
            for j in range(a.shape[2]):
                u, v = a[:, i, j], b[:, i, j]
                u, v = u / max(np.linalg.norm(u), 1e-12), v / max(np.linalg.norm(v), 1e-12)
                rows, columns = (slice(n * size // of, -(-(n + 1) * size // of)) for n, size, of in (
                    (i, where.shape[0], a.shape[1]), (j, where.shape[1], a.shape[2])))
                part = where[rows, columns].mean()
                total, weights = total + part * ((u - v) ** 2).sum(), weights + part
        layers.append(total / weights)
    return float(np.mean(layers))


def test_the_perceptual_distance_is_that_of_loops():
    x, truth = images.load("coffee", size=64), images.load("koala", size=64)
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 10:40, 20:50] = 1
    with torch.no_grad():
        for where in (None, hole):
            wanted = by_hand(x, truth, np.ones((64, 64)) if where is None else where[0, 0].numpy())
            assert prior.perceptual_distance(NET, x, truth, where=where) == pytest.approx(wanted, rel=1e-4)


def test_the_perceptual_distance_asks_what_psnr_does_not():
    """A photo moved by two pixels is nearer to the eye than its blur with the same decibels; three photos."""
    for name in ("coffee", "castle", "macaw"):
        x = images.load(name, size=128)
        moved = x.roll((2, 2), (2, 3))
        blurs = [images.blur(x, sigma) for sigma in (1, 1.5, 2, 3, 4, 6, 8)]
        alike = min(blurs, key=lambda blur: abs(float(prior.psnr(blur, x) - prior.psnr(moved, x))))
        assert prior.perceptual_distance(NET, moved, x) < prior.perceptual_distance(NET, alike, x)
    assert prior.perceptual_distance(NET, x, x) == 0
    refuses(prior.perceptual_distance, NET, x, x, where=torch.zeros(1, 1, 128, 128), says="hides every pixel")


def test_convolutional_sparse_coding_fills_scattered_holes():
    for name in ("castle", "coffee", "china"):
        x = images.load(name, size=64)
        m = (torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.5).float()
        hole = (1 - m).bool().expand_as(x)
        filled = prior.convolutional_sparse_coding(x * m, m, steps=60)
        flat = ((x * m).sum((2, 3), keepdim=True) / m.sum()).expand_as(x)
        assert torch.equal(filled[~hole], x[~hole]) and 0 <= filled.min() and filled.max() <= 1
        assert prior.psnr(filled[hole], x[hole]) > prior.psnr(flat[hole], x[hole]) + 4


def test_without_sporco_the_next_step_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sporco.admm", None)
    picture, visible = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    refuses(prior.convolutional_sparse_coding, picture, visible, says="pip install sporco")
