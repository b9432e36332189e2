"""The tables of chapter 5 on planted truths: codes that are some columns of a picture, and pictures with known faults.

A picture is its photo with a first column that is brighter by d, and another by 2d that a shift by 5 makes the first.
A code is the first c columns, another c for each layer, so its errors are known: d²/cp² and, moved, (4 or 5) d²/cp².
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _sheets, coded_lesions, deep_codes, five_priors, inversion_table, readouts
from evidence.tests import planted
from u3course.lessons.inversion import table
from u3course.lessons.inversion.table import KINDS, LAYERS, NETWORKS, PHOTOS, PRIORS
from u3lab.descent import Step

SIDE = 32
LEVEL = {name: 0.3 + 0.05 * number for number, name in enumerate(PHOTOS)} | {"china": 0.7}


def photo(name: str, size: int = SIDE) -> Tensor:
    return torch.full((1, 3, size, size), LEVEL[name])


def faulty(x: Tensor, d: float) -> Tensor:
    made = x.clone()
    made[..., 0] += d
    made[..., -5] += 2 * d
    return made


def columns(name: str, layer: str) -> int:
    return 1 + LAYERS[name].index(layer) + 8 * NETWORKS.index(name)


def errors(name: str, layer: str, level: float, d: float, side: int = SIDE) -> list[float]:
    c = columns(name, layer)
    return [d**2 / c / level**2, (4 + (c > 5)) * d**2 / c / level**2, 5 * d**2 / side]


def place(judge: str, name: str, found: bool) -> int:
    """A judge puts a picture with the fault one place before a photo."""
    return list(PHOTOS).index(name) + 3 + 7 * (judge == "squeezenet1_1") - found


@pytest.fixture(autouse=True)
def stubs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def network(name: str) -> SimpleNamespace:
        def logits(x: Tensor) -> Tensor:
            return -torch.arange(30.0)[None].roll(int(x[0, 0, 0, 0] > x[0, 0, 0, 1]), 1)
        return SimpleNamespace(name=name, logits=logits, class_index=lambda label: list(PHOTOS.values()).index(label)
                               + 2 + 7 * (name == "squeezenet1_1"))

    for module in (inversion_table, deep_codes, five_priors, readouts, coded_lesions):
        monkeypatch.setattr(module, "network", network)
    for module in (inversion_table, five_priors):
        monkeypatch.setattr(module, "photo_of", photo)
        monkeypatch.setattr(module, "SIDE", SIDE)
    monkeypatch.setattr(table, "code", lambda net, layer, x: x[..., : columns(net.name, layer)])
    monkeypatch.setattr(_sheets, "folder", lambda plan: tmp_path / "kept")


def test_inversion_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each prior has its fault; one search stops at its limit; floors are other photos."""
    monkeypatch.setattr(inversion_table, "SAME_CLASS", {name: lambda name=name: photo(name) + 0.1
                                                        for name in inversion_table.SAME_CLASS})
    monkeypatch.setattr(inversion_table, "search", lambda run, limit, seed: Step(
        limit - (run.prior != "none"), 0.0, faulty(photo(run.photo), (1 + PRIORS.index(run.prior)) / 20), {}))
    for (name, net, layer, kind), row in planted.table(inversion_table, tmp_path, "--only", "photo=bison", "photo=dog",
                                                       "layer=fire3", "layer=conv10", "layer=head").items():
        level, judge = LEVEL[name], inversion_table.JUDGES[net]
        if kind in PRIORS:
            wanted = errors(net, layer, level, (1 + PRIORS.index(kind)) / 20)
            limit = inversion_table.LIMITS[kind]
            assert (row.place, row.steps, row.settled) == (place(judge, name, True), limit - (kind != "none"),
                                                           int(kind != "none"))
        else:
            before = list(PHOTOS)[list(PHOTOS).index(name) - 1]
            off = {"grey": 0.5, "same class": level + 0.1, "another photo": LEVEL[before]}[kind] - level
            wanted = [(off / level) ** 2, (off / level) ** 2, off**2]
            assert (row.place, row.steps, row.settled) == (place(judge, name, False), 0, 1)
        assert (row.code, row.moved, row.pixels) == pytest.approx(wanted, abs=1e-4)


def test_deep_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """What a run began with has another fault than what it found."""
    def fault(run: deep_codes.Run) -> float:
        return 0.05 + run.seed / 20 + 0.02 * (run.start == "the photo")

    monkeypatch.setattr(deep_codes.images, "load", lambda name, size: photo(name, size))
    monkeypatch.setattr(deep_codes, "search", lambda run: [SimpleNamespace(value=faulty(photo(run.photo, run.side), d))
                                                           for d in (3 * fault(run), fault(run))])
    monkeypatch.setattr(deep_codes, "finish", lambda plan: None)
    for run, row in planted.table(deep_codes, tmp_path).items():
        last, first = (errors(run.network, run.layer, LEVEL[run.photo], d, run.side) for d in (fault(run),
                                                                                               3 * fault(run)))
        assert (row.code, row.moved, row.pixels) == pytest.approx(last, abs=1e-4)
        assert row.place == place(inversion_table.JUDGES[run.network], run.photo, True)
        assert (row.first_code, row.first_pixels) == pytest.approx((first[0], first[2]), abs=1e-4)


