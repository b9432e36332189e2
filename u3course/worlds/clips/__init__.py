"""Clips that a program makes, with what is true about them.

    clips.moving(8, 6).flow            # (8,5,2,64,64): things on photos, and where each pixel goes
    clips.bouncing(8).sounds           # (8,8000): bouncing things, and what is heard of them

A clip is a float tensor (T,3,H,W), RGB, in [0,1]. Files: ``gliding`` (with true optical flow), ``impacts`` (with true
sound). Real films are in :mod:`u3lab.datasets.clips`.
"""

from u3course.worlds.clips.gliding import Moving, moving
from u3course.worlds.clips.impacts import MATERIALS, Bouncing, bouncing
