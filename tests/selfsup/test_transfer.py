"""The probe at every depth, against scikit-learn's own classifier on features that are made here by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from u3lab.errors import U3Error
from u3lab.selfsup import LAYERS, PretextSettings, encoder, pretrain, transfer


def striped(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with stripes across (0), along (1), or none (2)."""
    generator = torch.Generator().manual_seed(seed)
    x, labels = torch.rand(count, 3, 32, 32, generator=generator), torch.arange(count) % 3
    wave = 0.25 * torch.sin(torch.arange(32.0))
    x[labels == 0] = 0.5 * x[labels == 0] + 0.25 + wave
    x[labels == 1] = 0.5 * x[labels == 1] + 0.25 + wave[:, None]
    return x, labels


def test_each_layer_is_pooled_to_about_as_many_numbers() -> None:
    net, (x, _) = encoder(8), striped(130)
    found = transfer.described(net, x, numbers=300)
    assert {layer: one.shape for layer, one in found.items()} == {
        "conv1": (130, 8 * 36), "conv2": (130, 16 * 16), "conv3": (130, 288), "conv4": (130, 288), "conv5": (130, 288)}
    maps = net.features(x, "conv5").detach()
    torch.testing.assert_close(found["conv5"], F.adaptive_avg_pool2d(maps, 3).flatten(1))
    assert transfer.described(net, x, ["conv5"], numbers=10)["conv5"].shape == (130, 32)  # never less than the mean


def test_the_probe_is_scikit_learns() -> None:
    net, (x, y), (held, truth) = encoder(4), striped(60), striped(90, 1)
    features, others = transfer.described(net, x), transfer.described(net, held)
    found = {layer: one.accuracy(others[layer], truth) for layer, one in transfer.probes(features, y, C=0.1).items()}
    for layer in LAYERS:
        scale = StandardScaler().fit(features[layer].double().numpy())
        model = LogisticRegression(C=0.1, tol=1e-6, max_iter=10_000).fit(scale.transform(features[layer].double()), y)
        right = np.mean(model.predict(scale.transform(others[layer].double().numpy())) == truth.numpy())
        assert found[layer] == pytest.approx(right, abs=0.02)
    assert found["conv2"] > 0.6


def test_few_are_of_every_class_and_another_choice_for_each_seed() -> None:
    labels = torch.arange(60) % 3
    chosen = transfer.few(labels, 5)
    assert labels[chosen].bincount().tolist() == [5, 5, 5] and len(chosen.unique()) == 15
    assert not torch.equal(chosen, transfer.few(labels, 5, seed=1)) and torch.equal(chosen, transfer.few(labels, 5))
    with pytest.raises(U3Error, match="more than the 20"):
        transfer.few(labels, 21)


def test_labels_teach_as_a_task_of_their_own() -> None:
    x, y = striped(60)

    def raw(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.randint(60, (count,), generator=generator)
        return x[chosen], y[chosen]

    steps = list(pretrain(encoder(4), raw, transfer.supervised(3), settings=PretextSettings(steps=25, lr=0.01)))
    assert float(steps[-1].value) > 0.9
