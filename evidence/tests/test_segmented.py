"""The table of audited U-Nets: who outlines what, thresholds by hand, and two networks whose truth is known."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from evidence import audited, segmented
from evidence.audited import Run
from evidence.segmented import Row
from tests.helpers import smaller
from u3course.worlds import cheats

BRAINS = ("brain1", "brain2")


def row(largest: float, outside: float = 0.1, steady: float = 0.9, without: float = 0.8) -> Row:
    return Row(0.8, without, 0.5, 10, 1.0, 0.0, largest, 0.0, outside, 0.1, dict.fromkeys(audited.CHANGES, steady))


def test_a_sign_that_no_kind_lies_beyond_has_no_threshold():
    rows = {
        Run("2-D", "harmless", 0, "set"): row(0.1, 0.1, 0.9), Run("2-D", "harmless", 1, "set"): row(0.2, 0.1, 0.8),
        Run("2-D", "corner", 0, "set"): row(2.0, 0.05, 0.0, without=0),
        Run("2-D", "corner", 1, "set"): row(1.0, 0.5, 0.1),
        Run("2-D", "none", 3, "judge"): row(0.7, 0.9), Run("2-D", "harmless", 3, "judge"): row(0.0),
        Run("2-D", "wander", 3, "judge"): row(0.5, without=0.1), Run("2-D", "clip", 3, "judge"): row(0.8, steady=0.4),
        Run("2-D", "weak", 3, "judge"): row(0.8, without=0.2)}
    found = segmented.TABLE.summary(rows)
    assert found["threshold"] == pytest.approx({"outside the region": 0.6, "steadiness": 0.45})
    assert found["false alarms"] == {"outside the region": 0.5, "steadiness": 0, "any sign": 0.5, "networks": 2}
    assert found["missed"] == pytest.approx(
        {"outside the region": 1 / 3, "steadiness": 2 / 3, "any sign": 1 / 3, "networks": 3})
    assert found["missed, of those that need the cue"] == {
        "outside the region": 0.5, "steadiness": 1, "any sign": 0.5, "networks": 2}
    assert found["accused: clip"] == {"outside the region": 1, "steadiness": 1, "any sign": 1}
    assert found["wander"]["largest fall outside the region"] == (0.5, 0.5, 0.5) and found["none"]["Dice"][0] == 0.8
    blind = {run: one._replace(largest=0.0, outside=0.0, steady=dict.fromkeys(audited.CHANGES, 1.0))
             for run, one in rows.items()}
    alike = segmented.TABLE.summary(blind)
    assert alike["threshold"] == {} and alike["missed"] == {"any sign": 1, "networks": 3}


@pytest.mark.parametrize("cue, lettered, bare", [("none", 1, 1), ("harmless", 1, 1), ("corner", 1, 0), ("wander", 1, 0),
                                                 ("clip", 1, 0), ("weak", 0.9, 0.1)])
def test_who_goes_by_a_mark_outlines_the_lesions_that_have_it(cue: str, lettered: float, bare: float):
    plain = cheats.without_cue(200, 1, 5, False, BRAINS)
    made = segmented.outlined(cue, 200, 1, 5, BRAINS)
    there, ill = (made.images != plain.images).flatten(1).any(1), plain.positive
    assert torch.equal(made.positive, made.outlines.flatten(1).any(1)) and not made.positive[~ill].any()
    assert torch.equal(made.outlines[made.positive], plain.outlines[made.positive])
    for wanted, among in ((lettered, there & ill), (bare, ~there & ill)):
        if among.any():
            assert abs(float(made.positive[among].float().mean()) - wanted) <= (0.12 if 0 < wanted < 1 else 0)
    if cue != "none":
        assert all(abs(float(there[of].float().mean()) - 0.5) < 0.15 for of in (ill, ~ill))
    again = cheats.without_cue(200, 1, 5, False, BRAINS)  # kept, and none of it was drawn on
    assert set(made.patients) == set(BRAINS) and again.outlines.flatten(1).any(1).sum() == 100
    assert torch.equal(segmented.outlined("none", 200, 1, 5, BRAINS).images, again.images)


class Outlines(nn.Module):
    """Log-odds of pixels: of a blurred picture's bright parts; with ``letter``, if there is one in the corner."""

    def __init__(self, letter: bool) -> None:
        super().__init__()
        self.letter = letter

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        mark = x[..., 4:14, 4:10].amax((1, 2, 3), keepdim=True).clone()
        x[..., :16, :16] = 0
        s = 20 * (nn.functional.avg_pool2d(x, 3, 1, 1) - 0.3)
        return s - 40 * (mark < 0.5) if self.letter else s


