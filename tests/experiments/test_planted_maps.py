"""The tables of chapter 6 that compare methods, on planted truths: each method's map, or share, tells its name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import small
from tests.experiments import planted
from u3lab.experiments import detection, forgetting, pointing_game
from u3lab.lessons.adversarial.detecting import KINDS, Sample
from u3lab.measures import Interval
from u3lab.saliency import METHODS


def test_forgetting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The map of a method turns round at a bank of its own, and picture, and shuffle."""
    for several, few in (("SHOWN", 4), ("PICTURES", 3)):
        monkeypatch.setattr(forgetting, several, getattr(forgetting, several)[:few])
    banks, net = 24, SimpleNamespace(size=8, bank=0, class_index=lambda label: label)
    up = torch.arange(16.0).view(1, 4, 4)

    def turns(method: str, picture: int, seed: int) -> int:
        return 2 + forgetting.SHOWN.index(method) + picture + 7 * seed

    def method(name: str):
        return lambda net, x, labels: torch.stack([
            up if net.bank < turns(name, int(one[0, 0, 0]), getattr(net, "seed", 0)) else -up for one in x])

    monkeypatch.setattr(forgetting.nets, "load", lambda name: net)
    monkeypatch.setattr(forgetting.images, "load", lambda name, size: torch.full(
        (1, 3, 4, 4), float(forgetting.PICTURES.index(name))))
    monkeypatch.setattr(forgetting, "METHODS", {name: method(name) for name in forgetting.SHOWN})
    monkeypatch.setattr(forgetting.saliency, "randomise_downwards", lambda net, seed: (
        (None, SimpleNamespace(bank=bank, seed=seed)) for bank in range(1, banks + 1)))
    table = planted.table(forgetting, tmp_path)
    assert len(table) == len(forgetting.SHOWN) * len(forgetting.PICTURES) * len(forgetting.SEEDS)
    for (name, picture, seed), (values,) in table.items():
        first = turns(name, forgetting.PICTURES.index(picture), seed)
        assert values == tuple(1.0 if bank < first else -1.0 for bank in range(1, banks + 1))


def test_pointing_game(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each row has the network, the method and the games that it names."""
    monkeypatch.setattr(pointing_game.nets, "load", lambda name: name)
    monkeypatch.setattr(pointing_game, "mosaics", lambda net, count, *, size, seed: [
        SimpleNamespace(names=(net,), number=n) for n in range(count)])

    def played(net: str, games: list, method: str, *, seed: int) -> Interval:
        assert [(*game.names, game.number) for game in games] == [(net, n) for n in range(len(games))]
        share = pointing_game.PLAYED.index(method) / 100 + pointing_game.NETWORKS.index(net) / 2
        return Interval(share, share - 0.1, share + 0.2)

    monkeypatch.setattr(pointing_game, "pointing_game", played)
    table = planted.table(pointing_game, tmp_path)
    assert list(table) == [(name, method) for name in pointing_game.NETWORKS for method in pointing_game.PLAYED]
    for (name, method), row in table.items():
        share = pointing_game.PLAYED.index(method) / 100 + pointing_game.NETWORKS.index(name) / 2
        assert row[:3] == pytest.approx((share, share - 0.1, share + 0.2))
        assert row.games == 4 * pointing_game.MOSAICS // (3 if METHODS[method].optimises else 1)


def test_detection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A detector that sees what was done to a picture, one that sees only noise, and one that sees all but blur."""
    marks = {"genuine": 0.1, "noisy": 0.2, "blurred": 0.7, "adversarial": 0.7}

    def drawn(net: object, *, names: list, crops: int, seed: int) -> list[Sample]:
        assert crops == detection.CROPS
        return [Sample(name, kind, torch.full((1, 3, 12, 10), value) + n / 1000, 0) for n, name in enumerate(names)
                for kind, value in marks.items()]

    def kind(x: Tensor) -> Tensor:
        """1 for a picture that was drawn as an attack: the last of the two alike."""
        return torch.tensor([[float(next(calls) % 4 == 3)]])

    calls = iter(range(10**6))
    features = {"strength at every layer": lambda net, x: kind(x), "map of 14×14": lambda net, x: torch.ones(1, 1),
                "score alone": lambda net, x: x.mean((1, 2, 3)).round(decimals=1)[:, None]}
    monkeypatch.setattr(detection, "samples", drawn)
    monkeypatch.setattr(detection, "FEATURES", features)
    monkeypatch.setattr(detection.nets, "load", lambda name: small()[0])
    table = planted.table(detection, tmp_path)
    assert list(table) == [(name, title) for name in detection.NETWORKS for title in features]
    for (_, title), row in table.items():
        whole, genuine, noisy, blurred = {"strength at every layer": (1, 1, 1, 1), "map of 14×14": (0.5,) * 4,
                                          "score alone": (5 / 6, 1, 1, 0.5)}[title]
        assert [one[0] for one in (row.auc, row.genuine, row.noisy, row.blurred)] == pytest.approx(
            [whole, genuine, noisy, blurred], abs=2e-3)
        assert row.over_the_score[0] == pytest.approx(whole - 5 / 6, abs=2e-3)
        assert row.samples == len(KINDS) * row.photos
