"""Painted textures: what defines each pattern, measured on its field, and reproducible pictures."""

import math

import pytest
import torch

from tests.helpers import refuses
from u3lab.worlds import patterns


def field(name, shift=(0.0, 0.0), side=240, periods=6.0):
    """The share of the second colour over six periods each way."""
    v, u = torch.meshgrid(*(torch.linspace(0, periods, side + 1)[:-1] + s for s in reversed(shift)), indexing="ij")
    return patterns.PATTERNS[name](u, v, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_a_texture_is_a_picture_and_reproducible(name):
    made = [patterns.paint(name, 48, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert made[0].shape == (1, 3, 48, 48) and 0 <= made[0].min() and made[0].max() <= 1
    assert torch.equal(made[0], made[1]) and not torch.allclose(made[0], made[2], atol=0.05)
    assert all(x.mean(1).std() > 0.05 for x in made)  # two colours that can be told apart in grey, too
    assert 0 <= field(name).min() and field(name).max() <= 1


@pytest.mark.parametrize(("name", "shift"), [("stripes", (1.0, 0.37)), ("waves", (1.0, 1.5)), ("zigzag", (1.0, 3.0)),
                                             ("checks", (1.0, 1.0)), ("dots", (1.0, 2.0)), ("dots", (0.5, 1.0)),
                                             ("lattice", (1.0, 2.0)), ("woven", (1.0, 1.0)), ("woven", (2.0, 0.0))])
def test_regular_patterns_repeat_as_they_should(name, shift):
    torch.testing.assert_close(field(name, shift), field(name), atol=1e-3, rtol=0)


def test_the_colours_cover_what_the_shapes_say():
    assert field("stripes").mean() == pytest.approx(0.5, abs=0.01)
    assert field("checks").mean() == pytest.approx(0.5, abs=0.01)
    assert field("dots").mean() == pytest.approx(math.pi * 0.3**2, abs=0.02)
    assert field("lattice").mean() == pytest.approx(1 - 0.84**2, abs=0.03)  # two lines of width 0.16 in each cell
    assert field("rings").mean() == pytest.approx(0.5, abs=0.03)


def test_two_colours_differ_in_brightness():
    g = torch.Generator().manual_seed(0)
    pairs = [patterns._two_colours(g) for _ in range(50)]
    assert all(a.shape == (3, 1, 1) and (a.mean() - b.mean()).abs() > 0.2 for a, b in pairs)


def test_an_unknown_pattern_is_told():
    refuses(patterns.paint, "paisley", 32, torch.Generator(), says="no pattern 'paisley'")
