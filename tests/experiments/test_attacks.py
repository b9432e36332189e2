"""The table of chapter 6b: what a row says, and how shares are taken of it."""

from __future__ import annotations

import pytest

from tests.helpers import squeezenet
from u3lab import nets, results
from u3lab.adversarial import quantise
from u3lab.experiments import attacks
from u3lab.experiments.attacks import Reached, Run
from u3lab.lessons.adversarial.attacking import ANY, share
from u3lab.lessons.masked import pasted


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
    rows = {Run("a", ANY, 1, "x"): Reached(2, True, False, False),
            Run("a", "t", 1, "x"): Reached(5, True, True, False),
            Run("a", "u", 1, "x"): Reached(-1, False, False, False),
            Run("a", "t", 1, "y"): Reached(1, True, False, True)}
    assert share(rows, "a", False, 1).value == 1
    assert share(rows, "a", True, 1).value == pytest.approx((0.5 + 1) / 2)
    assert share(rows, "a", True, 1, steps=2).value == pytest.approx((0 + 1) / 2)
    assert share(rows, "a", True, 1, what="fooled").value == pytest.approx(0.25)


def test_the_shipped_table_is_complete():
    rows = results.table("attacks")
    assert len(rows) == 2 * 48 * 4 * 2 and len({run.picture for run in rows}) == 48
