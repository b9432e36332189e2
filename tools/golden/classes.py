"""Calls of mutual information, the clustering and segmenting that come of it, matching, and of the measures."""

from __future__ import annotations

import torch
from torch import Tensor

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, photo, uniform
from tools.site.lists import CLUSTERINGS
from u3lab import measures, selfsup
from u3lab.datasets import handwritten
from u3lab.selfsup import matching
from u3lab.selfsup.segmenting import mirrored

LITTLE = {"steps": 2, "batch_size": 8, "heads": 2, "over": 4}


def shares(seed: int = 0) -> Tensor:
    return (3 * uniform(9, 4, seed=seed)).softmax(1)


call("mutual information of two answers")(lambda: [
    selfsup.joint(shares(), shares(1)),
    selfsup.joint(shares(), (2 * uniform(9, 3, seed=2)).softmax(1), symmetric=False),
    selfsup.mutual_information(selfsup.joint(shares(), shares(1)), lam=1.5), selfsup.iic_loss(shares(), shares(1)),
    selfsup.iic_loss(shares(), shares(1), lam=2.0, symmetric=False), selfsup.bias(4, 9)])


@call("digits sorted without labels")
def _clusters() -> object:
    digits = handwritten.load(2)[0]
    net, settings = selfsup.digit_encoder(2), selfsup.ClusterSettings(**LITTLE)
    head = selfsup.sub_heads(net, 3, settings=settings)
    steps = list(selfsup.cluster(net, digits, 3, head=head, settings=settings))
    return [steps, sealed(head), selfsup.cluster_probabilities(net, head, digits), selfsup.best_head(net, head, digits)]


@call("pixels sorted without labels")
def _segments() -> object:
    x = torch.cat([photo(name, 24) for name in ("dog", "hens", "coffee", "macaw")])
    net, settings = selfsup.pixel_encoder(2), selfsup.SegmentSettings(**LITTLE, reach=1)
    head = selfsup.dense_heads(net, 3, settings=settings)
    steps = list(selfsup.segment(net, x, 3, head=head, settings=settings))
    return [steps, sealed(head), sealed(selfsup.segments(net, head, x)),
            selfsup.best_dense_head(net, head, x, settings=settings), sealed(
                mirrored(x, torch.tensor([True, False, True, False])))]


@call("joints of displaced maps")
def _joints() -> object:
    z, moved = ((4 * uniform(2, 3, 7, 6, seed=n)).softmax(1) for n in (0, 1))
    return [selfsup.displaced_joints(z, moved, 2), selfsup.segmentation_loss(z, moved, reach=2),
            selfsup.segmentation_loss(z, moved, reach=1, pooled=False, lam=1.5)]


@call("tasks of clustering")
def _tasks() -> object:
    digits, settings = handwritten.load(1)[0], selfsup.ClusterSettings(**LITTLE)
    sorting, dense, sounds = selfsup.digit_encoder(2), selfsup.pixel_encoder(2), torch.randn(10, 4096, generator=draw())
    found = []
    for net, task, given in ((sorting, selfsup.clustering(3, settings=settings), digits),
                             (sorting, selfsup.audiovisual_clustering(3, settings=settings), (digits, sounds)),
                             (dense, selfsup.segmenting(3, settings=selfsup.SegmentSettings(**LITTLE)), digits)):
        posed = task.pose(given, draw())
        answer, again = selfsup.solve(net, selfsup.head_of(net, task), given, task)
        found.append([sealed(posed), sealed(answer), task.loss(answer, again.target), task.score(answer, again.target)])
    return [found, [(name, one.places, one.symmetric, one.patterns, one.sounds) for name, one in CLUSTERINGS.items()]]


@call("clusters matched with classes")
def _matching() -> object:
    clusters, labels = ((5 * uniform(40, seed=n)).long() for n in (0, 1))
    return [matching.hungarian_accuracy(clusters, labels), matching.match(clusters, labels),
            matching.contingency(clusters, labels)]


# Measures


@call("correlations, areas, intervals")
def _intervals() -> object:
    a, b, groups = uniform(30), uniform(30, seed=1), [n // 3 for n in range(30)]

    def of_samples(often: Tensor) -> Tensor:
        return often.double() @ a.double() / often.double().sum(1)

    return [measures.correlation(a, b), measures.rank_correlation(a, (4 * b).round()), measures.auc(a.sort().values, b),
            measures.mean(a), measures.mean(a, groups, seed=1), measures.mean(uniform(9, 3)), str(measures.mean(a)),
            measures.bootstrap(of_samples, 30, times=100),
            measures.bootstrap(of_samples, 30, times=100, basic=True, seed=2),
            measures.roc_auc(a, b > 0.5, [str(n) for n in groups], times=100)]


@call("accuracies and the linear probe")
def _probe() -> object:
    features, labels = uniform(30, 6), torch.arange(30) % 3
    probe = measures.probe(features, labels, C=0.3)
    return [probe, probe.scores(features), probe.accuracy(features, labels),
            measures.agreement(uniform(9, 8), uniform(9, 8, seed=1)),
            measures.balanced_accuracy(uniform(30, 3), labels, 1), measures.of_class(labels, 1),
            measures.classes(labels)]
