"""Every prior of the registry keeps its word, alone and in an inversion, whatever the network and the picture.

A new line in ``inversion.PRIORS`` is tested here without a word more; what it is good for, its own test says.
"""


from functools import partial

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import small
from tests.contract import BARE, NO_NETWORK, NO_PICTURES, leaves_alone, refuses_training_mode
from tests.helpers import no_tensor_stays, refuses, slip, squeezenet
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


# ---- what it gives ---------------------------------------------------------------------------------------------------

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
def test_its_settings_have_ranges_and_a_rate(name: str):
    known = fields(PRIORS[name])
    assert known["lr"].low > 0 and all(field.help for field in known.values())
    refuses(PRIORS[name], lr=-1, says=f"{PRIORS[name].__name__}.lr = -1")


@NAMES
def test_it_says_what_one_cannot_have_from_it(name: str):
    assert PRIORS[name].cannot and "cannot" not in fields(PRIORS[name])


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
def test_the_same_seed_gives_the_same_picture_and_another_gives_another(name: str):
    net, before = squeezenet(), torch.get_rng_state()
    first = inverted(name, net, picture(), layer="fire3")[-1].value
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(7)
    assert torch.equal(first, inverted(name, net, picture(), layer="fire3")[-1].value)
    assert not torch.equal(first, inverted(name, net, picture(), layer="fire3", seed=1)[-1].value)


@NAMES
def test_one_prior_serves_several_runs(name: str):
    """What a run changes is in its parametrisation, not in the prior."""
    prior, run = PRIORS[name](), inversion.InversionSettings(steps=3)
    first, again = (list(inversion.invert(small()[0], LAYER, picture(), prior=prior, settings=run)) for _ in range(2))
    assert torch.equal(first[-1].value, again[-1].value)


# ---- what it leaves alone --------------------------------------------------------------------------------------------

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


# ---- slips: one sentence for each, before the first step -------------------------------------------------------------

@NAMES
def test_several_pictures(name: str):
    with slip("one picture at a time", "got 3"):
        inversion.invert(small()[0], LAYER, picture(3), prior=PRIORS[name]())


@NAMES
@NO_NETWORK
def test_no_network(name: str, net: object, words: str):
    with slip("a network is wanted", words, r"nets\.load"):
        inversion.invert(net, LAYER, picture(), prior=PRIORS[name]())


@NAMES
@BARE
def test_training_mode(name: str, bare: bool):
    refuses_training_mode(lambda net, x: inversion.invert(net, "layer1", x, prior=PRIORS[name]()), bare)


@NAMES
def test_a_bare_module_works(name: str):
    net = small()[0]
    bare, wrapped = (inverted(name, each, picture())[-1].value for each in (net.module, net))
    assert torch.equal(bare, wrapped)


@NAMES
@pytest.mark.parametrize("layer", ["fire55", None, 5, ("a", "b")])
def test_a_layer_that_there_is_not(name: str, layer: object):
    refuses(inversion.invert, squeezenet(), layer, picture(), prior=PRIORS[name](), says=("no layer", "layers are"))


@NAMES
@pytest.mark.parametrize("kind", NO_PICTURES)
def test_pictures_that_are_none(name: str, kind: str):
    spoil, words = NO_PICTURES[kind]
    refuses(inversion.invert, squeezenet(), "fire3", spoil(picture()), prior=PRIORS[name](), says=words)
