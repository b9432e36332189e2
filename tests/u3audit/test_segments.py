"""Networks for segmentation, on some that are written down here: one thresholds a blurred picture, the other cheats."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import u3audit
from tests.helpers import normal, one_sentence, uniform
from tests.u3lab.audit.test_battery import SIDE, made
from u3audit import segments, wording
from u3lab import audit, results
from u3lab.audit import cases as asking
from u3lab.nets import Classifier, Region


class Sees(nn.Module):
    """Log-odds (B,1,…): where the blurred picture is bright. ``needs`` the mark of the corner: without it, nowhere."""

    def __init__(self, needs: bool = False, classes: int = 1, coarse: int = 1) -> None:
        super().__init__()
        self.needs, self.classes, self.coarse = needs, classes, coarse

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool3d
        size = (1, 3, 3)[-(x.ndim - 2):]
        inside = torch.zeros_like(x)
        inside[..., 6:26, 6:26] = 1
        s = (10 * (pool(x, size, 1, tuple(n // 2 for n in size)) - 0.58)) * inside - 3 * (1 - inside)
        if self.needs:
            s = s - 20 * (1 - x[..., :3, :3].flatten(1).mean(1)).view(-1, *[1] * (x.ndim - 1))
        if self.coarse > 1:
            s = pool(s, (1, self.coarse, self.coarse)[-(x.ndim - 2):])
        return s if self.classes == 1 else torch.cat([-s / 2, s / 2, *[s * 0 - 50] * (self.classes - 2)], 1)


HONEST, CHEAT = Sees().eval(), Sees(needs=True).eval()


@pytest.mark.parametrize("volumes", [False, True])
def test_a_lesion_vanishes_when_it_is_filled_in_unless_the_answer_hangs_on_a_mark(volumes: bool):
    cases = made(volumes)
    few = 4 if volumes else 8
    honest, cheat = (u3audit.outside_region(net, cases, windows=few, most=3) for net in (HONEST, CHEAT))
    assert honest.largest.value < 0.05 and cheat.largest.value > 1 > 0.05 > cheat.typical
    corner = honest.region.new_zeros(cases.images.shape[2:])
    corner[..., :3, :3] = True
    assert all(corner[place].any() for place in cheat.places) and cheat.falls.shape == (3,)
    removed = audit.lesion_removed(HONEST, cases)
    assert removed.flipped == (1, 1, 1) and removed.elsewhere.value == 0 and len(removed.which) == len(cases) // 2


def test_each_lesion_of_a_picture_is_asked_about_by_itself():
    """Two findings in one picture; a network that fills in the one only from memory keeps it."""
    cases = made()
    x, outlines = cases.images.clone(), cases.outlines.clone()
    x[1][outlines[1]] = 0.3
    outlines[1] = False
    for place in (slice(8, 11), slice(15, 18)):
        x[1, 0, place, place], outlines[1, 0, place, place] = 0.9, True
    two = audit.Cases(x, cases.positive, outlines)

    class Remembers(Sees):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            s = super().forward(x)
            s[..., 15:18, 15:18] = 3.0
            return s

    which, asked = asking.found(Remembers().eval(), two, 1)
    assert (which == 1).sum() == 2 and asked.mask.shape == (len(which), SIDE, SIDE)
    removed = audit.lesion_removed(Remembers().eval(), two)
    one, other = (removed.which == 1).nonzero()[:, 0].tolist()
    assert removed.after[one] <= 0 < removed.after[other]
    assert removed.after[other] == pytest.approx(3, abs=0.5)


def test_where_it_looks_is_asked_of_the_region():
    cases = made()
    honest, cheat = (audit.where_it_looks(net, cases, most=3) for net in (HONEST, CHEAT))
    assert honest.outside.value < 0.3 < 0.5 < cheat.outside.value and honest.lesion.value > 2 * cheat.lesion.value


def test_steadiness_undoes_what_it_did():
    cases = made()
    honest, cheat = (u3audit.steadiness(net, cases) for net in (HONEST, CHEAT))
    assert list(honest) == ["mirror", "shift", "blur", "noise", "window"]
    assert honest["mirror"].region == honest["shift"].region == (1, 1, 1)
    assert cheat["mirror"].region.value == 0 and cheat["shift"].region.value < 1
    assert all(one.appears == (0, 0, 0) for one in honest.values())

    class Sometimes(nn.Module):
        """Sees a square in whatever has no bright pixel in its left half."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            s = x * 0 - 1
            s[..., 10:14, 10:14] += 2 * (x[..., :4].flatten(1).amax(1) < 0.5).float().view(-1, 1, 1, 1)
            return s

    found = u3audit.steadiness(Sometimes().eval(), cases)["mirror"]
    assert found.region is None and found.appears is None  # it sees one in each negative, and in no positive


# ---- oracles


def test_dice_is_that_of_counted_pixels():
    a, b = uniform(6, 1, 5, 4) < 0.5, uniform(6, 1, 5, 4, seed=1) < 0.3
    a[0] = b[0] = b[1] = False
    for n, value in enumerate(segments.dice(a, b).tolist()):
        one, other = set(map(tuple, a[n].nonzero().tolist())), set(map(tuple, b[n].nonzero().tolist()))
        assert value == pytest.approx(2 * len(one & other) / (len(one) + len(other)) if one | other else 1)


