"""The transformer's training; its table and that of matches on planted truths."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import matches, transformer
from evidence._muon import Muon
from evidence.tests import planted
from tests.helpers import built, seeded
from u3course.worlds.faces import Faces
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import checkpoints
from u3lab.nets.vit import vit

PHOTOS = transformer.PHOTOS


@pytest.fixture
def teacher() -> nets.Classifier:
    module = built(lambda: nn.Sequential(nn.Conv2d(3, 5, 8, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                         nn.Linear(5, 1000)))
    return nets.Classifier(module, layers={"head": "1"}, size=64)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of noise, two a step, and two steps."""
    monkeypatch.setattr(transformer, "batch", lambda given, count, step: torch.rand(
        2, 3, transformer.TEACHER, transformer.TEACHER, generator=seeded(step + 100)))
    monkeypatch.setattr(transformer, "STEPS", 2)
    monkeypatch.setattr(transformer, "LARGE", 1)


def test_what_learns_is_the_pupil(few, teacher):
    net = transformer.Taught(teacher)
    begun = copy.deepcopy(net.state_dict())
    assert last(transformer.teach(net, "stock")).iteration == 2
    assert not any(torch.equal(begun[name], net.state_dict()[name]) for name in begun
                   if name.endswith("weight") and "norm" not in name)
    assert not any(name.startswith("teacher") for name in begun)


def test_pictures_grow_and_the_rate_falls_in_the_last_steps(few, teacher, monkeypatch):
    told, sides = {}, []
    monkeypatch.setattr(transformer, "train", lambda parameters, energy, **given: told.update(given, energy=energy))
    net = transformer.Taught(teacher)
    transformer.teach(net, "stock")
    net.pupil.patch_embed.register_forward_pre_hook(lambda module, inputs: sides.append(inputs[0].shape[2:]))
    terms = [told["energy"](step)[1] for step in range(3)]
    assert sides == [(64, 64), (96, 96), (96, 96)] and all(term > 0 for term in terms[0].values())
    shares = [told["rate"](step) / transformer.RATE for step in range(max(transformer.RATES))]
    assert shares == sorted(shares[:700]) + sorted(shares[700:], reverse=True) and min(shares) == shares[0] == 0.005
    monkeypatch.setattr(transformer, "RATES", {0: 0.5, 10: 1, 20: 0})
    assert [told["rate"](step) / transformer.RATE for step in (0, 5, 10, 15)] == pytest.approx([0.5, 0.75, 1, 0.5])
    assert told["optimiser"] is Muon and told["steps"] == 2


def test_the_loss_is_that_of_the_definition(few, teacher, monkeypatch):
    """In single precision, by loops over pictures and places."""
    told = {}
    monkeypatch.setattr(transformer, "train", lambda parameters, energy, **given: told.update(energy=energy))
    net = transformer.Taught(teacher)
    transformer.teach(net, "stock", short=True)
    with torch.no_grad():
        terms = told["energy"](0)[1]
        x = transformer.batch(None, 2, 0)
        maps = nn.functional.adaptive_avg_pool2d(teacher.features(x, "head"), 4)
        pooled = torch.cat([teacher.features(transformer.batch(None, 2, -1 - k), "head").unflatten(
            2, (4, 4)).unflatten(4, (4, 4)).mean((2, 3, 4, 5)) for k in range(8)])
        wanted = (maps - pooled.mean(0).view(1, -1, 1, 1)) / pooled.std(0).clamp(min=1e-3).view(1, -1, 1, 1)
        tokens = net.pupil.forward_features(teacher.normalise(transformer.smaller(x, 64)))
        grid = tokens[:, 1:].mT.reshape(2, 192, 4, 2, 4, 2).mean((3, 5))
        apart = torch.einsum("uc,bchw->buhw", net.linear.weight[:, :, 0, 0], grid) + net.linear.bias.view(
            1, -1, 1, 1) - wanted
        p, q = (scores.div(2).softmax(1) for scores in (teacher(x), net.pupil.head(tokens[:, 0])))
        kl = sum((p[b] * (p[b] / q[b]).log()).sum() for b in range(2)) / 2
    assert float(terms["places"]) == pytest.approx(3 * float(apart.square().mean()), rel=1e-3)
    assert float(terms["features"]) == pytest.approx(3 * float(apart.mean((2, 3)).square().mean()), rel=1e-3)
    assert float(terms["classes"]) == pytest.approx(4 * float(kl), rel=1e-3)


