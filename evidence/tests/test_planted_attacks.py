"""Tables that compare attacks, detectors and methods of chapter 6, on planted truths: known steps, maps and shares."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import adversarial_patch, attacks, detection, forgetting, pointing_game
from evidence.attacks import Row, Run
from evidence.tests import planted
from tests.helpers import squeezenet
from tests.u3lab.adversarial.attacked import small
from u3course.lessons.adversarial import attacking
from u3course.lessons.adversarial.attacking import ANY, DRAWN, share
from u3course.lessons.adversarial.detecting import KINDS, Sample
from u3course.lessons.saliency.things import pasted
from u3lab import nets
from u3lab.adversarial import quantise
from u3lab.measures import Interval
from u3lab.saliency import METHODS

ALL = (slice(None), slice(None))
CLASSES = ("dark", "bright", "never", "hopeless", "lost")
# "bright" begins where the red, or red and green together, passes its threshold; the other three never lead
NETWORKS = {"squeezenet1_1": [1.0, 0.0, 0.0], "efficientnet_lite0": [0.5, 0.5, 0.0]}


def network(name: str):
    red, green, blue = (100 * w for w in NETWORKS[name])
    far = [0.0, 0.0, 1.0]  # more blue makes them likelier, and they would need much more than an attack has
    weights = [[0.0] * 3, [red, green, blue], far, far, far]
    return planted.network(name, CLASSES, (ALL,), weights, [0.0, -100 * 127.6 / 255, -9.0, -9.0, -9.0], 32)


def picture(levels: float) -> Tensor:
    """Grey, so many levels below the last one that is dark; on whole levels."""
    return torch.full((1, 3, 32, 32), (127 - levels) / 255)


def test_an_attacked_picture_is_one_that_every_network_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attacking, "labelled", lambda nets: {"photo": picture(0)})
    monkeypatch.setattr(attacking, "pasted", lambda size: (SimpleNamespace(name="a", label="dark", image=picture(1)),))
    monkeypatch.setattr(attacking, "fools", lambda net, x, label: net == "wrong")
    assert list(attacking.pictures(["right", "right"])) == ["photo", "a (pasted)"]
    assert list(attacking.pictures(["right", "wrong"])) == ["photo"]


def test_adversarial_patch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Made on some photos with the maker, put down on others with each network, in the size and turn of its row."""
    given = torch.rand(4, 3, 8, 8), torch.rand(14, 3, 8, 8)
    monkeypatch.setattr(adversarial_patch, "photos", lambda: given)
    monkeypatch.setattr(adversarial_patch.nets, "load", lambda name: name)
    monkeypatch.setattr(adversarial_patch, "cut_out", lambda patch, size: patch)
    monkeypatch.setattr(adversarial_patch, "shuffled", lambda patch: 1 - patch)

    def training(net: str, pictures: Tensor, target: str, *, settings: object) -> Iterator[SimpleNamespace]:
        assert (net, target, settings.steps) == ("squeezenet1_1", "bubble", 800) and pictures is given[0]
        yield SimpleNamespace(value=torch.full((1, 3, 8, 8), 0.25))

    def reached(net: str, patch: float, scale: float, turn: float) -> float:
        return adversarial_patch.NETWORKS.index(net) / 2 + patch / 4 + scale / 4 + turn / 1000

    def success_rate(net: str, pictures: Tensor, target: str, patch: Tensor, *, scale: float, turn: float,
                     trials: int) -> float:
        assert pictures is given[1] and (target, trials) == ("bubble", 8 * 14)
        return reached(net, float(patch.mean()), scale, turn)

    monkeypatch.setattr(adversarial_patch, "adversarial_patch", training)
    monkeypatch.setattr(adversarial_patch, "success_rate", success_rate)
    table = planted.table(adversarial_patch, tmp_path)
    assert len(table) == 2 * (6 + 4 + 1)
    for (name, varied, value), row in table.items():
        size, turn = (value, 45) if varied == "size" else (0.33, value)
        assert row.rate == pytest.approx(reached(name, 0.75 if varied == "pixels shuffled" else 0.25, size, turn),
                                         abs=1e-3), (name, varied, value)


