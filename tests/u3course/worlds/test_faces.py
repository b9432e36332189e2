"""Made faces of people and of cats: what is said of them is seen in them."""

import copy
import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.spatial.transform import Rotation

from u3course.worlds import faces
from u3course.worlds.faces import cats, people
from u3course.worlds.faces import made as made_faces
from u3course.worlds.faces.cats import cat_face
from u3course.worlds.faces.head import Head
from u3course.worlds.faces.made import KINDS
from u3lab import images

PLAIN = dict(yaw=0.0, pitch=0.0, roll=0.0, open_mouth=False, strength=1.0, gaze=(0.0, 0.0), scale=1.0, shift=(0.0, 0.0),
             light=(0.0, 0.0))


def but(one: object, **changes: object) -> object:
    """The same with something changed."""
    other = copy.copy(one)
    vars(other).update(changes)
    return other


STILL = but(people.Moment(0, 0, 0.0), **PLAIN, smile=False, brows=0.0)
CALM = but(cats.Mood(0, 0, 0.0), **PLAIN, pupils=0.4, lids=0.1)
BARE = but(people.Person(7), glasses=False, beard=False, hat=False, long_hair=False, curls=False)
TABBY = but(cats.Cat(20), stripes=False, patches=False, white_muzzle=False, long_fur=False, collar=False)
EYES, TIPS = slice(0, 2), slice(2, 4)


# Who has nothing on and when; so many attributes are of the head, not of the moment; a change of so much shows.
PLAINEST = {"person": (BARE, STILL, 4, 0.1), "cat": (TABBY, CALM, 5, 0.06)}
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def made() -> faces.Faces:
    return faces.draw(40, seed=1)


@each_kind
def test_faces_have_their_forms_and_four_in_a_row_are_of_one(kind: str):
    made, count, lasting = faces.draw(40, seed=1, kind=kind), len(KINDS[kind].attributes), PLAINEST[kind][2]
    images.check(made.images)
    assert made.images.shape == (40, 3, 64, 64) and made.points.shape == (40, 8, 2) and made.pose.shape == (40, 2)
    assert len(faces.POINTS) == len(faces.CAT_POINTS) == 8 and made.points.min() > 0 and made.points.max() < 64
    assert made.attributes.shape == (40, count) and made.attributes.dtype == torch.bool
    assert made.pose[:, 0].abs().max() <= 25 and made.pose[:, 1].abs().max() <= 14
    groups = made.identities.view(10, 4)
    assert (groups == groups[:, :1]).all() and len(groups[:, 0].unique()) == 10
    head, moment = made.attributes.view(10, 4, -1).split([lasting, count - lasting], 2)
    assert (head == head[:, :1]).all() and (moment != moment[:, :1]).any()
    assert made.pose.view(10, 4, 2).std(1).min() > 0
    assert all(torch.pdist(four).min() > 1 for four in made.images.view(10, 4, -1))


@each_kind
def test_nobody_is_in_both_splits_or_under_two_seeds(kind: str):
    known = [set(faces.draw(9, split=split, seed=seed, size=16, each=2, kind=kind).identities.tolist())
             for split in ("train", "test") for seed in (0, 1, 7)]
    assert len(set.union(*known)) == sum(map(len, known)) == 30


def test_layers_are_what_pictures_are_made_of(made):
    front, behind, *known = faces.layers(6, seed=1)
    torch.testing.assert_close((front[:, :3] + (1 - front[:, 3:]) * behind).clamp(0, 1), made.images[:6])
    assert all(torch.equal(a, b[:6]) for a, b in zip(known, made[1:], strict=True))
    assert (front[:, :3] <= front[:, 3:] + 1e-6).all() and front[:, 3].unique().numel() > 3


