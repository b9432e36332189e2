"""Fitting: the loss that is told, the code that stays, averaging, divergence, bad input."""

from collections.abc import Callable
from itertools import count

import pytest
import torch
from torch import Tensor

from tests.helpers import rates_of_adam, refuses
from u3lab import images, prior
from u3lab.descent import last
from u3lab.prior.fitting import Rollback

X = images.load("coffee", size=32)


def small(**more):
    return prior.generator(**{"size": 32, "depth": 2, "widths": (8, 8), **more})


def quick(**more):
    return prior.PriorSettings(**{"steps": 60, "lr": 0.02, **more})


def test_it_draws_the_picture():
    steps = list(prior.fit(small(), X, settings=quick(steps=200)))
    assert len(steps) == 201 and steps[0].value.shape == (1, 3, 32, 32)
    assert steps[-1].loss < 0.15 * steps[0].loss
    assert (steps[-1].value - X).square().mean() < 0.3 * X.var()


def test_without_noise_and_mean_the_loss_is_that_of_the_picture_shown():
    for step in prior.fit(small(), X, settings=quick(steps=5, noise=0.0)):
        assert step.loss == pytest.approx(float((step.value - X).square().mean()), rel=1e-5)
        assert step.terms == {"data": step.loss} and step.rollbacks == 0


def test_the_code_stays_and_the_weights_move():
    psi = small()
    code, weight = psi.code.clone(), psi.colour.weight.clone()
    last(prior.fit(psi, X, settings=quick(steps=3)))
    assert torch.equal(psi.code, code) and not torch.equal(psi.colour.weight, weight)


def test_the_running_mean():
    plain = [step.value for step in prior.fit(small(), X, settings=quick(steps=6))]
    mean = plain[0]
    for raw, step in zip(plain, prior.fit(small(), X, settings=quick(steps=6, average=0.9)), strict=True):
        mean = 0.9 * mean + 0.1 * raw
        torch.testing.assert_close(step.value, mean)


def test_super_resolution_draws_a_larger_picture():
    psi = small()
    end = last(prior.fit(psi, prior.lanczos(X, 4).clamp(0, 1), task=prior.super_resolve(4), settings=quick(steps=40)))
    assert end.value.shape == (1, 3, 32, 32)
    assert end.loss < 0.01


def reckoned(factor: Callable[[int], float]) -> Callable[[Tensor, Tensor], Tensor]:
    """A data term whose value is multiplied by something at some of its calls, which are counted from 1 on."""
    calls = count(1)
    return lambda x, target: factor(next(calls)) * prior.reconstruct(x, target)


def test_a_run_that_diverges_comes_back_and_goes_on_at_half_the_rate():
    """From step 30 on the target is as far away as can be for a while: the loss jumps, and the good weights return."""
    task = reckoned(lambda call: 50.0 if call in (35, 50) else 1.0)
    with rates_of_adam() as rates:
        steps = list(prior.fit(small(), X, task=task, settings=quick(steps=60, noise=0.0)))
    assert steps[-1].rollbacks == 2
    assert len(steps) == 61 and steps[-1].loss < steps[0].loss
    assert rates == [0.02 / 2**step.rollbacks for step in steps[:-1]]


def test_the_running_mean_begins_anew_where_a_run_came_back():
    """A picture of NaN, which no weight of the past gives any more, is in no later mean."""
    psi = small()
    for average in (0.0, 0.9):
        run = prior.fit(psi, X, settings=quick(steps=6, average=average))
        for _ in range(3):
            next(run)
        psi.colour.weight.data[0] = float("nan")
        steps = list(run)
        assert steps[-1].rollbacks == 1 and all(step.value.isfinite().all() for step in steps)


def test_a_loss_that_is_low_by_luck_is_no_level_to_fall_from():
    rollback = Rollback([torch.zeros(1)], 3.2)
    for step in range(60):
        rollback.check(0.1 if step == 40 else 1.0, step)
    assert rollback.count == 0


def test_nan_is_survived_and_endless_divergence_is_told():
    once = reckoned(lambda call: float("nan") if call == 30 else 1)
    assert last(prior.fit(small(), X, task=once, settings=quick())).rollbacks == 1
    always = reckoned(lambda call: float("nan") if call > 38 else 1)
    run = prior.fit(small(), X, task=always, settings=quick())
    refuses(last, run, says="diverged 8 times.*lower the learning rate")


@pytest.mark.parametrize("run, words", [
    (lambda: prior.fit(torch.nn.Identity(), X), "generator is .*; make one with prior.generator"),
    (lambda: prior.fit(small(), images.load("coffee", size=40)), "40×40 pixels and the generator makes 32×32"),
    (lambda: prior.fit(small(), X, task=prior.super_resolve(4)), "32×32 pixels and the generator makes"),
])
def test_a_slip_is_told(run, words):
    refuses(run, says=words)
