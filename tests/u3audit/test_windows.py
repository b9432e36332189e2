"""Sliding windows, against the plainest loop over all windows; and what they do to an audit."""

import math
from itertools import product

import pytest
import torch
from torch import nn

import u3audit
from tests.helpers import one_sentence, uniform
from tests.u3lab.audit.test_battery import CHEAT, made
from u3audit import windows
from u3lab import audit, nets


def segmenter(axes: int) -> nn.Module:
    conv = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
    torch.manual_seed(axes)
    return nn.Sequential(conv(1, 4, 3, padding=1), nn.Tanh(), conv(4, 3, 3, padding=1)).double().eval()


def starts(side: int, window: int) -> list[int]:
    """Half a window on, until the border is reached."""
    found = [0]
    while found[-1] + window < side:
        found.append(min(found[-1] + window // 2, side - window))
    return found


@pytest.mark.parametrize("sides, window", [((13, 20), (6, 8)), ((6, 9, 11), (4, 4, 6)), ((4, 20), (6, 8))])
def test_maps_are_the_gaussian_mean_of_all_windows(sides: tuple[int, ...], window: tuple[int, ...]):
    net, x = segmenter(len(sides)), uniform(2, 1, *sides)
    full = [max(both) for both in zip(sides, window, strict=True)]
    wide, above, below = (torch.zeros(*lead, *full, dtype=torch.float64) for lead in ((2, 1), (2, 3), ()))
    wide[:, :, *[slice(side) for side in sides]] = x
    for place in product(*map(starts, full, window)):
        answer = net(wide[:, :, *[slice(at, at + one) for at, one in zip(place, window, strict=True)]])
        for cell in product(*map(range, window)):
            g = math.exp(-sum(((c - (one - 1) / 2) / (one / 8)) ** 2 / 2 for c, one in zip(cell, window, strict=True)))
            at = [a + c for a, c in zip(place, cell, strict=True)]
            above[:, :, *at] += g * answer[:, :, *cell]
            below[tuple(at)] += g
    wanted = (above / below)[:, :, *[slice(side) for side in sides]]
    torch.testing.assert_close(u3audit.sliding(net, window)(x), wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("finding", [None, 0, 2])
def test_of_scores_the_window_answers_that_is_surest_of_the_finding(finding: int | None):
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval(), torch.rand(4, 1, 14, 19)
    found = u3audit.sliding(net, 8, finding=finding)(x)
    for picture, answer in zip(x, found, strict=True):
        each = [net(picture[None, :, top : top + 8, left : left + 8])[0]
                for top in starts(14, 8) for left in starts(19, 8)]
        shares = [one.softmax(0)[2 if finding is None else finding].item() for one in each]
        assert torch.allclose(answer, each[shares.index(max(shares))], atol=1e-6)
    single = nn.Sequential(nn.Flatten(), nn.Linear(64, 1)).eval()
    each = [single(x[:, :, top : top + 8, left : left + 8]) for top in starts(14, 8) for left in starts(19, 8)]
    assert torch.allclose(u3audit.sliding(single, 8)(x), torch.stack(each).amax(0), atol=1e-6)


def test_a_classifier_keeps_what_is_known_of_it():
    torch.manual_seed(0)
    net = nets.Classifier(nn.Sequential(nn.Conv2d(1, 2, 8), nn.Flatten()).eval(), classes=("well", "ill"), size=8,
                          spacing=(1, 2), name="mine")
    wide = u3audit.sliding(net, (8, 8), finding="ill")
    assert (wide.classes, wide.spacing, wide.name, wide.size) == (("well", "ill"), (1, 2), "mine", [8, 8])
    x = torch.rand(1, 1, 12, 12).requires_grad_()
    wide(x)[0, 1].backward()
    reached = x.grad[0, 0] != 0
    assert reached.sum() == 64 and reached.any(1).sum() == 8  # one window answers, and has all of the gradient


def test_an_audit_through_windows_finds_the_mark_that_the_network_reads():
    found = audit.fixed_place(u3audit.sliding(CHEAT, 16), made())
    # Not all of the answer: a window whose corner lies on a lesion answers in its stead
    assert found.cell == (slice(0, 4), slice(0, 4)) and found.best.value > 0.5
    assert found.moved.flatten().sort().values[-2] < 0.2


@pytest.mark.parametrize("says, ask", {
    "takes 2 axes": lambda: u3audit.sliding(segmenter(2), (8, 8, 8)),
    "window = 0": lambda: u3audit.sliding(segmenter(2), 0),
    "overlap = 1": lambda: u3audit.sliding(segmenter(2), 8, overlap=1),
    "overlap = -0.1": lambda: u3audit.sliding(segmenter(2), 8, overlap=-0.1),
    "maps of (3, 3) for windows of (8, 8)":
        lambda: u3audit.sliding(nn.Conv2d(1, 2, 6).eval(), 8)(torch.rand(1, 1, 9, 9)),
    "training mode": lambda: u3audit.sliding(nn.Conv2d(1, 2, 3), 8),
}.items())
def test_a_slip_gets_one_sentence(says: str, ask):
    one_sentence(says, ask)


def test_the_last_window_ends_at_the_border():
    assert windows.windows((10,), (4,), 0.5) == [(slice(0, 4),), (slice(2, 6),), (slice(4, 8),), (slice(6, 10),)]
    assert windows.windows((11,), (4,), 0) == [(slice(0, 4),), (slice(4, 8),), (slice(7, 11),)]
    assert windows.windows((4,), (4,), 0.5) == [(slice(0, 4),)]
