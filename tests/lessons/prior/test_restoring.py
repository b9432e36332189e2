"""The masks and fillings of notebook 04, and what its networks take up."""

from __future__ import annotations

import torch

from u3lab.lessons.prior import resisting, restoring


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
