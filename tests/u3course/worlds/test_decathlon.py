"""The pocket decathlon: ten domains, made, kept and split by source."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from u3course.worlds import decathlon
from u3course.worlds.decathlon import canvas, objects, patients, signs
from u3course.worlds.decathlon.patients import TRAIN, slices
from u3lab import images
from u3lab.datasets import cutouts, packed, photos


def test_there_are_ten_and_each_says_by_what_it_is_split():
    assert len(decathlon.names()) == len(set(decathlon.names())) == 10
    assert all(one.split for one in decathlon.DOMAINS.values())


@pytest.mark.parametrize("name", decathlon.names())
def test_a_domain_has_pictures_of_each_class(name):
    found = decathlon.load(name, "val")
    count = len(found.classes) * decathlon.DOMAINS[name].counts[1]
    assert images.check(found.images).shape == (count, 3, 64, 64) and found.images.dtype == torch.float32
    assert found.labels.dtype == torch.int64 and len(set(found.classes)) == len(found.classes) >= 2
    assert (found.labels.bincount() == decathlon.DOMAINS[name].counts[1]).all()
    different = found.images.flatten(1)
    assert len(different.unique(dim=0)) > 0.95 * count
    assert different.std(1).min() > 0.008  # none is blank


def test_the_sample_that_ships_is_of_the_test_pictures():
    sample = decathlon.sample()
    assert list(sample) == decathlon.names()
    for name, found in sample.items():
        test, each = decathlon.load(name, "test"), decathlon.DOMAINS[name].counts[2]
        numbers = [label * each + turn for label, turn in decathlon.sampled(len(test.classes))]
        assert found.classes == test.classes and found.labels.tolist() == test.labels[numbers].tolist()
        assert len(set(numbers)) == 36 and len(found.labels.unique()) == min(36, len(test.classes))
        assert (found.images - test.images[numbers]).abs().max() < 5.5 / 255


def test_a_few_of_each_class_are_the_first_of_each():
    every, few = decathlon.load("motion", "val"), decathlon.load("motion", "val", each=3)
    assert few.images.shape == (30, 3, 64, 64) and few.labels.tolist() == [n // 3 for n in range(30)]
    assert torch.equal(few.images, every.images.view(10, 20, 3, 64, 64)[:, :3].flatten(0, 1))


@pytest.mark.parametrize("name", ["traffic signs", "motion", "patients"])
def test_made_again_it_is_the_same(name, tmp_path, monkeypatch):
    made = []
    for folder in ("first", "again"):  # the cache's may be of another version of Pillow, which draws a little otherwise
        monkeypatch.setenv("U3LAB_CACHE", str(tmp_path / folder))
        made += [decathlon.load(name, "val") for _ in range(2)]  # drawn, then read
    assert all(torch.equal(one.images, made[0].images) and torch.equal(one.labels, made[0].labels) for one in made)


def test_splits_differ():
    for name in ("digits", "people", "patients"):
        parts = [decathlon.load(name, split).images.flatten(1) for split in canvas.SPLITS]
        rows = [set(map(bytes, part.numpy())) for part in parts]
        assert not rows[0] & rows[1] and not rows[0] & rows[2] and not rows[1] & rows[2]


def test_no_photo_to_draw_on_is_in_two_splits():
    for without in (False, True):
        seen = [{picture.tobytes() for picture in canvas.grounds(split, without)} for split in canvas.SPLITS]
        assert all(seen) and not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    test = [photos.about(name).author for name in photos.names("nature", split="test")]
    assert set(test) == {"Aitzol Berasategi"}


def test_no_typeface_is_in_two_splits():
    faces = [set(signs.typefaces(split)) for split in canvas.SPLITS]
    assert set.union(*faces) == set(range(25)) and sum(map(len, faces)) == 25
    entry = packed.index("decathlon")["glyphs"]
    assert len(entry["families"]) >= 20 and all(len(set(one)) == len(one) >= 3 for one in entry["families"].values())


def test_no_animal_of_the_test_is_in_another_split():
    for kind in objects.ANIMALS:
        seen = {split: {one.tobytes() for one in objects.photographed(kind, split)} for split in canvas.SPLITS}
        assert all(seen.values()) and not seen["test"] & (seen["train"] | seen["val"])
        if len(cutouts.names(kind, split="train")) > 3:
            assert not seen["train"] & seen["val"]


def test_other_patients_are_tested(monkeypatch):
    assert not set(patients.TRAIN) & set(patients.TEST)
    for name in patients.TRAIN:
        shown = [len(patients.slices(name, split)) for split in ("train", "val")]
        assert all(shown) and sum(shown) == len(patients.scans.load(name).slices)
    asked = []
    monkeypatch.setattr(patients, "slices", lambda *who: asked.append(who) or ())
    for split, whom in (("train", patients.TRAIN), ("val", patients.TRAIN), ("test", patients.TEST)):
        for organ, first in enumerate((0, len(patients.BRAIN))):  # of its regions, and of its lesions
            for squares in (patients.patients(first, split, 0, None), patients.lesions(organ, 1, split, 0, None)):
                assert list(squares) == [] and asked.pop() == (whom[organ], split)


def test_a_square_of_a_patient_shows_the_lesion_or_none():
    """On the marks themselves: with a lesion one lies in the middle, without one there is none at all."""
    for name in (*patients.TRAIN, *patients.TEST):
        for one in patients.slices(name, "test"):
            if one.lesion.any() and one.healthy.any():
                rows, columns = np.nonzero(one.healthy)
                spots = np.argwhere(one.lesion)
                nearest = min(np.hypot(*(spots - at).T).min() for at in list(zip(rows, columns, strict=True))[::997])
                assert nearest * one.step > patients.MILLIMETRES[1] / 2


def test_regions_of_a_body_are_apart_and_all_there():
    for name in (*patients.TRAIN, *patients.TEST):
        found = patients.slices(name, "test")
        for region in found[0].regions:
            assert sum(one.regions[region].sum() for one in found) > 1000
        for one in found:
            assert sum(mask.astype(int) for mask in one.regions.values()).max() == 1


@pytest.mark.parametrize("name", patients.LESIONS)
def test_lesions_are_domains_beside_the_ten(name):
    assert name not in decathlon.names()
    found = decathlon.load(name, "val", each=4)
    assert found.classes == ("no lesion", "lesion") and found.labels.tolist() == [0] * 4 + [1] * 4


def test_a_dynamic_image_by_hand():
    """α_t = 2t − T − 1: −2, 0, 2 for three frames."""
    still = np.full((3, 4, 4, 3), 77, np.uint8)
    assert (objects.rank_pooled(still) == 128).all()
    clip = still.copy()
    clip[2, 0, 0] = 177  # comes up at the end: 2 · 100, the largest
    clip[0, 1, 1] = 127  # was there at the start: −2 · 50
    pooled = objects.rank_pooled(clip)
    assert (pooled[0, 0] == 255).all() and (pooled[1, 1] == int(128 - 63.5)).all() and (pooled[2, 2] == 128).all()


def test_motion_goes_where_its_name_says():
    """The bright end of a dynamic image is where a bright thing came to be."""
    thing = Image.new("RGBA", (40, 40), (255, 255, 255, 255))
    for way, axis, sign in (("right", 1, 1), ("left", 1, -1), ("down", 0, 1), ("up", 0, -1)):
        clip = objects.clip(way, thing, "train", np.random.default_rng(0)).astype(float).mean(-1)
        change = clip[-1] - clip[0]
        weights = np.indices(change.shape)[axis]
        came, was = change.clip(40) - 40, (-change).clip(40) - 40
        assert sign * ((weights * came).sum() / came.sum() - (weights * was).sum() / was.sum()) > 3, way


def test_signs_are_what_they_are_called():
    for sign in signs.SIGNS:
        plate = signs.plate(sign, 0)
        assert plate.size == (128, 128) and plate.getchannel("A").getextrema() == (0, 255)
    blue = np.asarray(signs.plate("ahead only", 0))[64, 20]
    assert blue[2] > 2 * blue[0]


@pytest.mark.parametrize("name, least", [("digits", 0.75), ("letters", 0.35), ("textures", 0.3)])
def test_its_classes_can_be_told(name, least):
    """A linear rule on 16×16 grey pixels, or on their spectrum for textures, far above chance on the test's sources."""
    def features(split: str) -> np.ndarray:
        grey = decathlon.load(name, split).images.mean(1, keepdim=True)
        if name == "textures":
            return torch.fft.fft2(grey).abs().log1p()[:, 0, ::2, ::2].flatten(1).numpy()
        return torch.nn.functional.avg_pool2d(grey, 4).flatten(1).numpy()

    train, test = decathlon.load(name), decathlon.load(name, "test")
    few = slice(None, None, 4)
    rule = LogisticRegression(max_iter=300).fit(features("train")[few], train.labels[few])
    assert rule.score(features("test"), test.labels) > least


@pytest.mark.parametrize("name", TRAIN)
def test_every_fourth_slice_with_a_lesion_and_every_fourth_without_one_is_for_validation(name: str):
    val, train = ([bool(one.lesion.any()) for one in slices(name, split)] for split in ("val", "train"))
    for ill in (True, False):
        assert val.count(ill) == (val.count(ill) + train.count(ill) + 1) // 4
