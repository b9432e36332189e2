"""What learns from pairs of pictures in chapter 3b, by name: turns that fit each other, and keypoints as a bottleneck.

    learner = LEARNERS["pose in the plane"]
    net = learner.fresh(seed=0)
    last(learner.learn(net, pairs, settings=learner.settings(steps=200)))

A new learner is one function, one line here, and one test of its numbers; ``tests/landmarks/test_learners.py`` holds
every line to its word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from torch import nn

from u3lab.descent import Step
from u3lab.landmarks.autoencoding import AutoencodeSettings, autoencode
from u3lab.landmarks.bottleneck import KeypointAutoencoder
from u3lab.landmarks.posing import PoseSettings, learn_pose, pose_encoder


@dataclass(frozen=True)
class Learner:
    """One learner.

    Attributes
    ----------
    fresh
        (seed=) → a network with random weights.
    learn
        (network, pairs, settings=) → its steps.
    settings
        The class of its settings.
    turns
        Whether it is told the turn from the first picture of a pair to the second; if not, nothing but the pictures.
    numbers
        How many numbers of a picture say where it or its parts are: all that can go through.
    """

    fresh: Callable[..., nn.Module]
    learn: Callable[..., Iterator[Step]]
    settings: type
    turns: bool
    numbers: int


LEARNERS: dict[str, Learner] = {
    "pose in the plane": Learner(partial(pose_encoder, dimensions="2d"), learn_pose, PoseSettings, True, 2),
    "pose in space": Learner(pose_encoder, learn_pose, PoseSettings, True, 6),
    "keypoint autoencoder": Learner(KeypointAutoencoder, autoencode, AutoencodeSettings, False, 20),
}
