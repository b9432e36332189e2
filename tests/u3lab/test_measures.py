"""Measures against scipy, scikit-learn and counting by hand."""

import math
import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor

from tests.helpers import normal, refuses
from u3lab import measures


def mean_of(groups: list[Tensor]):
    """The mean over all values, as a statistic of how often each group is drawn."""
    sums, counts = torch.stack([g.sum() for g in groups]), torch.tensor([float(len(g)) for g in groups]).double()
    return lambda often: often @ sums / (often @ counts)


# ---- the bootstrap ---------------------------------------------------------------------------------------------------


def test_a_mean_is_the_bootstrap_of_its_groups():
    values = normal(12, 3)
    names = list("aabbbcdeeffg")
    assert measures.mean(values) == measures.bootstrap(mean_of(list(values.mean(1)[:, None])), 12)
    by_name = [values.mean(1)[[n for n, one in enumerate(names) if one == name]] for name in sorted(set(names))]
    wanted, found = measures.bootstrap(mean_of(by_name), len(by_name), seed=3), measures.mean(values, names, seed=3)
    assert found == pytest.approx(wanted) and found.value == pytest.approx(float(values.mean()))
    assert found == measures.mean(values.mean(1), [sorted(set(names)).index(name) for name in names], seed=3)
    assert measures.mean(torch.tensor([True, False])).value == 0.5
    for wrong in (torch.tensor([]), torch.tensor([1.0, math.nan]), normal(2, 2, 2), [1.0]):
        refuses(measures.mean, wrong, says="finite numbers")
    for wrong in (["a", "b"], "abc", ["a", 1, "b"], 3):
        refuses(measures.mean, normal(3), wrong, says="one for each")


@pytest.mark.parametrize("count", [25, 400])
def test_the_interval_of_a_mean(count: int):
    """For groups of one value the width is 2·1.96·s/√n."""
    values = normal(count, seed=count)
    value, low, high = measures.bootstrap(mean_of(list(values[:, None])), count)
    assert low < value < high and value == pytest.approx(float(values.mean()))
    assert high - low == pytest.approx(float(2 * 1.96 * values.std() / count**0.5), rel=0.15)


def test_groups_are_drawn_whole():
    """Four games with the same picture tell no more than one; and without scatter there is no width."""
    values = normal(30)
    assert measures.bootstrap(mean_of([v.expand(4) for v in values]), 30) == pytest.approx(
        measures.bootstrap(mean_of(list(values[:, None])), 30), abs=1e-12)
    assert measures.bootstrap(mean_of([torch.full((3,), 0.4).double()] * 5), 5) == pytest.approx((0.4, 0.4, 0.4))


def test_samples_beyond_the_memory_are_refused():
    for given in ({"groups": 10**6, "times": 1000}, {"groups": 10**9, "times": 1}):
        refuses(measures.bootstrap, lambda often: often.mean(1), **given, says="too much to draw at once")


@pytest.mark.parametrize("method", ["percentile", "basic"])
def test_the_interval_is_scipys_up_to_its_draws(method: str):
    groups = [normal(n, seed=n) + n / 5 for n in range(1, 15)]
    sums, counts = np.array([[g.sum(), len(g)] for g in groups]).T
    theirs = scipy.stats.bootstrap((sums, counts), lambda s, n, axis=-1: s.sum(axis) / n.sum(axis), paired=True,
                                   method=method, n_resamples=20_000, random_state=np.random.default_rng(0))
    ours = measures.bootstrap(mean_of(groups), 14, times=20_000, basic=method == "basic")
    width = ours.high - ours.low
    assert ours[1:] == pytest.approx(tuple(theirs.confidence_interval), abs=0.03 * width)


# ---- curves and correlations -----------------------------------------------------------------------------------------

def test_correlations_are_scipys():
    a, b = normal(3, 1, 9, 7), normal(3, 1, 9, 7, seed=1)
    b = (a + b).round()  # with ties
    assert measures.correlation(a, b) == pytest.approx(scipy.stats.pearsonr(a.flatten(), b.flatten()).statistic)
    assert measures.rank_correlation(a, b) == pytest.approx(scipy.stats.spearmanr(a.flatten(), b.flatten()).statistic)
    assert measures.rank_correlation(a, a.exp()) == pytest.approx(1)
    assert measures.correlation(a, -a) == pytest.approx(-1)


def test_a_constant_map_correlates_with_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for measure in (measures.correlation, measures.rank_correlation):
            assert measure(torch.full((4,), 0.1), normal(4).float()) == measure(normal(4), torch.zeros(4)) == 0.0


def test_area():
    fractions = torch.linspace(0, 1, 11)
    assert measures.auc(fractions, torch.full((11,), 0.3)) == pytest.approx(0.3)
    assert measures.auc(fractions, 1 - fractions) == pytest.approx(0.5)
    assert measures.auc(torch.tensor([0.0, 0.2, 1.0]), torch.tensor([1.0, 0.0, 0.0])) == pytest.approx(0.1)


# ---- the ROC curve ---------------------------------------------------------------------------------------------------

def cloud(n: int = 60, seed: int = 0) -> tuple[Tensor, Tensor]:
    marks = torch.rand(n, generator=torch.Generator().manual_seed(seed)) < 0.3
    return normal(n, seed=seed).float() + 0.7 * marks, marks


@pytest.mark.parametrize("seed", range(3))
def test_roc_auc(seed: int):
    """The same number as counting pairs, ties as halves."""
    scores, marks = cloud(seed=seed)
    scores = scores.mul(2).round()  # with ties
    found = measures.roc_auc(scores, marks, [f"p{i % 10}" for i in range(60)])
    pairs = [(a > b).float() + (a == b).float() / 2 for a in scores[marks] for b in scores[~marks]]
    assert found.value == pytest.approx(float(torch.stack(pairs).mean()))
    assert 0 <= found.low < found.value < found.high <= 1


