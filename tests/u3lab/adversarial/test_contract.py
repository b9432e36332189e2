"""Every attack of the registry keeps its word: what it gives, what it leaves alone, and what it refuses.

A new line in ``tools.site.lists`` is tested here without a word more; what its numbers are, its own test says.
Spoilt arguments of each are in ``tests.calls``.
"""

from functools import partial

import pytest
import torch
from torch import Tensor

from tests.contract import leaves_alone, refuses_training_mode
from tests.helpers import no_tensor_stays
from tests.u3lab.adversarial.attacked import small
from tools.site.lists import ATTACKS

NAMES = pytest.mark.parametrize("name", ATTACKS)
OPTIONS = {"eps": 0.05, "steps": 6}


def options(name: str) -> dict[str, float]:
    """What the attack takes of an ε and a number of steps."""
    return {part: value for part, value in OPTIONS.items() if part in ATTACKS[name].takes}


def ask(name: str, net: torch.nn.Module, x: Tensor, label: object = 0) -> Tensor:
    return ATTACKS[name](net, x, label, **options(name))


def first(net: torch.nn.Module, x: Tensor) -> int:
    """The network's own answer."""
    with torch.no_grad():
        return int(net(x).argmax())


def probability(net: torch.nn.Module, x: Tensor, k: int) -> float:
    with torch.no_grad():
        return float(net(x).softmax(1)[0, k])


@NAMES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_picture_of_the_same_shape_that_is_less_its_class(name: str, dtype: torch.dtype):
    net, x = small()
    net, x = net.to(dtype), x.to(dtype)
    y = first(net, x)
    found = ATTACKS[name](net, x, y, **options(name))
    assert found.shape == x.shape and found.dtype == dtype and not found.requires_grad and found.grad_fn is None
    assert found.min() >= 0 and found.max() <= 1 and not torch.equal(found, x)
    assert probability(net, found, y) < probability(net, x, y)
    if "eps" in ATTACKS[name].takes:
        assert (found - x).abs().max() <= OPTIONS["eps"] + 1e-6


@NAMES
def test_with_a_target_it_goes_there(name: str):
    net, x = small()
    y = first(net, x)
    goal = (y + 1) % 5
    found = ATTACKS[name](net, x, y, target=goal, **options(name))
    assert probability(net, found, goal) > probability(net, x, goal)
    assert torch.equal(found, ATTACKS[name](net, x, "abcde"[y], target="abcde"[goal], **options(name)))


@NAMES
def test_the_same_answer_from_the_bare_module_whatever_is_drawn_in_between(name: str):
    (net, x), before = small(), torch.get_rng_state()
    found = ATTACKS[name](net, x, 0, **options(name))
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(7)
    assert torch.equal(found, ATTACKS[name](net.module, x, 0, **options(name)))


@NAMES
def test_network_and_picture_are_left_as_they_were(name: str):
    leaves_alone(partial(ask, name), *small(), {"label": 99})


@NAMES
def test_no_tensor_outlives_the_call(name: str):
    net, x = small()
    ATTACKS[name](net, x, 0, **options(name))
    with no_tensor_stays():
        for _ in range(3):
            ATTACKS[name](net, x, 0, **options(name))


@NAMES
def test_training_mode(name: str):
    refuses_training_mode(partial(ask, name, label=3))
