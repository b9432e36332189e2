"""The table of audited networks: thresholds by hand, rates by counting, and two networks whose truth is known."""

from itertools import combinations

import pytest
import torch
from torch import nn

from evidence import audited
from evidence.audited import Row, Run
from tests.helpers import smaller
from u3course.worlds import cheats


def row(removed: float = 0.9, place: float = 0.0, outside: float = 0.1, flip: float = 0.0, asked: int = 10,
        without: float = 0.9) -> Row:
    flips = dict.fromkeys(audited.FLIPS, 0.0) | {audited.FLIPS[3]: flip}
    return Row(0.95, without, asked, removed, 0.0, place, outside, 0.1, 10.0, flips)


@pytest.fixture
def rows() -> dict[Run, Row]:
    return {
        Run("2-D", "none", 0, "set"): row(0.9, 0.02, 0.1, 0.1), Run("2-D", "harmless", 0, "set"): row(0.8, 0, 0.2, 0),
        Run("2-D", "corner", 0, "set"): row(0, 0.9, 0.8, 1), Run("2-D", "scanner", 0, "set"): row(0.1, 0.01, 0.3, 0.9),
        Run("2-D", "scanner", 1, "set"): row(0.0, 0.5, 0.35, 0.9),
        Run("2-D", "none", 3, "judge"): row(0.9, 0, 0.1, 0.2), Run("2-D", "harmless", 3, "judge"): row(0.7, 0, 0.26, 0),
        Run("2-D", "wander", 3, "judge"): row(0.2, 0, 0.24, 0, without=0.5),
        Run("2-D", "weak", 3, "judge"): row(0.6, 0, 0.2, 0),
        Run("2-D", "calipers", 3, "judge"): row(1),
        Run("3-D", "none", 0, "set"): row(0.6), Run("3-D", "corner", 0, "set"): row(0.2),
        Run("3-D", "none", 3, "judge"): row(0.39),
        Run("3-D", "corner", 3, "judge"): row(0.0)}


def test_a_threshold_lies_half_way_to_the_next_kind_of_cheat(rows):
    """The best place of one scanner lies beyond the honest ones, but not that of the other, so that kind is none."""
    found = audited.thresholds(rows, "2-D")
    assert found == pytest.approx({"lesion removed": -0.45, "best fixed place": 0.46, "outside the body": 0.25,
                                   "worst flip of one class": 0.5})
    setting = {run: one for run, one in rows.items() if run.role == "set"}
    assert audited.thresholds(setting, "2-D") == found  # networks that judge have no say


def test_rates_are_those_of_the_networks_that_judge(rows):
    found = audited.summary(rows)
    assert found["threshold"]["lesion removed"] == pytest.approx(0.45)
    assert found["accused: harmless"] == {"lesion removed": 0, "best fixed place": 0, "outside the body": 1,
                                          "worst flip of one class": 0, "any sign": 1}
    assert found["false alarms"] == {"lesion removed": 0, "best fixed place": 0, "outside the body": 0.5,
                                     "worst flip of one class": 0, "any sign": 0.5, "networks": 2}
    assert found["missed"]["lesion removed"] == 0.5 and found["missed"]["any sign"] == 0.5
    assert found["missed"]["networks"] == 2, "networks of the calipers are named apart"
    assert found["missed, of kinds that set no threshold"] == found["missed"], "corners and scanners judge nothing here"
    seen = audited.summary(rows | {Run("2-D", "corner", 3, "judge"): row(0.1)})
    assert seen["missed"]["networks"] == 3 and seen["missed, of kinds that set no threshold"] == found["missed"]
    assert seen["missed"]["any sign"] == pytest.approx(1 / 3)
    needing = found["missed, of those that need the cue"]
    assert needing["networks"] == 1 and needing["lesion removed"] == 0 and needing["outside the body"] == 1
    few = found["lesion removed on 10 pictures"]
    assert few == {"accused: honest": 0, "accused: cheats": 0.5, "accused: cheats that need the cue": 1}
    assert found["accused: calipers"]["any sign"] == 0
    assert found["threshold, 3-D"]["lesion removed"] == pytest.approx(0.4), "volumes have their own"
    assert found["false alarms, 3-D"]["lesion removed"] == 1 and found["missed, 3-D"]["any sign"] == 0
    assert found["none"]["worst flip"] == (0.2, 0.2, 0.2)
    assert audited.summary({run: one for run, one in rows.items() if run.role == "judge"}) == {}


@pytest.mark.parametrize("removed", [0.2, 0.5, 0.9])
def test_few_pictures_are_counted_out(removed: float):
    turned = [n < 10 * removed for n in range(10)]
    for few, limit in ((3, 0.45), (5, 0.4), (10, 0.6)):
        draws = list(combinations(turned, few))
        assert audited.below(row(removed), limit, few) == pytest.approx(
            sum(sum(one) < limit * few - 1e-9 for one in draws) / len(draws))


class Healthy(nn.Module):
    """Finds nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)


def test_a_network_that_finds_nothing_has_a_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audited, "taught", lambda *given: Healthy().eval())
    found = audited.measured(Run("2-D", "none", 3, "judge"), 1, 4, 8)
    assert found.accuracy == 0.5 and found[2:9] == (0,) * 7 and not any(found.flips.values())


class Sees(nn.Module):
    """Positive above a brightness: in the letter's corner, or of the brightest spot of a blurred picture."""

    def __init__(self, corner: bool) -> None:
        super().__init__()
        self.corner = corner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        letter = x[..., 4:14, 4:10].amax((1, 2, 3)) - 0.5
        spot = nn.functional.avg_pool2d(x, 5, 1).flatten(1).amax(1) - 0.5
        score = 20 * (letter if self.corner else spot)
        return torch.stack([-score, score], 1)


def test_what_is_measured_of_known_networks(monkeypatch: pytest.MonkeyPatch):
    """Lesions on black tell an honest network, which sees the brightest spot; the cheat sees the letter alone."""
    black = {cheats: {"stack": lambda patient: torch.full((4, 1, 96, 96), 0.15)}}
    with smaller(monkeypatch, black, cheats.slices, cheats.without_cue):
        for corner in (True, False):
            monkeypatch.setattr(audited, "taught", lambda *given, corner=corner: Sees(corner).eval())
            found = audited.measured(Run("2-D", "corner", 3, "judge"), 1, 4, 24)
            assert found.accuracy == 1 and found.asked == 12 and found.elsewhere == 0
            assert found.without == (0.5 if corner else 1) and found.removed == (0 if corner else 1)
            assert (found.place > 0.9) == corner and found.flips["mirror, positives"] == corner
            assert found.flips["noise, negatives"] == 0
