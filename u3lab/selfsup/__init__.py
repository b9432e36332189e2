"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all; ``small`` has smaller ones), ``tasks`` (what a task is, and all of them by
name), ``training``, and a file for each kind of task. ``information`` has the loss of ``clustering`` (with ``views``,
``pseudo``-labels), of ``segmenting``, and of an eye and an ear ``together``.
"""

from u3lab.selfsup.clustering import (
    ClusterSettings,
    choose,
    cluster,
    clustering,
    shares,
    sub_heads,
)
from u3lab.selfsup.encoder import LAYERS, encoder
from u3lab.selfsup.information import bias, iic_loss, joint, mutual_information
from u3lab.selfsup.pseudo import pseudo_labels, transfer_knowledge
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.segmenting import (
    SegmentSettings,
    choose_segments,
    dense_heads,
    displaced_joints,
    segment,
    segmentation_loss,
    segmenting,
    segments,
)
from u3lab.selfsup.small import digit_encoder, pixel_encoder, texture_encoder
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.together import Ear, together
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve
from u3lab.selfsup.views import bias_field, digit_views, relit

__all__ = ["ClusterSettings", "Ear", "LAYERS", "Posed", "PretextSettings", "SegmentSettings", "TASKS", "Task", "bias",
           "bias_field", "choose", "choose_segments", "cluster", "clustering", "dense_heads", "digit_encoder",
           "digit_views", "displaced_joints", "encoder", "head_of", "iic_loss", "joint", "mutual_information",
           "pixel_encoder", "pretrain", "pseudo_labels", "relit", "segment", "segmentation_loss", "segmenting",
           "segments", "shares", "solve", "sub_heads", "texture_encoder", "together", "transfer_knowledge"]
