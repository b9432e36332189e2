"""Pairs of chapter 3: where a point is said to have gone, the picture has gone, face and background separately."""

import pytest
import torch
from torch import Tensor

from u3course.lessons.landmarks import figures as panels
from u3course.lessons.landmarks import pairs
from u3course.worlds import faces
from u3lab.landmarks.places import codes_at, inside
from u3lab.warps import Affine


def stock(count: int = 6, yaw: float = 25.0) -> pairs.Stock:
    how = {"size": pairs.SIDE, "margin": pairs.MARGIN, "each": 2, "yaw": yaw}
    layers = faces.layers(count, seed=3, **how)
    return pairs.Stock(layers, faces.fronts(layers, **how))


def difference(made: pairs.Pairs) -> tuple[Tensor, Tensor]:
    """How far the colours at u in x are from those at gu in gx, in the mean of the points that count; and of others."""
    x, gx, u, gu = made
    counted = inside(u)
    there, other = codes_at(gx, gu), codes_at(gx, gu.roll(101, 1))
    return ((codes_at(x, u) - one).abs().mean(-1)[counted].mean() for one in (there, other))


@pytest.mark.parametrize("apart", [True, False])
def test_a_point_keeps_its_colour(apart: bool):
    made = pairs.of_warps(stock(), apart=apart)(12, torch.Generator().manual_seed(0))
    assert made[0].shape == made[1].shape == (12, 3, 64, 64) and made[2].shape == made[3].shape == (12, 1024, 2)
    same, other = difference(made)
    assert same < 0.03 < 0.15 < other
    assert 0.5 < float(inside(made[2]).double().mean()) < 0.95


def test_the_same_generator_makes_the_same_pairs_and_bytes_do_as_well():
    given = stock()
    face, background = ((255 * part).round().byte() for part in (given.layers.face, given.layers.background))
    bytes_ = given._replace(layers=given.layers._replace(face=face, background=background))
    one, two, three = (pairs.of_both(of)(4, torch.Generator().manual_seed(seed))
                       for of, seed in ((given, 1), (bytes_, 1), (given, 2)))
    assert all(torch.allclose(a, b, atol=0.01) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[2], three[2])


def test_a_head_that_turns_keeps_its_colours():
    """Of two pictures of one person in different poses; with the poses of another pair, they would not."""
    given = stock(40, yaw=35.0)
    same, other = difference(pairs.of_turns(given)(30, torch.Generator().manual_seed(0)))
    wrong = given._replace(fronts=given.fronts.roll(2, 0))
    swapped, _ = difference(pairs.of_turns(wrong)(30, torch.Generator().manual_seed(0)))
    assert same < 0.08 and same < 0.7 * swapped and same < 0.6 * other


def test_a_quarter_of_the_pairs_are_of_warps_and_the_others_of_turns():
    given, draw = stock(), torch.Generator().manual_seed(0)
    made = pairs.of_both(given)(5, draw)
    again = torch.Generator().manual_seed(0)
    parts = pairs.of_warps(given)(2, again), pairs.of_turns(given)(3, again)
    assert all(torch.equal(one, torch.cat(two)) for one, two in zip(made, zip(*parts, strict=True), strict=True))


def test_what_a_face_covers_does_not_count():
    """A face that does not move before a background that moves by half a picture."""
    face = torch.zeros(1, 1, 64, 64)
    face[..., 16:48, 16:48] = 1
    still, half = Affine(torch.eye(2, 3)[None]), Affine(torch.tensor([[[1.0, 0, -0.5], [0, 1.0, 0]]]))
    x, gx = (pairs.View(still, behind, torch.zeros(1, 3, 64, 64), face) for behind in (still, half))
    u, gu = pairs.places(x, gx)
    on_face = (gu.abs() < 0.5).all(-1)
    assert torch.equal(u[on_face], gu[on_face])
    came = gu[~on_face] - torch.tensor([0.5, 0.0])
    covered = (came.abs() < 0.5).all(-1)
    assert (u[~on_face][covered] == pairs.AWAY).all() and covered.any()
    assert torch.allclose(u[~on_face][~covered], came[~covered], atol=1e-6)


def test_dots_lie_where_they_should_and_colours_are_those_of_directions():
    point, red = torch.tensor([[[0.5, -0.5]]]), torch.tensor([[1.0, 0, 0]])
    picture = panels.dotted(torch.zeros(1, 3, 8, 8), point, red, size=64)
    rows, columns = (picture[0, 0] > 0.9).nonzero(as_tuple=True)
    assert rows.double().mean() == pytest.approx(15.5) and columns.double().mean() == pytest.approx(47.5)
    codes = torch.tensor([[3.0, 0, 0], [0, -0.1, 0]]).T.reshape(1, 3, 1, 2).expand(2, -1, -1, -1)
    shown = panels.coloured(codes, 8)
    assert torch.allclose(shown[0, :, 0, 0], torch.tensor([1.0, 0.5, 0.5]))
    assert torch.allclose(shown[1, :, 0, -1], torch.tensor([0.5, 0.0, 0.5]))


def test_the_globe_shows_a_direction_on_its_own_side():
    for direction, half in (((0.0, 0.0, 1.0), 0), ((0.0, 0.0, -1.0), 1)):
        shown = panels.globe(torch.tensor([direction]), torch.ones(1, 3), size=64)[0]
        white = (shown > 0.99).all(0).nonzero().double().mean(0)
        assert white.tolist() == pytest.approx([31.5, 31.5 + 64 * half])
    assert panels.globe(torch.zeros(0, 3), torch.zeros(0, 3), size=32).shape == (1, 3, 32, 64)
