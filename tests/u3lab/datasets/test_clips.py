"""The clips: of a street its splits and the choice of windows; of the rabbit its frames and marks."""

import json
import zipfile

import torch

from tests.helpers import refuses
from u3lab import images
from u3lab._system import paths
from u3lab.datasets import clips


def test_frames_of_two_times():
    train, test = (images.check(clips.street_frames(split)) for split in ("train", "test"))
    assert train.shape == (235, 3, 192, 256) and test.shape == (103, 3, 192, 256)
    index = json.loads(paths.data("clips", "index.json").read_text(encoding="utf-8"))["street"]
    assert min(index["test"]) - max(index["train"]) > 100 and set(index["masked"]) <= set(index["test"])
    with zipfile.ZipFile(paths.data("clips", "street.zip")) as archive:
        assert archive.namelist() == [f"{n:03}.webp" for n in index["train"] + index["test"]]


def test_windows_are_cut_from_the_film_and_something_moves_in_them():
    found = clips.street("test", length=3, count=6, size=48, seed=1)
    assert found.shape == (6, 3, 3, 48, 48)
    film = clips.street_frames("test")
    for clip in found:
        first = (film[:101, :, :145:4, :209:4] == clip[0, :, 0, 0].view(3, 1, 1)).all(1)
        last = (film[2:, :, 47::4, 47::4] == clip[2, :, 47, 47].view(3, 1, 1)).all(1)
        at = [(t, 4 * y, 4 * x) for t, y, x in (first & last).nonzero().tolist()]
        at = [(t, y, x) for t, y, x in at if torch.equal(film[t : t + 3, :, y : y + 48, x : x + 48], clip)]
        assert len(at) == 1
    changes = (found.diff(dim=1).abs().amax(2) > 0.1).float().mean((1, 2, 3))
    assert changes.min() >= 0.02
    assert (clips.street("test", count=40, least=0).diff(dim=1).abs().amax(2) > 0.1).float().mean((1, 2, 3)).min() == 0


def test_the_choice_is_a_seeds():
    a, b, c = (clips.street(count=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_what_cannot_be_is_said():
    refuses(clips.street, least=0.9, says="no window of 4 frames")
    refuses(clips.street, size=200, says="192")


def test_the_rabbits_frames_and_marks_have_their_forms():
    film = clips.rabbit()
    images.check(film.frames)
    assert film.frames.shape == (132, 3, 128, 128) and film.points.shape == (15, len(clips.MARKS), 2)
    assert film.numbers.tolist() == list(range(0, 132, 9)) and film.points.abs().max() < 1
