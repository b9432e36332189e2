"""Crops of photographs that no encoder has learnt from: who judges, what is cut, what is near, and what ships."""

from __future__ import annotations

import pytest
import torch

from u3lab import images
from u3lab.datasets import photos
from u3lab.lessons.selfsup import crops


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


def test_a_colour_histogram_counts_and_knows_no_places():
    x = torch.zeros(2, 3, 4, 4)
    x[0, 0, :2], x[1, 0, :, :2] = 1.0, 1.0
    found = crops.colour_histogram(x)
    assert found.shape == (2, 64) and torch.equal(*found)
    assert found[0].square().nonzero().flatten().tolist() == [0, 48]
    assert found[0].square()[[0, 48]].tolist() == pytest.approx([0.5, 0.5])


def test_neighbours_are_others_and_are_shown_row_by_row():
    code = torch.tensor([[0.0, 0], [1, 0], [0.9, 0.05], [0, 1]])
    found = crops.neighbours({"one": code, "other": code.flip(1)}, 1, 2)
    assert found["one"][0] == 2 and all(1 not in others and len(others) == 2 for others in found.values())
    pictures = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2) / 4
    rows = crops.shown(pictures, found, 1)
    assert rows.shape == (1, 3, 4, 6)
    assert [(4 * one).tolist() for one in rows[0, 0, ::2, ::2]] == [[1.0, *map(float, of)] for of in found.values()]
