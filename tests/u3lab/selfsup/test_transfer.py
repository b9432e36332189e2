"""What is measured of an encoder, and told to another: probes by scikit-learn, clusters by Lloyd, steps in torch."""

from collections.abc import Iterator
from itertools import count, islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from tests.helpers import plain_descent, refuses
from tests.u3lab.selfsup.test_clustering import shapes
from tools.site.lists import TRANSFERS
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.selfsup import LAYERS, PretextSettings, best_probe, digit_encoder, encoder, pooled, pseudo_labels


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


EACH = pytest.mark.parametrize("name", TRANSFERS)

K = 6


def seen(teacher: Classifier, images: Tensor) -> np.ndarray:
    """What a digit encoder has at its last layer, meaned over places, each channel about 0 with spread 1: (N,U)."""
    with torch.no_grad():
        features = teacher.module(teacher.normalise(images)).mean((2, 3)).double().numpy()
    return (features - features.mean(0)) / features.std(0, ddof=1).clip(1e-9)


def lloyd(x: np.ndarray, k: int, seed: int) -> float:
    """The sum of squares that k-means ends with, from k of the samples."""
    centres = x[np.random.default_rng(seed).permutation(len(x))[:k]]
    for _ in range(50):
        nearest = np.square(x[:, None] - centres).sum(2).argmin(1)
        centres = np.stack([x[nearest == c].mean(0) if (nearest == c).any() else centres[c] for c in range(k)])
    return np.square(x[:, None] - centres).sum(2).min(1).sum()


@pytest.mark.oracle("Lloyd’s algorithm in NumPy", selfsup=["knowledge transfer"])
def test_clusters_are_those_of_k_means():
    """Each feature is nearest to the mean of its own cluster, and no start of twenty by hand ends better."""
    (pictures, _), teacher = shapes(), digit_encoder(8)
    x, found = seen(teacher, pictures), pseudo_labels(teacher, "conv3", pictures, K).numpy()
    centres = np.stack([x[found == c].mean(0) for c in range(K)])
    apart = np.square(x[:, None] - centres).sum(2)
    assert (apart.argmin(1) == found).all()
    assert apart.min(1).sum() < 1.02 * min(lloyd(x, K, seed) for seed in range(20))


def plain_steps(student: Classifier, images: Tensor, labels: Tensor, k: int, settings: PretextSettings
                ) -> Iterator[float]:
    """Losses: pictures are drawn with replacement, their maps' mean goes through a hidden layer, and Adam follows."""
    channels = student.module(student.normalise(images[:1])).shape[1]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(settings.seed)
        head = nn.Sequential(nn.Linear(channels, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, k))
    net = nn.Sequential(student.module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).train()
    step = count()

    def loss() -> Tensor:
        draw = torch.Generator().manual_seed(settings.seed * 2**31 + next(step))
        chosen = torch.randint(len(images), (settings.batch_size,), generator=draw)
        return F.cross_entropy(net(student.normalise(images[chosen])), labels[chosen])
    return plain_descent(torch.optim.Adam(net.parameters(), lr=settings.lr), loss)


@pytest.mark.oracle("the same steps in plain torch", selfsup=["knowledge transfer"])
def test_a_student_s_steps_are_those_of_plain_torch():
    (pictures, _), teacher, settings = shapes(), digit_encoder(8), PretextSettings(steps=6, batch_size=40, seed=3)
    labels = pseudo_labels(teacher, "conv3", pictures, K, seed=3)
    wanted = list(islice(plain_steps(digit_encoder(4, seed=1), pictures, labels, K, settings), 7))
    steps = TRANSFERS["knowledge transfer"].learn(teacher, "conv3", digit_encoder(4, seed=1), pictures, K,
                                                  settings=settings)
    assert [step.loss for step in steps] == pytest.approx(wanted, rel=1e-3)
    assert wanted[-1] < wanted[0]


@EACH
def test_a_student_of_another_kind_learns_what_its_teacher_tells_apart_and_leaves_it_alone(name: str):
    (pictures, _), teacher, student = shapes(), digit_encoder(8), digit_encoder(4, seed=1)
    before = [p.clone() for p in teacher.parameters()]
    settings = PretextSettings(steps=60, batch_size=60, lr=0.01)
    assert float(last(TRANSFERS[name].learn(teacher, "conv3", student, pictures, 3, settings=settings)).value) > 0.9
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))


@EACH
def test_it_says_whether_a_scale_of_each_channel_counts(name: str):
    """The same losses, whatever the teacher's last batch norm multiplies each channel by."""
    pictures, _ = shapes()
    losses = []
    for most in (0.0, 4.0):
        teacher = digit_encoder(8)
        with torch.no_grad():
            norm = teacher.module[-1][1]
            norm.weight *= (most * torch.rand(norm.weight.shape, generator=torch.Generator().manual_seed(0))).exp()
        learnt = TRANSFERS[name].learn(teacher, "conv3", digit_encoder(4), pictures, 3,
                                       settings=PretextSettings(steps=2, batch_size=60))
        losses.append([step.loss for step in learnt])
    assert (losses[0] == losses[1]) == TRANSFERS[name].scales
