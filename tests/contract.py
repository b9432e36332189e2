"""What the methods of every registry are asked alike: what they leave alone, and that nothing is being trained."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from tests.helpers import built, cat, refuses, resnet18, same_state, state


def leaves_alone(ask: Callable[..., object], net: nn.Module, x: Tensor, *slips: dict[str, object]) -> None:
    """A call, one without gradients, and those that slip in one argument: network and pictures are as they were."""
    for index, parameter in enumerate(net.parameters()):
        parameter.requires_grad_(index % 2 == 0)  # some frozen, some not: both have to stay
    net.module[1].register_forward_hook(lambda module, inputs, output: None)
    before, asked = state(net), x.clone()
    ask(net, asked)
    with torch.no_grad():
        ask(net, asked)
    for slip in slips:
        refuses(ask, net, asked, **slip)
    assert same_state(before, state(net))
    assert torch.equal(asked, x) and not asked.requires_grad and asked.grad is None
    assert torch.overrides._get_current_function_mode_stack() == []


def refuses_training_mode(ask: Callable[..., object]) -> None:
    """A bare module with batch norms that is being trained gets one sentence, and no number of it changes.

    So does one of which a single layer is: it alone makes the answer random, and would even learn from it.
    """
    fresh = built(resnet18)
    for one in ("", "layer2.0.bn1"):
        net = copy.deepcopy(fresh)
        net.get_submodule(one).train()
        before = copy.deepcopy(net.state_dict())
        refuses(ask, net, cat(64).float(), says=("training mode", r"eval\(\)"))
        assert net.layer2[0].bn1.training and net.training == (one == "")  # asking does not change it
        assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
