"""Overlap in the few cells that can be active, against the plain form, which enlarges every map as a whole."""

import pytest
import torch
import torch.nn.functional as F

from u3lab.dissection import overlap as module
from u3lab.dissection.overlap import overlap, plain_overlap

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


def test_a_constant_map_is_all_or_nothing():
    """Whatever the weights, a mean of equal values is the value: nothing is above a threshold that equals it."""
    _, masks = drawn(6, 7, 31, 29)
    activation = torch.rand(8, 1, 1).expand(8, 6, 7)
    assert overlap(activation, activation[:, 0, 0], masks)[1].sum() == 0
    assert (overlap(activation, activation[:, 0, 0] - 1e-6, masks)[1] == 31 * 29).all()


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
