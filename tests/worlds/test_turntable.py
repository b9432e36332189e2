"""Things on a turntable: what is said of their pose, their outline and their points is what is seen."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull, Delaunay
from scipy.spatial.transform import Rotation
from skimage.draw import polygon2mask

from tests.helpers import refuses
from u3course.worlds import turntable
from u3course.worlds.turntable import raytracing, solids
from u3course.worlds.turntable.made import ELEVATION, held_out, thing_of
from u3course.worlds.turntable.solids import Thing, thing
from u3lab import images

LIGHT = raytracing.Light(torch.tensor([0.0, 0.8, 0.6]), torch.ones(3))
KINDS = pytest.mark.parametrize("kind", turntable.KINDS)


@pytest.fixture(scope="module")
def made() -> dict[str, turntable.Turntable]:
    return {kind: turntable.draw(kind, 6, seed=1) for kind in turntable.KINDS}


def pose(azimuth: float, elevation: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The tilt and the turn, each of one axis."""
    return (turntable.rotation(torch.tensor([0.0]), torch.tensor([elevation]))[0],
            turntable.rotation(torch.tensor([azimuth]), torch.tensor([0.0]))[0])


@KINDS
def test_form(kind: str, made):
    found, points = made[kind], len(turntable.POINTS[kind])
    images.check(found.images)
    assert found.images.shape == (6, 3, 64, 64) and found.masks.shape == (6, 64, 64) and found.masks.dtype == torch.bool
    assert found.rotations.shape == (6, 3, 3) and found.points.shape == (6, points, 2)
    assert found.visible.shape == (6, points) and found.visible.dtype == torch.bool
    assert found.azimuth.min() >= 0 and found.azimuth.max() < 360 and found.azimuth.std() > 40
    assert ELEVATION[0] <= found.elevation.min() and found.elevation.max() <= ELEVATION[1]
    assert found.instances.tolist() == [0, 0, 1, 1, 2, 2] and found.points.abs().max() < 1
    assert 0.08 < found.masks.float().mean((1, 2)).min() and found.masks.float().mean((1, 2)).max() < 0.6
    assert not found.masks[:, [0, -1]].any() and not found.masks[:, :, [0, -1]].any()  # all of it is in the picture


def test_rotations_are_scipys():
    azimuth, elevation = torch.tensor([0.0, 40, 200, 359]), torch.tensor([0.0, 10, 50, 90])
    theirs = Rotation.from_euler("yx", np.stack([azimuth, elevation], 1), degrees=True).as_matrix()
    np.testing.assert_allclose(turntable.rotation(azimuth, elevation), theirs, atol=1e-6)


@KINDS
def test_two_dozen_things_of_which_two_are_held_out(kind: str):
    things = [thing_of(kind, number) for number in range(24)]
    shapes = {tuple(one.points.flatten().tolist()) for one in things}
    assert len(shapes) == 24 and len({tuple(part.colour for part in one.parts) for one in things}) > 6
    test, train = turntable.draw(kind, 3, size=16, split="test", each=1), turntable.draw(kind, 3, size=16, each=1)
    assert test.instances.tolist() == [22, 23, 22] and train.instances.tolist() == [0, 1, 2]


def test_who_wants_more_things_gets_others_and_none_is_in_both_splits(made):
    more = {split: turntable.draw("car", 30, size=16, split=split, each=1, things=30).instances
            for split in ("train", "test")}
    assert more["train"].tolist() == [*range(22), *range(24, 40, 2)]
    assert more["test"].tolist() == [22, 23, *range(25, 80, 2)]
    assert torch.equal(turntable.draw("car", 6, seed=1, things=22).images, made["car"].images)
    assert thing_of("car", 38).points.flatten().tolist() != thing_of("car", 79).points.flatten().tolist()
    assert not any(map(held_out, more["train"].tolist())) and all(map(held_out, more["test"].tolist()))
    assert turntable.views("car", 25, torch.zeros(1), torch.zeros(1), size=16).instances.tolist() == [25]


def test_one_seed_one_series(made):
    again = turntable.draw("car", 3, seed=1)
    assert all(torch.equal(a, b[:3]) for a, b in zip(again, made["car"], strict=True))
    for other in ({"seed": 2}, {"split": "test"}):
        assert not torch.equal(turntable.draw("car", 3, **({"seed": 1} | other)).azimuth, again.azimuth)


