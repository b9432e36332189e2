"""A class within a region of a map of scores."""

import pytest
import torch

from tests.helpers import refuses
from tests.u3lab.nets import own
from u3lab import nets, saliency
from u3lab.nets.gate import asked


@pytest.fixture
def net() -> nets.Classifier:
    return nets.wrap(own.segmenter(), size=24, classes=("air", "body", "lesion"))


X = own.pictures()


def masks(count: int = 2) -> torch.Tensor:
    made = torch.zeros(count, 24, 20, dtype=torch.bool)
    for n, one in enumerate(made):
        one[4 + n : 12, 5:15] = True
    return made


def test_the_score_is_the_sum_over_the_mask(net):
    scores = net(X)
    for label, k in (("lesion", 2), (0, 0)):
        torch.testing.assert_close(asked(net, scores, nets.Region(label, masks()).each(2)),
                                   (scores[:, k] * masks()).sum((1, 2)))
        torch.testing.assert_close(asked(net, scores, [nets.Region(label)] * 2), scores[:, k].sum((1, 2)))
        torch.testing.assert_close(asked(net, scores, nets.Region(label, masks(1)).each(2)),
                                   (scores[:, k] * masks(1)).sum((1, 2)))
        torch.testing.assert_close(asked(net, scores, nets.Region(label, masks()).each(2), mean=True),
                                   (scores[:, k] * masks()).sum((1, 2)) / masks().sum((1, 2)))


def test_of_a_classifier_a_region_without_a_mask_is_the_class():
    net = nets.wrap(own.grey(), size=24)
    assert torch.equal(saliency.backprop(net, X, nets.Region(1)), saliency.backprop(net, X, 1))
    refuses(saliency.backprop, net, X, nets.Region(1, masks()), says=("mask of the region", r"grid of \(\)"))


def test_where_the_network_sees_a_class(net):
    best = net(X).argmax(1)
    k = int(best.flatten().mode().values)
    region = nets.Region.predicted(net, X, k)
    assert torch.equal(region.mask, best == k) and region.label == k
    multi = nets.wrap(own.segmenter(), size=24, sigmoid=True)
    assert torch.equal(nets.Region.predicted(multi, X, 0).mask, net(X)[:, 0] > 0)
    net.module.classifier.bias.data[k] -= 1e3
    try:
        refuses(nets.Region.predicted, net, X, k, says=("sees no", r"pictures \[0, 1\]"))
    finally:
        net.module.classifier.bias.data[k] += 1e3


@pytest.mark.parametrize("ask", [
    lambda net, t: saliency.backprop(net, X, t), lambda net, t: saliency.grad_cam(net, X, t),
    lambda net, t: saliency.smooth_grad(net, X, t, samples=2), lambda net, t: saliency.occlusion(net, X, t)])
def test_a_class_alone_is_refused_where_the_answer_is_a_map(net, ask):
    refuses(ask, net, "lesion", says=("a map of scores", r"nets\.Region\('lesion', mask\)", "predicted"))


@pytest.mark.parametrize("name", ["gradient", "guided", "smooth grad", "integrated gradients", "Grad-CAM", "occlusion"])
def test_each_picture_of_a_batch_has_its_own_mask(net, name):
    """And a list of regions is taken as well, one a picture."""
    method, region = saliency.METHODS[name], nets.Region("body", masks())
    apart = [method(net, X[n : n + 1], nets.Region("body", masks()[n : n + 1])) for n in range(2)]
    for target in (region, region.each(2)):
        torch.testing.assert_close(method(net, X, target), torch.cat(apart), rtol=1e-3, atol=1e-4)
    assert not torch.equal(method(net, X, nets.Region("air", masks())), torch.cat(apart))


def test_a_mask_is_searched_that_lowers_the_mean_probability(net):
    region = nets.Region("body", masks(1))
    settings = saliency.MaskSettings(steps=30, mask_size=8, lam=0.0, tv=0.0, jitter=0)
    first, *_, last = saliency.meaningful_perturbation(net, X[:1], region, settings=settings)
    expected = net.probabilities(saliency.perturb(X[:1], torch.full((1, 1, 8, 8), 0.75), saliency.baseline_like(
        X[:1])))[0, 1][masks(1)[0]].mean()
    assert first.terms["probability"] == pytest.approx(float(expected), rel=0.2)
    assert last.terms["probability"] < first.terms["probability"]


@pytest.mark.parametrize("mask, words", [
    (torch.ones(1, 24, 20), "give booleans"), ([[True]], "give booleans"),
    (torch.ones(1, 9, 9, dtype=torch.bool), r"grid of \(24, 20\)"),
    (torch.zeros(1, 24, 20, dtype=torch.bool), "at least one"),
    (torch.ones(3, 24, 20, dtype=torch.bool), "3 masks for 2 pictures")])
def test_a_mask_that_does_not_fit(net, mask, words):
    refuses(lambda: saliency.backprop(net, X, nets.Region("body", mask)), says=words)


def test_a_class_that_there_is_not(net):
    refuses(saliency.backprop, net, X, nets.Region("bone"), says="no class 'bone'")
    refuses(saliency.backprop, own.segmenter(), X, nets.Region(7), says="answers with")
    refuses(saliency.backprop, nets.wrap(own.segmenter(), size=24), X, nets.Region(7), says="class 7 does not exist")
