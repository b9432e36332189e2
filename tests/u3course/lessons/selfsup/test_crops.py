"""Crops of photographs that no encoder has learnt from: who judges, what is near, what ships; how they are shown."""

import numpy as np
import pytest
import torch

from u3course.lessons.selfsup import album, crops
from u3lab import images
from u3lab.datasets import photos
from u3lab.selfsup import encoder
from u3lab.selfsup.scrambling import DIRECTIONS


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


BLUE, RED = (tuple(int(colour[n:n + 2], 16) for n in (1, 3, 5)) for _, colour in album.MARKS.values())


def levels(picture: torch.Tensor) -> torch.Tensor:
    return (255 * picture[0]).round().int().permute(1, 2, 0)


@pytest.mark.parametrize("shape", [(90, 240), (240, 90)])
def test_a_click_is_where_it_lies_on_the_photo(shape: tuple[int, int]):
    photo = torch.rand(1, 3, *shape)
    width, height = album.fitted(photo)
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.02)
    assert width <= album.PANEL and height <= album.HEIGHT
    click = 0.5 * width / album.PANEL, 0.25 * height / album.HEIGHT
    assert album.within(photo, click) == pytest.approx((0.5, 0.25))
    assert album.within(photo, (1.0, 1.0)) == (1.0, 1.0)


def test_right_crops_have_blue_frames_and_the_square_is_drawn_where_it_is():
    photo, crop = torch.full((1, 3, 100, 120), 0.5), torch.zeros(3, 8, 8)
    page = levels(album.neighbours(photo, (20, 70, 40), {
        name: ([crop] * 5, [n == row for n in range(5)]) for row, name in enumerate("abc")}))
    assert page.shape[:2] == (album.HEIGHT, 2 * album.PANEL)
    for row in range(3):
        at = row * (album.LINE + album.TILE + 3 * album.GAP) + album.LINE + album.TILE + 7
        for n in range(5):
            x = album.PANEL + n * (album.TILE + 2 * album.GAP) + album.TILE // 2
            assert tuple(page[at, x].tolist()) == (BLUE if n == row else RED)
    scale = album.fitted(photo)[0] / 120
    assert page[round(40 * scale), round(70 * scale) + 1].tolist() == [255] * 3
    assert page[round(40 * scale), 10, 0] < 0.6 * page[round(90 * scale), album.fitted(photo)[0] - 5, 0]


def test_cosines_are_grey_levels_and_the_largest_of_a_row_is_marked():
    cosines = torch.tensor([[1.0, -1.0], [0.5, 0.0]])
    page = levels(album.similarity(torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8), cosines))
    step = album.CELL + 4
    corners = [[page[(row + 1) * step + 6, (column + 1) * step + 6, 0].item() for column in (0, 1)] for row in (0, 1)]
    assert corners == [[255, 0], [pytest.approx(191, abs=1), pytest.approx(128, abs=1)]]
    dots = [tuple(page[(row + 1) * step + 4 + 20, step + 4 + 28].tolist()) for row in (0, 1)]
    assert dots == [BLUE, RED], "the first finds itself, the second its rival"


def test_the_second_tile_lies_in_its_direction():
    for k, (down, right) in enumerate(DIRECTIONS):
        sheet = album.laid(torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)]), k)
        assert sheet.shape == (3, 12, 12) and not sheet[:, 4:8, 4:8].any()
        assert (sheet == 1).nonzero()[:, 1:].float().mean(0).tolist() == [5.5 + 4 * down, 5.5 + 4 * right]


def test_the_pictures_shown_are_those_of_the_answers_in_their_frames(monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(album, "answered", lambda *given, **said: drawn.append((*given, said)))
    found = torch.tensor([True, False, False, False, True, True])
    _, line = album.framed("asked", [1, 2], {"said": ([3, 4, 5], found), "other": ([6, 7, 8], ~found)}, step=2)
    assert drawn == [([1, 2, 3, 4, 6, 7], [None, None, True, False, False, True],
                      {"rows": ["asked", "said", "other"], "width": 860})]
    assert line == "said 50%, other 50%"
