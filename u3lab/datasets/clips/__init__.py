"""Clips: short films, some with sound, some with what is true about them.

    clips.moving(8, 6).flow            # (8,5,2,64,64): things on photos, and where each pixel goes
    clips.bouncing(8).sounds           # (8,8000): bouncing things, and what is heard of them
    clips.street("train", count=8)     # (8,4,3,64,64): people who walk
    clips.rabbit().frames              # (132,3,128,128): an animated film, some of its points marked

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Files: ``gliding`` (made, with true optical flow), ``impacts`` (made,
with true sound) with its ``materials``, ``film`` (a street, with masks of who walks), ``rabbit`` (an animated film),
``own`` (your own films), and ``sounds``.
"""

from u3lab.datasets.clips.film import Walkers, street, street_frames, street_masks
from u3lab.datasets.clips.gliding import Moving, moving
from u3lab.datasets.clips.impacts import FPS, Bouncing, bouncing
from u3lab.datasets.clips.materials import MATERIALS, SHAPES
from u3lab.datasets.clips.own import Films, folder
from u3lab.datasets.clips.rabbit import MARKS, Marked, rabbit
from u3lab.datasets.clips.sounds import RATE, spectrogram

__all__ = ["FPS", "MARKS", "MATERIALS", "RATE", "SHAPES", "Bouncing", "Films", "Marked", "Moving", "Walkers",
           "bouncing", "folder", "moving", "rabbit", "spectrogram", "street", "street_frames", "street_masks"]
