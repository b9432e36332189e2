"""The ways that add no adapter against the same training in plain torch: which weights move, and to where."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import minimised
from tests.universal.networks import pictures, tiny
from u3lab.descent import last
from u3lab.universal import METHODS, UniversalSettings, adapt, train_domain

X, Y = pictures(12, 16).double(), torch.arange(12) % 3
STEPS, RATE = 3, 0.01
WAYS = ["scratch", "features", "batch norm", "last block", "fine-tuning"]


def trained(way: str) -> nn.Module:
    """The network with a new head of zeros, after some steps of Adam on what this way trains."""
    net = adapt(tiny().double(), way).add_domain("new", 3)
    own, module = {name.replace("shared.", "") for name in net.domain("new").own}, net.merge("new").module
    head = module[-1]
    nn.init.zeros_(head.weight), nn.init.zeros_(head.bias)
    norms = [part for part in module if isinstance(part, nn.BatchNorm2d)] if METHODS[way].norms else []
    for norm in norms:  # all twelve pictures at once: the statistics that training begins with are those of each step
        norm.train()
    chosen = {"all": lambda name: True, "last block": lambda name: name in own, "nothing": lambda name: False}
    weights = [weight.requires_grad_() for name, weight in module.named_parameters()
               if chosen[METHODS[way].own](name) or any(weight is one for part in (head, *norms)
                                                       for one in part.parameters())]
    minimised(torch.optim.Adam(weights, lr=RATE), lambda: F.cross_entropy(module(net.normalise(X)), Y), STEPS)
    return module


@pytest.mark.oracle("the same steps in plain torch",
                    universal=["scratch", "features", "batch norm", "last block", "fine-tuning"])
@pytest.mark.parametrize("way", WAYS)
def test_the_steps_are_those_of_plain_torch(way: str):
    """In the pictures' own statistics, since those that batch norms remember depend on how training begins."""
    net = adapt(tiny().double(), way).add_domain("new", 3)
    last(train_domain(net, "new", X, Y, settings=UniversalSettings(steps=STEPS, lr=RATE, batch_size=len(X))))
    module, found = trained(way), net.merge("new").module
    for part in (*module, *found):
        if METHODS[way].norms and isinstance(part, nn.BatchNorm2d):
            part.train()
    torch.testing.assert_close(found(net.normalise(X)), module(net.normalise(X)), atol=1e-4, rtol=1e-4)
