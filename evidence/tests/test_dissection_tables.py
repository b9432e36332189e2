"""The tables of layers, and of units before and after adaptation; and what is kept of a dissection."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _trials as trials
from evidence import adapted_units, dissected, layers
from evidence.domains import KIND, LABELS, NETWORK
from evidence.tests import planted
from u3course.lessons.dissection import kinds, words
from u3course.lessons.dissection.adapted import LAYERS
from u3lab import dissection, nets, results
from u3lab.datasets.labelled import LabelledPictures
from u3lab.measures import Interval


def test_layers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Counts and accuracies that tell network and layer; probes learn from what is not held out."""
    def number(network: str, layer: str) -> int:
        return 20 * list(layers.LAYERS).index(network) + layers.LAYERS[network].index(layer)

    def dissect(net: str, layer: str, data: int) -> SimpleNamespace:
        assert data == layers.PICTURES
        k = number(net, layer)
        return SimpleNamespace(thresholds=range(300 + k), labels=lambda: range(200 + k), k=k)

    def probed(net: str, some: tuple[str, ...], learn: tuple, ask: tuple) -> dict[str, Interval]:
        assert (learn, ask) == ((False, layers.EACH), (True, layers.EACH))
        return {layer: Interval(0.5 + number(net, layer) / 200, 0.1, 0.95) for layer in some}

    monkeypatch.setattr(layers, "network", lambda name: name)
    monkeypatch.setattr(layers, "dissected_on", lambda count, least: count)
    monkeypatch.setattr(layers, "asked", lambda held_out, each: (held_out, each))
    monkeypatch.setattr(layers.dissection, "dissect", dissect)
    monkeypatch.setattr(layers.dissection, "unique_detectors", lambda found: 100 + found.k)
    monkeypatch.setattr(layers.words, "probed", probed)
    for run, row in planted.table(layers, tmp_path).items():
        k = number(*run)
        assert row._asdict() == {"units": 300 + k, "unique": 100 + k, "labels": 200 + k, "low": 0.1, "high": 0.95,
                                 "accuracy": pytest.approx(0.5 + k / 200)}


def test_a_network_is_untrained_if_its_name_says_so():
    trained, fresh = (layers.network(name).state_dict() for name in ("squeezenet1_1", layers.UNTRAINED))
    assert trained.keys() == fresh.keys() and not all(torch.equal(trained[key], fresh[key]) for key in trained)


def test_no_source_of_a_word_is_on_both_sides():
    learn, ask = (sum(words.sources_of(held_out=held_out).values(), []) for held_out in (False, True))
    assert not set(learn) & set(ask) and len(learn) == len(set(learn)) > len(ask) == len(set(ask))


def test_what_is_kept_of_a_dissection():
    torch.manual_seed(0)
    net = nets.Classifier(torch.nn.Sequential(torch.nn.Conv2d(3, 12, 3, padding=1)), size=6).eval()
    pictures = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    masks = torch.eye(4).view(4, 4, 1, 1).expand(4, 4, 6, 6) > 0.5
    data = LabelledPictures(("bird", "fish", "tool", "ball"), pictures, masks)
    found, tops = dissection.dissect_layers(net, ("0",), data), dissection.peaks(net, ("0",), data, count=2)
    kept = dissected.arrays(found, tops)
    assert kept["concepts"].tolist() == list(data.names) and kept["0 pictures"].tolist() == tops["0"].pictures.tolist()
    assert torch.equal(torch.from_numpy(kept["0 thresholds"])[0], found["0"].thresholds)
    assert torch.equal(torch.from_numpy(kept["0 iou"]), found["0"].iou.float())
    assert len(kept["0 thresholds"]) == len(kinds.SHARES)


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