def test_dice_by_patient_is_that_of_each_picture_averaged():
    cases = made()
    whose = [f"p{n // 6}" for n in range(len(cases))]
    found = u3audit.dice_by_patient(HONEST, replace(cases, patients=whose))
    answers, each = HONEST(cases.images) > 0, {}
    for n in cases.positive.nonzero()[:, 0].tolist():
        both = int(answers[n].sum() + cases.outlines[n].sum())
        each.setdefault(whose[n], []).append(2 * int((answers[n] & cases.outlines[n]).sum()) / both)
    assert found.by_patient == {name: (pytest.approx(sum(one)), len(one)) for name, one in each.items()}
    values = [value for one in each.values() for value in one]
    assert found.dice.value == pytest.approx(np.mean(values)) and 0.8 < found.dice.value < 1
    assert found.found == found.clear == 1
    best = max(float(segments.dice((cases.outlines[cases.positive].double().mean(0, keepdim=True) >= k / 20).expand(
        12, -1, -1, -1), cases.outlines[cases.positive]).mean()) for k in range(1, 21))
    assert best - 0.05 < found.constant < 0.5


@pytest.mark.parametrize("classes, coarse", [(2, 1), (3, 1), (1, 2), (2, 2)])
def test_the_score_of_a_map_is_that_of_the_class_against_the_best_other(classes: int, coarse: int):
    cases = made()
    net = Sees(classes=classes, coarse=coarse).eval()
    maps = asking.odds(net, cases.images, 1)
    assert maps.shape == (len(cases), SIDE, SIDE)
    plain = F.interpolate(Sees(coarse=coarse)(cases.images), [SIDE, SIDE], mode="bilinear", align_corners=False)[:, 0]
    torch.testing.assert_close(maps, plain)
    torch.testing.assert_close(audit.score(net, cases.images, 1), plain.flatten(1).amax(1))
    where = plain > 0
    some = where.flatten(1).any(1)
    means = torch.stack([one[inside].mean() for one, inside in zip(plain[some], where[some], strict=True)])
    torch.testing.assert_close(audit.score(net, cases.images[some], Region(1, where[some])), means)
    asked = asking.target(net, cases.images[some], 1)
    assert torch.equal(asked.mask, where[some])


def test_classes_with_a_sigmoid_each_do_not_exclude_each_other():
    x = normal(3, 1, 1, 4, dtype=torch.float32)
    net = Classifier(nn.Flatten().eval(), sigmoid=True, pictures=False)
    torch.testing.assert_close(audit.score(net, x, 1), x[:, 0, 0, 1])


SLIPS = {
    "no positive has an outline": lambda c: u3audit.dice_by_patient(HONEST, replace(c, outlines=c.outlines & False)),
    "sees nothing in any positive": lambda c: u3audit.outside_region(HONEST, replace(c, images=c.images * 0.1)),
    "leaves no room for a window": lambda c: u3audit.outside_region(HONEST, c, margin=SIDE),
    "finds none of the positives": lambda c: audit.lesion_removed(HONEST, replace(c, images=c.images * 0.1)),
}


@pytest.mark.parametrize("says", SLIPS)
def test_a_slip_gets_one_sentence(says: str):
    one_sentence(says, SLIPS[says], made())


def test_a_region_is_never_empty():
    found = normal(5, 4, 6)
    found[3] = -found[3].abs()
    wanted = found > 0
    wanted[3].view(-1)[int(found[3].argmax())] = True
    assert torch.equal(asking.region_in(found), wanted)


# ---- thresholds


def test_a_page_has_the_thresholds_of_u_nets_and_says_which_number_tells_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    signs = ("outside the region", "outside the body", "steadiness")
    summary = {"threshold": {"outside the region": 0.6, "outside the body": 0.3, "steadiness": 0.45}} | {
        label: dict.fromkeys((*signs, "any sign"), share) | {"networks": count} for label, share, count in (
            ("false alarms", 0.25, 4), ("missed", 0.4, 10), ("missed, of those that need the cue", 0, 6))}
    monkeypatch.setattr(results, "facts", lambda name: {"evidence": {"summary": {"segmented": summary}[name]}})
    told = {}
    for net in (HONEST, CHEAT):
        report = u3audit.run(net, made(), out=tmp_path, behind=False)
        told[net] = u3audit.write(report, tmp_path).read_text()
        for cell in ("above 60 %", "above 30 %", "below 45 %", wording.NONE):
            assert f'<td class="number">{cell}</td>' in told[net]
        assert ("for slices with made findings, others than those that set it, the threshold gave false alarms for 1 "
                "of 4 honest ones and missed 4 of 10") in told[net]
        assert "does not tell small U-Nets for slices with made findings that were taught with a cue" in " ".join(
            wording.all_sentences(report, "lesion removed"))
        assert "honest ones, 1 of 4 [0.6, 81 %] had" in told[net] and "points of Dice" in told[net]
        assert "6 of 6 [54, 100 %] had one" in told[net] and "No threshold is known for networks" not in told[net]
    assert "networks that cheat: Outside the region, Where it looks, Steadiness (of 3 that" in told[CHEAT]
    assert "This acquits nobody" in told[HONEST]


def test_volumes_have_no_thresholds_yet(tmp_path: Path):
    text = u3audit.write(u3audit.run(HONEST, made(volumes=True), out=tmp_path, behind=False), tmp_path).read_text()
    assert text.count("No threshold is known for this number: read it beside its floor.") == 4
    assert "threshold: most that cheat" not in text and "side of networks that cheat" not in text
