"""The table of scanners on planted truths: squares of one grey, and a network that counts by it."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _trials as trials
from evidence import scanners
from evidence.tests import planted


@pytest.fixture
def grey(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Pictures of one grey and a little contrast, to learn from, to judge and to look at."""
    texture = torch.linspace(-0.01, 0.01, 64 * 64).view(1, 1, 64, 64).expand(1, 3, 64, 64)
    of = {"seen": (0.5 + texture).repeat(100, 1, 1, 1), "judged": (0.3 + texture).repeat(200, 1, 1, 1),
          "unlabelled": (0.4 + texture).repeat(40, 1, 1, 1)}
    monkeypatch.setattr(scanners, "squares", lambda which: (of[which], torch.zeros(len(of[which]), dtype=torch.long)))
    monkeypatch.setattr(trials, "training_subset", lambda name, each, seed, size: (
        of["seen"], torch.arange(100) // 20) if (name, each, size) == ("patients", 20, 64) else None)
    return of


def test_scanners(grey, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each way learns from its own pictures, and is given those of the test in the same way, at each γ."""
    learnt: dict[tuple[str, int], Tensor] = {}

    class Net(SimpleNamespace):
        def __call__(self, x: Tensor) -> Tensor:
            """Class 0, right, for the first pictures only, as many as the grey says."""
            assert x.shape[1:] == (3, 96, 96)
            self.asked += len(x)
            place = torch.arange(self.asked - len(x), self.asked) % 200
            return torch.stack([place < (100 * x.mean((1, 2, 3))).round(), torch.full((len(x),), 0.5)], 1).double()

    def train(net: Net, name: str, images: Tensor, labels: Tensor, *, settings: object) -> Iterator[None]:
        assert (name, settings.lr, settings.steps, len(labels)) == ("patients", 0.007, 120, len(images))
        assert torch.equal(labels[:100], torch.arange(100) // 20)
        yield
        learnt[len(learnt), settings.seed] = images

    def begin(net: str, run: trials.Run) -> Net:
        assert net == "unfolded" and run == ("patients", "parallel", 20, run.seed, 0.007)
        return Net(asked=0, device="cpu")

    monkeypatch.setattr(trials, "begin", begin)
    monkeypatch.setattr(trials, "rows_of", lambda network: {
        trials.Run("patients", method, 20, 0, rate): (0.5 + (rate == 0.007) / 4, 0.5 + (rate != 0.007) / 4)
        for rate in (0.001, 0.007) for method in ("parallel", "serial")})
    monkeypatch.setattr(scanners, "train_domain", train)
    monkeypatch.setattr(scanners, "falling", lambda steps, settings: steps)
    monkeypatch.setattr(scanners.nets, "load", lambda name, fold: SimpleNamespace(
        double=lambda: name if fold else "unfolded"))
    for name, value in {"SEEDS": (3, 4), "GAMMAS": (0.4, 1.0, 3.0), "COPIES": 4}.items():
        monkeypatch.setattr(scanners, name, value)
    table = planted.table(scanners, tmp_path)
    assert list(table) == [(way, gamma, seed) for seed in (3, 4) for way in scanners.WAYS for gamma in scanners.GAMMAS]
    # 0.4 of those that are looked at becomes 0.5 of those learnt from
    back = math.log(0.5) / math.log(0.4)
    wanted = {scanners.PLAIN: lambda gamma: 0.3**gamma, scanners.LOOK: lambda gamma: 0.3**back,
              scanners.MOMENTS: lambda gamma: 0.5, scanners.RANKS: lambda gamma: 0.5,
              scanners.DRAWN: lambda gamma: 0.3**gamma}
    for (way, gamma, _), (right,) in table.items():
        assert len(right) == 200 and right == "1" * right.count("1") + "0" * right.count("0")
        assert right.count("1") == pytest.approx(100 * wanted[way](gamma), abs=1.1), (way, gamma)
    plain, normalised, equal, drawn = list(learnt.values())[:4]  # the look has learnt what the plain one has
    assert len(learnt) == 8 and [seed for _, seed in learnt] == [3] * 4 + [4] * 4
    assert torch.equal(plain, trials.enlarged(grey["seen"].double())) and torch.allclose(normalised, plain, atol=1e-4)
    assert equal[0].min() < 0.01 and equal[0].max() > 0.99 and len(drawn) == 400
    powers = drawn.mean((1, 2, 3)).log() / plain.mean().log()
    assert 1 / 3 < powers.min() < 0.36 and 2.8 < powers.max() < 3 and powers.log().mean().abs() < 0.1


def test_a_gain_on_a_scanner_is_over_slices_and_seeds():
    """One slice in 24 gains, for one of two seeds: the interval is wide in both; what is paired is not noise."""
    slices = scanners.slices()
    assert len(slices) == 200 and len(set(slices)) == 24 and slices.count("brain2, 9") == 8
    half = torch.arange(200) % 2 == 0
    better = half | torch.tensor([name.startswith("lung2") for name in slices])
    rows = {scanners.Run(way, gamma, seed): scanners.Row("".join(str(int(one)) for one in (
        better if way == scanners.DRAWN and gamma == 3.0 and seed else half)))
        for way in scanners.WAYS for gamma in scanners.GAMMAS for seed in (0, 1)}
    found = scanners.summary(rows)
    assert found["γ = 1"][scanners.PLAIN].value == 0.5
    for gamma in scanners.GAMMAS:
        for way, gained in found[f"γ = {gamma:g}: beyond as it comes"].items():
            if (way, gamma) == (f"{scanners.DRAWN}: gain", 3.0):
                assert gained.value == pytest.approx(0.15) and gained.low == 0 and gained.high > 0.3
            else:
                assert gained == (0, 0, 0)


def test_squares_of_a_scanner_are_of_the_tests_patients_slice_by_slice(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def square(one: scanners.patients.Slice, mask: Tensor, draw: object) -> Tensor:
        asked.append((id(one.grey), next(name for name, m in one.regions.items() if m is mask), draw.random()))
        return torch.zeros(64, 64, 3, dtype=torch.uint8)

    monkeypatch.setattr(scanners.patients, "square", square)
    monkeypatch.setattr(scanners.patients.slices, "cache_clear", lambda: None)  # so that each has one id
    _, labels = scanners.squares.__wrapped__("judged")
    scanners.squares.__wrapped__("unlabelled")
    judged, others = asked[:200], asked[200:]
    names = {identity: name for (identity, _, _), name in zip(judged, scanners.slices(), strict=True)}
    assert len(names) == 24 and [names[one] for one, _, _ in judged] == scanners.slices()
    regions = [*scanners.patients.BRAIN, *scanners.patients.CHEST]
    assert [regions[label] for label in labels] == [region for _, region, _ in judged]
    assert labels.bincount().tolist() == [scanners.EACH] * 5
    assert not {draw for *_, draw in judged} & {draw for *_, draw in others}


def test_grey_values_are_changed_as_the_evidence_says():
    """Equalising undoes a power to the bit, normalising only its mean and spread, a power all of it."""
    x = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    even = scanners.equalised(x)
    assert torch.equal(even, scanners.equalised(x**3)) and even[0].flatten().sort().values.diff().max() < 0.01
    assert torch.equal(scanners.equalised(torch.full((1, 3, 4, 4), 0.9)), torch.full((1, 3, 4, 4), 0.5))  # all equal
    same = scanners.moments(x**3, x)
    assert torch.allclose(same.mean((1, 2, 3)), x.mean((1, 2, 3)).mean().expand(6), atol=0.02)
    assert torch.allclose(same.std((1, 2, 3)), x.std((1, 2, 3)).mean().expand(6), atol=0.02)
    assert not torch.allclose(same, scanners.moments(x, x), atol=0.01)
    assert scanners.power(x**3, float(x.mean())) == pytest.approx(1 / 3, rel=1e-4)
