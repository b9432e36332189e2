"""Every saliency method of the registry keeps its word: what it gives, what it leaves alone, and what it refuses.

A new line in ``saliency.METHODS`` is tested here without a word more; what its numbers are, its own test says. Spoilt
arguments of each are in ``tests.calls``.
"""

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.contract import leaves_alone, refuses_training_mode
from tests.helpers import built, cat, no_tensor_stays, refuses, squeezenet
from tests.u3lab.adversarial.attacked import small
from tests.u3lab.nets import own
from u3lab import nets, saliency
from u3lab.saliency import METHODS

NAMES = pytest.mark.parametrize("name", METHODS)
# In the registry these stop half way up. What they leave behind and refuse has to hold of their way to the picture too.
WHOLE = {"modulated_gradient": saliency.modulated_gradient, "excitation_backprop": saliency.excitation_backprop,
         "contrastive": partial(saliency.excitation_backprop, contrastive=True)}
ASK = METHODS | WHOLE
EACH = pytest.mark.parametrize("name", ASK)
LAYER, NEURON = "1", ("4", 3, 1, 0)  # of the small network: its first ReLU, and a neuron of its pooling layer


def with_(part: str) -> pytest.MarkDecorator:
    """The methods that take a class, a neuron or a layer."""
    return pytest.mark.parametrize("name", [name for name, method in METHODS.items() if part in method.takes])


KNOWS = pytest.mark.parametrize("name", [name for name in ASK if name in WHOLE or "class" in METHODS[name].takes])


def network() -> nets.Classifier:
    """Five classes, "a" to "e", random weights, and sure of what it says: a mask that hides something pays."""
    net, _ = small()
    net.module[6].weight.data *= 30
    return net


def pictures(count: int = 3) -> Tensor:
    """(count,3,12,10), for the small network."""
    return torch.rand(count, 3, 12, 10, generator=torch.Generator().manual_seed(1))


def close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    """Whether two maps are the same, to a share of the greatest value."""
    return a.shape == b.shape and (a - b).abs().max() <= tolerance * b.abs().max()


@NAMES
def test_heat_is_a_map_of_its_grid_and_no_less_than_0(name: str):
    method, net = METHODS[name], network()
    heat = method(net, pictures(), ["a", 2, "e"])
    assert heat.shape[:2] == (3, 1) and heat.isfinite().all() and heat.min() >= 0
    assert (heat.shape[2:] != (12, 10)) == method.grid and not heat.requires_grad and heat.grad_fn is None
    map = method.map(net, pictures(), ["a", 2, "e"])
    assert map.shape[2:] == heat.shape[2:] and torch.equal(method.heat(map), heat)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.relus | method.optimises])
def test_it_says_whether_it_is_a_slope_alone(name: str):
    """f = Wx + b has one slope; what a picture contributes differs from picture to picture."""
    net = nets.Classifier(built(lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.AvgPool2d(2), nn.Flatten(),
                                                      nn.Linear(240, 5))), classes=tuple("abcde"))
    maps = {label: [METHODS[name].map(net, picture[None], label) for picture in pictures(2)] for label in net.classes}
    assert all(close(*both, 1e-5) for both in maps.values()) == METHODS[name].slope


@NAMES
def test_a_batch_is_its_pictures_one_by_one(name: str):
    net, x, targets = network(), pictures(), [0, 3, 1]
    apart = torch.cat([METHODS[name](net, one[None], k) for one, k in zip(x, targets, strict=True)])
    assert close(METHODS[name](net, x, targets), apart, 1e-4)


@NAMES
def test_single_and_double_precision_say_the_same(name: str):
    net, double = network(), network().double()
    heat, fine = METHODS[name](net, pictures(), 1), METHODS[name](double, pictures().double(), 1)
    assert heat.dtype == torch.float32 and fine.dtype == torch.float64
    assert close(heat.double(), fine, 1e-3)


@EACH
def test_the_same_answer_from_the_bare_module_whatever_is_drawn_in_between(name: str):
    net, x, before = network(), pictures(2), torch.get_rng_state()
    first = ASK[name](net, x, 1)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(7)
    assert torch.equal(first, ASK[name](net.module, x, 1))


@with_("class")
@pytest.mark.parametrize("write", [np.int64, torch.tensor, lambda k: torch.tensor([k] * 3), lambda k: ("b", "b", "b"),
                                   lambda k: "b"], ids=["NumPy", "tensor", "tensors", "names", "name"])
