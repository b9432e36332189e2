"""Learning how things are turned: pairs that tell nothing else, and a network that finds one frame for all."""

import math

import pytest
import scipy.ndimage
import torch

from tests.helpers import refuses, seeded
from u3course.worlds import turntable
from u3lab import landmarks
from u3lab.datasets import handwritten, photos
from u3lab.descent import last


def sevens(start: int, stop: int) -> torch.Tensor:
    digits, labels = handwritten.load()
    return digits[labels == 7][start:stop]


@pytest.mark.parametrize("dimensions, numbers", [("2d", 2), ("3d", 6)])
def test_the_encoder_gives_the_numbers_of_a_turn(dimensions: str, numbers: int):
    net = landmarks.pose_encoder(4, dimensions, seed=3)
    x = torch.rand(2, 3, 64, 64, generator=seeded())
    assert net(x).shape == (2, numbers, 1, 1) and net(x[..., :28, :28]).shape == (2, numbers, 1, 1)
    assert net.layers == ("conv1", "conv2", "conv3", "conv4", "hidden", "pose")
    assert torch.equal(landmarks.pose_encoder(4, dimensions, seed=3)(x), net(x))
    assert not torch.equal(landmarks.pose_encoder(4, dimensions, seed=4)(x), net(x))


def test_poses_are_rotations_however_many():
    net = landmarks.pose_encoder(4)
    x = torch.rand(70, 3, 16, 16, generator=seeded())
    R = landmarks.poses(net, x)
    torch.testing.assert_close(R @ R.mT, torch.eye(3).expand(70, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(landmarks.poses(net, x[65:66]), R[65:66], atol=1e-4, rtol=0)


def test_pairs_are_of_one_thing_and_tell_the_turn_alone():
    views = turntable.draw("chair", 12, size=16, each=3)
    pictures = torch.arange(12.0).div(12).view(12, 1, 1, 1).expand(12, 3, 16, 16)  # each tells its number
    pairs = landmarks.pairs_of(pictures, views.rotations, views.instances)
    x, moved, g = pairs(200, seeded())
    first, second = ((one[:, 0, 0, 0] * 12).round().long() for one in (x, moved))
    assert (views.instances[first] == views.instances[second]).all() and (first != second).all()
    assert len(first.unique()) == len(second.unique()) == 12
    torch.testing.assert_close(g @ views.rotations[first], views.rotations[second])
    elsewhere = turntable.rotation(torch.tensor([50.0]), torch.tensor([0.0]))
    hidden = landmarks.pairs_of(pictures, views.rotations @ elsewhere, views.instances)(200, seeded())[2]
    torch.testing.assert_close(hidden, g)  # where 0 is, nobody is told


def test_a_picture_is_turned_as_scipy_turns_it():
    x = photos.load("stream", size=48)
    for angle in (30.0, 90.0, 200.0):
        theirs = scipy.ndimage.rotate(x[0].numpy(), angle, axes=(2, 1), reshape=False, order=1)  # (2, 1): to the left
        ours = landmarks.rotated(x, torch.tensor([angle]))[0]
        assert (ours - torch.from_numpy(theirs)).abs()[:, 12:36, 12:36].max() < 2e-3
        assert ours[:, :6, :6].max() == 0  # a corner would tell


def test_turned_pairs_fit_their_turn():
    half = torch.zeros(1, 3, 32, 32)
    half[..., 16:] = 1
    first, second, g = landmarks.rotated_pairs(half)(200, seeded())
    along = torch.linspace(-1, 1, 32)
    ways = [torch.atan2(-(x[:, 0].sum(2) * along).sum(1), (x[:, 0].sum(1) * along).sum(1)) for x in (first, second)]
    for way in ways:  # where the light half is: anywhere
        assert torch.histc(way, 4, -math.pi, math.pi).min() > 30
    on = torch.atan2(g[:, 1, 0], g[:, 0, 0])
    assert on.std() > 1
    assert torch.cos(ways[1] - ways[0] - on).min() > 0.99


def test_one_frame_for_sevens_that_it_never_saw():
    """Only turns between pictures are told; up to one common turn it knows how any 7 is turned.

    Hands slant their sevens by some 15°, and no pair of turned copies of one 7 says where up is for the next.
    """
    net = landmarks.pose_encoder(8, "2d")
    settings = landmarks.PoseSettings(steps=80, batch_size=32, lr=0.005)
    end = last(landmarks.learn_pose(net, landmarks.rotated_pairs(sevens(0, 400)), settings=settings))
    assert end.value < 25 and set(end.terms) == {"chordal"}
    held_out = sevens(400, 500)
    angle = 360 * torch.rand(100, generator=seeded(1))
    true = landmarks.as_rotation(torch.stack([angle.deg2rad().cos(), angle.deg2rad().sin()], 1))
    found = landmarks.poses(net, landmarks.rotated(held_out, angle))
    h = landmarks.align(found, true)
    assert landmarks.pose_error(found, true, h).median() < 40
    assert landmarks.pose_error(found.roll(1, 0), true, h).median() > 60  # chance: 90


def turns() -> tuple[torch.Tensor, ...]:
    views = turntable.draw("chair", 8, size=16)
    return views.images[::2], views.images[1::2], views.rotations[1::2] @ views.rotations[::2].mT


def test_slips():
    x, moved, g = turns()
    net = landmarks.pose_encoder(2)
    refuses(landmarks.learn_pose, net, (x, moved, 2 * g), says="no rotations")
    refuses(lambda: last(landmarks.learn_pose(landmarks.pose_encoder(2, "2d"), (x, moved, g))), says="D = 2|2,2|N,2")
    refuses(lambda: last(landmarks.learn_pose(torch.nn.Conv2d(3, 5, 16).eval(), (x, moved, g))), says="has 2 or 6")
    refuses(landmarks.pairs_of, x, g, torch.arange(4), says="two or more views")
