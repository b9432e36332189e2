"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all), ``tasks`` (what a task is), ``registry`` (all of them by name), ``training``,
``transfer`` (does it help?), and a file for each kind of task.
"""

from u3lab.selfsup.encoder import LAYERS, encoder
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve
from u3lab.selfsup.transfer import TuneSettings, classifier, fine_tune, pooled, probed

__all__ = ["LAYERS", "TASKS", "Posed", "PretextSettings", "Task", "TuneSettings", "classifier", "encoder", "fine_tune",
           "head_of", "pooled", "pretrain", "probed", "solve"]
