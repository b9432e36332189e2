"""Notebook 04, what is put where a lesion was: the hole, and the shipped fillings."""

from __future__ import annotations

import pytest
import torch

from u3lab import prior
from u3lab.lessons.prior import restoring


def test_the_hole_is_a_square_with_a_margin():
    lesion = torch.zeros(1, 60, 50, dtype=torch.bool)
    lesion[0, 20:31, 24:29] = True  # 11 by 5: half of 1.4 times 10 is 7
    m = restoring.square_round(lesion)
    hole = (m[0, 0] == 0).nonzero()
    assert m.shape == (1, 1, 60, 50) and hole.amin(0).tolist() == [18, 19] and hole.amax(0).tolist() == [31, 32]


@pytest.mark.parametrize("name", restoring.PATIENTS)
def test_the_lesion_is_hidden_and_the_rest_is_as_it_was(name: str):
    x, lesion, m = restoring.patient(name)
    assert lesion.any() and not m[0][lesion].any() and m.mean() > 0.7
    made = restoring.shipped()[name]
    assert len(made) == restoring.SEEDS[name] and all(one.shape == x.shape for one in made)
    known = m.bool().expand_as(x)
    assert all(prior.psnr(one[known], x[known]) > 20 for one in made)


def test_the_vessels_are_hidden_and_the_rest_is_as_it_was():
    x, m = restoring.retina()
    made, known = restoring.shipped()[restoring.RETINA], m.bool().expand_as(x)
    assert len(made) == 6 and all(prior.psnr(one[known], x[known]) > 20 for one in made)
    assert not any(torch.equal(one, made[0]) for one in made[1:])
