"""Chairs on a turntable: what is said of their pose and their outline is what is seen."""

import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial import ConvexHull, Delaunay
from scipy.spatial.transform import Rotation
from skimage.draw import polygon2mask

from u3course.worlds import turntable
from u3course.worlds.chairs import Thing, bar, chair, hull
from u3lab import images

LAMP, WHITE, RED = torch.tensor([0.0, 0.8, 0.6]), torch.ones(3), (1.0, 0.0, 0.0)
SLANTED = [(x * s + d, y, z * s) for y, s, d in ((0, 1, 0), (1.2, 0.7, 0.3)) for x in (-1, 1) for z in (-1, 1)]
draw, views = (functools.partial(call, "chair") for call in (turntable.draw, turntable.views))


@pytest.fixture(scope="module")
def made() -> turntable.Turntable:
    return draw(6, seed=1)


def pose(azimuth: float, elevation: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The tilt and the turn, each of one axis."""
    return (turntable.rotation(torch.tensor([0.0]), torch.tensor([elevation]))[0],
            turntable.rotation(torch.tensor([azimuth]), torch.tensor([0.0]))[0])


def test_form(made):
    images.check(made.images)
    assert made.images.shape == (6, 3, 64, 64) and made.rotations.shape == (6, 3, 3)
    assert made.azimuth.min() >= 0 and made.azimuth.max() < 360 and made.azimuth.std() > 40
    low, high = turntable.ELEVATION
    assert low <= made.elevation.min() and made.elevation.max() <= high
    assert torch.equal(made.rotations, turntable.rotation(made.azimuth, made.elevation))
    assert made.instances.tolist() == [0, 0, 1, 1, 2, 2]
    for number in range(24):
        covered = turntable.seen(chair(number), *pose(70.0 * number, 30.0), 64, LAMP, WHITE)[1] >= 0.5
        assert 0.08 < covered.float().mean() < 0.6
        assert not covered[[0, -1]].any() and not covered[:, [0, -1]].any()  # all of it is in the picture


def test_rotations_are_scipys():
    azimuth, elevation = torch.tensor([0.0, 40, 200, 359]), torch.tensor([0.0, 10, 50, 90])
    theirs = Rotation.from_euler("yx", np.stack([azimuth, elevation], 1), degrees=True).as_matrix()
    np.testing.assert_allclose(turntable.rotation(azimuth, elevation), theirs, atol=1e-6)


def test_two_dozen_things_of_which_two_are_held_out_and_more_for_who_wants_them(made):
    things = [chair(number) for number in range(24)]
    assert len({one.corners.numpy().tobytes() for one in things}) == 24
    assert len({tuple(part.colour for part in one.parts) for one in things}) > 6
    known = {split: draw(3, size=16, split=split, each=1).instances.tolist() for split in ("train", "test")}
    assert known == {"train": [0, 1, 2], "test": [22, 23, 22]}
    more = {split: draw(30, size=16, split=split, each=1, things=30).instances.tolist() for split in ("train", "test")}
    assert more == {"train": [*range(22), *range(24, 40, 2)], "test": [22, 23, *range(25, 80, 2)]}
    assert torch.equal(draw(6, seed=1, things=22).images, made.images)
    assert chair(38).corners.shape != chair(79).corners.shape or not torch.equal(chair(38).corners, chair(79).corners)


def test_one_seed_one_series(made):
    assert all(torch.equal(a, b[:3]) for a, b in zip(draw(3, seed=1), made, strict=True))
    for other in ({"seed": 2}, {"seed": 1, "split": "test"}):
        assert not torch.equal(draw(3, **other).azimuth, made.azimuth[:3])


def test_a_film_has_one_light_and_one_wall():
    film = views(23, torch.tensor([0.0, 120, 240]), torch.full((3,), 30.0), size=32)
    assert (film.images[:, :, 0] == film.images[:1, :, 0]).all() and film.instances.tolist() == [23] * 3
    assert (film.images[0] - film.images[1]).abs().max() > 0.2


@pytest.mark.parametrize("azimuth, elevation", [(0.0, 0.0), (33.0, 20.0), (200.0, 70.0), (90.0, 90.0)])
def test_the_outline_of_a_box_is_that_of_its_corners(azimuth: float, elevation: float):
    """Against scikit-image's polygon: the hull of the corners, put on paper by SciPy's rotation."""
    block = Thing([hull([(x, y, z) for x in (-1, 1) for y in (0, 1.5) for z in (-2, 2)], RED, "box")])
    _, cover, _ = turntable.seen(block, *pose(azimuth, elevation), 96, LAMP, WHITE)
    turned = (block.corners.numpy() - block.middle.numpy()) @ Rotation.from_euler(
        "yx", (azimuth, elevation), degrees=True).as_matrix().T / block.radius
    paper = turned[:, :2] * (1, -1) / (5 - turned[:, 2:]) * math.sqrt(24) / 1.06
    outline = paper[ConvexHull(paper).vertices]
    theirs = polygon2mask((96, 96), (outline[:, ::-1] + 1) / 2 * 96 - 0.5)
    ours = cover.numpy() >= 0.5
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97


@pytest.mark.parametrize("part", [hull(SLANTED, RED, "a"), bar((-1, 0, 0), (1, 0.5, 0), (0.5, 0.3), RED, "a")])
def test_a_ray_meets_a_solid_where_it_first_comes_into_it(part):
    """Against going along each ray in small steps, until SciPy says that the place is inside."""
    draw = np.random.default_rng(0)
    origin, aims = np.array([1.5, 2.0, 4.0]), draw.uniform(-1.3, 1.3, (300, 3))
    rays = np.float32((aims - origin) / 4)
    t, normals = part.meets(torch.tensor(origin).float(), torch.from_numpy(rays))
    steps = np.arange(0, 9, 0.01)
    inside = Delaunay(part.corners).find_simplex(origin + steps[:, None, None] * rays) >= 0
    hit = inside.any(0)
    assert 60 < hit.sum() < 290 and (t.isfinite().numpy() == hit).mean() > 0.98
    both = hit & t.isfinite().numpy()
    np.testing.assert_allclose(t[both], steps[inside.argmax(0)][both], atol=0.02)
    torch.testing.assert_close(normals[both].norm(dim=1), torch.ones(int(both.sum())), atol=1e-4, rtol=0)
    assert ((normals[both] * torch.from_numpy(rays)[both]).sum(1) < 1e-4).all()


def brute(one: Thing, origin: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """Which rays (P,3) meet anything, every part asked about every ray, (P)."""
    return torch.stack([part.meets(origin, rays)[0] for part in one.parts]).amin(0).isfinite()


def test_no_window_cuts_a_part_off_and_a_shadow_is_where_the_lamp_is_hidden():
    one, (tilt, turn), size = chair(4), pose(70.0, 40.0), 40
    rotation = tilt @ turn
    origin = one.middle + one.radius * turntable.AWAY * rotation[2]
    _, cover, table = turntable.seen(one, tilt, turn, size, LAMP, WHITE)
    fine, rays = ((turntable.through(side, turntable.SLOPE) @ rotation).view(-1, 3)
                  for side in (size * turntable.FINE, size))
    met = brute(one, origin, fine).float().view(1, 1, 2 * size, 2 * size)
    assert torch.equal(F.avg_pool2d(met, turntable.FINE)[0, 0], cover)
    places = origin - origin[1] / rays[:, 1:2] * rays
    dark = brute(one, places, (turn.T @ LAMP).expand(len(places), 3)).view(size, size)
    assert dark.sum() > 100 and table.min() >= 1 - turntable.SHADOW
    assert table[dark].mean() < 0.76 < 0.97 < table[~dark].mean()


def test_far_poses_look_different():
    """No two views of a thing that are 60° or more apart are alike, as views of a thing without a front would be."""
    for number in (0, 22):
        film = views(number, torch.arange(0.0, 360, 20), torch.full((18,), 20.0), size=32).images.flatten(1)
        steps = (torch.arange(18)[:, None] - torch.arange(18)).abs()
        apart = torch.cdist(film, film)[torch.minimum(steps, 18 - steps) >= 3]
        assert apart.min() > 0.3 * apart.median(), number


def test_the_front_looks_where_the_azimuth_says():
    """The back of a chair is high; at 90°, its front to the right, it is left, and at 270° right."""
    one = chair(2)
    for azimuth, left in ((90.0, True), (270.0, False)):
        _, cover, _ = turntable.seen(one, *pose(azimuth, 10.0), 64, LAMP, WHITE)
        top = cover[int(cover.any(1).nonzero()[0]) + 3]
        assert bool((top > 0).nonzero().float().mean() < 32) is left
