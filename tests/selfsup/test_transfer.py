"""What is measured of an encoder: maps pooled by hand, a probe that scikit-learn fits too, and a net that is tuned."""


import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from tests.helpers import minimised, refuses
from u3lab.descent import last
from u3lab.selfsup import LAYERS, TuneSettings, classifier, encoder, fine_tune, pooled, probed


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
    assert len(set(right)) == 3 and probed(*sets) == pytest.approx(right[1])  # each set would choose another C


def test_fine_tuning_changes_the_encoder_and_learns():
    net, (x, labels) = encoder(4), pictures(12)
    before = net.module[0][0].weight.clone()
    tuned = classifier(net, 3)
    assert tuned.layers == net.layers and torch.equal(tuned.features(x, "conv3"), net.features(x, "conv3"))
    last(fine_tune(tuned, x, labels, settings=TuneSettings(steps=40, lr=0.01, batch_size=12)))
    assert not torch.equal(net.module[0][0].weight, before)
    unseen, truth = pictures(12, seed=1)
    assert (tuned(unseen).argmax(1) == truth).double().mean() > 0.8


def test_fine_tuning_is_a_few_lines_of_plain_torch_and_a_matter_of_its_seed():
    """Batch norms take the batch's statistics and remember them; all weights move."""
    x, labels = pictures(6)
    settings = TuneSettings(steps=3, batch_size=6, lr=0.01)
    tuned, again, plain = (classifier(encoder(2), 3, seed=4) for _ in range(3))
    for net in (tuned, again):
        last(fine_tune(net, x, labels, settings=settings))
    assert torch.equal(tuned(x), again(x))
    minimised(torch.optim.Adam(plain.module.parameters(), lr=0.01), lambda: torch.nn.functional.cross_entropy(
        plain.module.train()((x - plain.mean) / plain.std), labels), 3)
    torch.testing.assert_close(tuned(x), plain.eval()(x), atol=1e-3, rtol=1e-3)


def test_slips_get_a_sentence():
    x, labels = pictures(4)
    refuses(fine_tune, classifier(encoder(2), 3), x, labels[:2], says="one label for each")
    refuses(pooled, classifier(encoder(2), 3), x, "3", says="no maps")
