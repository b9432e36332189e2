"""What the methods of every registry are asked alike: what they leave alone, and what is no network and no picture."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import built, cat, refuses, resnet18, same_state, squeezenet, state

BARE = pytest.mark.parametrize("bare", [False, True])
NO_NETWORK = pytest.mark.parametrize("net, words", [(None, "not nothing"), ("squeezenet1_1", "not 'squeezenet1_1'"),
                                                    (3, "type int")])
# What is done to a good picture, and the words of the sentence.
NO_PICTURES: dict[str, tuple[Callable[[Tensor], object], tuple[str, ...]]] = {
    "grey": (lambda x: x[:, :1], ("shape", "grey", "RGB", "expand")),
    "none in the batch": (lambda x: x[:0], ("empty", "at least one")),
    "NaN": (lambda x: x.masked_fill(x == x.max(), float("nan")), ("NaN",)),
    "infinite": (lambda x: x.masked_fill(x == x.max(), float("inf")), ("infinite",)),
    "0 to 255": (lambda x: x * 255, (r"\[0,1\]", "divide by 255")),
    "whole numbers": (lambda x: (x * 255).byte(), ("uint8", "floats")),
    "normalised": (lambda x: (x - 0.45) / 0.25, (r"\[0,1\]", "normalised")),
    "no batch axis": (lambda x: x[0], ("shape", r"x\[None\]")),
    "None": (lambda x: None, ("NoneType", r"images\.load")),
    "a name": (lambda x: "chelsea", ("str", r"images\.load")),
    "a list": (lambda x: [[0.5]], ("list", r"images\.load")),
    "an array": (lambda x: x.numpy(), ("ndarray", r"images\.load")),
}


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


def refuses_training_mode(ask: Callable[..., object], bare: bool) -> None:
    """A network of ours or a bare module that is being trained gets one sentence, and no number of it changes."""
    net = copy.deepcopy(built(resnet18) if bare else squeezenet()).train()
    before = copy.deepcopy(net.state_dict())
    refuses(ask, net, cat(64).float(), says=("training mode", r"eval\(\)"))
    assert net.training and all(torch.equal(before[key], value) for key, value in net.state_dict().items())
