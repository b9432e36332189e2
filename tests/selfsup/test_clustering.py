"""Clustering by mutual information: it finds what the views leave alone, and its parts are what they say."""

import itertools

import pytest
import torch
from sklearn.metrics.cluster import contingency_matrix
from torch import Tensor

from tests.helpers import refuses
from u3lab import selfsup
from u3lab.datasets import handwritten
from u3lab.descent import last
from u3lab.selfsup.matching import contingency, hungarian_accuracy, match


def shapes(count: int = 120, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A bar that stands, a bar that lies, or a ring, at slightly different places; and which."""
    labels = torch.arange(count) % 3
    pictures = torch.zeros(count, 3, 28, 28)
    ring = torch.ones(10, 10)
    ring[3:7, 3:7] = 0
    generator = torch.Generator().manual_seed(seed)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        y, x = (9 + torch.randint(-2, 3, (2,), generator=generator)).tolist()
        part = (torch.ones(16, 4), torch.ones(4, 16), ring)[label]
        y, x = y - (3 if label == 0 else 0), x - (3 if label == 1 else 0)
        picture[:, y:y + part.shape[0], x:x + part.shape[1]] = part
    return pictures, labels


def test_it_sorts_simple_shapes() -> None:
    pictures, labels = shapes()
    net, settings = selfsup.digit_encoder(8), selfsup.ClusterSettings(steps=50, batch_size=120, heads=4, lr=0.01)
    head = selfsup.sub_heads(net, 3, settings=settings)
    steps = list(selfsup.cluster(net, pictures, 3, head=head, settings=settings))
    assert [step.iteration for step in steps] == list(range(51))
    assert steps[-1].value.shape == (3, 3) and float(steps[-1].value.sum()) == pytest.approx(1, abs=1e-5)
    found = selfsup.cluster_probabilities(net, head, pictures)[selfsup.best_head(net, head, pictures)].argmax(1)
    assert hungarian_accuracy(found, labels) > 0.95


def test_the_chosen_head_has_the_lowest_loss() -> None:
    pictures, _ = shapes()
    net = selfsup.digit_encoder(4)
    head = selfsup.sub_heads(net, 3)
    generator = torch.Generator().manual_seed(0)
    both = [selfsup.cluster_probabilities(net, head, selfsup.digit_views(pictures, generator)) for _ in range(2)]
    losses = [float(selfsup.iic_loss(z, moved)) for z, moved in zip(*both, strict=True)]
    assert selfsup.best_head(net, head, pictures) == losses.index(min(losses))


def test_further_heads_are_part_of_the_loss_and_never_chosen() -> None:
    pictures, _ = shapes(24)
    net, settings = selfsup.digit_encoder(4), selfsup.ClusterSettings(steps=1, batch_size=24, over=12, heads=2)
    head = selfsup.sub_heads(net, 3, settings=settings)
    step = last(selfsup.cluster(net, pictures, 3, head=head, settings=settings))
    assert set(step.terms) == {"−I", "−I of the further heads"} and step.value.shape == (3, 3)
    said = torch.rand(5, 2, 2, 3, generator=torch.Generator().manual_seed(0)).softmax(-1)  # pictures, views, heads, k
    P = selfsup.clustering(3, settings=settings).score((said,), torch.zeros(5))
    wanted = sum(torch.outer(a, b) for a, b in said[:, :, 0]) / 5
    torch.testing.assert_close(P, (wanted + wanted.T) / 2)  # of the first
    assert selfsup.cluster_probabilities(net, head, pictures).shape == (2, 24, 3)


def test_the_price_is_read_at_every_step() -> None:
    pictures, _ = shapes(24)
    settings = selfsup.ClusterSettings(steps=3, batch_size=24, heads=1, lr=1e-5)
    steps = selfsup.cluster(selfsup.digit_encoder(4), pictures, 3, settings=settings)
    for lam in (1.0, 4.0, 0.0):
        settings.lam = lam
        step = next(steps)
        assert step.loss == pytest.approx(-float(selfsup.mutual_information(step.value, lam=lam)), abs=1e-5)


def test_views_move_digits_and_nothing_else() -> None:
    digits, _ = handwritten.load(2)
    generator = torch.Generator().manual_seed(0)
    before = digits.clone()
    one, two = (selfsup.digit_views(digits, generator) for _ in range(2))
    assert one.shape == digits.shape and torch.equal(digits, before) and not torch.equal(one, two)
    assert one.min() >= 0 and one.max() <= 1 and torch.equal(one[:, 0], one[:, 2])
    again = selfsup.digit_views(digits, torch.Generator().manual_seed(0))
    assert torch.equal(one, again)


def test_views_fill_the_ranges_that_they_name() -> None:
    """Read off ramps, whose slopes at the middle tell the matrix A of a view: A = R(turn)/zoom [[1, shear], [0, 1]]."""
    ramp = ((torch.arange(28) + 0.5) / 28).expand(600, 3, 28, 28)
    across, down, back = (selfsup.digit_views(x.contiguous(), torch.Generator().manual_seed(0))[:, 0]
                          for x in (ramp, ramp.mT, 1 - ramp))
    A = 28 * torch.stack([torch.stack([x[:, 14, 15] - x[:, 14, 14], x[:, 15, 14] - x[:, 14, 14]], 1)
                          for x in (across, down)], 1)
    first, second = A.unbind(2)
    turn, size = torch.atan2(first[:, 1], first[:, 0]).rad2deg(), -first.norm(dim=1).log()
    shear = (first * second).sum(1) / first.square().sum(1)
    for found, most in ((turn, 25.0), (shear, 0.4), (size, 0.3)):
        assert -most - 1e-3 < float(found.min()) < -0.97 * most and 0.97 * most < float(found.max()) < most + 1e-3
    both = (across + back)[:, 14, 14] - 1  # above 0 where the greatest of some pixels was taken, below for the least
    assert float((both > 1e-4).double().mean()) == pytest.approx(0.25, abs=0.04)
    assert float((both < -1e-4).double().mean()) == pytest.approx(0.25, abs=0.04)
    for x in (across, down):
        far = 28 * (x[both.abs() <= 1e-4][:, 13:15, 13:15].mean((1, 2)) - 0.5)  # of the middle, in pixels
        assert -3.001 < float(far.min()) < -2.9 and 2.9 < float(far.max()) < 3.001


def test_hungarian_accuracy_is_the_best_of_all_matches() -> None:
    generator = torch.Generator().manual_seed(0)
    for clusters in (3, 4, 5):
        found, labels = (torch.randint(most, (40,), generator=generator) for most in (clusters, 4))
        names = range(max(clusters, 4))
        best = max(float((torch.tensor(order)[found] == labels).double().mean())
                   for order in itertools.permutations(names))
        assert hungarian_accuracy(found, labels) == pytest.approx(best)
        assert contingency(found, labels).tolist() == contingency_matrix(found, labels).tolist()
        kept = match(found, labels)
        assert len(set(kept[kept >= 0].tolist())) == min(clusters, 4) and len(kept) == int(found.max()) + 1
    assert hungarian_accuracy((labels + 1) % 4, labels) == 1
    assert match((labels + 1) % 4, labels).tolist() == [3, 0, 1, 2]


def test_pseudo_labels_are_the_clusters_of_features() -> None:
    (pictures, labels), teacher = shapes(), selfsup.digit_encoder(8)
    found = selfsup.pseudo_labels(teacher, "conv3", pictures, 3)
    assert found.shape == labels.shape and set(found.tolist()) == {0, 1, 2}
    assert torch.equal(found, selfsup.pseudo_labels(teacher, "conv3", pictures, 3))


def test_slips_are_named() -> None:
    pictures, _ = shapes(24)
    net = selfsup.digit_encoder(2)
    refuses(selfsup.cluster_probabilities, net, net, pictures, says="sub_heads")
    refuses(selfsup.pseudo_labels, net, "conv3", pictures, 25, says="smaller k")