def test_its_interval_draws_whole_photos():
    """Against scikit-learn's, with a score's weight the number of times that its photo was drawn."""
    scores, marks = cloud(40)
    scores = scores.mul(2).round()  # with ties
    home = torch.arange(40) % 5
    values = []
    for pick in torch.randint(5, (200, 5), generator=torch.Generator().manual_seed(3)):
        weight = torch.bincount(pick, minlength=5)[home].numpy()
        values.append(roc_auc_score(marks.numpy(), scores.numpy(), sample_weight=weight))
    found = measures.roc_auc(scores, marks, [str(n) for n in home.tolist()], times=200, seed=3)
    assert found[1:] == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist(), abs=1e-9)


def test_draws_without_a_mark_are_left_out():
    """One source of three has all the marks: a draw that misses it has no AUC."""
    scores, marks = torch.tensor([3.0, 2.0, 1.0, 0.0]), torch.tensor([True, False, False, False])
    assert measures.roc_auc(scores, marks, ["a", "a", "b", "c"]) == (1, 1, 1)


# ---- classes ---------------------------------------------------------------------------------------------------------


def test_balanced_accuracy_is_scikit_learns():
    scores, labels = normal(80, 4), torch.arange(80) % 4
    wanted = balanced_accuracy_score((labels == 2).numpy(), (scores.argmax(1) == 2).numpy())
    for kind in (torch.int64, torch.uint8, torch.uint16):  # classes are numbers of any kind
        assert measures.balanced_accuracy(scores, labels.to(kind), 2) == pytest.approx(wanted)


def test_agreement():
    reference = torch.eye(8)[[0, 1, 2, 3]]
    scores = torch.tensor([[9, 8, 7, 6, 5, 4, 3, 2]]).expand(4, 8).float()
    assert measures.agreement(scores, reference) == (0.25, 1.0)
    assert measures.agreement(scores.flip(1), reference) == (0.0, 0.25)
    assert measures.agreement(reference, reference) == (1.0, 1.0)
    assert measures.agreement(torch.eye(2), torch.eye(2).flip(1)) == (0.0, 1.0)


# ---- the probe -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("C", [0.1, 10.0])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("count, features", [(120, 6), (30, 60)])
def test_a_probe_is_where_its_energy_has_no_slope(C, classes, count, features):
    """The formula written out; an unused feature and very different scales do no harm, nor more features than pictures.
    """
    x = normal(count, features) * torch.tensor([1.0, 20, 0.1, 1, 1, 0]).repeat(features // 6)
    labels = (x @ normal(features, classes, seed=2) + normal(count, classes, seed=1)).argmax(1)
    found = measures.probe(x, labels, C=C)
    z, W, b = (x - found.mean) / found.spread, found.weight.requires_grad_(), found.bias.requires_grad_()
    energy = -(z @ W.T + b).log_softmax(1)[range(count), labels].mean() + W.square().sum() / (2 * C * count)
    for slope in torch.autograd.grad(energy, [W, b]):
        assert float(slope.abs().max()) < 1e-5
    assert found.weight.shape == (classes, features) and found.accuracy(x, labels) > 1 / classes + 0.2
    torch.testing.assert_close(found.scores(x), z @ W.T + b)


def test_a_class_without_examples_is_never_the_answer():
    x = torch.cat([normal(20, 3), normal(20, 3, seed=1) + 3])
    found = measures.probe(x, torch.tensor([1] * 20 + [3] * 20))
    assert found.weight.shape == (4, 3) and found.scores(x)[:, [0, 2]].isneginf().all()
    assert set(found.scores(x).argmax(1).tolist()) == {1, 3}


# ---- slips -----------------------------------------------------------------------------------------------------------

def test_slips_are_told():
    scores, marks = cloud()
    for given, which in ((torch.ones(60).bool(), 60), (torch.zeros(60).bool(), 60), (marks, 5)):
        refuses(measures.roc_auc, scores[:which], given, ["a"] * 60, says="scores, .* marks and .* sources")
    for measure in (measures.correlation, measures.rank_correlation):
        refuses(measure, torch.rand(3), torch.rand(4), says="cannot be compared")
    none = torch.zeros(3, dtype=torch.long)
    refuses(measures.balanced_accuracy, torch.rand(3, 2), none, 0, says="some of it and others")
    refuses(measures.agreement, torch.zeros(2, 5), torch.zeros(3, 5), says=r"give \(B,K\) with B = 2")
    refuses(measures.probe, torch.rand(4, 3, 2, 2), torch.zeros(4, dtype=torch.long), says="of maps, ")
    refuses(measures.probe, torch.rand(4, 3), torch.ones(4, dtype=torch.long), says="at least two classes")
    for labels in (torch.tensor([0, 1, -1]), torch.tensor([0, 1, 10**9]), torch.tensor([0.0, 1.0, 0.5])):
        refuses(measures.probe, torch.rand(3, 3), labels, says="label")
    for statistic, words in ((lambda often: 1.0, "gives 1.0 for 1 samples"), (lambda often: often, "of shape .1, 5."),
                             (lambda often: often.mean(1) * math.nan, "NaN in all 9 samples")):
        refuses(measures.bootstrap, statistic, 5, times=9, says=words)


def test_an_interval_is_written_with_as_many_digits_as_asked_for():
    value, low, high = one = measures.Interval(0.4768, 0.42, 0.5333)
    assert (value, low, high) == one
    assert str(one) == f"{one}" == "0.477 [0.42, 0.533]" and f"{one:.2f}" == "0.48 [0.42, 0.53]"
