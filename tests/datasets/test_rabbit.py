"""The film of the rabbit, and the points that were marked in it."""

import torch
import torch.nn.functional as F

from u3lab import images
from u3lab.datasets import clips


def test_frames_and_marks_have_their_forms():
    film = clips.rabbit()
    images.check(film.frames)
    assert film.frames.shape == (132, 3, 128, 128) and film.points.shape == (15, len(clips.MARKS), 2)
    assert film.numbers.tolist() == list(range(0, 132, 9)) and film.points.abs().max() < 1


def test_marks_lie_on_the_grey_animal_and_not_on_the_meadow():
    film = clips.rabbit()
    marked = film.frames[film.numbers]
    seen = F.grid_sample(F.avg_pool2d(marked, 3, 1, 1), film.points[:, :, None], align_corners=False)[..., 0]
    saturation = (seen.amax(1) - seen.amin(1)) / seen.amax(1)
    meadow = marked[:, :, 105:].flatten(2)
    green = (meadow.amax(1) - meadow.amin(1)) / meadow.amax(1).clamp(min=0.05)
    assert saturation[:, [0, 2]].median() < 0.6 * green.median()


def test_the_film_goes_on_smoothly():
    frames = clips.rabbit().frames
    assert frames.diff(dim=0).abs().mean((1, 2, 3)).max() < 0.5 * (frames[0] - frames[-1]).abs().mean()
    assert not torch.equal(frames[0], frames[1])
