"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoders`` (one network for all, and small ones), ``training`` (all tasks by name; what a task is says
:mod:`u3lab.training.tasks`), ``transfer`` (does it help?), a file for each kind of task; ``marginal``, losses that do
not ask for what nobody can know; and ``information`` with ``clustering`` and ``segmenting``, which find classes.
"""

from u3lab.selfsup.clustering import (
    ClusterSettings,
    SoundEncoder,
    audiovisual_clustering,
    best_head,
    cluster,
    cluster_probabilities,
    clustering,
    sub_heads,
)
from u3lab.selfsup.colour import decolorise
from u3lab.selfsup.contrast import contrastive, nt_xent
from u3lab.selfsup.cross_pixel import pixel_codes
from u3lab.selfsup.encoders import LAYERS, digit_encoder, encoder, pixel_encoder, texture_encoder, unet
from u3lab.selfsup.erasing import erase
from u3lab.selfsup.information import Pairs, bias, draw_pairs, iic_loss, joint, mutual_information, pmi
from u3lab.selfsup.marginal import NUISANCES, aligned, marginal_loss, projected_loss
from u3lab.selfsup.motion import MOVED, estimated_flow, moves, three_frame_difference
from u3lab.selfsup.scrambling import aberrated, jigsaw, relative_position
from u3lab.selfsup.segmenting import (
    SegmentSettings,
    best_dense_head,
    dense_heads,
    displaced_joints,
    segment,
    segmentation_loss,
    segmenting,
    segments,
)
from u3lab.selfsup.sounding import sound_map
from u3lab.selfsup.training import TASKS, PretextSettings, head_of, pretrain, solve
from u3lab.selfsup.transfer import best_probe, pooled, pseudo_labels, transfer_knowledge
from u3lab.selfsup.views import bias_field, digit_views, relit
from u3lab.training.tasks import Posed, Task
