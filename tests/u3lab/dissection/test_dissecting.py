"""Dissection against a brute-force version of the paper's definition; overlap in the few cells that can be active
against the plain form, which enlarges every map as a whole.
"""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import jaccard_score
from torch import nn

from tests.helpers import refuses
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures, batches
from u3lab.dissection import dissect, dissect_layers, dissecting
from u3lab.dissection import overlap as module
from u3lab.dissection.overlap import overlap, plain_overlap
from u3lab.dissection.quantiles import BINS, Quantiles, plain_quantile

CONCEPTS = ("red", "left", "rare")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 3, padding=1),
                           nn.Flatten())
    return nets.Classifier(module.eval(), layers={"relu": "1", "conv": "2", "flat": "3"})


@pytest.fixture(scope="module")
def pictures():
    g = torch.Generator().manual_seed(1)
    images = torch.rand(12, 3, 16, 20, generator=g)
    small = F.interpolate(images, size=(12, 15), mode="bilinear")
    left = torch.zeros(12, 1, 12, 15, dtype=torch.bool)
    left[..., :6] = True
    masks = torch.cat([small[:, :1] > 0.55, left, small[:, 1:2] > 0.75], 1)
    return LabelledPictures(CONCEPTS, images, masks, torch.rand(12, 3, generator=g) > 0.3)


def brute_force(net, layer, pictures, share, thresholds):
    """The definition, pixel by pixel, with numpy's exact quantile and scikit-learn's Jaccard score."""
    with torch.no_grad():
        maps = net.features(pictures.images, layer)
    units = maps.shape[1]
    values = maps.movedim(1, 0).flatten(1).double().numpy()
    exact = np.quantile(values, 1 - share, axis=1, method="inverted_cdf")
    iou = np.zeros((units, len(CONCEPTS)))
    large = F.interpolate(maps, size=pictures.masks.shape[-2:], mode="bilinear")
    for c in range(len(CONCEPTS)):
        chosen = pictures.labelled[:, c]
        truth = pictures.masks[chosen, c].flatten().numpy()
        for k in range(units):
            active = large[chosen, k].flatten().numpy()
            iou[k, c] = jaccard_score(truth, active > thresholds[k], zero_division=0)
    return exact, iou


@pytest.mark.parametrize(("layer", "size"), [("relu", 4), ("conv", 5), ("conv", 100)])
def test_thresholds_and_iou_are_those_of_the_definition(net, pictures, layer, size):
    found = dissect(net, layer, pictures, share=0.1, batch_size=size)
    exact, iou = brute_force(net, layer, pictures, 0.1, found.thresholds.numpy())
    with torch.no_grad():
        reach = 2 * float(net.features(pictures.images, layer).abs().max())
    np.testing.assert_allclose(found.thresholds, exact, atol=2 * reach / BINS, rtol=0)
    assert (found.thresholds.double().numpy() >= exact - 1e-6).all()
    np.testing.assert_allclose(found.iou, iou, atol=1e-12)
    assert found.iou.shape == (len(exact), 3) and found.iou.max() > 0.04


def test_the_plain_form_is_the_definition(net, pictures, monkeypatch):
    """And at its own thresholds, a bin higher at most, the fast form is the plain one."""
    for layer in ("relu", "conv"):
        with torch.no_grad():
            T = plain_quantile(net.features(pictures.images, layer), 0.1)
        exact, iou = brute_force(net, layer, pictures, 0.1, T.numpy())
        np.testing.assert_array_equal(T, exact)
        plain = dissecting.plain_dissect(net, layer, pictures, share=0.1)
        np.testing.assert_allclose(plain, iou, atol=1e-12)
        found = dissect(net, layer, pictures, share=0.1)
        with monkeypatch.context() as patch:
            patch.setattr(dissecting, "plain_quantile", lambda a, share, T=found.thresholds: T)
            np.testing.assert_allclose(found.iou, dissecting.plain_dissect(net, layer, pictures), atol=1e-12)


@pytest.mark.parametrize(("batches_kept", "passes"), [(0, 6), (1, 5), (2, 4), (3, 3)])
def test_what_is_kept_saves_passes_and_changes_no_number(net, pictures, monkeypatch, batches_kept, passes):
    """Three batches of 5, 5 and 2 pictures; a reading of all and one of those whose maps did not fit."""
    wanted = dissect(net, "relu", pictures, share=0.1, batch_size=5)
    with torch.no_grad():
        one = net.features(pictures.images[:5], "relu").nbytes
    calls, features = [], nets.Classifier.features
    monkeypatch.setattr(dissecting, "KEPT", batches_kept * one)
    monkeypatch.setattr(nets.Classifier, "features", lambda *given: calls.append(1) or features(*given))
    found = dissect(net, "relu", pictures, share=0.1, batch_size=5)
    assert len(calls) == passes
    for name in ("thresholds", "intersection", "union"):
        assert torch.equal(getattr(found, name), getattr(wanted, name))


