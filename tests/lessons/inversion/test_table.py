"""How an inversion of chapter 5 is judged, and the slices whose lesion is painted over."""

from __future__ import annotations

import pytest
import torch

from tests.helpers import squeezenet
from u3lab import images, inversion
from u3lab.lessons.inversion import coded_lesions, table


def test_a_photo_is_its_own_perfect_inversion_and_a_moved_one_is_not():
    net, photo = squeezenet(), images.load("coffee", size=64)
    itself, moved = (table.judge(net, "fire3", x, photo) for x in (photo, photo.roll(3, 3)))
    assert itself == (0, 0, 0)
    with torch.no_grad():
        codes = [inversion.code(net, "fire3", x) for x in (photo.roll(3, 3), photo)]
    assert moved[0] == pytest.approx(float(inversion.code_error(*codes))) and moved[2] > 0


def test_the_shipped_pictures_of_the_last_layers_are_of_all_runs():
    for run, x in table.deep_pictures().items():
        assert x.shape == (1, 3, run.side, run.side)
    assert len(table.deep_pictures()) == 27


@pytest.mark.parametrize("patient", coded_lesions.PATIENTS)
def test_a_slice_with_its_lesion_painted_over_is_the_same_elsewhere(patient):
    given = coded_lesions.pair(patient)
    far = torch.nn.functional.max_pool2d(given.where, 9, 1, 4) == 0
    assert given.ill.shape == given.painted.shape == (1, 3, 128, 128)
    assert 50 < given.where.sum() < 3000
    change = (given.ill - given.painted).abs().mean(1, keepdim=True)
    assert change[far].max() == 0 and change[given.where > 0].mean() > 0.05
