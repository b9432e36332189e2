"""The pocket Broden: the same pictures from the same seed, masks that fit them, and splits that share no source."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from tests.helpers import refuses
from u3course.worlds import composing, concepts
from u3course.worlds.composing import COLOURS, FOCAL, colour_of
from u3lab import images
from u3lab.datasets.labelled import batches
from u3lab.datasets.outlines import drawn, fill, outlines, photo
from u3lab.datasets.taxonomy import PARENTS, ancestors, tree_similarity
from u3lab.images import cropping


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("U3LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        concepts._load.cache_clear()
        yield concepts.load("train", count=60, least=1)
    concepts._load.cache_clear()


def test_pictures_and_masks_have_the_promised_form(data):
    batch = next(batches(data, batch_size=60))
    images.check(batch.images)
    assert batch.images.shape == (60, 3, 227, 227) and batch.masks.shape == (60, len(data.names), 113, 113)
    assert torch.equal(batch.masks.sum((2, 3)).int(), data.pixels)
    assert len(data.names) >= 40 and len(set(data.categories) - {"control"}) >= 6
    assert len(data.showing("eye", least=30)) < len(data.showing("eye")) > 5


def test_masks_of_one_concept_are_those_of_the_whole(data):
    which = data.showing("eye")[:5]
    assert torch.equal(data.masks("eye", which), data[which].masks[:, data.names.index("eye")])
    refuses(data.masks, "unicorn", [0], says="no picture has enough of 'unicorn'")


def test_the_second_start_reads_what_the_first_has_kept(data, monkeypatch):
    first, *others = (anew(count, seed) for count, seed in ((12, 0), (2, 1)))
    with monkeypatch.context() as patch:
        patch.delattr(concepts, "_made")  # nothing is made
        second = anew(12)
    assert torch.equal(first.pixels, second.pixels)
    assert first._pictures == second._pictures and first._masks == second._masks
    assert first._pictures == data._pictures[:12], "the same seed gives the same pictures, whatever their number"
    assert others[0]._pictures != data._pictures[:2]


def anew(count: int, seed: int = 0) -> concepts.Concepts:
    """Pictures as a fresh start of Python would have them: read from their file, or made."""
    return concepts._load.__wrapped__("train", count, seed, 8)


def test_every_pixel_has_one_colour_and_a_wider_concept_holds_the_narrower(data):
    batch = next(batches(data, batch_size=60))
    at = {name: batch.masks[:, k] for k, name in enumerate(data.names)}
    assert (sum(at[name].int() for name in COLOURS if name in at) == 1).all()
    for name in data.names:
        for wider in set(ancestors(name)[1:]) & set(concepts.WIDER) & set(data.names):
            assert not (at[name] & ~at[wider]).any()


def test_brains_and_scenes_are_labelled_apart(data):
    batch = next(batches(data, batch_size=60))
    medical = [k for k, one in enumerate(data.categories) if one == "medical"]
    shown = batch.masks[:, medical].flatten(1).any(1)
    assert shown.any() and torch.equal(batch.labelled[:, medical].all(1), shown)
    scene = [k for k, one in enumerate(data.categories) if one == "scene"]
    assert 0 < batch.labelled[:, scene].all(1).sum() < 60
    assert batch.labelled[:, data.names.index("eye")].all()
    one = data.names[scene[0]]
    alone = data.only([one])[list(range(60))].labelled[:, 0]
    assert torch.equal(alone, batch.labelled[:, scene[0]]), "other scenes are looked at as well"


def test_no_source_is_in_both_splits():
    fit, held_out = (set(composing.photos(split)) for split in composing.SPLITS)
    assert not fit & held_out and held_out == set(cropping.sources()[1])
    assert not set(composing.FONTS["train"]) & set(composing.FONTS["validation"])
    for split in composing.SPLITS:
        kinds = composing.things(split)
        assert ("dog" in kinds) == (split == "validation") and ("cat" in kinds) == (split == "train")


def test_what_is_laid_on_top_hides_what_was_there():
    canvas = composing.Canvas(64)
    whole = torch.ones(1, 8, 8, dtype=torch.bool)
    still = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    canvas.lay(composing.Piece(torch.zeros(3, 8, 8), torch.ones(8, 8), whole, ("sky",)), still, ground=True)
    half = torch.zeros(64, 64)
    half[:, :32] = 1
    canvas.lay(composing.Piece(torch.ones(3, 64, 64), half, half[None] > 0, ("cat",)), still)
    assert canvas.masks["cat"][:, :16].all() and not canvas.masks["cat"][:, 17:].any()
    assert torch.equal(canvas.masks["sky"], ~canvas.masks["cat"])
    assert canvas.image[:, :, :30].min() == 1 and canvas.image[:, :, 34:].max() == 0
    edge = canvas.masks["pasted edge"]
    assert edge[:, 15:17].all() and not edge[:, :14].any() and not edge[:, 18:].any()


def test_a_thing_takes_its_parts_along(data):
    cat = composing.things("train")["cat"][0]
    assert {"cat", "fur", "eye", "nose"} <= set(cat.labels)
    inside = dict(zip(cat.labels, cat.masks, strict=True))
    assert (inside["eye"] & ~inside["cat"]).float().mean() < 0.001 and inside["eye"].sum() > 50


@pytest.mark.parametrize("name", sorted(drawn()))
def test_outlines_lie_in_their_pictures_and_have_known_names(name):
    height, width = photo(name).shape[-2:]
    for one in outlines(name):
        assert one.mask.shape == (height, width) and 0 < one.mask.sum() < height * width
        assert all(label in PARENTS for label in one.labels)


def test_rings_inside_rings_are_holes():
    square, hole = [[1, 1], [8, 1], [8, 8], [1, 8]], [[3, 3], [6, 3], [6, 6], [3, 6]]
    mask = fill([square, hole], 10, 10)
    assert mask[2, 2] and not mask[4, 4] and mask.sum() == 64 - 16


def test_a_colour_has_the_name_of_the_nearest_focal_one_in_cielab():
    for name, shades in FOCAL.items():
        for shade in shades:
            assert COLOURS[int(colour_of((torch.tensor(shade) / 255).view(1, 3, 1, 1)))] == name
    levels = (np.random.default_rng(0).integers(0, 32, (50, 3)) + 0.5) / 32  # the middles of the table's cells
    names, shades = zip(*((name, shade) for name, all_of_it in FOCAL.items() for shade in all_of_it), strict=True)
    distance = np.linalg.norm(rgb2lab(levels[:, None]) - rgb2lab(np.array(shades)[:, None] / 255)[None, :, 0], axis=2)
    found = colour_of(torch.from_numpy(levels).float().T.reshape(1, 3, 50, 1)).flatten()
    assert [COLOURS[k] for k in found] == [names[k] for k in distance.argmin(1)]


def test_similarity_in_the_tree_counts_steps():
    names = ("cat", "dog", "koala", "cup", "red")
    found = tree_similarity(names)
    lines = [ancestors(name) for name in names]
    for i, a in enumerate(lines):
        for j, b in enumerate(lines):
            lowest = next(name for name in a if name in b)
            assert found[i, j] == pytest.approx(2 * len(ancestors(lowest)) / (len(a) + len(b)))
    assert found[0, 1] > found[0, 2] > found[0, 3] > found[0, 4]
    assert set(concepts.CATEGORY) <= set(PARENTS)
    refuses(ancestors, "unicorn", says="no place in the is-a tree")


def test_slips_are_told(data):
    refuses(data.only, ["unicorn"], says="no picture has enough of 'unicorn'; all concepts are in data.names")
    refuses(data.only, ["sky "], says="no picture has enough of 'sky '; near it: sky")
    assert torch.equal(data[torch.tensor([1, 0])].images, data[[1, 0]].images)