def test_attacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A step of ε/4 is a quarter of a level, or one: when the threshold is passed is known, and whether both see it.

    An attack on the first network changes red alone, which is half of what the second one sees.
    """
    monkeypatch.setattr(attacks.nets, "load", network)
    shown = {"near": ("dark", picture(0)), "further": ("dark", picture(2)), "far": ("dark", picture(9))}
    monkeypatch.setattr(attacks, "pictures", lambda networks: shown)
    table = planted.table(attacks, tmp_path)
    assert len(table) == 2 * 3 * (2 * (1 + 3 + attacks.DRAWS) + 1)
    for (name, goal, level, which), row in table.items():
        if attacking.kind(goal) in (attacking.NOISE, attacking.SMALLEST):  # noise has no direction
            assert row == ((1, True, name == "efficientnet_lite0", False) if level == 0 else (-1, False, False, False))
            continue
        missing = {"near": 0.6, "further": 2.6, "far": 9.6}[which]  # levels from the picture to the threshold
        assert goal in (ANY, *CLASSES[1:]) and goal != "dark"
        turned = goal in (ANY, "bright") and level > missing
        assert row.there == turned, (name, goal, level, which)
        # A file has whole levels, the nearest; a step before it gets there, or after, half a level may be either
        reaches = [next(n for n in range(1, 99) if round(n * level / 4 + half) > missing) if turned else -1
                   for half in (1e-6, -1e-6)]
        assert row.first in reaches and (level == 1 or len(set(reaches)) == 1), (name, goal, level, which)
        carried = turned and (name == "efficientnet_lite0" or level / 2 > missing)
        assert row.fooled == carried and row.reached == (carried and goal == "bright"), (name, goal, level, which)
    held = {(run.network, row.there, row.fooled) for run, row in table.items()}
    assert {("squeezenet1_1", True, False), ("efficientnet_lite0", True, True)} <= held  # the rows tell them apart


def test_an_attack_is_followed_step_by_step():
    net, lite = squeezenet(), nets.load("efficientnet_lite0")
    x = quantise(pasted(96)[9].image)
    label = net.classes[int(net.logits(x).argmax())]
    row = attacks.measured(net, lite, x, label, ANY, 4, steps=4)
    assert 1 <= row.first <= 4 and row.there and not row.reached
    never = attacks.measured(net, lite, x, label, attacks.targets(net, label, 1, seed=0)[0], 1, steps=1)
    assert never.first == -1 and not never.there


def test_targets_are_other_classes_and_the_same_each_time():
    net = squeezenet()
    found = attacks.targets(net, "espresso", 5, seed=1)
    assert len(set(found)) == 5 and "espresso" not in found == attacks.targets(net, "espresso", 5, seed=1)


def test_a_share_is_a_mean_over_pictures():
    rows = {Run("a", ANY, 1, "x"): Row(2, True, False, False),
            Run("a", "t", 1, "x"): Row(5, True, True, False),
            Run("a", "u", 1, "x"): Row(-1, False, False, False),
            Run("a", "t", 1, "y"): Row(1, True, False, True)}
    assert share(rows, "a", ANY, 1).value == 1
    assert share(rows | {Run("b", ANY, 1, "x"): Row(-1, False, False, False)}, None, ANY, 1).value == 0.5
    assert share(rows, "a", DRAWN, 1).value == pytest.approx((0.5 + 1) / 2)
    assert share(rows, "a", DRAWN, 1, what="fooled").value == pytest.approx(0.25)
    rows |= {Run("a", f"noise #{n}", 1, which): Row(-1, False, which == "x", False) for n in (0, 1) for which in "xy"}
    assert share(rows, "a", DRAWN, 1, what="fooled", over_noise=True).value == pytest.approx((0.5 - 1 + 0) / 2)


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


def test_what_other_detectors_see():
    net, x = squeezenet(), quantise(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    assert detection.FEATURES["score alone"](net, x).item() == pytest.approx(net(x).max().item())
    assert detection.small_map(net, x).shape == (1, 196) and detection.small_map(net, x).isfinite().all()
