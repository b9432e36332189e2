"""Concept vectors: the loss written out, a concept that is made of two units, and slips that are told."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from tests.dissection import test_contract
from tests.helpers import refuses
from u3lab.dissection.concept_vectors import (
    best_filter,
    binarise,
    concept_loss,
    direction,
    enlarge,
    filter_curve,
    iou_set,
    net2vec,
    plain_enlarge,
    plain_weighted_sum,
    segment,
    weighted_sum,
)


@pytest.fixture(scope="module")
def made():
    return test_contract.made(40)


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


def test_a_direction_is_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    g = torch.Generator().manual_seed(2)
    features = torch.rand(80, 5, generator=g) * torch.tensor([1.0, 5.0, 0.1, 2.0, 1.0])
    shown = torch.zeros(80, dtype=torch.bool)
    shown[:40] = True  # balanced, so that all are used
    features[:40, 1] += 1
    w = direction(features, shown)
    scaler = StandardScaler().fit(features.numpy())
    theirs = LogisticRegression(C=2.0, tol=1e-10, max_iter=1000).fit(scaler.transform(features.numpy()), shown.numpy())
    # two rows of weights that share the penalty, each half of the difference: twice scikit-learn's C for one row
    np.testing.assert_allclose(w.numpy(), theirs.coef_[0] / scaler.scale_, rtol=2e-3, atol=1e-4)
    assert int((w * features.std(0)).argmax()) == 1


def test_a_direction_takes_as_many_pictures_without_as_with():
    features, shown = torch.randn(60, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(60, dtype=torch.bool)
    shown[:7] = True
    assert torch.equal(direction(features, shown, seed=1), direction(features, shown, seed=1))
    assert not torch.equal(direction(features, shown, seed=1), direction(features, shown, seed=2))
    for all_or_none in (torch.ones_like(shown), torch.zeros_like(shown)):
        refuses(direction, features, all_or_none, says="of 60 pictures show the concept")


def test_the_curve_over_filters_is_the_vectors_own_iou(made):
    active, masks = made
    fit, held_out = (active[:20], masks[:20]), (active[20:], masks[20:])
    found = list(filter_curve(fit, held_out, (1, 3, 8)))
    w = net2vec(*fit, filters=3)
    assert found[1] == iou_set(segment(w, active[20:], masks.shape[1:]) > 0.5, masks[20:])
    assert found[0] < found[1] - 0.1


def test_activations_are_compared_unit_by_unit():
    from u3lab import nets

    net = nets.Classifier(torch.nn.Sequential(torch.nn.Identity()).eval(), layers={"same": "0"})
    images = torch.rand(20, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    thresholds = torch.tensor([0.2, 0.5, 0.9])
    assert torch.equal(binarise(net, "same", images, thresholds), images > thresholds.view(3, 1, 1))


@pytest.mark.parametrize("size", [(8, 9), (20, 33), (5, 4)])
def test_enlargement_by_matrices_is_the_plain_one(size):
    maps = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    for one in (maps, maps[:, 0]):
        torch.testing.assert_close(enlarge(one, size), plain_enlarge(one, size))


def test_votes_are_the_weighted_sum_of_the_maps_and_have_its_gradient():
    g = torch.Generator().manual_seed(0)
    active, w = torch.rand(3, 7, 4, 5, generator=g) > 0.7, torch.randn(7, generator=g, requires_grad=True)
    found, wanted = weighted_sum(active)(w), plain_weighted_sum(active, w)
    torch.testing.assert_close(found, wanted)
    weights = torch.randn(3, 4, 5, generator=g)
    torch.testing.assert_close(*(torch.autograd.grad((votes * weights).sum(), w)[0] for votes in (found, wanted)))
    assert not weighted_sum(torch.zeros(1, 7, 2, 2, dtype=torch.bool))(w).any()


def test_the_best_filter_is_the_best_of_all(made):
    active, masks = made
    each = [iou_set(enlarge(active[:, k].float(), masks.shape[1:]) > 0.5, masks) for k in range(active.shape[1])]
    unit, iou = best_filter(active, masks)
    assert iou == pytest.approx(max(each)) and unit == max(range(len(each)), key=each.__getitem__)
