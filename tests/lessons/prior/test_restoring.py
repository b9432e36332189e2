"""The shipped fillings of notebook 04, and the curves of its long runs."""

from __future__ import annotations

import json

import pytest
import torch

from u3lab import images, prior
from u3lab._system import paths
from u3lab.lessons.prior import resisting, restoring


def test_the_table_has_all_that_was_planned():
    found = restoring.shipped()
    assert set(found) == set(restoring.plan())
    for run, reached in found.items():
        fitted = run.method in restoring.SHAPES
        assert not fitted or reached.visible < 2 * restoring.FIT or reached.steps == restoring.MOST
        assert (reached.visible == 0) == (run.method in restoring.RIVALS)


@pytest.mark.parametrize("task", ["hole", "text", "half", "wide"])
def test_a_rival_fills_as_the_table_says(task: str):
    name = restoring.PHOTOS[task][0]
    run = restoring.Run(task, name, "biharmonic", 0)
    steps, made = restoring.filled(run)
    again, shipped = restoring.measured(run, steps, made), restoring.shipped()[run]
    assert again.psnr == pytest.approx(shipped.psnr, abs=0.02)
    assert again.perceptual == pytest.approx(shipped.perceptual, abs=0.01)
    assert prior.psnr(restoring.pictures(task)[run], made.clamp(0, 1)) > 30


def test_what_is_shown_is_what_was_measured():
    """The pictures are JPEGs, so the errors agree but for a little."""
    table = restoring.shipped()
    for task in restoring.TASKS:
        for run, shown in restoring.pictures(task).items():
            x, hidden = restoring.photo(run.photo), (1 - restoring.mask(task, run.photo)).bool()
            error = float((shown - x)[hidden.expand_as(x)].square().mean())
            assert error == pytest.approx(10 ** (-table[run].psnr / 10), rel=0.1, abs=2e-4)


def test_masks_hide_some_and_not_all():
    for task in restoring.TASKS:
        for name in restoring.PHOTOS[task]:
            m = restoring.mask(task, name)
            assert m.shape == (1, 1, restoring.SIDE, restoring.SIDE) and 0.03 < float(1 - m.mean()) < 0.6
            assert restoring.photo(name).shape[1:] == (3, restoring.SIDE, restoring.SIDE)


def test_a_run_ends_when_the_visible_pixels_are_fitted():
    x, m = images.load("coffee", size=64), torch.ones(1, 1, 64, 64)
    m[..., 20:40, 20:40] = 0
    settings = prior.PriorSettings(steps=300, noise=0.0)
    early, late = (restoring.drawn(x, m, {"depth": 2}, settings, fit=fit) for fit in (0.02, 0.005))
    assert 0 < early.iteration < late.iteration < 300 and late.loss < early.loss


def test_colours_apart_are_the_same_values_in_other_orders():
    made = resisting.wanted("coffee", 0)
    x, apart = made["picture"], made[resisting.APART]
    assert torch.equal(x.flatten(2).sort().values, apart.flatten(2).sort().values)
    together, separate = (torch.corrcoef(one[0].flatten(1))[0, 1] for one in (made["shuffled pixels"], apart))
    assert together > 0.5 and abs(separate) < 0.1


def test_the_curves_are_complete_and_begin_as_a_new_run_does():
    found = resisting.shipped()
    assert len(found) == len(resisting.PHOTOS) * len(resisting.TARGETS) * resisting.SEEDS
    marks = resisting.marks(resisting.STEPS)
    assert all(len(curve) == len(marks) for curve in found.values())
    run = next(iter(found))
    assert resisting.missing(run, 5) == pytest.approx(found[run][: len(resisting.marks(5))], rel=0.02)
    far = resisting.shipped_long()
    assert {run[:2] for run in far} == {(f, p) for f in resisting.FAULTS for p in resisting.LONG_PHOTOS}
    assert all(len(values) == len(resisting.marks(resisting.LONG)) for values in far.values())
    assert json.loads(paths.data("results", "stopping.json").read_text())["marks"] == resisting.marks(resisting.LONG)
