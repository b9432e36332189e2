"""Notebook 04: its masks and fillings, what its networks take up, and what is put where a lesion was."""

import pytest
import torch

from u3course.lessons.prior import resisting, restoring
from u3lab import prior


def test_masks_hide_some_and_not_all():
    for task, names in restoring.PHOTOS.items():
        for name in names:
            m = restoring.mask(task, name)
            assert m.shape == (1, 1, restoring.SIDE, restoring.SIDE) and 0.03 < float(1 - m.mean()) < 0.6
            assert restoring.photo(name).shape[1:] == (3, restoring.SIDE, restoring.SIDE)


def test_colours_apart_are_the_same_values_in_other_orders():
    made = resisting.wanted("coffee", 0)
    x, apart = made["picture"], made[resisting.APART]
    assert torch.equal(x.flatten(2).sort().values, apart.flatten(2).sort().values)
    together, separate = (torch.corrcoef(one[0].flatten(1))[0, 1] for one in (made["shuffled pixels"], apart))
    assert together > 0.5 and abs(separate) < 0.1


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
