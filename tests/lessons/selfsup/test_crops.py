"""Crops of photographs that no encoder has learnt from: who judges, what is cut, what is near, and what ships."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from u3lab import images
from u3lab.datasets import photos
from u3lab.lessons.selfsup import crops
from u3lab.selfsup import encoder


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch):
    """Photographs whose left half is dark and whose right is bright; the number of each is in its brightness."""
    made = {name: n for n, name in enumerate(crops.names("test"))}

    def load(name: str) -> torch.Tensor:
        picture = torch.full((1, 3, 90, 120), 0.004 * made[name])
        picture[..., 60:] += 0.6
        return picture

    monkeypatch.setattr(crops, "load", load)
    crops.crops.cache_clear()
    yield
    crops.crops.cache_clear()


def test_fifty_photographs_judge_and_others_choose():
    test, val = crops.names("test"), crops.names("val")
    assert len(test) == 50 and not set(test) & set(val) and len(set(val)) == len(val)
    assert {*test, *val} == {*photos.names(), *images.names("everyday")}
    assert torch.equal(crops.load("petra"), photos.load("petra"))
    assert torch.equal(crops.load("coffee"), images.load("coffee"))


def test_no_pixel_is_in_the_gallery_and_in_a_query(planted):
    for part, count, low in (("gallery", 20, 0.0), ("query", 10, 0.6)):
        pictures, number = crops.crops("test", part, 16)
        assert pictures.shape == (50 * count, 3, 16, 16) and number.bincount().tolist() == [count] * 50
        torch.testing.assert_close(pictures, (low + 0.004 * number.float()).view(-1, 1, 1, 1).expand_as(pictures),
                                   atol=1e-5, rtol=0)


def test_crops_are_grey_and_their_squares_the_same_at_every_size():
    small, large = (crops.crops("test", "query", size).few(1) for size in (24, 48))
    assert len(small.images) == 50 and torch.equal(small.photos, torch.arange(50))
    assert torch.equal(small.images[:, 0], small.images[:, 2]) and not small.images.isnan().any()
    assert (images.resize(large.images, 24) - small.images).abs().mean() < 0.02
    several = crops.crops("test", "query", 24).images
    assert not torch.equal(several[::10], several[1::10])


def test_a_crop_has_half_to_nine_tenths_of_a_half():
    ramp = torch.linspace(0, 1, 400).expand(1, 1, 400, 400)
    whole = [crops._square(ramp, *at, 40) for at in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 1.0, 1.0))]
    found = [(float(one.min()), float(one.max())) for one in whole]
    assert found[0] == pytest.approx((0, 0.5), abs=0.02) and found[1] == pytest.approx((0.1, 1), abs=0.02)
    assert found[2] == pytest.approx((0.5, 1), abs=0.02)


def test_nearest_are_those_of_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    generator = torch.Generator().manual_seed(0)
    gallery, queries = (torch.randn(count, 6, generator=generator) * torch.tensor([100.0, 1, 1, 1, 1, 1]) + 3
                        for count in (30, 8))
    gallery[:, 5] = queries[:, 5] = 2.0  # a number that never changes says nothing
    mean, spread = gallery.mean(0), gallery.std(0)
    z = [((one - mean) / spread)[:, :5].numpy() for one in (gallery, queries)]
    theirs = NearestNeighbors(n_neighbors=4, metric="cosine").fit(z[0]).kneighbors(z[1], return_distance=False)
    assert crops.nearest(queries, gallery, 4).tolist() == theirs.tolist()


def test_a_grey_histogram_is_that_of_numpy():
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)).expand(-1, 3, -1, -1)
    theirs = [np.histogram(one[0].numpy(), bins=16, range=(0, 1))[0] / 64 for one in x]
    assert crops.grey_histogram(x).square().numpy() == pytest.approx(np.stack(theirs), abs=1e-6)


def test_the_shipped_encoder_finds_more_than_its_first_weights():
    gallery, query = (crops.crops("test", part).few(10) for part in ("gallery", "query"))
    known, asked = crops.coded(gallery.images), crops.coded(query.images)
    found = {name: gallery.photos[crops.nearest(asked[name], code)[:, 0]] == query.photos
             for name, code in known.items()}
    right = {name: float(some.double().mean()) for name, some in found.items()}
    assert right["contrast"] > right["histogram"] > 0.1 and right["contrast"] > right["random weights"] + 0.05
    random = encoder(crops.WIDTH)
    assert torch.equal(known["random weights"], crops.codes(random, gallery.images, ["conv1"])["conv1"])



@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 1.0), (0.6, 0.5)])
def test_a_click_asks_about_the_half_that_is_not_searched(planted, place: tuple[float, float]):
    query, (top, left, side) = crops.asked("bee", place)
    assert query.shape == (1, 3, crops.SIDE, crops.SIDE) and query.min() > 0.5, "all of it is of the bright half"
    assert left >= 60 and left + side <= 120 and 0 <= top <= 90 - side and side == round(0.7 * 60)


def test_what_is_known_finds_a_crop_of_its_own_gallery():
    known = crops.known()
    found = known.nearest(known.crops.images[42:43], 3)
    assert all(near[0] == 42 and len(set(near)) == 3 for near in found.values())
    assert list(found) == ["contrast", "random weights", "histogram"]