@each_kind
def test_a_margin_is_more_of_the_same(kind: str):
    narrow, wide = (faces.layers(4, seed=3, kind=kind, margin=margin) for margin in (0, 10))
    assert wide.face.shape == (4, 4, 84, 84) and wide.background.shape == (4, 3, 84, 84)
    torch.testing.assert_close(wide.points, narrow.points + 10)
    torch.testing.assert_close(wide.face[..., 10:-10, 10:-10], narrow.face, atol=2e-5, rtol=0)
    assert (wide.face[:, 3, -1] > 0.9).any(1).all()  # shoulders, or the chest, reach the lower border


def changed(attribute: str, kind: str) -> np.ndarray:
    """Where a face of 128 pixels changes, in half heads from the middle (n,2), if one attribute is there."""
    (bare, still, _, least), there = PLAINEST[kind], {attribute.replace(" ", "_"): True}
    who, now = (but(one, **there) if there.keys() <= vars(one).keys() else one for one in (bare, still))
    (without, _), (found, _) = KINDS[kind].face(bare, still, 128, 0), KINDS[kind].face(who, now, 128, 0)
    rows, columns = np.nonzero(np.abs(found - without).max(2) > least)
    return (np.stack([columns, rows], 1) + 0.5 - (64, bare.middle * 128)) / (bare.half_head * 128)


@pytest.mark.parametrize("kind, attribute, box, least", [
    ("person", "glasses", (-0.95, 0.95, -0.35, 0.35), 250), ("person", "beard", (-0.9, 0.9, 0.0, 1.1), 800),
    ("person", "hat", (-1.1, 1.1, -1.4, -0.3), 800), ("person", "long hair", (-1.3, 1.3, -0.9, 1.5), 800),
    ("person", "smile", (-0.5, 0.5, 0.4, 0.8), 60), ("person", "open mouth", (-0.5, 0.5, 0.4, 0.95), 60),
    ("cat", "stripes", (-1.2, 1.2, -1.0, 0.7), 150), ("cat", "patches", (-1.3, 1.3, -1.8, 1.0), 500),
    ("cat", "white muzzle", (-0.9, 0.9, -0.7, 3.0), 500), ("cat", "long fur", (-1.6, 1.6, -1.8, 1.3), 80),
    ("cat", "collar", (-1.1, 1.1, 0.6, 1.8), 200), ("cat", "open mouth", (-0.6, 0.6, 0.4, 1.2), 40)])
def test_an_attribute_is_seen_where_it_belongs(kind, attribute, box, least):
    assert attribute in KINDS[kind].attributes
    where = changed(attribute, kind)
    assert len(where) >= least
    inside = (where[:, 0] > box[0]) & (where[:, 0] < box[1]) & (where[:, 1] > box[2]) & (where[:, 1] < box[3])
    assert inside.mean() > 0.97


@pytest.mark.parametrize("kind, most", [("person", 0.55), ("cat", 0.6)])
def test_attributes_are_independent_and_common(kind: str, most: float):
    names = [name.replace(" ", "_") for name in KINDS[kind].attributes[:PLAINEST[kind][2]]]
    table = np.array([[getattr(who, name) for name in names] for who in map(KINDS[kind].who, range(600))])
    assert 0.25 < table.mean(0).min() and table.mean(0).max() < most
    for a, b in itertools.combinations(table.T, 2):
        counts = np.array([[np.sum((a == i) & (b == j)) for j in (0, 1)] for i in (0, 1)])
        assert scipy.stats.chi2_contingency(counts).pvalue > 0.001


@each_kind
def test_eyes_and_tips_of_ears_are_where_their_points_are(kind: str):
    """A pupil is black; there is no cat above the tip of an ear, and there is just below it."""
    for n in range(12):
        who = KINDS[kind].who(n)
        who = but(who, glasses=False, hat=False) if kind == "person" else who
        now = but(PLAINEST[kind][1], yaw=10.0, pitch=-5.0, roll=4.0)
        drawn, points = KINDS[kind].face(who, now, 256, 0)
        for x, y in points[EYES]:
            assert drawn[int(y), int(x), :3].max() < 0.15 and drawn[int(y), int(x), 3] == 1
        drawn, points = cat_face(cats.Cat(n), CALM, 256, 0)
        for x, y in points[TIPS]:
            column = slice(int(x) - 2, int(x) + 3)
            assert drawn[:int(y) - 3, column, 3].max() == 0 and drawn[int(y) + 6, column, 3].max() == 1


