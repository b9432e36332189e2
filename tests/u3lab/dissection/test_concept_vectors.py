"""Concept vectors: the loss written out, a concept that is made of two units; kernels against written-out sums."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from tests.helpers import normal, refuses
from tests.u3lab.dissection import test_contract
from u3lab.dissection.concept_vectors import (
    binarise,
    chance_similarity,
    concept_kernel,
    concept_loss,
    direction,
    enlarge,
    filter_curve,
    iou_set,
    kernel_similarity,
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


def test_a_kernel_holds_cosines():
    vectors = normal(4, 7)
    kernel = concept_kernel(vectors)
    for i in range(4):
        for j in range(4):
            cosine = torch.nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0)
            assert kernel[i, j] == pytest.approx(float(cosine))
    torch.testing.assert_close(concept_kernel(vectors * torch.tensor([1.0, 5, 0.1, 3])[:, None]), kernel)


def test_similarity_is_the_written_sum():
    a, b = concept_kernel(normal(5, 8)), concept_kernel(normal(5, 6, seed=1))
    pairs = [(i, j) for i in range(5) for j in range(5)]
    for diagonal in (True, False):
        chosen = [(a[i, j], b[i, j]) for i, j in pairs if diagonal or i != j]
        wanted = sum(x * y for x, y in chosen) / (sum(x * x for x, _ in chosen) * sum(y * y for _, y in chosen)) ** 0.5
        assert kernel_similarity(a, b, diagonal=diagonal) == pytest.approx(float(wanted))
    assert kernel_similarity(torch.eye(3), torch.eye(3)) == 0  # nothing is beside the diagonal


def test_random_embeddings_agree_only_by_their_diagonal():
    """Twenty concepts in 64 and 128 units: 0.8 with the diagonal, none without; and the permutations say so."""
    pairs = [(concept_kernel(normal(20, 64, seed=k)), concept_kernel(normal(20, 128, seed=1000 + k)))
             for k in range(30)]
    with_it = [kernel_similarity(a, b, diagonal=True) for a, b in pairs]
    without = [kernel_similarity(a, b) for a, b in pairs]
    assert 0.7 < sum(with_it) / 30 < 0.9 and abs(sum(without) / 30) < 0.05
    chance = chance_similarity(*pairs[0])
    assert len(chance) == 200 and abs(sum(chance) / 200) < 0.05 and chance == chance_similarity(*pairs[0])
    same = concept_kernel(normal(20, 64))
    assert max(chance_similarity(same, same)) < 0.5 < kernel_similarity(same, same)
    even = torch.full((20, 20), 0.5) + torch.eye(20) / 2  # who is who makes no difference
    assert chance_similarity(even, even, times=3) == pytest.approx([1, 1, 1])


def test_slips_are_told():
    refuses(concept_kernel, torch.rand(1, 4), says="at least two concepts")
    refuses(concept_kernel, torch.tensor([[1.0, 0], [0, 0]]), says="concept 1 is zero")
    refuses(kernel_similarity, torch.eye(3), torch.eye(4), says=r"second has the shape \(4, 4\); give .* C = 3")