def test_five_priors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The photo itself is neither among the crops that are looked through nor among those that are compared."""
    every = {**{name: LEVEL[name] for name in five_priors.UNSEEN}, "another": 0.9}
    fault = {kind: number / 60 for number, kind in enumerate((five_priors.ITSELF, *KINDS))}

    def nearest(net: SimpleNamespace, x: Tensor, crops) -> Tensor:
        found = {round(value, 3) for some in crops for value in some[:, 0, 0, 0].tolist()}
        assert found == {round(value, 3) for value in every.values() if value != pytest.approx(float(x[0, 0, 0, 0]))}
        return faulty(x, fault["nearest photo"])

    monkeypatch.setattr(five_priors, "CROPS", 100)
    monkeypatch.setattr(five_priors, "whole", lambda: {name: torch.full((3, 4, 4), value)
                                                       for name, value in every.items()})
    monkeypatch.setattr(five_priors._crops, "cut", lambda picture, side, area, generator: picture)
    monkeypatch.setattr(five_priors.paths, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(five_priors, "nearest", nearest)
    monkeypatch.setattr(five_priors, "made", lambda run, few: faulty(photo(run.photo), fault[run.kind]))
    monkeypatch.setattr(five_priors, "places", lambda eye, x: x.mean((2, 3)))
    monkeypatch.setattr(five_priors, "unlikeness", lambda eye, x, known: float(x.mean() + 10 * known.mean.mean()))
    five_priors.statistics.cache_clear()
    found = planted.table(five_priors, tmp_path)
    five_priors.statistics.cache_clear()
    assert list(found) == [(name, kind) for name in five_priors.UNSEEN for kind in (*KINDS, five_priors.ITSELF)]
    for (name, kind), row in found.items():
        wanted = errors(five_priors.MAKER, five_priors.LAYER, LEVEL[name], fault[kind])
        assert (row.code, row.moved, row.pixels) == pytest.approx(wanted, abs=0.004)  # kept in 256 steps
        others = [value for other, value in every.items() if other != name]
        assert row.unlike == pytest.approx(LEVEL[name] + 3 * fault[kind] / SIDE + 2 * sum(others), abs=0.006)
        assert row.place == place("efficientnet_lite1", name, kind != five_priors.ITSELF)


def test_readouts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Codes that hold the mean colour alone, the layout alone, both, or nothing."""
    monkeypatch.setattr(readouts, "CELLS", 2)
    monkeypatch.setattr(readouts, "PARTS", dict(zip(readouts.PARTS, (lambda y: y[:, :3], lambda y: y[:, 3:],
                                                                     lambda y: y[:, -1:]), strict=True)))
    holds = {"fire5": slice(0, 3), "stage4": slice(3, None), "fire9": slice(0, 0), "logits": slice(None)}
    said = {"the best class": slice(0, 3), "the ten best": slice(3, None), "all but the ten best": slice(0, 0)} | holds

    def crops(split: str, each: int, seed: int) -> tuple[Tensor, list[str]]:
        assert each == readouts.EACH[split == "test"]
        count = {"train": 60, "test": 7}[split]
        return (torch.rand(2 * count, 3, 4, 4, generator=torch.Generator().manual_seed(count)),
                [f"{split} {k // 2}" for k in range(2 * count)])

    def codes(net: SimpleNamespace, layer: str, x: Tensor) -> Tensor:
        told = torch.cat(readouts.parts(readouts.small(x)), 1).float()[:, holds.get(layer, slice(None))]
        return torch.cat([told, torch.randn(len(x), 1, generator=torch.Generator().manual_seed(1))], 1)

    def off(what: slice) -> tuple[float, float]:
        return float(what.start in (0, None) and what.stop != 0), float(what.stop is None)

    monkeypatch.setattr(readouts, "crops", crops)
    monkeypatch.setattr(readouts, "codes", codes)
    monkeypatch.setattr(readouts, "ALPHAS", (1e-6, 1e-5))
    for run, row in planted.table(readouts, tmp_path).items():
        for shares, wanted in zip(row, off(said.get(run.source, slice(None))), strict=True):
            assert len(shares) == 7 and sum(shares) / 7 == pytest.approx(wanted, abs=0.25), run


def test_coded_lesions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each inversion is a share of its slice that tells patient, layer and seed."""
    def share(patient: str, layer: str, seed: int) -> float:
        return (1 + coded_lesions.LAYERS.index(layer) + 4 * coded_lesions.PATIENTS.index(patient)) / 14 - seed / 20

    def inverted(layer: str, x: Tensor, seed: int, *, steps: int) -> Tensor:
        patient = next(name for name in coded_lesions.PATIENTS if any(x is one for one in coded_lesions.pair(name)))
        return share(patient, layer, seed) * x.mean(1, keepdim=True)

    monkeypatch.setattr(coded_lesions, "inverted", inverted)
    for run, row in planted.table(coded_lesions, tmp_path).items():
        given = coded_lesions.pair(run.patient)
        change = given.where * (given.ill - given.painted).mean(1, keepdim=True)
        back = float((change * given.ill.mean(1, keepdim=True)).sum() / change.square().sum())
        here, other = share(*run), share(run.patient, run.layer, 1 - run.seed)
        assert row.kept == pytest.approx(here, abs=0.02)
        assert row.floor == pytest.approx((here - other) * back, abs=0.02)
