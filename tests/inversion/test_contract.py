"""Every prior of the registry keeps its word, alone and in an inversion, whatever the network and the picture.

A new line in ``inversion.PRIORS`` is tested here without a word more; what it is good for, its own test says.
"""

from functools import partial

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import small
from tests.contract import leaves_alone, refuses_training_mode
from tests.helpers import no_tensor_stays
from u3lab import inversion
from u3lab.descent import Step
from u3lab.inversion import PRIORS
from u3lab.settings import fields

NAMES = pytest.mark.parametrize("name", PRIORS)
SIZE, LAYER = (48, 40), "1"  # of the small network: its first ReLU


def picture(count: int = 1) -> Tensor:
    return torch.rand(count, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def inverted(name: str, net: torch.nn.Module, x: Tensor, *, layer: str = LAYER, steps: int = 3,
             seed: int = 0) -> list[Step]:
    settings = inversion.InversionSettings(steps=steps, jitter=2, seed=seed)
    return list(inversion.invert(net, layer, x, prior=PRIORS[name](), settings=settings))


@NAMES
def test_it_begins_a_picture_with_a_price(name: str):
    made = PRIORS[name]().begin(SIZE, 0, torch.device("cpu"))
    x = made.picture()
    assert x.shape == (1, 3, *SIZE) and x.min() >= 0 and x.max() <= 1
    assert made.parameters and all(p.requires_grad and p.is_leaf for p in made.parameters)
    gradients = torch.autograd.grad(x.square().sum(), made.parameters, retain_graph=True)
    assert any(gradient.any() for gradient in gradients)  # what is optimised moves the picture
    for title, price in made.price(x).items():
        assert isinstance(title, str) and price.ndim == 0 and price.isfinite() and price >= 0


@NAMES
def test_it_has_a_rate_and_says_what_one_cannot_have_from_it(name: str):
    known = fields(PRIORS[name])
    assert known["lr"].low > 0 and all(field.help for field in known.values())
    assert PRIORS[name].cannot and "cannot" not in known


@NAMES
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_in_an_inversion_the_error_falls_and_the_picture_stays_one(name: str, dtype: torch.dtype):
    net, x = small()[0].to(dtype), picture().to(dtype)
    steps = inverted(name, net, x, steps=15)
    assert len(steps) == 16 and steps[-1].terms["code"] < steps[0].terms["code"]
    for step in steps:
        assert step.value.shape == x.shape and step.value.min() >= 0 and step.value.max() <= 1
        assert not step.value.requires_grad and step.loss == pytest.approx(sum(step.terms.values()))


@NAMES
def test_another_seed_gives_another_picture(name: str):
    """The same seed the same: tests/test_settings.py."""
    first, other = (inverted(name, small()[0], picture(), seed=seed)[-1].value for seed in (0, 1))
    assert not torch.equal(first, other)


@NAMES
def test_one_prior_serves_several_runs(name: str):
    """What a run changes is in its parametrisation, not in the prior; and a bare module will do."""
    prior, run = PRIORS[name](), inversion.InversionSettings(steps=3)
    first, again = (list(inversion.invert(net, LAYER, picture(), prior=prior, settings=run))
                    for net in (small()[0], small()[0].module))
    assert torch.equal(first[-1].value, again[-1].value)


@NAMES
def test_network_and_picture_are_left_as_they_were(name: str):
    leaves_alone(partial(inverted, name), small()[0], picture(), {"layer": "nowhere"})


@NAMES
def test_no_tensor_outlives_the_run(name: str):
    net, x = small()[0], picture()
    inverted(name, net, x)
    with no_tensor_stays():
        for _ in range(2):
            inverted(name, net, x)


@NAMES
def test_training_mode(name: str):
    refuses_training_mode(lambda net, x: inversion.invert(net, "layer1", x, prior=PRIORS[name]()))
