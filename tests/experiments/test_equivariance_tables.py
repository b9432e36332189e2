"""The tables of chapter 6c: guesses of features, and stitched networks."""

from __future__ import annotations

import torch

from tests.helpers import squeezenet
from u3lab import equivariance, nets, results
from u3lab.experiments import _squares, joints, moving
from u3lab.experiments._plan import Plan
from u3lab.experiments.moving import Run


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


def test_the_shipped_tables_hold_what_the_notebook_reads():
    rows = results.table("moving")
    assert all(Run(name, layer, guess) in rows for name in moving.TRANSFORMS for layer in moving.LAYERS
               for guess in moving.GUESSES)
    assert all(Run(name, layer, guess) in rows for name, layers in moving.TRIED.items() for layer in layers
               for guess in moving.SPARSE)
    sewn = results.table("joints")
    assert {run.how for run in sewn} == set(joints.HOWS) and all(0 <= row.low <= row.high <= 1 for row in sewn.values())


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
