"""The heat map of a matrix: its colours are where the numbers are, and slips are told."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from u3lab import U3Error
from u3lab.figures.charts import heatmap

NAMES = ["cat", "dog", "cup", "spoon"]


def test_positive_is_red_negative_blue_and_both_are_seen():
    def colours(sign):
        values = torch.eye(4) + sign * 0.5 * torch.tensor([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
        figure = heatmap(values, NAMES, groups=["animal", "animal", "thing", "thing"], alt="Four things.")
        pixels = np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB")).astype(int)
        return (pixels[..., 0] - pixels[..., 2] > 80).sum(), (pixels[..., 2] - pixels[..., 0] > 80).sum()

    red, blue = colours(1)
    assert red > 2000 and blue == 0
    assert colours(-1)[1] > 500


@pytest.mark.parametrize(("values", "names", "groups"), [
    (torch.eye(3), NAMES, ()), (torch.eye(4), NAMES, ["one"]), (torch.eye(4) * float("nan"), NAMES, ()),
    (torch.ones(1, 1), ["cat"], ())])
def test_slips_are_told(values, names, groups):
    with pytest.raises(U3Error, match="a heat map of shape"):
        heatmap(values, names, groups=groups, alt="Nothing.")
    with pytest.raises(U3Error, match="alt"):
        heatmap(torch.eye(4), NAMES)
