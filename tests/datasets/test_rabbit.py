"""The film of the rabbit, and the points that were marked in it."""

from u3lab import images
from u3lab.datasets import clips


def test_frames_and_marks_have_their_forms():
    film = clips.rabbit()
    images.check(film.frames)
    assert film.frames.shape == (132, 3, 128, 128) and film.points.shape == (15, len(clips.MARKS), 2)
    assert film.numbers.tolist() == list(range(0, 132, 9)) and film.points.abs().max() < 1