def test_a_unit_that_copies_a_concept_is_its_detector():
    copy = nn.Conv2d(3, 2, 1, bias=False)
    copy.weight.data = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]).view(2, 3, 1, 1)
    net = nets.Classifier(nn.Sequential(copy).eval(), layers={"copy": "0"})
    images = torch.zeros(2, 3, 20, 20)
    images[0, 0, :5, :8] = 1
    images[1, 1, 5:9, 2:12] = 1
    masks = images[:, :2] > 0.5
    found = dissect(net, "copy", LabelledPictures(("first", "second"), images, masks), share=0.06)
    assert found.labels() == {0: ("first", 1.0), 1: ("second", 1.0)}
    assert found.labels(least=1.0) == {}


@pytest.mark.parametrize("seed", range(3))
def test_streamed_quantiles_are_within_a_bin_of_numpys(seed):
    g = torch.Generator().manual_seed(seed)
    scales = torch.tensor([1e-3, 1.0, 300.0, 0.0])
    parts = [torch.randn(50, 4, generator=g) * scales * (1 + step) for step in range(20)]  # the range keeps growing
    whole = Quantiles(4)
    for part in parts:
        whole.add(part)
    exact = plain_quantile(torch.cat(parts), 0.05).double().numpy()
    assert whole.seen == 1000 and whole.counts.sum(1).tolist() == [1000] * 4
    above = whole.upper(0.05).double().numpy() - exact
    assert (above >= -1e-6 * np.abs(exact)).all() and (above <= whole.reach.numpy() * 2 / BINS * 1.001 + 1e-12).all()


@pytest.mark.parametrize("scale", [1e-42, 1e-30, 1e-8, 1e8, 1e37])
def test_quantiles_of_very_small_and_very_large_values(scale):
    """In single precision, where they could vanish or overflow; and a value at a bin's edge."""
    values = torch.cat([torch.randn(2000, 1, generator=torch.Generator().manual_seed(0)) * scale,
                        torch.arange(2000)[:, None] / 1024 * scale], 1)
    streamed = Quantiles(2)
    streamed.add(values)
    found = streamed.upper(0.05).double()
    assert ((values > found).double().mean(0) <= 0.05).all()
    above = found.numpy() - plain_quantile(values, 0.05).double().numpy()
    width = streamed.reach.numpy() * 2 / BINS
    assert (above <= width * 1.001).all() and (width < max(scale / 200, 1e-30)).all()


def test_a_value_just_below_the_reach_stays_in_its_units_last_bin():
    """Single precision rounds its place up to the next unit's first bin."""
    streamed, last = Quantiles(2), torch.tensor(1.0).nextafter(torch.tensor(0.0))
    streamed.add(torch.stack([last, -last]).expand(3, 2))
    assert streamed.reach.tolist() == [1, 1]
    assert streamed.counts[0, -1] == 3 == streamed.counts[1, 0] and streamed.counts.sum() == 6


def test_slips_are_told(net, pictures):
    def run(layer="relu", **other):
        return dissect(net, layer, dataclasses.replace(pictures, **other))

    refuses(run, "flat", says="no places")
    refuses(run, names=("red", "left"), says=r"need masks \(12,2,h,w\)")
    without = pictures.masks & torch.tensor([True, True, False]).view(1, 3, 1, 1)
    refuses(run, masks=without, says="no picture has a pixel of rare")
    refuses(Quantiles(2).add, torch.tensor([[0.0, float("nan")]]), says="NaN")
    refuses(Quantiles(2).add, torch.tensor([[0.0, 1.0], [-float("inf"), 2.0]]), says="infinite")
    refuses(Quantiles(2).upper, 0.1, says="no activations")


def test_batches_are_all_the_pictures_in_order(pictures):
    joined = torch.cat([batch.images for batch in batches(pictures, batch_size=5)])
    assert torch.equal(joined, pictures.images)
    chosen = next(batches(pictures, batch_size=5, which=[7, 2]))
    assert torch.equal(chosen.masks, pictures.masks[[7, 2]]) and torch.equal(chosen.labelled, pictures.labelled[[7, 2]])


def test_several_layers_at_once_are_each_as_alone(net, pictures):
    both = dissect_layers(net, ("conv", "relu"), pictures, share=0.1)
    for layer, found in both.items():
        alone = dissect(net, layer, pictures, share=0.1)
        assert found.layer == layer and torch.equal(found.thresholds, alone.thresholds)
        assert torch.equal(found.intersection, alone.intersection) and torch.equal(found.union, alone.union)


SIZES = [(27, 27, 113, 113), (7, 5, 23, 31), (13, 17, 14, 40), (3, 2, 100, 7), (1, 1, 9, 8), (1, 6, 5, 20),
         (5, 4, 5, 4), (9, 8, 4, 5), (12, 3, 5, 9)]


