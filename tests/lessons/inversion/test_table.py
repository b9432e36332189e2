"""The big table: what is written down of a picture; what ships is looked at in tests/data."""

from __future__ import annotations

import pytest
import torch

from u3lab import images, inversion, nets
from u3lab.lessons.inversion import table


def test_a_photo_is_its_own_perfect_inversion_and_a_moved_one_is_not():
    net, photo = nets.load("squeezenet1_1", device="cpu"), images.load("coffee", size=64)
    itself, moved = (table.judge(net, "fire3", x, photo) for x in (photo, photo.roll(3, 3)))
    assert (itself.code, itself.moved, itself.pixels) == (0, 0, 0)
    with torch.no_grad():
        codes = [inversion.code(net, "fire3", x) for x in (photo.roll(3, 3), photo)]
    assert moved.code == pytest.approx(float(inversion.code_error(*codes))) and moved.pixels > 0