def test_units_that_do_not_vary_may_be_left_out():
    """A third of each MLP's says always the same, or is not listened to: no answer changes."""
    net, x = vit(transformer.TAUGHT).eval(), torch.rand(2, 3, 96, 96, generator=seeded(0))
    with torch.no_grad():
        for block in net.blocks:
            block.mlp.fc1.weight[::6] = 0  # 96 units of 576
            block.mlp.fc1.bias[::6] = 0.7
            block.mlp.fc2.weight[:, 1::6] = 0
            block.mlp.fc2.weight[:, 2::6] *= 10
        lean = transformer.leaner(net, x)
        other = torch.rand(2, 3, 96, 96, generator=seeded(1))
        torch.testing.assert_close(lean(other), net(other), rtol=1e-4, atol=1e-4)
        assert lean.blocks[0].mlp.fc1.weight.shape == (384, 192) and not any(
            block.mlp.fc2._forward_pre_hooks for block in net.blocks)
        net.blocks[3].mlp.fc2.weight[:, 3::6] = 0  # more than a third: then one of these stays, and says nothing
        torch.testing.assert_close(transformer.leaner(net, x)(other), net(other), rtol=1e-4, atol=1e-4)


def test_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The teacher names class 0 always; a pupil of shift s gives class s, so that 0 is the first, among five, or not.
    """
    def scores(x: Tensor, shift: float) -> Tensor:
        return -0.05 * (torch.arange(1000.0) - shift).abs().expand(len(x), -1)

    def net(shift: float) -> SimpleNamespace:
        return SimpleNamespace(logits=lambda x: scores(x, shift), eval=lambda: net(shift), normalise=lambda x: x)

    shifts = {"resnet26_half": 0.0, "squeezenet1_1": 1.9, "efficientnet_lite0": 0.2}
    monkeypatch.setattr(transformer.nets, "load", lambda name, device: net(shifts[name]))
    monkeypatch.setattr(transformer, "_teacher", lambda: net(0.1))
    squares = torch.zeros(2 * len(PHOTOS), 3, 8, 8)
    monkeypatch.setattr(transformer._squares, "squares", lambda size, held_out: ([], squares))
    monkeypatch.setattr(transformer, "stock", lambda short: "stock")
    monkeypatch.setattr(transformer, "batch", lambda given, count, step: squares[:2])
    pupil = vit()
    monkeypatch.setattr(transformer, "Taught", lambda teacher: SimpleNamespace(pupil=pupil))
    monkeypatch.setattr(transformer, "teach", lambda net, given, short: iter([None]))
    monkeypatch.setattr(transformer, "leaner", lambda net, x: net)
    monkeypatch.setattr(transformer.zoo, "transformer", lambda name, file, side: net(9.0) if set(
        checkpoints.read(file)) == set(pupil.state_dict()) and (name, side) == ("vit", 96) else None)
    rows = planted.table(transformer, tmp_path)
    p = scores(squares[:1], 0.1)[0].double().softmax(0)
    for (name,), shift in zip(rows, (0.1, 0.0, 9.0, 1.9, 0.2), strict=True):
        q = scores(squares[:1], shift)[0].double().softmax(0)
        expected = sum(float(a) * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0 and b > 0)
        first, five, divergence = rows[name,]
        assert set(first.values()) == {float(shift < 0.5)} and set(five.values()) == {float(shift < 2)}, name
        assert list(first) == PHOTOS and divergence[PHOTOS[0]] == pytest.approx(expected, abs=1e-3), name
    assert list(rows) == [(one,) for one in transformer.PUPILS]


COUNT = 5


def faces(seed: int) -> Faces:
    """Pictures whose landmarks lie in the middle of cells of 2 pixels, no two in one."""
    cells = torch.stack([torch.randperm(1024, generator=seeded(seed + number))[:8] for number in range(COUNT)])
    points = 2.0 * torch.stack([cells % 32, cells // 32], -1) + 1
    images = torch.rand(COUNT, 3, 64, 64, generator=seeded(seed))
    nothing = torch.zeros(COUNT, 1)
    return Faces(images, nothing.bool(), points, nothing[:, 0].long(), nothing)


MADE = {"choose": faces(10), "judge": faces(20)}


def codes(images: Tensor, exchanged: bool) -> Tensor:
    """Landmark k has the code k; in pictures 1 and 3 the next one's, if they are exchanged."""
    maps = torch.zeros(len(images), 9, 32, 32)
    maps[:, 8] = 1
    for n, image in enumerate(images):
        made, number = next((made, number) for made in MADE.values() for number in range(COUNT)
                            if torch.equal(F.interpolate(made.images[number, None], size=image.shape[1:],
                                                         mode="bicubic").clamp(0, 1)[0], image))
        for k, (x, y) in enumerate((made.points[number] // 2).long().tolist()):
            maps[n, :, y, x] = torch.eye(9)[(k + 1) % 8 if exchanged and number in (1, 3) else k]
    return maps


def test_matches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(matches.trials, "marked", lambda kind, role: (None, MADE[role]))
    monkeypatch.setattr(matches.trials, "taught", lambda which: lambda images: 100 * codes(images, False))
    monkeypatch.setattr(matches, "squares", lambda images: codes(images, True))
    monkeypatch.setattr(matches.nets, "load", lambda name, device: name)
    monkeypatch.setattr(matches, "LAYERS", {"transformer": ("good", "bad"), "SqueezeNet": ("bad",)})
    monkeypatch.setattr(matches, "SIDES", {"transformer": (64,), "SqueezeNet": (96,)})
    monkeypatch.setattr(matches, "extract_features", lambda net, layers, images: {
        layer: 7 * codes(images, layer == "bad") for layer in layers})
    rows = planted.table(matches, tmp_path)

    def expected(role: str, exchanged: bool, found: bool = True) -> float:
        total, points = 0.0, MADE[role].points
        for n in range(COUNT):
            there, here = (n + 1) % COUNT, n
            step = exchanged * ((here in (1, 3)) - (there in (1, 3)))  # the code k is read, and found at k + step
            eyes = (points[there, 0] - points[there, 1]).norm()
            for k in range(8):
                place = points[there, (k + step) % 8] if found else points[here, k]
                total += float((place - points[there, k]).norm() / eyes)
        return 100 * total / COUNT / 8

    for run, (choose, error) in rows.items():
        bad = run[0] == "pixels" or run[1] == "bad"
        for role, got in (("choose", choose), ("judge", error[0])):
            assert got == pytest.approx(expected(role, bad, run[0] != matches.FLOOR), abs=0.01), run
    assert [tuple(run) for run in rows] == [
        ("the same place", "", 64), ("pixels", "", 64), ("chapter 3's labeller", "", 64), ("transformer", "good", 64),
        ("transformer", "bad", 64), ("SqueezeNet", "bad", 96)]
    assert "transformer, good, 64 px" in matches.summary(rows)


def test_squares_are_the_pixels_around():
    x = torch.rand(1, 3, 12, 12, generator=seeded(0))
    found = matches.squares(x)
    assert found.shape == (1, 243, 6, 6)
    around = F.pad(x, (4, 4, 4, 4))[0, :, 6:15, 8:17]  # of pixel (6, 8), nine a side
    code = (around - around.mean()).flatten()
    torch.testing.assert_close(found[0, :, 3, 4], code / code.norm())