def test_a_head_turns_as_scipys_rotations_do():
    """Pitch, yaw and roll are turns about x, y and z, applied as roll · pitch · yaw."""
    now = but(STILL, yaw=17.0, pitch=9.0, roll=-6.0)
    turn = Rotation.from_euler("yxz", [17, 9, -6], degrees=True)
    np.testing.assert_allclose(Head(BARE, now, (0, 0), 1.0).turn, turn.as_matrix(), atol=1e-12)


def test_heads_turn_farther_where_it_is_asked_for(made):
    """Nothing but the yaw changes: the same people, expressions and places."""
    far = faces.draw(12, seed=1, yaw=40)
    torch.testing.assert_close(far.pose, made.pose[:12] * torch.tensor([1.6, 1.0]))
    assert torch.equal(far.attributes, made.attributes[:12]) and not torch.equal(far.points, made.points[:12])
    torch.testing.assert_close(far.images[:, :, :8, 0], made.images[:12, :, :8, 0])  # the photo behind, in a corner


def test_hard_faces_are_turned_or_covered():
    far = faces.draw(60, seed=2, size=16, yaw=40, each=1)
    by_hand = [abs(float(pose[0])) > 25 or bool(has[0] or has[1])
               for pose, has in zip(far.pose, far.attributes, strict=True)]
    assert faces.ATTRIBUTES[:2] == ("glasses", "beard")
    assert faces.hard_examples(far).tolist() == by_hand and 0 < sum(by_hand) < 60
    cats_of = faces.draw(40, seed=1, size=16, kind="cat")
    patched = cats_of.attributes[:, faces.CAT_ATTRIBUTES.index("patches")]
    assert torch.equal(faces.hard_examples(cats_of, kind="cat"), patched) and 0 < patched.sum() < 40


@pytest.mark.parametrize("kind, on_it", [("person", list(range(8))), ("cat", [0, 1, 4, 5, 6, 7])])
def test_fronts_follow_noses_and_mouths(kind: str, on_it: list[int]):
    """A landmark of one picture is carried to the other picture of that head, nearly to where it is there.

    Tips of ears are not on the front of a head.
    """
    made = faces.draw(60, seed=3, each=2, yaw=35.0, kind=kind)
    fronts = faces.fronts(made, each=2, yaw=35.0, kind=kind)
    apart = torch.cdist(made.points, fronts[..., :2]) + 99 * (fronts[:, None, :, 2] < 0.25)
    place = apart[::2].argmin(-1)[..., None].expand(-1, -1, 2)
    eyes = (made.points[1::2, 0] - made.points[1::2, 1]).norm(dim=-1)
    wrong = (fronts[1::2, :, :2].gather(1, place) - made.points[1::2]).norm(dim=-1) / eyes[:, None]
    assert wrong.median(0).values[on_it].max() < 0.08
    spread = made_faces.spread(np.zeros((1, 2)), np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([[1.0, 2.0], [7.0, 7.0]]))
    assert np.allclose(spread, [[1.0, 2.0]])


def test_a_long_series_is_drawn_once_and_read_as_it_was(monkeypatch, tmp_path):
    monkeypatch.setenv("U3LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(made_faces, "LEAST", 4 * 12 * 16**2)  # four small pictures
    faces.draw(3, size=16)
    assert not list(tmp_path.iterdir())
    first = faces.draw(4, size=16)
    with monkeypatch.context() as patch:
        patch.delattr(made_faces, "layers")  # nothing is drawn
        again = faces.draw(4, size=16)
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(first, again, strict=True))
    for other in ({"seed": 1}, {"split": "test"}, {"kind": "cat"}, {"each": 1}, {"yaw": 40.0}):
        assert not torch.equal(faces.draw(4, size=16, **other).images, first.images)
    assert len(list(tmp_path.iterdir())) == 6
