"""Chapter 6c's tables: guesses of features, stitched networks, and both on planted truths."""

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from evidence import _squares, joints, moving
from evidence._plan import Plan
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.equivariance.transforms import GUESSES, LAYERS, TRANSFORMS
from u3lab import equivariance

FIT, TEST, EACH = torch.zeros(2, 3, 8, 8), torch.linspace(0.1, 0.9, 8).view(8, 1, 1, 1).expand(8, 3, 8, 8), 2


class Named(NamedTuple):
    """A network of which only the name counts."""

    name: str


def squares(plan, side: int) -> tuple[Tensor, Tensor, int]:
    plan.fit(squares=FIT)
    plan.judge(squares=TEST)
    return FIT, TEST, EACH


def test_moving(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Fitted on the squares to fit on, judged on the others; each guess has its own error and its own answers."""
    known = {"nothing": 2, "moved": 4, "mapped": 6}  # of eight squares, so many answers are the recomputed ones
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(moving.nets, "load", lambda name: name)
    monkeypatch.setattr(moving.nets, "untrained", lambda net, seed: f"{net} {seed}")
    monkeypatch.setattr(_squares, "FIT", 1)  # so that one picture is a square
    monkeypatch.setattr(moving, "FEWER", (1, 2))

    def fit(net: str, layer: str, pictures: Tensor, g: object) -> SimpleNamespace:
        name, _, seed = net.partition(" ")
        assert name == moving.NETWORK and torch.equal(pictures, FIT[:len(pictures)])
        return SimpleNamespace(number=LAYERS.index(layer) + 10 * list(TRANSFORMS.values()).index(g),
                               of=len(pictures) + 100 * int(seed or 0))

    def errors(found: SimpleNamespace, pictures: Tensor) -> SimpleNamespace:
        seen = 0 if pictures is TEST else 0.5  # on what it was fitted
        assert pictures is TEST or torch.equal(pictures, FIT)
        return SimpleNamespace(overall=lambda: (3.0 + found.number, 0.5, 0.1 + found.of + seen))

    def answers(found: SimpleNamespace, pictures: Tensor) -> dict[str, Tensor]:
        assert pictures is TEST
        right = {name: (torch.arange(8) < count).long() for name, count in {**known, "recomputed": 8}.items()}
        return {name: torch.nn.functional.one_hot(one, 2).float() for name, one in right.items()}

    monkeypatch.setattr(moving.equivariance, "fit_equivariance", fit)
    monkeypatch.setattr(moving.equivariance, "errors", errors)
    monkeypatch.setattr(moving.equivariance, "transported_scores", answers)
    tables = planted.tables(moving, tmp_path)
    assert set(tables["moving"]) == {(name, layer, guess) for name in TRANSFORMS for layer in LAYERS
                                     for guess in GUESSES}
    for (name, layer, guess), row in tables["moving"].items():
        number = LAYERS.index(layer) + 10 * list(TRANSFORMS).index(name)
        of = {"do nothing": "nothing", "moved": "moved"}.get(guess, "mapped")
        assert row.error == pytest.approx({"nothing": 3.0 + number, "moved": 0.5, "mapped": 2.1}[of])
        assert row.agreement == known[of] / 8 and row.low <= row.agreement <= row.high
        assert row.gain == (known[of] - known["moved"]) / 8 and row.gain_low <= row.gain <= row.gain_high
    learnt = tables["moving_pictures"]
    assert set(learnt) == {(name, layer, count) for name in moving.LEARNT for layer in LAYERS for count in (1, 2)}
    assert all(row == pytest.approx((0.1 + run.pictures, 0.6 + run.pictures)) for run, row in learnt.items())
    fresh = tables["moving_untrained"]
    assert set(fresh) == {(*run[:2], weights) for run in learnt for weights in moving.WEIGHTS}
    assert all(row == pytest.approx((0.5, 2.1 + {"1": 100, "2": 200}.get(run.weights[-1], 0)))
               for run, row in fresh.items())


def test_joints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each stitch answers as the upper network in as many squares as its own way says."""
    right = dict(zip(joints.HOWS, (7, 1, 2, 6, 3, 4), strict=True))
    seen = []
    monkeypatch.setattr(_squares, "fit_and_judge", squares)
    monkeypatch.setattr(joints.nets, "load", Named)

    def joined(below: Named, above: Named, run: joints.Run, fit: Tensor, steps: int) -> list[joints.Run]:
        seen.append((run, fit is FIT and steps == joints.STEPS))
        return [run._replace(how=how) for how in joints.HOWS]

    def answers(net: object, pictures: Tensor) -> Tensor:
        assert pictures is TEST
        names = (joints.SQUEEZE, joints.LITE, joints.SIBLING)  # the number of a network is what it always answers
        if isinstance(net, joints.Run):
            return torch.where(torch.arange(8) < right[net.how], names.index(net.above), -1)
        return torch.full((8,), names.index(net.name))

    monkeypatch.setattr(joints, "joined", joined)
    monkeypatch.setattr(joints, "first_answers", answers)
    table = planted.table(joints, tmp_path)
    assert all(row.value == (0 if run.how == "whole" else right[run.how] / 8) for run, row in table.items())
    assert all(row.gain == row.value for row in table.values())  # the whole lower one is never right
    assert len(table) == sum(1 + len(pairs) * len(joints.HOWS) for pairs in joints.PAIRS.values())
    assert all(fitted for _, fitted in seen)
    assert [run for run, _ in seen] == [run for run in table if run.how == "fitted"]
    for a, b in joints.JOINTS:
        assert {(run.below_layer, run.above_layer) for run in table} >= {(a, b), (b, a)}


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
    assert tuple(row.error for row in rows.values()) == equivariance.errors(found, pictures).overall()
    assert set(rows) == set(moving.GUESSES) and max(rows["moved"].gain, rows["do nothing"].gain) == 0


def test_a_joint_is_a_network_with_the_answers_of_the_upper_one():
    net = squeezenet()
    pictures = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    run = joints.Run(net.name, "fire3", net.name, "fire3", "fitted")
    fitted, identity, shuffled, trained, *untrained = joints.joined(net, net, run, pictures, 1)
    wanted = joints.first_answers(net, pictures)
    assert all(torch.equal(joints.first_answers(one, pictures), wanted) for one in (fitted, identity))  # sewn to itself
    weights = [one.module.stitch.weight for one in (fitted, shuffled, trained, *untrained)]
    assert all(not torch.equal(a, b) for n, a in enumerate(weights) for b in weights[:n])
    assert torch.equal(weights[0].sort(1).values, weights[1].sort(1).values)
    lower = [one.module.a.module.state_dict() for one in (trained, *untrained)]
    assert all(torch.equal(x, y) for x, y in zip(lower[0].values(), net.module.state_dict().values(), strict=True))
    assert any(not torch.equal(x, y) for x, y in zip(lower[1].values(), lower[0].values(), strict=True))
    row = joints.compared(fitted, net, net, lambda one: joints.first_answers(one, pictures), 1)
    assert row == (1, 1, 1, 0, 0, 0)
