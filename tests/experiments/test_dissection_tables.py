"""The table of layers on a planted truth, and what is kept of a dissection."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.experiments import planted
from u3lab import dissection, nets
from u3lab.datasets.labelled import LabelledPictures
from u3lab.experiments import dissected, layers
from u3lab.lessons.dissection import kinds, words
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
