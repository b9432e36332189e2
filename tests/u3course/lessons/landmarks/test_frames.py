"""Notebook 03b, turns: what is told of a varied pair is true of it, the shipped network, dials and shapes."""

import pytest
import torch
from torch import Tensor

from u3course.lessons.landmarks import frames
from u3course.worlds import turntable
from u3course.worlds.turntable import numbers
from u3lab import landmarks
from u3lab.datasets import scans


def test_a_mirrored_pair_is_told_the_turn_of_the_mirrored_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thing that is its own mirror image, at a pose R, looks in the mirror as at the pose M R M."""
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        start, on = 360 * torch.rand(2, count, generator=generator)
        hand = frames.shapes(size=32)["hand"].expand(count, -1, -1, -1)
        return landmarks.rotated(hand, start), landmarks.rotated(hand, start + on), frames.plane(on)

    monkeypatch.setattr(frames, "SHIFT", 0.0)  # the hand begins in the middle
    x, moved, g = frames.varied(pairs)(24, torch.Generator().manual_seed(0))
    tips = [pointing(one) for one in (x, moved)]
    off = (tips[1] - tips[0] - frames.degrees(g) + 180) % 360 - 180
    assert off.abs().max() < 12
    plain = pairs(24, torch.Generator().manual_seed(0))[2]
    assert 4 < int(((g - plain).abs().amax((1, 2)) > 1e-3).sum()) < 20  # some are mirrored, and some not


def test_nothing_is_mirrored_where_nothing_may_be() -> None:
    def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        x = torch.rand(count, 3, 8, 8, generator=generator)
        return x, x, frames.plane(360 * torch.rand(count, generator=generator))

    told = frames.varied(pairs, mirrored=False)(24, torch.Generator().manual_seed(0))[2]
    assert torch.equal(told, pairs(24, torch.Generator().manual_seed(0))[2])


def pointing(x: Tensor) -> Tensor:
    """The angle, counter-clockwise from the top, of the tip of a blue hand that begins at its picture's middle."""
    blue = (x[:, 2] - x[:, 0]).clamp_min(0.2) - 0.2
    along = (2 * torch.arange(32) + 1) / 32 - 1
    across, down = ((blue * one).sum((1, 2)) for one in (along, along[:, None]))
    return torch.atan2(-across, -down).rad2deg()


def test_light_size_and_place_change_and_the_pair_stays_a_pair() -> None:
    made = turntable.draw("chair", 12, size=16, each=1, things=4, seed=2)
    pairs = landmarks.pairs_of(made.images, made.rotations, made.instances)
    (x, *_), (y, *_) = (one(5, torch.Generator().manual_seed(0)) for one in (pairs, frames.varied(pairs)))
    assert x.shape == y.shape and (x - y).abs().mean() > 0.01 and 0 <= y.min() and y.max() <= 1


def test_the_shipped_network_knows_things_that_it_has_never_seen() -> None:
    made = turntable.draw("chair", 60, split="test", each=1, things=20, seed=4)
    found = landmarks.poses(frames.shipped("chair"), made.images)
    assert landmarks.pose_error(found, made.rotations, landmarks.align(found, made.rotations)).median() < 10


def test_pins_point_where_the_pose_says() -> None:
    grey, quarter = torch.full((2, 3, 16, 16), 0.5), turntable.rotation(torch.tensor([0.0, 90.0]), torch.zeros(2))
    shown = frames.pinned(grey, quarter, size=64)
    assert shown.shape == (2, 3, 64, 64)
    middle, tip = 32, round(32 * (1 + frames.REACH[2]))  # at 90° the front is to the right
    orange, blue = (torch.tensor(frames.AXES[n]) for n in (2, 1))
    torch.testing.assert_close(shown[1, :, middle, tip - 1], orange, atol=0.05, rtol=0)
    torch.testing.assert_close(shown[0, :, middle, middle], orange, atol=0.05, rtol=0)  # it looks at us
    for one in shown:
        torch.testing.assert_close(one[:, round(32 * (1 - frames.REACH[1])) + 1, middle], blue, atol=0.05, rtol=0)


def test_films_are_of_chairs_that_are_held_out_and_go_once_around() -> None:
    films = frames.films()
    assert set(frames.FILMED) <= set(numbers("test", 40)) and len(films) == 4
    for film, way in zip(films, (1, -1, 1, -1), strict=True):
        assert film.images.shape == (frames.FILM, 3, 128, 128)
        torch.testing.assert_close(way * film.azimuth.diff(), torch.full((frames.FILM - 1,), 360 / frames.FILM),
                                   atol=1e-3, rtol=0)


def test_slices_are_square_and_whole() -> None:
    square, raw = frames.slices("brain1"), scans.load("brain1").images
    assert square.shape == (10, 3, 64, 64) and raw.shape[2] > raw.shape[3]
    assert float(square.mean()) == pytest.approx(float(raw.mean()) * raw.shape[3] / raw.shape[2], rel=0.02)


@pytest.mark.parametrize("angle", [0.0, 90.0, 200.0])
def test_a_hand_points_counter_clockwise_from_the_top(angle: float) -> None:
    dark = 1 - frames.dials(torch.tensor([angle]), size=65)[0].mean(0)
    along = (2 * torch.arange(65) + 1) / 65 - 1
    dark = (dark > 0.5) & ((along**2 + along[:, None] ** 2) < 0.7)
    down, across = dark.nonzero().double().mean(0) - 32
    assert torch.atan2(-across, -down).rad2deg().item() % 360 == pytest.approx(angle, abs=3)


def test_the_hand_that_was_found_is_another_colour() -> None:
    both, one = frames.dials(torch.zeros(1), torch.tensor([90.0])), frames.dials(torch.zeros(1))
    rows, columns = ((both - one).abs().amax(1)[0] > 0.3).nonzero().T
    assert columns.double().mean() < 25 and abs(rows.double().mean() - 31.5) < 1  # to the left: 90° counter-clockwise


@pytest.mark.parametrize("name, turn", [("bar", 180.0), ("cross", 90.0), ("disc", 37.0)])
def test_a_shape_looks_alike_after_its_turn(name: str, turn: float) -> None:
    x = landmarks.rotated(frames.shapes()[name], torch.zeros(1))
    assert (landmarks.rotated(x, torch.tensor([turn])) - x).abs().mean() < 0.01
    half = landmarks.rotated(x, torch.tensor([turn / 2]))
    assert name == "disc" or (half - x).abs().mean() > 0.05


def test_a_hand_is_alike_after_a_whole_turn_only() -> None:
    x = landmarks.rotated(frames.shapes()["hand"], torch.zeros(1))
    assert all((landmarks.rotated(x, torch.tensor([turn])) - x).abs().mean() > 0.02 for turn in (90.0, 180.0, 270.0))