def test_photos_change_what_is_behind_and_nothing_else(made):
    with_photos, without = turntable.draw("car", 4, seed=1, photos=True), made["car"]
    assert torch.equal(with_photos.masks, without.masks[:4]) and torch.equal(with_photos.points, without.points[:4])
    change = (with_photos.images - without.images[:4]).abs().amax(1)
    inside = without.masks[:4] & ~torch.nn.functional.max_pool2d((~without.masks[:4]).float(), 5, 1, 2).bool()
    assert inside.sum() > 500 and change[inside].quantile(0.95) < 1e-6 and change[~without.masks[:4]].mean() > 0.1


def test_a_film_has_one_light_and_one_background():
    film = turntable.views("teapot", 23, torch.tensor([0.0, 120, 240]), torch.full((3,), 30.0), size=32)
    assert (film.images[:, :, 0] == film.images[:1, :, 0]).all() and film.instances.tolist() == [23] * 3
    assert (film.images[0] - film.images[1]).abs().max() > 0.2


@pytest.mark.parametrize("azimuth, elevation", [(0.0, 0.0), (33.0, 20.0), (200.0, 70.0), (90.0, 90.0)])
def test_the_outline_of_a_box_is_that_of_its_corners(azimuth: float, elevation: float):
    """Against scikit-image's polygon: the hull of the corners, put on paper by SciPy's rotation."""
    block = thing([solids.box((-1, 0, -2), (1, 1.5, 2), (1.0, 0, 0), "box")], [(0, 0, 0)])
    seen = raytracing.seen(block, *pose(azimuth, elevation), 96, LIGHT)
    turned = (block.corners.numpy() - block.middle.numpy()) @ Rotation.from_euler(
        "yx", (azimuth, elevation), degrees=True).as_matrix().T / block.radius
    paper = turned[:, :2] * (1, -1) / (5 - turned[:, 2:]) * math.sqrt(24) / 1.06
    outline = paper[ConvexHull(paper).vertices]
    theirs = polygon2mask((96, 96), (outline[:, ::-1] + 1) / 2 * 96 - 0.5)
    ours = seen.cover.numpy() >= 0.5
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.97


@pytest.mark.parametrize("shape", ["box", "tube", "ball"])
def test_a_ray_meets_a_solid_where_it_first_comes_into_it(shape: str):
    """Against going along each ray in small steps, until SciPy says that the place is inside."""
    slanted = [(x * s + d, y, z * s) for y, s, d in ((0, 1, 0), (1.2, 0.7, 0.3)) for x in (-1, 1) for z in (-1, 1)]
    part = {"box": solids.hull(slanted, (1, 0, 0), "a"),
            "tube": solids.tube(np.array([(-1, 0, 0), (1, 0.5, 0)]), (0.5, 0.3), (1, 0, 0), "a")[0],
            "ball": solids.ball((0.1, 0.5, 0), (1.2, 0.5, 0.8), (1, 0, 0), "a")}[shape]
    draw = np.random.default_rng(0)
    origin, aims = np.array([1.5, 2.0, 4.0]), draw.uniform(-1.3, 1.3, (300, 3))
    rays = np.float32((aims - origin) / 4)
    t, normals = part.meets(torch.tensor(origin).float(), torch.from_numpy(rays))
    steps = np.arange(0, 9, 0.01)
    places = origin + steps[:, None, None] * rays
    if shape == "ball":
        inside = (((places - (0.1, 0.5, 0)) / (1.2, 0.5, 0.8)) ** 2).sum(-1) < 1
    else:
        inside = Delaunay(part.corners).find_simplex(places) >= 0
    hit = inside.any(0)
    assert 60 < hit.sum() < 290 and (t.isfinite().numpy() == hit).mean() > 0.98
    both = hit & t.isfinite().numpy()
    np.testing.assert_allclose(t[both], steps[inside.argmax(0)][both], atol=0.02)
    torch.testing.assert_close(normals[both].norm(dim=1), torch.ones(int(both.sum())), atol=1e-4, rtol=0)
    if shape != "tube":  # whose normals are smoother than it is
        assert ((normals[both] * torch.from_numpy(rays)[both]).sum(1) < 1e-4).all()


