"""Runs of chapter 5 that begin at the answer, codes of lesions, and one code under many priors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from u3lab import nets
from u3lab.lessons.inversion import coded_lesions, deep, five_priors, table
from u3lab.lessons.inversion.deep import Run


@pytest.fixture(scope="module")
def net():
    return nets.load("squeezenet1_1", device="cpu")


def test_a_run_from_the_photo_begins_nearer_to_it_than_one_from_noise(net):
    noise, near = (Run("dog", net.name, "conv10", start, 128, 0) for start in ("noise", "the photo"))
    photo = deep.photo_of(noise)
    first = [deep.search(net, run, steps=1, drawing=40)[0].value for run in (noise, near)]
    assert (first[1] - photo).square().mean() < 0.5 * (first[0] - photo).square().mean()


def test_the_best_step_is_kept(net):
    first, best = deep.search(net, Run("dog", net.name, "conv10", "noise", 128, 0), steps=4)
    assert first.iteration == 0 and best.loss <= first.loss


def test_rows_and_sheets_of_the_last_layers():
    runs = deep.runs()
    assert len(set(runs)) == len(runs)
    assert sum(run.start == "the photo" and run.side == deep.SMALL for run in runs) == 3 * 5
    for rows in deep.sheets().values():
        assert all(set(row) <= set(runs) for row in rows.values()) and len({len(row) for row in rows.values()}) == 1


@pytest.mark.parametrize("patient", coded_lesions.PATIENTS)
def test_a_slice_with_its_lesion_painted_over_is_the_same_elsewhere(patient):
    given = coded_lesions.pair(patient)
    far = torch.nn.functional.max_pool2d(given.where, 9, 1, 4) == 0
    assert given.ill.shape == given.painted.shape == (1, 3, 128, 128)
    assert 50 < given.where.sum() < 3000
    change = (given.ill - given.painted).abs().mean(1, keepdim=True)
    assert change[far].max() == 0 and change[given.where > 0].mean() > 0.05


def test_the_share_of_a_lesion_that_comes_back():
    given = coded_lesions.pair("brain1")
    a, b = (x.mean(1, keepdim=True) for x in (given.ill, given.painted))
    assert coded_lesions.share(a, b, given) == pytest.approx(1, abs=1e-5)
    assert coded_lesions.share(a, a, given) == 0
    assert coded_lesions.share(0.25 * a, 0.25 * b, given) == pytest.approx(0.25, abs=1e-5)


def test_unlikeness_is_the_frechet_distance_by_scipy():
    eye, x = nets.load(five_priors.EYE, device="cpu"), table.photo_of("palace")
    known = five_priors.statistics(eye, [table.photo_of("dog"), table.photo_of("bison")])
    values = five_priors.places(eye, x).numpy()
    c, c0 = np.cov(values.T), known.covariance.numpy()
    wanted = (np.square(values.mean(0) - known.mean.numpy()).sum()
              + np.trace(c + c0 - 2 * scipy.linalg.sqrtm(c @ c0).real))
    assert five_priors.unlikeness(eye, x, known) == pytest.approx(wanted, rel=1e-3)
    assert five_priors.unlikeness(eye, x, five_priors.statistics(eye, [x])) == pytest.approx(0, abs=1e-3 * wanted)
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    assert five_priors.unlikeness(eye, noise, known) > five_priors.unlikeness(eye, x, known)


def test_the_nearest_crop_is_the_one_with_the_smallest_distance(net):
    crops = torch.cat([table.photo_of(name) for name in ("hens", "palace", "dog")])
    assert torch.equal(five_priors.nearest(net, table.photo_of("dog"), crops.split(2)), crops[2:])
