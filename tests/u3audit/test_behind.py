"""What stands behind the page: oracles for its numbers, and a run of all of it on small networks."""

import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import u3audit
from tests.helpers import normal, raising, uniform
from tests.u3audit.test_report import Read
from tests.u3audit.test_segments import HONEST as SEES
from tests.u3lab.audit.test_battery import CHEAT, HONEST, SIDE, Reads, made
from u3audit import behind, markers, methods, wording
from u3course.worlds import cheats
from u3lab import audit, nets
from u3lab.audit.cases import odds
from u3lab.errors import U3Error
from u3lab.measures import rank_correlation
from u3lab.saliency import METHODS, randomise_downwards


def small(volumes: bool = False, maps: bool = False) -> tuple[nets.Classifier, audit.Cases]:
    """A network of random weights, and cases whose labels are what it answers."""
    conv, pool = (nn.Conv3d, nn.AdaptiveMaxPool3d) if volumes else (nn.Conv2d, nn.AdaptiveMaxPool2d)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        parts = [conv(1, 6, 3, padding=1), nn.ReLU(), conv(6, 6, 3, padding=1), nn.ReLU()]
        module = nn.Sequential(*parts, *([conv(6, 2, 1)] if maps else [pool(2), nn.Flatten(), nn.Linear(
            6 * 2 ** (3 if volumes else 2), 2)]))
    cases = made(volumes)
    net = nets.wrap(module.eval(), size=tuple(cases.images.shape[2:]), channels=1)
    scores = audit.score(net, cases.images, 1)
    with torch.no_grad():
        module[-1].bias[1] -= scores.median()
    return net, audit.Cases(cases.images, audit.score(net, cases.images, 1) > 0, cases.outlines | (
        torch.arange(SIDE) // 5 == 3))


# ---- oracles


def test_the_margin_of_a_linear_network_is_that_of_its_formula():
    """|s| / ‖∇s‖₁ is where a linear score turns; the least level above it is told, as long as no grey is cut off."""
    linear = nn.Linear(64, 1)
    with torch.no_grad():
        linear.weight.copy_(normal(1, 64)), linear.bias.copy_(-0.5 * linear.weight.sum())
    net = nets.wrap(nn.Sequential(nn.Flatten(), linear).eval(), size=8, channels=1)
    x = 0.5 + 0.03 * normal(30, 1, 8, 8, seed=1, dtype=torch.float32)
    exact = 255 * audit.score(net, x, 0).abs() / linear.weight.detach().abs().sum()
    levels = torch.tensor([*behind.LEVELS, torch.inf])
    wanted = torch.stack([levels[levels >= one].min() for one in exact])
    assert torch.equal(behind.margin(net, x, 0), wanted) and len(wanted.unique()) > 3


def test_the_calibration_error_is_that_of_a_plain_loop():
    scores, positive = 2 * normal(200), uniform(200) < 0.5
    bins = defaultdict(list)  # tenth of confidence → by how much each answer in it is more sure than right
    for s, truth in zip(scores.tolist(), positive.tolist(), strict=True):
        sure = 1 / (1 + math.exp(-abs(s)))
        bins[int(10 * sure)].append(sure - ((s > 0) == truth))
    assert behind.calibration(scores, positive) == pytest.approx(sum(abs(sum(one)) for one in bins.values()) / 200)
    sure = torch.tensor([30.0, -30.0])
    assert behind.calibration(sure, sure > 0) == pytest.approx(0, abs=1e-9)
    assert behind.calibration(sure, sure < 0) == pytest.approx(1)


def test_margin_and_calibration_praise_networks_that_cheat():
    found = {}
    for name, cue in cheats.NETWORKS.items():
        cases = cheats.cases(cue, 100, half=1, seed=5)
        cases = audit.Cases(cases.images, cases.positive)
        facts = behind.certainty(cheats.network(name), cases, cheats.CLASSES[1], 0).facts
        margins = torch.tensor([torch.inf if one is None else one for one in facts["margins"]])
        found[name] = float(margins.median()), facts["ECE"]
    assert found["corner"][0] > max(found["honest"][0], found["calipers"][0])
    assert found["calipers"][1] < min(found["honest"][1], found["corner"][1])


def test_units_are_compared_as_pixels_are_counted():
    active, masks = uniform(5, 4, 8, 8, dtype=torch.float32), uniform(5, 1, 16, 16, seed=1) < 0.3
    found = behind.overlaps(active, masks)
    for unit in range(4):
        threshold = active[:, unit].flatten().sort(descending=True).values[int(behind.ACTIVE * 5 * 64)]
        on = F.interpolate(active[:, [unit]], size=[16, 16], mode="bilinear", align_corners=False) > threshold
        assert float(found[unit]) == pytest.approx(float((on & masks).sum() / (on | masks).sum()))


def test_the_floor_of_units_has_each_outline_on_the_next_picture():
    net, cases = small(maps=True)  # whose last layer has many places: of 2×2, every IoU is 0
    cases = replace(cases, outlines=uniform(*cases.outlines.shape) < 0.2)
    which = cases.positive.nonzero()[: behind.OUTLINED, 0]
    (_, active), outlines = behind.last_grid(net, cases.images[which]), cases.outlines[which]
    floor = behind.overlaps(active, torch.cat([outlines[-1:], outlines[:-1]]))
    found = behind.units(net, cases, 1, 0)
    assert [row[2] for row in found.table] == [f"{float(floor[int(row[0])]):.3f}" for row in found.table]
    assert found.facts["floor"] == pytest.approx(float(floor.max())) and floor.max() > 0


def test_a_gate_is_the_rank_correlation_with_the_map_of_shuffled_weights():
    net, cases = small()
    told = behind.maps(net, cases, 1, 0)
    which = cases.positive.nonzero()[:3, 0]
    *_, (_, broken) = randomise_downwards(net)
    rows = {row[0]: row for row in told.table}
    assert list(rows) == [name for name in METHODS if name in rows]
    assert rows["edges (no network)"][1] == "1.00, does not pass"
    for name in ("gradient", "Grad-CAM", "occlusion"):
        one, other = (methods.map_of(some, METHODS[name], cases.images[which], 1) for some in (net, broken))
        kept = rank_correlation(one, other)
        verdict = "passes" if kept < methods.GATE else "does not pass"
        assert rows[name][1] == (f"{kept:.2f}, {verdict}".replace("-", "−") if one.any() else "the map is empty")
    passed = [name for name, row in rows.items() if row[1].endswith(", passes") and name != "occlusion"]
    assert told.facts["passed"] == (passed[0] if passed else None)
    assert len(told.rows) == 3 and all(len(row) == 1 + len(told.table) for row in told.rows)
    assert METHODS.keys() - rows.keys() == {name for name in METHODS if any(
        line.startswith("Not drawn") and name in line for line in told.told)}


def test_a_network_without_weights_has_no_map_that_passes():
    told = behind.maps(CHEAT, made(), 1, 0)
    assert told.facts == {"passed": None}
    assert "No map passed" in wording.about_map(told._asdict() | {"why": ""})[0]


# ---- markers


@pytest.mark.parametrize("sides", [(32, 32), (64, 96), (224, 160)])
def test_each_marker_lies_where_its_name_says(sides: tuple[int, int]):
    found = markers.markers(*sides)
    assert len(found) == 6 and all(one.shape == sides and one.any() for one in found.values())
    for name, one in found.items():
        y, x = (at.double().mean() / side for at, side in zip(one.nonzero().T, sides, strict=True))
        assert (y < 0.5) == ("upper" in name) or name == "a clip"
        assert (x < 0.5) == ("left" in name) or name in ("a clip", "a date")
        assert not one[:, -1].any() and not one[-1].any() and one.double().mean() < 0.1


def test_a_marker_moves_a_network_that_reads_its_corner():
    cases = made()
    cheat, honest = (markers.moved_by_markers(net, cases) for net in (Reads("corner").eval(), HONEST))
    x = markers.marked(cases.images[cheat.which], markers.markers(SIDE, SIDE)["a letter at the upper left"],
                       torch.tensor(1.0))
    s = [audit.score(CHEAT, one, 1) for one in (cases.images, x)]
    gap = s[0][cases.positive].median() - s[0][~cases.positive].median()
    moved, turned = cheat.by["a letter at the upper left"]
    assert moved.value == pytest.approx(float(((s[1] - s[0][cheat.which]) / gap).mean())) and moved.value > 0.1
    assert turned.value == pytest.approx(float((s[1] > 0).double().mean()))
    assert all(one[0].value == 0 for name, one in cheat.by.items() if "upper left" not in name)
    assert honest.by["a letter at the upper left"][0].value == 0
    volumes = made(volumes=True)
    assert markers.moved_by_markers(CHEAT, volumes).by["a letter at the upper left"][0].value > 0.1


# ---- all of it


@pytest.mark.parametrize("volumes, maps", [(False, False), (False, True), (True, False)])
def test_all_that_stands_behind_is_measured_and_told(volumes: bool, maps: bool, tmp_path: Path):
    net, cases = small(volumes, maps)
    front = u3audit.run(net, cases, out=tmp_path)
    report = u3audit.run(net, cases, out=tmp_path, behind=True)
    assert report["parts"] == front["parts"] and list(report["behind"]) == list(behind.HEADINGS) and not front["behind"]
    missing = {name: part["why"] for name, part in report["behind"].items() if part["why"]}
    assert missing.keys() == ({"masks", "layers", "units"} if volumes else set()), missing
    seen = Read(u3audit.write(report, tmp_path).read_text())
    text = "".join(seen.words)
    assert not seen.bare and not seen.open and text.index("Behind it") < text.index("What must not be concluded")
    assert "both can praise cheats" in text and "edges (no network)" in text
    again = u3audit.run(net, cases, out=tmp_path, behind=True)
    assert again["behind"] == json.loads(json.dumps(report["behind"]))
    if volumes:
        assert "Not drawn: occlusion, mask (it takes minutes for a volume)." in report["behind"]["maps"]["told"]


def test_a_part_behind_the_page_that_fails_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(behind.BEHIND, "maps", raising(RuntimeError("no kernel\nfor this")))
    monkeypatch.setitem(behind.BEHIND, "units", raising(U3Error("there are no units")))
    report = u3audit.run(SEES, made(), out=tmp_path, behind=True)
    text = u3audit.write(report, tmp_path).read_text()
    assert "raised RuntimeError: no kernel for this." in text and "This part is missing: there are no units." in text
    assert report["behind"]["markers"]["why"] == ""


def test_a_method_that_fails_is_one_less(monkeypatch: pytest.MonkeyPatch):
    fails = raising(ValueError("such a layer\nhas no rule"))
    net, cases = small()
    monkeypatch.setitem(METHODS, "LRP ε", METHODS["gradient"].__class__(fails, METHODS["gradient"].heat))
    told = behind.maps(net, cases, 1, 0)
    assert "Not drawn: LRP ε (such a layer has no rule)." in told.told
    assert "gradient" in [row[0] for row in told.table] and "LRP ε" not in [row[0] for row in told.table]


def test_the_region_that_methods_are_asked_about_is_what_the_network_sees():
    net, cases = small(maps=True)
    which = cases.positive.nonzero()[:2, 0]
    asked = methods.asked_of(net, cases.images[which], 1)
    assert torch.equal(asked.mask, odds(net, cases.images[which], 1) > 0)