def drawn(h: int, w: int, height: int, width: int, units: int = 8, seed: int = 0):
    """Activations, and masks of six concepts, two of which are not there."""
    g = torch.Generator().manual_seed(seed)
    masks = torch.rand(6, height, width, generator=g) > 0.6
    masks[[1, 4]] = False
    return torch.randn(units, h, w, generator=g), masks


def thresholds(activation, share):
    """Between two values, so that no place is just at it."""
    values = activation.flatten(1).sort(1).values
    n = min(round((1 - share) * values.shape[1]), values.shape[1] - 1)
    return values[:, n] - (values[:, n] - values[:, max(n - 1, 0)]) / 3 - (0 if n else 1)


def agree(found, activation, levels, masks):
    """The plain form's counts, up to the pixels of a unit that lie so near T that rounding may decide."""
    wanted = plain_overlap(activation, levels, masks)
    above = F.interpolate(activation[None], size=masks.shape[1:], mode="bilinear", align_corners=False)[0]
    near = ((above - levels[:, None, None]).abs() < 1e-5).sum((1, 2))
    assert near.sum() <= 5 + 1e-4 * len(levels) * masks[0].numel()
    for one, other, slack in zip(found, wanted, (near[:, None], near, 0), strict=True):
        assert one.dtype == torch.float64 and one.device.type == "cpu" and one.shape == other.shape
        assert ((one - other).abs() <= slack).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.005, 0.1, 0.6, 1.0])
def test_the_counts_are_those_of_whole_maps(size, share):
    activation, masks = drawn(*size)
    levels = thresholds(activation, share)
    found = overlap(activation, levels, masks)
    agree(found, activation, levels, masks)
    if share == 1:
        assert (found[1] == masks[0].numel()).all() and torch.equal(found[0], found[2].expand(8, -1))


@pytest.mark.parametrize("size", SIZES)
def test_behind_a_relu_a_threshold_of_zero_is_exact(size):
    activation, masks = drawn(*size)
    activation, levels = activation.sub(1).relu(), torch.zeros(8)
    wanted = plain_overlap(activation, levels + 1e-6, masks)  # its weights are rounded, so that some zeros are not
    for one, other in zip(overlap(activation, levels, masks), wanted, strict=True):
        assert torch.equal(one, other)


def test_some_units_or_none_are_active():
    activation, masks = drawn(6, 6, 20, 20)
    shared, areas, sizes = overlap(activation, torch.full((8,), 100.0), masks)
    assert shared.sum() == areas.sum() == 0 and torch.equal(sizes, masks.flatten(1).sum(1).double())
    levels = torch.tensor([100.0, -100.0] * 4)
    assert overlap(activation, levels, masks)[1].tolist() == [0.0, 400.0] * 4
    shared, areas, sizes = overlap(activation, levels, masks & False)
    assert shared.shape == (8, 6) and shared.sum() == sizes.sum() == 0 and areas.sum() == 1600


def test_memory_is_bounded_where_all_is_active(monkeypatch):
    """In portions that hold a few cells each the numbers are the same."""
    activation, masks = drawn(9, 8, 30, 33)
    levels = thresholds(activation, 0.9)
    whole = overlap(activation, levels, masks)
    monkeypatch.setattr(module, "AT_ONCE", 200)
    parts = [len(pixels) for _, pixels in module.active(activation, levels, masks.shape[1:])]
    assert len(parts) > 20 and max(parts) <= 200 + 5 * 5
    for one, other in zip(whole, overlap(activation, levels, masks), strict=True):
        assert torch.equal(one, other)


def test_few_pixels_are_computed_where_little_is_active():
    activation, levels = torch.zeros(256, 27, 27), torch.full((256,), 0.5)
    activation[3, 10, 12] = activation[3, 10, 13] = activation[200, 0, 26] = 1
    assert [len(cell) for cell in module.cells(activation.amax(2) > 0.5)] == [4, 4]
    (count, pixels), = module.active(activation, levels, (113, 113))
    assert count.nonzero()[:, 0].tolist() == [3, 200] and len(pixels) == count.sum() < 80


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no GPU"))])
def test_layout_device_and_gradients_do_not_matter(device):
    activation, masks = drawn(11, 9, 40, 37)
    levels = thresholds(activation, 0.05)
    wanted = overlap(activation, levels, masks)
    last = activation[None].contiguous(memory_format=torch.channels_last)[0].to(device).requires_grad_()
    with torch.inference_mode():
        overlap(activation, levels, masks)
    for found in (overlap(last, levels, masks), overlap(last.double(), levels.to(device), masks.to(device))):
        for one, other in zip(found, wanted, strict=True):
            assert not one.requires_grad and torch.equal(one, other)
