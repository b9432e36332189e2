"""Made cats: what is said of them is seen in them, as of people."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import torch

from u3lab import images
from u3lab.worlds import faces
from u3lab.worlds.faces import cats, people
from u3lab.worlds.faces.cat_illustration import cat_face
from u3lab.worlds.faces.head import HALF_HEAD

STILL = cats.Mood(yaw=0.0, pitch=0.0, roll=0.0, open_mouth=False, strength=1.0, pupils=0.4, lids=0.1, gaze=(0.0, 0.0),
                  scale=1.0, shift=(0.0, 0.0), light=(0.0, 0.0))
BARE = dataclasses.replace(cats.cat(20), stripes=False, patches=False, white_muzzle=False, long_fur=False, collar=False)
NOSE, CHIN = faces.CAT_POINTS.index("nose"), faces.CAT_POINTS.index("chin")


@pytest.fixture(scope="module")
def made() -> faces.Faces:
    return faces.draw(40, seed=1, kind="cat")


def test_cats_have_the_forms_of_faces(made):
    images.check(made.images)
    assert made.images.shape == (40, 3, 64, 64) and made.points.shape == (40, len(faces.CAT_POINTS), 2)
    assert made.attributes.shape == (40, len(faces.CAT_ATTRIBUTES)) and made.attributes.dtype == torch.bool
    assert made.pose[:, 0].abs().max() <= 25 and made.pose[:, 1].abs().max() <= 14
    assert made.points.min() > 0 and made.points.max() < 64
    stays = made.attributes.view(10, 4, -1)
    assert (stays[..., :5] == stays[:, :1, :5]).all() and (stays[..., 5] != stays[:, :1, 5]).any()


def test_cats_and_people_have_the_same_points_but_for_the_ears():
    differing = [pair for pair in zip(faces.POINTS, faces.CAT_POINTS, strict=True) if pair[0] != pair[1]]
    assert differing == [("left brow", "left ear"), ("right brow", "right ear")]


def test_the_same_seed_gives_the_same_cats_and_the_splits_have_other_ones(made):
    again, other = faces.draw(6, seed=1, kind="cat"), faces.draw(6, seed=1, kind="cat", split="test")
    assert all(torch.equal(a, b[:6]) for a, b in zip(again, made, strict=True))
    assert not set(other.identities.tolist()) & set(made.identities.tolist())


def test_layers_are_what_cats_are_made_of(made):
    front, behind, *_ = faces.layers(6, seed=1, kind="cat", margin=5)
    put = (front[:, :3] + (1 - front[:, 3:]) * behind).clamp(0, 1)
    assert put.shape[-1] == 74
    narrow = faces.layers(6, seed=1, kind="cat").face
    torch.testing.assert_close(front[..., 5:-5, 5:-5], narrow, atol=2e-5, rtol=0)
    assert (front[:, 3, -1] > 0.9).any(1).all()  # the chest reaches the lower border


def changed(attribute: str) -> np.ndarray:
    """Where a cat of 128 pixels changes, in half heads from the middle (n,2), if one attribute is there."""
    who, now = BARE, STILL
    without, _ = cat_face(who, now, 128, 0)
    if attribute == "open mouth":
        now = dataclasses.replace(now, open_mouth=True)
    else:
        who = dataclasses.replace(who, **{attribute.replace(" ", "_"): True})
    found, _ = cat_face(who, now, 128, 0)
    rows, columns = np.nonzero(np.abs(found - without).max(2) > 0.06)
    return (np.stack([columns, rows], 1) + 0.5 - (64, 0.55 * 128)) / (HALF_HEAD[cats.Cat] * 128)


@pytest.mark.parametrize("attribute, box, least", [
    ("stripes", (-1.2, 1.2, -1.0, 0.7), 150), ("patches", (-1.3, 1.3, -1.8, 1.0), 500),
    ("white muzzle", (-0.9, 0.9, -0.7, 3.0), 500), ("long fur", (-1.6, 1.6, -1.8, 1.3), 80),
    ("collar", (-1.1, 1.1, 0.6, 1.8), 200), ("open mouth", (-0.6, 0.6, 0.4, 1.2), 40)])
def test_an_attribute_is_seen_where_it_belongs(attribute, box, least):
    assert attribute in faces.CAT_ATTRIBUTES
    where = changed(attribute)
    assert len(where) >= least
    inside = (where[:, 0] > box[0]) & (where[:, 0] < box[1]) & (where[:, 1] > box[2]) & (where[:, 1] < box[3])
    assert inside.mean() > 0.97


def test_attributes_are_independent_and_common():
    table = np.array([[getattr(cats.cat(n), name.replace(" ", "_")) for name in faces.CAT_ATTRIBUTES[:5]]
                      for n in range(600)])
    assert 0.25 < table.mean(0).min() and table.mean(0).max() < 0.6
    for a in range(5):
        for b in range(a):
            counts = np.array([[np.sum((table[:, a] == i) & (table[:, b] == j)) for j in (0, 1)] for i in (0, 1)])
            assert scipy.stats.chi2_contingency(counts).pvalue > 0.001


def test_the_pupils_are_at_the_points_of_the_eyes():
    for n in range(12):
        drawn, points = cat_face(cats.cat(n), dataclasses.replace(STILL, yaw=10.0, pitch=-5.0, roll=4.0), 256, 0)
        for x, y in points[:2]:
            assert drawn[int(y), int(x), :3].max() < 0.15 and drawn[int(y), int(x), 3] == 1


def test_ears_end_at_their_points():
    """There is no cat above the tip of an ear, and there is just below it."""
    for n in range(12):
        drawn, points = cat_face(cats.cat(n), STILL, 256, 0)
        for x, y in points[2:4]:
            column = slice(int(x) - 2, int(x) + 3)
            assert drawn[:int(y) - 3, column, 3].max() == 0 and drawn[int(y) + 6, column, 3].max() == 1


def test_points_of_a_cat_from_the_front_are_a_mirror_image():
    _, points = cat_face(BARE, STILL, 64, 0)
    for left, right in ((0, 1), (2, 3), (5, 6)):
        np.testing.assert_allclose(points[left] + points[right], (64, 2 * points[left, 1]))
        assert points[left, 0] < points[right, 0]
    np.testing.assert_allclose(points[[NOSE, CHIN], 0], 32)
    assert points[2, 1] < points[0, 1] < points[NOSE, 1] < points[5, 1] < points[CHIN, 1]


def test_an_open_mouth_lowers_the_chin_and_leaves_the_nose():
    _, shut = cat_face(BARE, STILL, 64, 0)
    _, wide = cat_face(BARE, dataclasses.replace(STILL, open_mouth=True), 64, 0)
    assert wide[CHIN, 1] > shut[CHIN, 1] + 1
    np.testing.assert_allclose(wide[:NOSE + 1], shut[:NOSE + 1])


def test_patches_stand_out_from_the_fur_and_make_a_cat_hard(made):
    assert all(people.far(cats.cat(n).fur, cats.cat(n).second) >= cats.PLAIN for n in range(100))
    patches = made.attributes[:, faces.CAT_ATTRIBUTES.index("patches")]
    assert torch.equal(faces.hard_examples(made, kind="cat"), patches) and patches.any() and not patches.all()
