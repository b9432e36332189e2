"""Counts over a dissection against loops, the bootstrap against repeated draws, rotations, and peaks."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tests.helpers import refuses
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures
from u3lab.dissection import (
    Dissection,
    Rotated,
    by_category,
    concepts_per_unit,
    dissect,
    interval,
    patches,
    peaks,
    pooled,
    rotation,
    unique_detectors,
    units_per_concept,
)
from u3lab.dissection.quantiles import Quantiles
from u3lab.nets.surgery import untrained

CATEGORY = {"red": "colour", "blue": "colour", "cat": "object"}


def dissection(iou: list[list[float]], groups: int = 8) -> Dissection:
    """A dissection with the given IoU in all groups."""
    intersection = torch.tensor(iou, dtype=torch.float64).expand(groups, -1, -1) * 100
    union = torch.full_like(intersection, 100)
    return Dissection("layer", tuple(CATEGORY), torch.zeros(len(iou)), Quantiles(len(iou)), intersection, union)


FOUND = dissection([[0.3, 0.1, 0.0], [0.2, 0.0, 0.05], [0.0, 0.03, 0.039], [0.0, 0.0, 0.5]])


def test_units_get_the_label_of_their_best_concept():
    assert FOUND.detectors() == {"cat": [3], "red": [0, 1]}
    assert unique_detectors(FOUND) == 2 and unique_detectors(FOUND, least=0.35) == 1
    assert by_category(FOUND, CATEGORY) == {"colour": 1, "object": 1}
    assert concepts_per_unit(FOUND).tolist() == [2, 2, 0, 1] and units_per_concept(FOUND).tolist() == [2, 1, 2]


def test_the_interval_of_a_maximum_takes_off_what_a_resample_adds():
    """The best of 40 units that are alike is better still in a resample: the basic interval lies below, not above."""
    intersection = 20 + 6 * torch.randn(20, 40, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Dissection("layer", ("one",), torch.zeros(40), Quantiles(1), intersection,
                       torch.full_like(intersection, 100))
    estimate = interval(found, lambda one: float(one.iou.max()))
    assert estimate.value - estimate.low > estimate.high - estimate.value


def test_too_few_groups_give_no_interval():
    refuses(interval, dissection([[0.1, 0.2, 0.3]], groups=3), unique_detectors, says="in 3 groups")


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_rotation_keeps_lengths_and_its_shares_add_up(share):
    q = rotation(12, share=share, seed=3)
    torch.testing.assert_close(q @ q.T, torch.eye(12, dtype=torch.float64))
    assert float(torch.linalg.det(q)) == pytest.approx(1)
    if share == 0:
        torch.testing.assert_close(q, torch.eye(12, dtype=torch.float64))
    torch.testing.assert_close(rotation(12, share=0.5, seed=3) @ rotation(12, share=0.5, seed=3),
                               rotation(12, share=1.0, seed=3))


@pytest.fixture(scope="module")
def net():
    """Its two units copy the red and the green of a picture."""
    copy = nn.Conv2d(3, 2, 1, bias=False)
    copy.weight.data = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1)
    return nets.Classifier(nn.Sequential(copy).eval(), layers={"copy": "0"})


@pytest.fixture(scope="module")
def data():
    g = torch.Generator().manual_seed(0)
    masks = torch.rand(20, 2, 8, 8, generator=g) > 0.8
    images = torch.cat([masks.float(), torch.rand(20, 1, 8, 8, generator=g)], 1)
    images = images * (0.5 + 0.5 * torch.rand(images.shape, generator=g))  # no two places are equal
    return LabelledPictures(("first", "second"), images, masks)


def test_units_that_are_detectors_stop_to_be_when_turned(net, data):
    straight = dissect(net, "copy", data, share=0.2)
    turn = torch.tensor([[1.0, -1.0], [1.0, 1.0]]) / 2**0.5
    turned = dissect(Rotated(net, turn), "copy", data, share=0.2)
    same = dissect(Rotated(net, torch.eye(2)), "copy", data, share=0.2)
    assert torch.equal(same.iou, straight.iou)
    assert straight.iou.diag().min() > turned.iou.max() + 0.02


def test_peaks_are_the_sorted_maxima(net, data):
    found = peaks(net, ["copy"], data, count=5)["copy"]
    tops = data.images[:, :2].flatten(2).amax(2).numpy()
    for unit in range(2):
        np.testing.assert_allclose(found.values[unit], np.sort(tops[:, unit])[::-1][:5])
        np.testing.assert_allclose(tops[found.pictures[unit], unit], found.values[unit])
    few = dataclasses.replace(data, images=data.images[:3], masks=data.masks[:3])
    assert peaks(net, ["copy"], few)["copy"].values.shape == (2, 3)


def test_the_bootstrap_covers_the_truth():
    """IoU of groups that scatter round .2: the interval holds the true value in about 95 of 100 samples."""
    g = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(60):
        intersection = 20 + 6 * torch.randn(20, 1, 1, generator=g, dtype=torch.float64)
        union = torch.full_like(intersection, 100)
        found = Dissection("layer", ("one",), torch.zeros(1), Quantiles(1), intersection, union)
        estimate = interval(found, lambda one: float(one.iou[0, 0]))
        hits += estimate.low <= 0.2 <= estimate.high
        assert estimate.high - estimate.low == pytest.approx(2 * 1.96 * 0.06 / 20**0.5, rel=0.6)
    assert 50 <= hits <= 60


def test_a_patch_is_the_receptive_field(net, data):
    """A 1×1 convolution sees one pixel, so its patch has one colour."""
    found = peaks(net, ["copy"], data, count=2)["copy"]
    shown = patches(net, "copy", data, 1, found, size=6)
    assert shown.shape == (2, 3, 6, 6)
    assert shown.flatten(2).std(2).max() < 1e-6
    np.testing.assert_allclose(shown[:, 1, 0, 0], found.values[1], atol=1e-6)
    refuses(patches, net, "copy", data, 2, found, says="unit = 2; give a whole number from 0 to 1")
    less = dataclasses.replace(data, images=data.images[:1], masks=data.masks[:1])
    refuses(patches, net, "copy", less, 1, found, says="give the data that the peaks are from")
    other = found._replace(values=torch.rand(3, 2))
    refuses(patches, net, "copy", data, 1, other, says="copy has 2 units, the peaks are of 3")


def test_pooled_features_are_the_means(net, data):
    found = pooled(net, ["copy"], data.images.split(7))["copy"]
    torch.testing.assert_close(found, data.images[:, :2].mean((2, 3)))
    refuses(pooled, net, ["copy"], [], says="no pictures")


def test_fresh_weights_are_other_ones_and_leave_the_network_alone(net):
    big = nets.Classifier(nn.Sequential(nn.Conv2d(3, 64, 5), nn.Linear(3, 4)).eval())
    before = big.module[0].weight.clone()
    fresh = untrained(big, seed=1)
    assert torch.equal(big.module[0].weight, before) and not fresh.module[0].bias.any()
    assert float(fresh.module[0].weight.detach().var()) == pytest.approx(2 / 75, rel=0.1)
    assert torch.equal(fresh.module[0].weight, untrained(big, seed=1).module[0].weight)
    assert not torch.equal(fresh.module[0].weight, untrained(big, seed=2).module[0].weight)
