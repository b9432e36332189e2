"""Fitting: the loss that is told, the code that stays, averaging, divergence; the data terms against plain NumPy."""

from collections.abc import Callable
from itertools import count

import numpy as np
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


def pair(height=12, width=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 3, height, width, generator=generator, dtype=torch.float64) for _ in range(2))


def test_inpaint_counts_the_visible_pixels_only():
    x, y = pair()
    visible = torch.rand(1, 1, 12, 16) > 0.4
    seen = visible[0, 0].numpy()
    expected = np.mean(((x - y).numpy() ** 2)[0][:, seen])
    assert float(prior.inpaint(visible)(x, y)) == pytest.approx(expected)
    for everywhere in (prior.inpaint(torch.ones(1, 1, 12, 16)), prior.reconstruct):
        assert float(everywhere(x, y)) == pytest.approx(np.mean((x.numpy() - y.numpy()) ** 2))


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_lanczos_is_a_reduction_by_windowed_sinc(factor):
    """A brute-force version: each coarse pixel is a weighted mean about its centre."""
    x, _ = pair(6 * factor, 5 * factor)
    weights = []
    for k in range(4 * factor):
        t = (k - (4 * factor - 1) / 2) / factor
        weights.append(np.sinc(t) * np.sinc(t / 2))
    weights = np.array(weights) / np.sum(weights)
    padded = np.pad(x.numpy()[0], [(0, 0), *[(2 * factor, 2 * factor)] * 2], mode="edge")
    expected = np.zeros((3, 6, 5))
    for row in range(6):
        for column in range(5):
            y, z = row * factor + factor // 2 + (factor % 2) / 2, column * factor + factor // 2 + (factor % 2) / 2
            top, left = int(y), int(z)  # the window is centred on the coarse pixel's centre
            patch = padded[:, top:top + 4 * factor, left:left + 4 * factor]
            expected[:, row, column] = np.einsum("cij,i,j->c", patch, weights, weights)
    np.testing.assert_allclose(prior.lanczos(x, factor)[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("make, words", [
    (lambda: prior.inpaint(torch.ones(12, 16)), r"give a tensor \(1,1,H,W\)"),
    (lambda: prior.inpaint(torch.rand(1, 1, 4, 4)), "other than 0 and 1"),
    (lambda: prior.inpaint(torch.zeros(1, 1, 4, 4)), "the other way round"),
    (lambda: prior.inpaint(torch.ones(1, 1, 4, 4))(torch.rand(1, 3, 5, 4), torch.rand(1, 3, 5, 4)), "4×4 pixels"),
    (lambda: prior.lanczos(torch.rand(1, 3, 10, 12), 4), "multiples of 4")])
def test_a_slip_in_a_task_is_told(make, words):
    refuses(make, says=words)
