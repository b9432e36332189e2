"""Chapter 1: one network for many domains. Nearly all of its weights are shared; each domain adds a few.

    net = adapt(nets.load(), "parallel").add_domain("digits", 10)
    last(train_domain(net, "digits", images, labels))
    net.use("digits")                                    # a classifier of digits

Files: ``adapters`` (the formulas, and who trains what: the adapters and their rivals), ``domain`` (what a domain adds
to a network, and where), ``adapted`` (the network), ``files`` (a domain in a file), ``training``, ``score`` (the
decathlon's), ``dynamic`` (adapters that are predicted), ``multitask`` (more tasks for one network).
"""

from u3lab.universal.adapted import Adapted, adapt
from u3lab.universal.adapters import METHODS, Method
from u3lab.universal.dynamic import LearnetSettings, describe, learnet, put_adapters, train_learnet
from u3lab.universal.multitask import Task, Tasks, TasksSettings, train_tasks
from u3lab.universal.score import decathlon_score
from u3lab.universal.training import UniversalSettings, train_domain
