"""Chapter 6c's tables: guesses of features, stitched networks, and both on planted truths."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _squares, joints, moving
from evidence._plan import Plan
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.equivariance.transforms import GUESSES, LAYERS, TRANSFORMS
from u3lab import equivariance, nets

FIT, TEST, EACH = torch.zeros(2, 3, 8, 8), torch.linspace(0.1, 0.9, 8).view(8, 1, 1, 1).expand(8, 3, 8, 8), 2


def squares(plan, side: int) -> tuple[Tensor, Tensor, int]:
    plan.fit(squares=FIT)
    plan.judge(squares=TEST)
    return FIT, TEST, EACH


def test_moving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Fitted on the squares to fit on, judged on the others; each guess has its own error and its own answers."""
    known = {"nothing": 2, "moved": 4, "mapped": 6}  # of eight squares, so many answers are the recomputed ones
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(moving.nets, "load", lambda name: name)

    def fit(net: str, layer: str, pictures: Tensor, g: object, **how: object) -> SimpleNamespace:
        assert net == moving.NETWORK and pictures is FIT
        number = LAYERS.index(layer) + 10 * list(TRANSFORMS.values()).index(g)
        return SimpleNamespace(number=number + 100 * (list(moving.SPARSE.values()).index(how) + 1 if how else 0))

    def errors(found: SimpleNamespace, pictures: Tensor) -> SimpleNamespace:
        assert set(pictures[:, 0, 0, 0].tolist()) <= set(TEST[:, 0, 0, 0].tolist())
        mapped = 1.0 if len(pictures) < len(TEST) and pictures[0, 0, 0, 0] > 0.5 else 0.1  # better in half of them
        return SimpleNamespace(overall=lambda: (3.0 + found.number, 0.5, mapped), invariant=lambda: found.number / 1000)

    def answers(found: SimpleNamespace, pictures: Tensor) -> dict[str, Tensor]:
        right = {name: (torch.arange(8) < count).long() for name, count in {**known, "recomputed": 8}.items()}
        return {name: torch.nn.functional.one_hot(one, 2).float() for name, one in right.items()}

    monkeypatch.setattr(moving.equivariance, "fit_equivariance", fit)
    monkeypatch.setattr(moving.equivariance, "errors", errors)
    monkeypatch.setattr(moving.equivariance, "transported_scores", answers)
    table = planted.table(moving, tmp_path)
    sparse = [("upside down", layer, guess) for layer in moving.TRIED["upside down"] for guess in moving.SPARSE]
    dense = [(name, layer, guess) for name in TRANSFORMS for layer in LAYERS for guess in GUESSES]
    assert set(table) == {*dense, *sparse} and len(table) == len(dense) + len(sparse)
    for (name, layer, guess), row in table.items():
        number = LAYERS.index(layer) + 10 * list(TRANSFORMS).index(name)
        number += 100 * (list(moving.SPARSE).index(guess) + 1 if guess in moving.SPARSE else 0)
        of = {"do nothing": "nothing", "moved": "moved"}.get(guess, "mapped")
        assert row.error == pytest.approx({"nothing": 3.0 + number, "moved": 0.5, "mapped": 0.1}[of])
        assert row.agreement == known[of] / 8 and row.low <= row.agreement <= row.high
        assert row.only_moved == pytest.approx(number / 1000) and row.better == (2 if of == "mapped" else 0)


