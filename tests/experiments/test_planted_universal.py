"""Chapter 1's tables on planted truths: networks whose share of right answers tells what they were trained for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from tests.experiments import planted
from u3lab.experiments import adapters, bolted, sensitivity, shrinkage
from u3lab.lessons.universal import lesions, trials

COUNT = 1000  # pictures of a split


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Tensor]], None]:
    """Networks that know of what they were begun and trained for; what they answer is given by a function of both."""

    def plant(answers: Callable[[SimpleNamespace, str, str], tuple[Tensor, Tensor]]) -> None:
        def train(net: SimpleNamespace, run: trials.Run, **how: object) -> Iterator[None]:
            assert run == net.run
            net.half = torch.is_autocast_enabled("cpu")
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


def network(name: str, *parts: nn.Module) -> SimpleNamespace:
    return SimpleNamespace(name=name, device=torch.device("cpu"), modules=lambda: parts)


def best(method: str, rates: tuple[float, ...]) -> float:
    """The rate that validation likes best; it is another for each method, and not the one that the test likes."""
    return rates[list(adapters.RATES).index(method) % len(rates)]


def choosing(order: dict[tuple, int], rates: Callable[[str], dict], half: Callable[[str], bool]) -> Callable:
    """Answers whose share tells the run, and the split; of the validation pictures a rate makes most right."""

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert name == net.run.domain and net.how == {"steps": None}
        key = (net.net.name, *net.run)
        if split == "test":
            return right(900 - order.setdefault(key, len(order)))
        assert split == "val" and not torch.is_autocast_enabled("cpu") and net.half == half(net.net.name)
        return right(500 + (net.run.rate == best(net.run.method, rates(net.net.name)[net.run.method])))

    return answers


def check(table: dict[tuple, tuple], order: dict[tuple, int], rates: Callable[[str], dict]) -> None:
    assert set(table) == set(order)
    for run, row in table.items():
        network, domain, method, labels, seed, rate = run
        some = rates(network)[method]
        wanted = (500 + (rate == best(method, some))) / COUNT if labels == 20 and seed == 0 else None
        assert row.test == (900 - order[run]) / COUNT and (wanted == row.val or wanted is None and row.val != row.val)
        assert rate in some if wanted else rate == best(method, some)


def test_adapters(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Validation chooses each rate, out of higher ones where there are batch norms; the test chooses nothing."""

    def rates(name: str) -> dict:
        return adapters.RATES if name == "squeezenet1_1" else adapters.HIGHER

    order: dict[tuple, int] = {}
    trained(choosing(order, rates, lambda name: name == "resnet26_half"))
    monkeypatch.setattr(adapters.nets, "load", lambda name, fold: network(
        name, *[nn.BatchNorm2d(1)] * (name != "squeezenet1_1" and not fold)))
    monkeypatch.setattr(adapters, "DOMAINS", ("letters",))
    monkeypatch.setattr(adapters, "SEEDS", range(2))
    table = planted.table(adapters, tmp_path)
    check(table, order, rates)
    assert len(table) == 7 * (3 + 3 * 2 - 1) + 2 * (4 * (3 + 2 - 1) + 1)


def test_bolted(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each trunk is trained once, for its own rows."""
    order: dict[tuple, int] = {}
    grown = []
    trained(choosing(order, lambda name: adapters.HIGHER, lambda name: False))
    monkeypatch.setattr(bolted, "trunk", lambda kind, given, seed, short: grown.append(kind) or network(kind))
    monkeypatch.setattr(adapters, "SEEDS", range(2))
    table = planted.table(bolted, tmp_path)
    check(table, order, lambda name: adapters.HIGHER)
    assert grown == list(bolted.TRUNKS) and len(table) == 2 * 3 * ((4 + 1) + (3 + 1))
