"""Segmentation by mutual information: one convolution is the loop, and stripes cheat only one of the two losses."""

import pytest
import torch
from torch import Tensor

from tests.helpers import refuses
from u3course.worlds import mosaics
from u3lab import selfsup
from u3lab.descent import last
from u3lab.selfsup import encoders
from u3lab.selfsup.matching import hungarian_accuracy
from u3lab.selfsup.segmenting import DenseHeads


def maps(n: int = 3, k: int = 4, h: int = 6, w: int = 7, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(n, k, h, w, generator=generator, dtype=torch.float64)).softmax(1)


def by_loop(z: Tensor, moved: Tensor, reach: int) -> Tensor:
    """P_t by the definition, place by place."""
    n, k, h, w = z.shape
    P = torch.zeros(2 * reach + 1, 2 * reach + 1, k, k, dtype=z.dtype)
    for a in range(-reach, reach + 1):
        for b in range(-reach, reach + 1):
            for i in range(n):
                for y in range(max(0, -a), min(h, h - a)):
                    for x in range(max(0, -b), min(w, w - b)):
                        P[a + reach, b + reach] += torch.outer(z[i, :, y, x], moved[i, :, y + a, x + b])
    return P / P.sum((2, 3), keepdim=True)


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_one_convolution_is_the_loop_over_displacements(reach: int) -> None:
    z, moved = maps(), maps(seed=1)
    assert torch.allclose(selfsup.displaced_joints(z, moved, reach), by_loop(z, moved, reach))


@pytest.mark.oracle("the loop over places and displacements", selfsup=["IIC of places, pooled", "IIC of places, mean"])
def test_both_losses_are_what_they_say() -> None:
    z, moved = maps(), maps(seed=1)
    P = by_loop(z, moved, 2)
    P = (P + P.transpose(2, 3)) / 2
    pooled = selfsup.mutual_information(P.mean((0, 1)))
    each = torch.stack([selfsup.mutual_information(one) for one in P.flatten(0, 1)])
    assert float(selfsup.segmentation_loss(z, moved, reach=2)) == pytest.approx(-float(pooled))
    assert float(selfsup.segmentation_loss(z, moved, reach=2, pooled=False)) == pytest.approx(-float(each.mean()))
    assert float(selfsup.segmentation_loss(z, moved, reach=0)) == pytest.approx(
        float(selfsup.segmentation_loss(z, moved, reach=0, pooled=False)))


def test_the_heads_undo_the_turn_and_the_mirror() -> None:
    raw = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    posed = selfsup.segmenting(3, light=lambda x, generator: x).pose(raw, torch.Generator().manual_seed(1))
    g, = posed.more
    assert len({tuple(row) for row in g.tolist()}) > 3 and not torch.equal(posed.views[:, 0], posed.views[:, 1])
    head = DenseHeads(3, 4, heads=2)  # of each place alone: it commutes with every g
    z, = head(posed.views, g)
    assert torch.allclose(z[:, 0], z[:, 1], atol=1e-6) and z.shape == (8, 2, 2, 4, 16, 16)


def test_it_tells_black_from_white(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "WINDOW", 1)
    pictures = torch.zeros(12, 3, 48, 48)
    labels = mosaics.regions(12, 48, 2, torch.Generator().manual_seed(0))
    noise = 0.1 * torch.randn(12, 1, 48, 48, generator=torch.Generator().manual_seed(1))
    pictures += (0.25 + 0.5 * labels[:, None] + noise).clamp(0, 1)
    net = selfsup.texture_encoder(4)
    settings = selfsup.SegmentSettings(steps=25, batch_size=12, reach=1, heads=2, lr=0.02)
    head = selfsup.dense_heads(net, 2, settings=settings)
    step = last(selfsup.segment(net, pictures, 2, head=head, settings=settings))
    found = selfsup.segments(net, head, pictures)
    assert step.value.shape == (12, 2, 6, 6) and found.shape == (2, 12, 2, 48, 48)
    best = found[selfsup.best_dense_head(net, head, pictures, settings=settings)].argmax(1)
    assert hungarian_accuracy(best.flatten(), labels.flatten()) > 0.85


@pytest.mark.parametrize("make", [mosaics.textures, mosaics.satellite])
def test_mosaics_are_drawn_from_their_seed_and_all_kinds_are_there(make) -> None:
    images, labels = make(6, 64)
    again, other = make(6, 64), make(6, 64, seed=1)
    assert images.shape == (6, 3, 64, 64) and labels.shape == (6, 64, 64) and images.min() >= 0 and images.max() <= 1
    assert torch.equal(images, again[0]) and torch.equal(labels, again[1]) and not torch.equal(images, other[0])
    assert set(labels.unique().tolist()) == set(range(len(mosaics.LAND if make is mosaics.satellite
                                                          else mosaics.TEXTURES)))


def test_slips_are_named() -> None:
    net = selfsup.texture_encoder(2)
    refuses(selfsup.segment, net, torch.rand(2, 3, 32, 40), 2, says="square")
    refuses(selfsup.displaced_joints, maps(), maps(), 6, says="displacement")
    refuses(selfsup.segments, net, net, torch.rand(2, 3, 32, 32), says="dense_heads")
