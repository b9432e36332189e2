"""Occlusion against loops written from its definition, in two and three dimensions, in pixels and in millimetres."""

import sys
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import refuses, relative
from tests.nets import own
from u3lab import nets, saliency


def by_hand(module: nn.Module, x: Tensor, k: int, window: tuple, stride: tuple, fill: Tensor) -> Tensor:
    """Pixel after pixel: the mean fall over the windows that cover it."""
    sizes = x.shape[2:]
    falls, counts = torch.zeros(1, 1, *sizes), torch.zeros(1, 1, *sizes)
    starts = [[at for at in range(0, n, s) if at < n - w + s] for n, w, s in zip(sizes, window, stride, strict=True)]
    with torch.no_grad():
        for corner in product(*starts):
            hidden, where = x.clone(), (..., *(slice(a, a + w) for a, w in zip(corner, window, strict=True)))
            hidden[where] = fill.expand_as(x)[where]
            falls[where] += module(x)[0, k] - module(hidden)[0, k]
            counts[where] += 1
    return falls / counts


@pytest.mark.parametrize("side, step, window, stride", [(6, 3, (6, 6), (3, 3)), (5, 5, (5, 5), (5, 5)),
                                                        (7, 2, (7, 7), (2, 2)), (100, 1, (24, 20), (1, 1)),
                                                        (0.2, 0.1, (1, 1), (1, 1)), (None, None, (5, 5), (2, 2))])
def test_pictures(side, step, window, stride):
    x = own.pictures(1)
    ours = saliency.occlusion(own.grey(), x, 2, side=side, step=step, baseline=0.0)
    assert relative(ours, by_hand(own.grey(), x, 2, window, stride, torch.zeros(()))) < 1e-4


def test_volumes():
    x = own.pictures(1, 8, 12, 10)
    ours = saliency.occlusion(own.of_volumes(), x, 2, side=4, step=2)
    assert relative(ours, by_hand(own.of_volumes(), x, 2, (4, 4, 4), (2, 2, 2), x.mean((2, 3, 4), True))) < 1e-4


@pytest.mark.parametrize("spacing, window, stride", [((5.0, 1.0, 1.0), (1, 6, 6), (1, 3, 3)),
                                                     ((2.0, 1.0, 0.5), (3, 6, 10), (2, 3, 6))])
def test_windows_in_millimetres(spacing: tuple, window: tuple, stride: tuple):
    """6 mm: one slice of 5 mm, and at most the whole axis."""
    x = own.pictures(1, 8, 12, 10)
    net = nets.wrap(own.of_volumes(), size=(8, 12, 10), spacing=spacing)
    ours = saliency.occlusion(net, x, 2, side=6, step=3, baseline=0.5)
    assert relative(ours, by_hand(own.of_volumes(), x, 2, window, stride, torch.tensor(0.5))) < 1e-4


def test_without_a_side_a_window_is_a_quarter_of_the_shortest_extent():
    net = nets.wrap(own.of_volumes(), size=(8, 12, 12), spacing=(4.0, 1.0, 1.0))  # 32 × 12 × 12 mm
    x = own.pictures(1, 8, 12, 12)
    assert torch.equal(saliency.occlusion(net, x, 0), saliency.occlusion(net, x, 0, side=3, step=1.5))
    calls = []
    net.module.stem.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    saliency.occlusion(nets.Classifier(net.module), own.pictures(1, 16, 16, 16), 0)
    net.module.stem._forward_pre_hooks.clear()
    assert sum(calls) == 344  # itself, and 7×7×7 windows


def test_a_baseline_of_ones_own():
    x = own.pictures()
    other = own.pictures(seed=9)
    apart = [saliency.occlusion(own.grey(), x[n:n + 1], 1, baseline=other[n:n + 1]) for n in range(2)]
    torch.testing.assert_close(saliency.occlusion(own.grey(), x, 1, baseline=other), torch.cat(apart))
    assert saliency.occlusion(own.grey(), x, 1, baseline=x).abs().max() < 1e-5


def test_many_windows_are_the_same_in_one_pass_or_in_many(monkeypatch: pytest.MonkeyPatch):
    x = own.pictures(1)
    whole = saliency.occlusion(own.grey(), x, 1)
    monkeypatch.setattr(sys.modules["u3lab.saliency.perturbation"], "AT_ONCE", 1)
    torch.testing.assert_close(saliency.occlusion(own.grey(), x, 1), whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("given, words", [({"side": 4, "step": 5}, "step = 5; .* at most 4"),
                                          ({"baseline": torch.zeros(1, 1, 3, 3)}, "the baseline has the shape")])
def test_a_slip(given: dict, words: str):
    refuses(saliency.occlusion, own.grey(), own.pictures(), 1, **given, says=words)


def test_a_spacing_for_other_pictures():
    net = nets.Classifier(own.grey(), spacing=(1.0, 1.0, 1.0))
    refuses(saliency.occlusion, net, own.pictures(), 1, says="spacing for 3 axes")
