"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all), ``tasks`` (what a task is), ``registry`` (all of them by name), ``training``,
and a file for each kind of task: ``upright``, ``colour`` (with ``lab``), ``erasing``, ``scrambling``, ``contrast``
(with ``views``).
"""

from u3lab.selfsup.colour import annealed_mean, decolorise
from u3lab.selfsup.contrast import contrastive, nt_xent
from u3lab.selfsup.encoder import LAYERS, encoder
from u3lab.selfsup.erasing import erase
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.scrambling import aberrated, jigsaw, relative_position
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve

__all__ = ["LAYERS", "TASKS", "Posed", "PretextSettings", "Task", "aberrated", "annealed_mean", "contrastive",
           "decolorise", "encoder", "erase", "head_of", "jigsaw", "nt_xent", "pretrain", "relative_position", "solve"]
