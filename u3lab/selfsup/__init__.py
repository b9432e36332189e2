"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all), ``tasks`` (what a task is), ``registry`` (all of them by name), ``training``,
``transfer`` (does it help?), a file for each kind of task, and two on answers that nobody can know: ``marginal``
(losses that do not ask for them) and ``switch`` (correspondences).
"""

from u3lab.selfsup.encoder import LAYERS, encoder
from u3lab.selfsup.marginal import aligned, marginal_loss, projected_loss
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.switch import Pairs, correspondence_loss, draw_pairs, pairs, pmi
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve
from u3lab.selfsup.transfer import TuneSettings, classifier, fine_tune, pooled, probed

__all__ = ["LAYERS", "TASKS", "Pairs", "Posed", "PretextSettings", "Task", "TuneSettings", "aligned", "classifier",
           "correspondence_loss", "draw_pairs", "encoder", "fine_tune", "head_of", "marginal_loss", "pairs", "pmi",
           "pooled", "pretrain", "probed", "projected_loss", "solve"]
