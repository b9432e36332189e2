"""Concept vectors: the loss written out, a concept that is made of two units, and slips that are told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from u3lab import U3Error
from u3lab.dissection.concept_vectors import best_filter, concept_loss, iou_set, net2vec, segment


@pytest.fixture(scope="module")
def made():
    """Eight units that are blobs; the concept is where unit 2 or unit 5 is on, and unit 1 is not."""
    g = torch.Generator().manual_seed(0)
    active = torch.nn.functional.interpolate(torch.rand(40, 8, 3, 3, generator=g), size=(8, 8)) > 0.6
    small = (active[:, 2] | active[:, 5]) & ~active[:, 1]
    keep = small.flatten(1).any(1)
    return active[keep], small[keep].repeat_interleave(2, 1).repeat_interleave(2, 2)


def test_the_loss_is_the_written_sum():
    p = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    masks = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(1)) > 0.7
    alpha = 1 - masks.double().mean().item()
    wanted = np.mean([-(alpha * q if y else (1 - alpha) * (1 - q))
                      for q, y in zip(p.flatten().tolist(), masks.flatten().tolist(), strict=True)])
    assert float(concept_loss(p, masks)) == pytest.approx(wanted)
    assert concept_loss(masks.double(), masks) < concept_loss(p, masks) < concept_loss((~masks).double(), masks)


def test_iou_is_scikit_learns():
    a, b = (torch.rand(4, 6, 7, generator=torch.Generator().manual_seed(s)) > 0.5 for s in (0, 1))
    assert iou_set(a, b) == pytest.approx(jaccard_score(a.flatten().numpy(), b.flatten().numpy()))
    assert iou_set(torch.zeros_like(a), torch.zeros_like(a)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_combination_beats_the_best_single_unit(made, seed):
    from u3lab.dissection.concept_vectors import Net2VecSettings

    active, masks = made
    w = net2vec(active, masks, settings=Net2VecSettings(seed=seed))
    together = iou_set(segment(w, active, masks.shape[1:]) > 0.5, masks)
    unit, alone = best_filter(active, masks)
    assert unit in (2, 5) and together > 0.8 and together > alone + 0.2
    assert w[2] > 0 < w[5] and w[1] < 0 and w[1] == w.min()


def test_few_filters_are_the_right_ones_and_lose_little(made):
    active, masks = made
    w = net2vec(active, masks, filters=3)
    assert w.nonzero().flatten().tolist() == [1, 2, 5]
    all_of_them = iou_set(segment(net2vec(active, masks), active, masks.shape[1:]) > 0.5, masks)
    assert iou_set(segment(w, active, masks.shape[1:]) > 0.5, masks) > all_of_them - 0.05


def test_the_same_seed_gives_the_same_vector(made):
    assert torch.equal(net2vec(*made), net2vec(*made))


def test_slips_are_told(made):
    active, masks = made
    with pytest.raises(U3Error, match="same pictures"):
        net2vec(active[:2], masks)
    with pytest.raises(U3Error, match="both are bool"):
        net2vec(active.float(), masks)
    with pytest.raises(U3Error, match="no pixel of the concept"):
        net2vec(active, masks & False)
    with pytest.raises(U3Error, match="from 1 to 8"):
        net2vec(active, masks, filters=9)