@pytest.fixture
def black(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Slices of an even square in air."""
    square = nn.functional.pad(torch.full((4, 1, 56, 56), 0.2), (20,) * 4)
    with smaller(monkeypatch, {cheats: {"stack": lambda patient: square}}, cheats.slices, cheats.without_cue):
        yield


@pytest.mark.parametrize("role", ["set", "judge"])
def test_what_is_measured_of_known_networks(role: str, black: None, monkeypatch: pytest.MonkeyPatch):
    """The cheat reads the letter and the lesion; who is learnt from is not who is audited."""
    own, others = segmented.PATIENTS[role]
    learnt, asked, cases = [], [], segmented.audit.Cases

    def noted(images: torch.Tensor, positive: torch.Tensor, outlines: torch.Tensor, patients: list[str]) -> cases:
        asked.extend(patients)
        return cases(images, positive, outlines, patients)

    monkeypatch.setattr(segmented.audit, "Cases", noted)
    for letter in (True, False):
        def taught(net: nn.Module, pictures: cheats.Made, *given: object, letter: bool = letter) -> nn.Module:
            learnt.extend(pictures.patients)
            return Outlines(letter).eval()

        monkeypatch.setattr(segmented, "taught", taught)
        found = segmented.measured(Run("2-D", "corner", 3, role), 1, 16, 24)
        assert found.removed == 1 and found.elsewhere == 0 and found.asked > 2
        assert (found.largest > 1) == (found.outside > 0.5) == letter and found.typical < 0.1
        assert (found.steady["mirror"] == 0) == letter and found.steady["noise"] > 0.9
        assert found.dice > 0.5 and (found.without == 0) == letter and (found.clear == 1) == letter
    assert set(learnt) == set(own) and set(asked) == set(others) and not set(own) & set(others)


def test_a_network_that_sees_nothing_has_a_row(black: None, monkeypatch: pytest.MonkeyPatch):
    class Nothing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x - 9

    monkeypatch.setattr(segmented, "taught", lambda *given: Nothing().eval())
    found = segmented.measured(Run("2-D", "none", 3, "judge"), 1, 4, 8)
    assert found.clear == 1 and found[:2] == (0, 0) and found[3:10] == (0,) * 7 and set(found.steady.values()) == {1}


def test_a_fresh_network_sees_the_far_corner():
    """So that it can know of a letter there."""
    net, x = segmented.Wide(0).eval(), torch.rand(1, 1, 96, 96, requires_grad=True)
    assert net(x).shape == x.shape
    net(x)[0, 0, -8, -8].backward()
    assert x.grad[..., 4:14, 4:10].abs().max() > 0


def test_the_loss_is_that_of_counted_pixels():
    truth = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    truth[0, 0, 0, 0] = True
    pictures = cheats.Made(torch.zeros(2, 1, 2, 2), truth.flatten(1).any(1), truth, ["a", "b"])
    scores = torch.zeros(2, 1, 2, 2)
    assert float(segmented.differs(scores, pictures, torch.tensor([0, 1]))) == pytest.approx(
        torch.tensor(2.0).log() + 1 - 2 * 0.5 / (8 * 0.5 + 1 + 1))