def brute(one: Thing, origin: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """How far each ray (P,3) goes, every part asked about every ray, (P)."""
    return torch.stack([part.meets(origin, rays)[0] for part in one.parts]).amin(0)


@KINDS
def test_no_window_cuts_a_part_off(kind: str):
    one, (tilt, turn) = thing_of(kind, 4), pose(70.0, 25.0)
    rotation, size = tilt @ turn, 40
    origin = one.middle + one.radius * raytracing.AWAY * rotation[2]
    rays = (raytracing.through(size * raytracing.FINE, raytracing.SLOPE) @ rotation).view(-1, 3)
    cover = brute(one, origin, rays).isfinite().float().view(1, 1, 2 * size, 2 * size)
    seen = raytracing.seen(one, tilt, turn, size, LIGHT)
    assert torch.equal(torch.nn.functional.avg_pool2d(cover, raytracing.FINE)[0, 0], seen.cover)


@KINDS
def test_a_shadow_is_where_the_lamp_is_hidden(kind: str):
    one, (tilt, turn) = thing_of(kind, 4), pose(70.0, 40.0)
    seen = raytracing.seen(one, tilt, turn, 40, LIGHT)
    rotation = tilt @ turn
    origin = one.middle + one.radius * raytracing.AWAY * rotation[2]
    rays = (raytracing.through(40, raytracing.SLOPE) @ rotation).view(-1, 3)
    places = origin - origin[1] / rays[:, 1:2] * rays
    dark = brute(one, places, (turn.T @ LIGHT.direction).expand(len(places), 3)).isfinite().view(40, 40)
    assert dark.sum() > 100
    assert seen.table[dark].mean() < 0.76 < 0.97 < seen.table[~dark].mean()
    assert seen.table.min() >= 1 - raytracing.SHADOW


@KINDS
def test_points_are_where_they_are_seen(kind: str):
    """Each lies on the thing or close to it, and is visible if the ray to it meets nothing well before it."""
    agreed = []
    for number in range(4):
        film = turntable.views(kind, number, torch.arange(10.0, 360, 60), torch.full((6,), 25.0))
        one = thing_of(kind, number)
        for n, rotation in enumerate(film.rotations):
            origin = one.middle + one.radius * raytracing.AWAY * rotation[2]
            rays = one.points - origin
            free = brute(one, origin, rays) * rays.norm(dim=1) > rays.norm(dim=1) - raytracing.HIDDEN * one.radius
            agreed.append(free == film.visible[n])
            near = torch.nn.functional.max_pool2d(film.masks[n:n + 1].float(), 5, 1, 2)
            on = torch.nn.functional.grid_sample(near[None], film.points[n].view(1, 1, -1, 2), mode="nearest",
                                                 align_corners=False)
            assert on.min() == 1
    agreed = torch.stack(agreed)
    assert agreed.float().mean() > 0.97 and 0.3 < film.visible.float().mean() < 0.98


@KINDS
def test_far_poses_look_different(kind: str):
    """No two views of a thing that are 60° or more apart are alike, as views of a thing without a front would be."""
    for number in (0, 22):
        film = turntable.views(kind, number, torch.arange(0.0, 360, 20), torch.full((18,), 20.0), size=32)
        assert likeness(film.images) > 0.3, number


def likeness(views: torch.Tensor) -> float:
    """The least distance of two pictures (N,3,S,S) that are 60° or more apart, against the median of all those."""
    steps = (torch.arange(len(views))[:, None] - torch.arange(len(views))).abs()
    far = 360 / len(views) * torch.minimum(steps, len(views) - steps) >= 60
    apart = torch.cdist(views.flatten(1), views.flatten(1))[far]
    return (apart.min() / apart.median()).item()


def test_the_front_looks_where_the_azimuth_says():
    """At 90° a car's head lamps are right of its tail lamps, and at 0 they are seen and the tail lamps are not."""
    film = turntable.views("car", 2, torch.tensor([0.0, 90, 180]), torch.full((3,), 15.0))
    lamps, tails = slice(4, 6), slice(6, 8)
    assert film.points[1, lamps, 0].min() > film.points[1, tails, 0].max() + 0.8
    assert film.visible[0, lamps].all() and not film.visible[0, tails].any()
    assert film.visible[2, tails].all() and not film.visible[2, lamps].any()
    left, right = film.points[0, 4], film.points[0, 5]  # the driver's left is the viewer's right
    assert left[0] > 0.1 and right[0] < -0.1


def test_slips():
    refuses(turntable.draw, "cup", 2, says="kind")
    refuses(turntable.draw, "car", 2, split="val", says="split")
    refuses(turntable.draw, "car", 10**6, says="million pixels")
    refuses(turntable.views, "car", 10_000, torch.zeros(1), torch.zeros(1), says="instance")
    refuses(turntable.views, "car", 2, torch.zeros(1), torch.tensor([-5.0]), says="0° to 90°")
    refuses(turntable.rotation, torch.zeros(2), torch.zeros(3), says="N = 2")
