"""ResNet-26 is taught twice, the second time from what the first has written; a trunk with adapters keeps none."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from torch import nn

from evidence import _running, bolted, resnet26
from tests.helpers import built, seeded
from u3lab import nets
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


def test_the_loss_is_that_of_the_definition(monkeypatch: pytest.MonkeyPatch):
    """In single precision, by loops over pictures and places; the linear map is that of the parameters."""
    teacher = nets.Classifier(built(lambda: nn.Sequential(
        nn.Conv2d(3, 5, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 1000))),
        layers={"head": "1"}, size=64)
    pupil = built(lambda: resnet26.ResNet26(resnet26.WIDTH, resnet26.CLASSES)).eval()
    told: list = []
    monkeypatch.setattr(resnet26, "train", lambda parameters, energy, **given: told.extend([[*parameters], energy]))
    given = [torch.rand(2, 3, 128, 128, generator=seeded(step)) for step in range(10)]
    resnet26.teach(pupil, teacher, iter(given), 5, pupil.parameters(), half=False)
    (*_, weight, bias), energy = told
    with torch.no_grad():
        terms = energy(1)[1]  # of the last batch: the first shows how many features there are, eight how these spread
        pooled = torch.cat([teacher.features(x, "head").mean((2, 3)) for x in given[1:9]])
        there = teacher.features(given[9], "head").unflatten(2, (4, 4)).unflatten(4, (4, 4)).mean((3, 5))
        wanted = (there - pooled.mean(0).view(1, -1, 1, 1)) / pooled.std(0).clamp(min=1e-3).view(1, -1, 1, 1)
        small = nn.functional.interpolate(given[9], size=(64, 64), mode="bilinear", antialias=True)
        maps = pupil.maps(teacher.normalise(small))
        grid = maps.unflatten(2, (4, -1)).unflatten(4, (4, -1)).mean((3, 5))
        apart = torch.einsum("uc,bchw->buhw", weight[:, :, 0, 0], grid) + bias.view(1, -1, 1, 1) - wanted
        p, q = (scores.div(2).log_softmax(1) for scores in (teacher(given[9]), pupil.classifier(maps.mean((2, 3)))))
        kl = sum((p[b].exp() * (p[b] - q[b])).sum() for b in range(2)) / 2
    assert float(terms["places"]) == pytest.approx(3 * float(apart.square().mean()), rel=1e-3)
    assert float(terms["features"]) == pytest.approx(3 * float(apart.mean((2, 3)).square().mean()), rel=1e-3)
    assert float(terms["classes"]) == pytest.approx(4 * float(kl), rel=1e-3)


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
