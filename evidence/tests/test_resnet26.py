"""ResNet-26 is taught twice, the second time from what the first has written; a trunk with adapters keeps none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from torch import nn

from evidence import _running, bolted, resnet26
from u3lab.nets import checkpoints


def test_the_second_training_goes_on_from_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    begun, file = [], tmp_path / "weights" / "resnet26_half.safetensors"

    def teach(net: nn.Module, teacher: str, batches: object, steps: int, weights: object,
              half: bool) -> Iterator[SimpleNamespace]:
        first = checkpoints.read(file) if file.exists() else None
        same = first is not None and all(torch.equal(value, first[name]) for name, value in net.state_dict().items())
        begun.append((batches, steps, half, same))
        nn.init.constant_(net.classifier.bias, float(steps))
        yield SimpleNamespace(iteration=steps, terms={})

    for name, stub in {"held_out": lambda size, each, seed: f"unseen {seed}",
                       "stock": lambda scenes, seed: f"stock {seed}",
                       "batches": lambda given, size, count, seed: (given, seed)}.items():
        monkeypatch.setattr(resnet26._crops, name, stub)
    monkeypatch.setattr(resnet26.nets, "load", lambda name, device: name)
    monkeypatch.setattr(resnet26, "teach", teach)
    monkeypatch.setattr(resnet26, "judged", lambda net, teacher, x: (0.25, 0.5 if x == "unseen 1" else 0.75))
    _running.run(resnet26, ["--out", str(tmp_path)])
    assert begun == [(("stock 0", 0), 1600, True, False), (("stock 1", 1), 5000, True, True)]
    with safe_open(file, "pt") as content:
        said = content.metadata()
    assert (said["step"], said["agreement with EfficientNet-Lite0"]) == ("5000", "0.250 first, 0.500 among five")


@pytest.mark.parametrize("kind", bolted.TRUNKS)
def test_what_a_trunk_is_taught_with(kind: str, monkeypatch: pytest.MonkeyPatch):
    """Both with all their filters, one also with adapters, which are in the filters at the end: the same network."""
    taught: list[int] = []

    def teach(net: nn.Module, teacher: object, batches: object, steps: int, weights: list,
              half: bool) -> Iterator[None]:
        taught.append(sum(weight.numel() for weight in weights))
        assert all(weight.requires_grad for weight in weights) and (steps, half) == (600, True)
        yield

    monkeypatch.setattr(bolted._crops, "batches", lambda given, size, count, seed: given)
    monkeypatch.setattr(bolted.resnet26, "teach", teach)
    source = bolted.nets.load(bolted.SOURCE, device="cpu", fold=False)
    net = bolted.trunk(kind, lambda: "stock", 0, short=False)
    x, whole = torch.rand(2, 3, 64, 64), sum(weight.numel() for weight in source.parameters())
    assert net.name == source.name and not any(weight.requires_grad for weight in net.parameters())
    assert torch.allclose(net(x), source(x), atol=1e-3)  # untaught adapters are zero
    assert taught == [whole] if kind == "plain" else taught[0] > whole
