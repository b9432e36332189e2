"""Chapter 2: what can be learnt from pictures without labels. The picture is the label, what was done to it the input.

    net = encoder(seed=0)                                # random at the start
    last(pretrain(net, pictures, "upright"))             # any name of TASKS
    net.features(pictures, "conv5")                      # what the task has taught it

Files: ``encoder`` (one network for all), ``tasks`` (what a task is), ``registry`` (all of them by name), ``training``,
and a file for each kind of task: ``upright``, ``ordering`` (time), ``sounding``, ``moving`` (with ``flow``).
"""

from u3lab.selfsup.encoder import LAYERS, encoder
from u3lab.selfsup.flow import estimated_flow
from u3lab.selfsup.moving import Grouped, grouped, pixel_codes
from u3lab.selfsup.ordering import arrow, sorting
from u3lab.selfsup.registry import TASKS
from u3lab.selfsup.sounding import clustered, correspondence, sound_map
from u3lab.selfsup.tasks import Posed, Task
from u3lab.selfsup.training import PretextSettings, head_of, pretrain, solve

__all__ = ["LAYERS", "TASKS", "Grouped", "Posed", "PretextSettings", "Task", "arrow", "clustered", "correspondence",
           "encoder", "estimated_flow", "grouped", "head_of", "pixel_codes", "pretrain", "solve", "sorting",
           "sound_map"]