def test_joints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each stitch answers as the upper network in as many squares as its own way says."""
    right = dict(zip(joints.HOWS, (7, 1, 2, 6, 3, 5), strict=True))
    seen = []
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(joints.nets, "load", lambda name: SimpleNamespace(name=name))
    monkeypatch.setattr(joints, "grids", lambda net: {"fire3": 8} if net.name == joints.SQUEEZE else {"stage2": 8})
    monkeypatch.setattr(joints, "joined", lambda below, above, run, fit: seen.append((run, fit is FIT)) or run)

    def answers(net: object, pictures: Tensor) -> Tensor:
        assert pictures is TEST
        names = (joints.SQUEEZE, joints.LITE, joints.LITE1)  # the number of a network is what it always answers
        if isinstance(net, joints.Run):
            return torch.where(torch.arange(8) < right[net.how], names.index(net.above), -1)
        return torch.full((8,), names.index(net.name))

    monkeypatch.setattr(joints, "first_answers", answers)
    table = planted.table(joints, tmp_path)
    hows = {pair: [run.how for run in table if (run.below, run.above) == pair] for pair in joints.PAIRS}
    assert list(hows.values()) == [list(joints.HOWS), list(joints.HOWS), ["fitted", "whole"]]
    assert all(row.value == right[run.how] / 8 for run, row in table.items()) and all(fitted for _, fitted in seen)
    assert [run for run, _ in seen] == list(table)


def test_agreement_resamples_pictures():
    answers, wanted = (torch.tensor([1, other]).repeat_interleave(40) for other in (2, 3))
    found = _squares.agreement(answers, wanted, 40)
    assert found.value == 0.5 and (found.low, found.high) == (0, 1)


def test_squares_are_of_other_pictures_on_each_side(tmp_path):
    plan = Plan("moving", out=tmp_path)
    fit, test, each = _squares.fit_and_judge(plan, 16)
    fitted, judged = (plan.uses[role]["pictures"] for role in ("fit", "judge"))
    assert len(fit) == _squares.FIT * len(fitted) and len(test) == each * len(judged) == _squares.TEST * len(judged)
    assert len(judged) == 30 and len(fitted) == 65 and plan.overlaps() == {}


def test_a_row_is_of_the_three_guesses():
    net = squeezenet()
    pictures = torch.rand(4, 3, 95, 95, generator=torch.Generator().manual_seed(0))
    found = equivariance.fit_equivariance(net, "conv1", pictures, moving.TRANSFORMS["mirrored"])
    rows = moving.judged(found, pictures, 2)
    whole = equivariance.errors(found, pictures)
    assert tuple(row.error for row in rows.values()) == whole.overall() and set(rows) == set(moving.GUESSES)
    assert rows["M_g"].better == 2 and rows["moved"].better == 0 and rows["moved"].only_moved == whole.invariant()


def test_a_joint_is_a_network_with_the_answers_of_the_upper_one():
    net = squeezenet()
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    run = joints.Run(net.name, "fire3", net.name, "fire3", "fitted")
    sewn = joints.joined(net, net, run, pictures)
    assert joints.joined(net, net, run._replace(how="whole"), pictures) is net
    found = joints.measured(net, net, run, pictures, pictures, lambda: joints.first_answers(net, pictures), 1)
    assert torch.equal(joints.first_answers(sewn, pictures), joints.first_answers(net, pictures))
    assert found.value == 1  # a network sewn to itself


def test_a_joint_is_made_in_the_way_of_its_name(monkeypatch):
    trained = []
    for name, stub in {"stitch": lambda *given: given, "identity_stitch": lambda sewn: ("identity", *sewn),
                       "shuffled_stitch": lambda sewn: ("shuffled", *sewn),
                       "distil": lambda sewn, fit, settings: trained.append((*sewn, settings.steps)) or [None]}.items():
        monkeypatch.setattr(joints.equivariance, name, stub)
    monkeypatch.setattr(joints.nets, "untrained", lambda net: f"untrained {net}")
    of = {how: joints.joined("below", "above", joints.Run("", "a", "", "b", how), "fit") for how in joints.HOWS}
    sewn = ("below", "a", "above", "b", "fit")
    assert of == {"fitted": sewn, "identity": ("identity", *sewn), "shuffled": ("shuffled", *sewn), "trained": sewn,
                  "untrained": ("untrained below", *sewn[1:]), "whole": "below"}
    assert trained == [(*sewn, joints.STEPS)]


def test_grids_of_one_size():
    assert joints.grids(squeezenet())["fire5"] == 28 and joints.grids(nets.load("efficientnet_lite0"))["stage3"] == 28
