"""Painted textures: what defines each pattern, measured on its field. Shapes of the area that was asked for."""

import math

import pytest
import torch

from tests.helpers import refuses
from u3course.worlds import patterns


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


def many(area, size=96):
    g = torch.Generator().manual_seed(0)
    return torch.cat([patterns.shape(size, g, area=area) for _ in range(60)])


def test_shapes_are_masks_with_soft_borders_and_a_small_one_has_its_area():
    made = many(0.2)
    assert made.shape == (60, 1, 96, 96) and made.min() == 0 and made.max() == 1
    soft = ((made > 0.02) & (made < 0.98)).float().mean((1, 2, 3))
    assert (soft > 0).all() and (soft < 0.15).all()
    found = many(0.03, size=192).mean((1, 2, 3))  # so small that none is cut by the picture's border much
    assert found.median() == pytest.approx(0.03, rel=0.05) and (found < 0.033).all()


def test_slips():
    refuses(patterns.paint, "paisley", 32, torch.Generator(), says="no pattern 'paisley'")
    refuses(patterns.shape, 32, torch.Generator(), area=1.5, says="between 0 and 1")
