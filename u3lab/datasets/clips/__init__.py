"""Clips: short films out of those that ship.

    clips.street("train", count=8)     # (8,4,3,64,64): people who walk
    clips.rabbit().frames              # (132,3,128,128): an animated film, some of its points marked

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Files: ``film`` (a street, with masks of who walks) and ``rabbit``
(an animated film). Made ones are in ``u3course.worlds.clips``.
"""

from u3lab.datasets.clips.film import Walkers, street, street_frames, street_masks
from u3lab.datasets.clips.rabbit import MARKS, Marked, rabbit
