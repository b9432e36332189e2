"""Chapter 3: the structure of things, learnt from pictures and how they move.

Files: ``factorising`` (turns that are found from turns between pictures), ``posing`` (a network that learns them).
"""

from u3lab.landmarks.factorising import align, as_rotation, factorise, pose_error
from u3lab.landmarks.posing import (
    PoseSettings,
    learn_pose,
    pairs_of,
    pose_encoder,
    poses,
    rotated,
    rotated_pairs,
)

__all__ = ["PoseSettings", "align", "as_rotation", "factorise", "learn_pose", "pairs_of", "pose_encoder", "pose_error",
           "poses", "rotated", "rotated_pairs"]