def test_ways_to_write_a_class(name: str, write: Callable):
    net, x = network(), pictures()
    assert torch.equal(METHODS[name](net, x, write(1)), METHODS[name](net, x, 1))


@NAMES
def test_another_class_has_another_map_if_the_class_counts(name: str):
    net, x = network(), pictures(1)
    first = int(net(x).argmax())
    maps = [METHODS[name].map(net, x, k) for k in (first, (first + 1) % 5)]
    assert torch.equal(*maps) == ("class" not in METHODS[name].takes)


@with_("neuron")
def test_a_neuron(name: str):
    heat = METHODS[name](network(), pictures(), NEURON)
    assert heat.shape[:2] == (3, 1) and heat.isfinite().all() and heat.min() >= 0


@with_("layer")
def test_a_layer(name: str):
    method, net, x = METHODS[name], network(), pictures()
    first = net(x).argmax(1)
    heat = method(net, x, first, layer=LAYER)
    assert heat.isfinite().all() and heat.min() >= 0 and not torch.equal(heat, method(net, x, first))
    assert heat.shape == (3, 1, 12, 10)  # of this layer, and of the picture


def ask(name: str, net: nn.Module, x: Tensor, target: object = 1) -> Tensor:
    return ASK[name](net, x, target)


@NAMES
def test_network_and_pictures_are_left_as_they_were(name: str):
    slips = ({"target": 99}, {"target": "z"}) if "class" in METHODS[name].takes else ()
    leaves_alone(partial(ask, name), network(), pictures(1), *slips)


@EACH
def test_no_tensor_outlives_the_call(name: str):
    """Sixty students ask for hundreds of maps in one kernel."""
    net, x = network(), pictures(1)
    layers = (None, LAYER) if name in WHOLE or "layer" in METHODS[name].takes else (None,)

    def ask() -> None:
        for layer in layers:
            ASK[name](net, x, 1, layer=layer)

    ask()  # what is made once, such as hooks' dictionaries, may stay
    with no_tensor_stays():
        for _ in range(3):
            ask()


@pytest.mark.parametrize("name, part", [(name, part) for name, method in METHODS.items() for part in ("neuron", "layer")
                                        if part not in method.takes])
def test_a_neuron_or_a_layer_that_it_does_not_take(name: str, part: str):
    asked = {"target": NEURON} if part == "neuron" else {"target": 1, "layer": LAYER}
    refuses(METHODS[name], network(), pictures(1), **asked, says=(f"takes no {part}", "those that do", "Grad-CAM"))


@NAMES
def test_a_network_without_relus(name: str):
    """True derivatives and searches do not mind; rules for ReLUs say so."""
    net = nets.Classifier(nn.Sequential(nn.Conv2d(3, 4, 3), *(nn.Conv2d(4, 4, 1) for _ in range(3)), nn.SiLU(),
                                        nn.Flatten(), nn.Linear(4 * 80, 5)).eval())
    if METHODS[name].relus:
        refuses(METHODS[name], net, pictures(), 2, says="no ReLU|no relevance rule")
    else:
        assert METHODS[name](net, pictures(), 2).isfinite().all()


@KNOWS
@pytest.mark.parametrize("targets", [[1, 2], (1, 2), ("a", "b"), torch.tensor([1, 2])],
                         ids=["list", "tuple", "names", "tensor"])
def test_two_targets_for_one_picture(name: str, targets: object):
    """Above all, two class names are not a layer and a channel."""
    refuses(ASK[name], network(), pictures(1), targets, says=("2 targets for 1 pictures", "one a picture"))


@EACH
def test_training_mode(name: str):
    refuses_training_mode(partial(ask, name, target=3))


@KNOWS
@pytest.mark.parametrize("side", [1, 8])
def test_a_picture_too_small_for_the_network(name: str, side: int):
    words = f"{side}×{side} pixels are too few for squeezenet1_1", "64×64", "227×227"
    refuses(ASK[name], squeezenet(), cat(96).float()[..., :side, :side], 285, says=words)


def test_an_empty_map_says_so():
    """Grad-CAM of a network in which nothing speaks for the class."""
    module = own.drawn(own.ResNet(2))
    module.fc.weight.data[1] = -1
    net = nets.wrap(module, size=24)
    with pytest.warns(UserWarning, match=r"maps \[0, 1\] of this batch are empty"):
        heat = saliency.METHODS["Grad-CAM"](net, own.pictures(), 1)
    assert not heat.any()
    module.fc.weight.data[1] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert saliency.METHODS["Grad-CAM"](net, own.pictures(), 1).any()
