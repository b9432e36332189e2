"""What is measured of an encoder: maps pooled by hand, a probe that scikit-learn fits too."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from tests.helpers import refuses
from u3lab import nets
from u3lab.selfsup import LAYERS, best_probe, encoder, pooled


def pictures(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Dark and light ones, and those with a light left half."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    x = 0.3 * torch.rand(count, 3, 64, 64, generator=generator)
    x[labels == 1] += 0.5
    x[labels == 2, :, :, :32] += 0.5
    return x, labels


def test_layers_are_averaged_over_parts_so_that_each_gives_about_as_many_numbers():
    net, (x, _) = encoder(32), pictures(3)
    found = pooled(net, x, LAYERS)
    assert list(found) == list(LAYERS)
    assert all(400 <= one.shape[1] <= 600 for one in found.values())
    maps = net.features(x, "conv5")  # 8×8 places, of which each of 2×2 parts has 4×4
    by_hand = torch.stack([maps[:, :, i : i + 4, j : j + 4].mean((2, 3)) for i in (0, 4) for j in (0, 4)], 2)
    assert torch.allclose(found["conv5"], by_hand.flatten(1), atol=1e-6)


def test_the_probe_is_that_of_scikit_learn_with_the_c_that_validates_best():
    draw = torch.Generator().manual_seed(22)
    x, labels = torch.randn(90, 20, generator=draw), torch.arange(90) % 3
    x[:, 0] += labels
    sets = [(x[k : k + 30], labels[k : k + 30]) for k in (0, 30, 60)]
    (train, y), (val, v), (test, t) = sets
    mean, spread = train.mean(0), train.std(0, unbiased=False)
    models = [LogisticRegression(C=C, tol=1e-6, max_iter=10_000).fit((train - mean) / spread, y)
              for C in (0.001, 0.01, 0.1, 1.0)]
    on_train, best, on_test = (max(models, key=lambda one, pair=pair: one.score((pair[0] - mean) / spread, pair[1]))
                               for pair in sets)
    right = [one.score((test - mean) / spread, t) for one in (on_train, best, on_test)]
    assert len(set(right)) == 3  # each set would choose another C
    assert best_probe(*sets[:2]).accuracy(*sets[2]) == pytest.approx(right[1])


def test_slips_get_a_sentence():
    net = nets.Classifier(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 5)).eval())
    refuses(pooled, net, pictures(4)[0], "1", says="no maps")
