"""The table of units before and after adaptation: on maps that are known, and on the domains that ship."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tests.experiments import planted
from u3lab import nets, results
from u3lab.experiments import adapted_units
from u3lab.experiments.domains import KIND, LABELS, NETWORK
from u3lab.lessons.dissection.adapted import LAYERS
from u3lab.lessons.universal import trials

ANGLE = {"before": 0.0, "own": 0.02, "others": 0.05, "every": 0.07, "again": 0.11}  # a layer; its cosine is known


class Shipped:
    """A network that knows which of its domains is in use."""

    state = "every"

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        self.state = {"source": "before"}[name]
        yield
        self.state = "every"


def maps(net: Shipped | str, layer: str, x: str) -> Tensor:
    """Four units: orthogonal directions, turned by a state's angle; the last is silent after adaptation."""
    state = getattr(net, "state", net)
    turned = ANGLE[state] * (1 + LAYERS.index(layer) + len(x) / 10)
    axes = torch.linalg.qr(torch.cat([torch.ones(16, 1), torch.eye(16)[:, :8]], 1).double())[0].T[1:]  # of mean 0
    found = math.cos(turned) * axes[:4] + math.sin(turned) * axes[4:8]
    found[3] *= state in ("before", "own")
    return found.view(4, 1, 4, 4)


def test_columns_tell_states_and_rows_tell_layers_and_domains(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    trained = []

    def switched(net: Shipped, domain: str, on: list[str]) -> str:
        return "own" if len(on) == 1 else {len(LAYERS) - 1: "others"}[len(on)]

    for name, value in {"of_file": lambda net, domain: Shipped(), "pictures": lambda domain: domain, "maps": maps,
                        "switched": switched, "beside_adapter": lambda maps, layer: maps,
                        "last": lambda steps, title: None, "nets": SimpleNamespace(load=lambda name: name)}.items():
        monkeypatch.setattr(adapted_units, name, value)
    monkeypatch.setattr(adapted_units.trials, "begin", lambda net, run: trained.append(run) or "again")
    monkeypatch.setattr(adapted_units.trials, "train", lambda net, run, steps: None)
    table, rates = planted.table(adapted_units, tmp_path), trials.rows_of(NETWORK)
    assert trained == [trials.Run(name, KIND, LABELS, 1, trials.chosen_rate(rates, name, KIND))
                       for name in adapted_units.adapters.DOMAINS]
    assert list(table) == [(name, layer) for name in adapted_units.adapters.DOMAINS for layer in LAYERS]
    for (name, layer), row in table.items():
        apart = {what: math.cos((ANGLE[a] - ANGLE[b]) * (1 + LAYERS.index(layer) + len(name) / 10))
                 for what, a, b in (("own", "before", "own"), ("others", "before", "others"),
                                    ("every", "before", "every"), ("again", "every", "again"))}
        assert row._asdict() == pytest.approx({"units": 3, **apart, "unlike": 0, "silent": 0.25}, abs=2e-4)


def test_what_needs_no_training_comes_out_again():
    """Of one layer of one domain; the units that another training silences may shift a median a little."""
    shipped, x = adapted_units.of_file(nets.load(NETWORK), "digits"), adapted_units.pictures("digits")[:50]
    found = adapted_units.compared(shipped, shipped, "digits", "fire9", x)
    table = results.table("adapted_units")["digits", "fire9"]
    assert found._replace(again=table.again)[1:] == pytest.approx(table[1:], abs=0.05)
    assert found.again == pytest.approx(1) and len(adapted_units.pictures("letters")) <= adapted_units.PICTURES


def test_the_deeper_the_more_changes_and_most_of_it_comes_from_below():
    """In each domain, and between columns that must agree."""
    table = results.table("adapted_units")
    for name in adapted_units.adapters.DOMAINS:
        first, last = table[name, "conv1"], table[name, "fire9"]
        assert first.others > 0.999 and first.own == pytest.approx(first.every, abs=1e-3)
        assert last.every < last.own and last.others < last.own < 1 and last.every < table[name, "fire3"].every
        assert all(abs(table[name, layer].unlike) < 0.25 and 0 <= table[name, layer].silent < 1 for layer in LAYERS)
