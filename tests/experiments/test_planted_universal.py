"""Chapter 1's tables on planted truths: networks whose share of right answers tells what they were trained for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab.experiments import sensitivity, shrinkage
from u3lab.lessons.universal import lesions, trials

COUNT = 1000  # pictures of a split


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Tensor]], None]:
    """Networks that know of what they were begun and trained for; what they answer is given by a function of both."""

    def plant(answers: Callable[[SimpleNamespace, str, str], tuple[Tensor, Tensor]]) -> None:
        def train(net: SimpleNamespace, run: trials.Run, **how: object) -> Iterator[None]:
            assert run == net.run
            yield
            net.how = how  # not before the last step

        monkeypatch.setattr(trials, "begin", lambda net, run: SimpleNamespace(net=net, run=run, name="planted"))
        monkeypatch.setattr(trials, "train", train)
        monkeypatch.setattr(trials, "answers", lambda net, name, split="test": answers(net, name, split))

    return plant


def right(count: int) -> tuple[Tensor, Tensor]:
    """Answers of which so many are right, and the true ones."""
    true = torch.arange(COUNT) % 7
    return torch.where(torch.arange(COUNT) < count, true, true + 1), true


def test_sensitivity(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each organ, split and seed finds its own share of lesions, and leaves its own share of healthy squares alone."""

    def shares(domain: str, split: str, seed: int) -> tuple[int, int]:  # of a hundred lesions and healthy squares
        found = 1 + seed + 20 * list(lesions.ASKED).index(split) + 40 * lesions.DOMAINS.index(domain)
        return found, 99 - found

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert (net.run.method, net.run.labels, net.run.rate) == ("parallel", 20, 0.0015)
        assert net.run.domain == name and net.how == {"steps": None} and net.net == sensitivity.NETWORK
        found, spared = shares(name, split, net.run.seed)
        true = (torch.arange(200) < 100).long()  # a lesion is 1
        return torch.cat([torch.arange(100) < found, torch.arange(100) >= spared]).long(), true

    trained(answers)
    monkeypatch.setattr(sensitivity.nets, "load", lambda name: name)
    monkeypatch.setattr(sensitivity, "SEEDS", (0, 7, 19))
    table = planted.table(sensitivity, tmp_path)
    assert len(table) == 2 * 2 * 3
    for run, row in table.items():
        found, spared = shares(*run)
        assert (row.sensitivity, row.specificity) == (found / 100, spared / 100), run


def test_shrinkage(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each training is of its own λ, centre, rate, labels and seed; val and test are not exchanged."""
    order: dict[tuple, int] = {}

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert name == net.run.domain and net.run.rate == shrinkage.RATES[net.run.method]
        assert net.how.pop("steps") is None and net.how.keys() == {"lam", "prior"} and net.net == "unfolded"
        net.how["steps"] = None
        key = (name, net.run.method, net.how["prior"], net.run.labels, net.how["lam"], net.run.seed)
        return right(2 * order.setdefault(key, len(order)) + 1 + (split == "test"))

    trained(answers)
    monkeypatch.setattr(shrinkage.nets, "load", lambda name, fold: name if fold else "unfolded")
    monkeypatch.setattr(shrinkage, "SEEDS", (1,))
    table = planted.table(shrinkage, tmp_path)
    assert set(table) == set(order) and len(table) == 3 * (3 * 9 - 2)
    for run, row in table.items():
        assert (row.val, row.test) == ((2 * order[run] + 1) / COUNT, (2 * order[run] + 2) / COUNT), run
