"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all), ``tasks`` (what a task is, and all of them by name), ``training``, and a file
for each kind of task. ``information`` has the loss of clustering (``clustering``, ``views``) and segmenting
(``segmenting``).
"""

from u3lab.selfsup.clustering import (
    ClusterSettings,
    choose,
    cluster,
    clustering,
    digit_encoder,
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
    texture_encoder,
)
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve
from u3lab.selfsup.views import digit_views

__all__ = ["LAYERS", "TASKS", "ClusterSettings", "Posed", "PretextSettings", "SegmentSettings", "Task", "bias",
           "choose", "choose_segments", "cluster", "clustering", "dense_heads", "digit_encoder", "digit_views",
           "displaced_joints", "encoder", "head_of", "iic_loss", "joint", "mutual_information", "pretrain",
           "pseudo_labels", "segment", "segmentation_loss", "segmenting", "segments", "shares", "solve", "sub_heads",
           "texture_encoder", "transfer_knowledge"]
