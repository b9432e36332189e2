"""A map leaves nothing behind: sixty students ask for hundreds of them in one kernel."""

import gc

import pytest
import torch

from u3lab import images, nets, saliency

MAPS = {
    "backprop": lambda net, x: saliency.backprop(net, x, 3),
    "linear_approximation": lambda net, x: saliency.linear_approximation(net, x, 3, layer="fire5"),
    "grad_cam": lambda net, x: saliency.grad_cam(net, x, 3),
    "lrp": lambda net, x: saliency.lrp(net, x, 3),
    "excitation_backprop": lambda net, x: saliency.excitation_backprop(net, x, 3),
    "contrastive": lambda net, x: saliency.excitation_backprop(net, x, 3, contrastive=True),
}


@pytest.mark.parametrize("name", MAPS)
def test_no_tensor_outlives_a_map(name):
    net, x = nets.load(), images.load("coffee", size=64)

    def alive():
        gc.collect()
        return sum(isinstance(thing, torch.Tensor) for thing in gc.get_objects())

    MAPS[name](net, x)  # what is made once, such as hooks' dictionaries, may stay
    before = alive()
    for _ in range(3):
        MAPS[name](net, x)
    assert alive() == before
