"""Shapes: of the area that was asked for, of both kinds, soft at the border, reproducible."""

import pytest
import torch

from tests.helpers import refuses
from u3lab.worlds import patterns


def many(count=60, size=96, area=None, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.cat([patterns.shape(size, g, area=area) for _ in range(count)])


def test_a_small_shape_has_its_area():
    found = many(area=0.03, size=192).mean((1, 2, 3))  # so small that none is cut by the picture's border much
    assert found.median() == pytest.approx(0.03, rel=0.05)
    assert (found < 0.033).all()


def test_shapes_are_masks_with_soft_borders():
    made = many()
    assert made.shape == (60, 1, 96, 96) and made.min() == 0 and made.max() == 1
    soft = ((made > 0.02) & (made < 0.98)).float().mean((1, 2, 3))
    assert (soft > 0).all() and (soft < 0.15).all()
    assert 0.02 < made.mean() < 0.3


def test_two_seeds_give_two_shapes_and_one_seed_one():
    assert torch.equal(many(3, seed=5), many(3, seed=5)) and not torch.equal(many(3, seed=5), many(3, seed=6))


def test_half_are_boxes():
    """A box is as full as its smallest turned rectangle; a blob is not. Measured by the spread of its pixels."""
    filled = []
    for made in many(200, 96, 0.05) > 0.5:
        y, x = made[0].nonzero().double().T
        if min(x.min(), y.min()) == 0 or max(x.max(), y.max()) == 95:
            continue  # cut by the border
        spread = torch.linalg.eigvalsh(torch.cov(torch.stack([x, y]))).clamp(min=0).sqrt()
        filled.append(len(x) / float(12 * spread.prod()))  # 1 for a rectangle, π/3 and less for an ellipse or a blob
    boxes = sum(abs(share - 1) < 0.01 for share in filled) / len(filled)
    assert 0.4 < boxes < 0.7  # some blobs come near by chance


def test_a_slip_is_told():
    refuses(patterns.shape, 32, torch.Generator(), area=1.5, says="between 0 and 1")
