"""Clips: short films out of those that ship, and out of your own.

    clips.street("train", count=8)     # (8,4,3,64,64): people who walk
    clips.rabbit().frames              # (132,3,128,128): an animated film, some of its points marked
    clips.folder("films").clips        # (N,8,3,64,64): your own, some with sound

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Files: ``film`` (a street, with masks of who walks), ``rabbit`` (an
animated film) and ``own`` (your own films). Made ones are in ``u3course.worlds.clips``.
"""

from u3lab.datasets.clips.film import Walkers, street, street_frames, street_masks
from u3lab.datasets.clips.own import FPS, RATE, Films, folder
from u3lab.datasets.clips.rabbit import MARKS, Marked, rabbit
