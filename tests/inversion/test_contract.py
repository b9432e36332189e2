"""Every prior of the registry keeps its word, alone and in an inversion; what excites a unit, and what a dream is.

A new line in ``inversion.PRIORS`` is tested here without a word more; what it is good for, its own test says.
"""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.adversarial.attacked import small
from tests.contract import leaves_alone, refuses_training_mode
from tests.helpers import no_tensor_stays, normal, refuses
from u3lab import images, inversion, nets
from u3lab.descent import Step, last
from u3lab.inversion import PRIORS, priors
from u3lab.inversion.inverting import search
from u3lab.inversion.linear import tikhonov
from u3lab.inversion.maximising import DreamSettings, dream, unit_index
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





def test_tikhonovs_solution_is_where_its_price_has_no_slope():
    matrix, y, lam = normal(20, 48), normal(20, seed=1), 0.3
    x = tikhonov(matrix, y, lam).requires_grad_()
    slope, = torch.autograd.grad((matrix @ x - y).square().sum() + lam * x.square().sum(), x)
    assert slope.abs().max() < 1e-9


def test_noise_on_the_code_of_the_deep_image_prior_is_fresh_at_each_step():
    made = inversion.DeepImagePrior(noise=0.2).begin(SIZE, 0, torch.device("cpu"))
    assert not torch.equal(made.picture(), made.picture())


def test_photos_have_no_odd_colours():
    """The constant is what it says: the covariance of the shipped pictures; a pixel-by-pixel sum is the oracle."""
    photos = [images.load(name, size=64)[..., :64, :64] for name in images.names("everyday")]
    pixels = torch.cat([x.flatten(2)[0].T for x in photos]) - 0.5
    torch.testing.assert_close(pixels.T @ pixels / len(pixels), torch.tensor(priors.COLOURS), atol=1e-4, rtol=0)
    assert sum(float(priors.oddness(x)) for x in photos) / len(photos) == pytest.approx(3, abs=0.02)
    x = torch.rand(1, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    inverse = torch.linalg.inv(torch.tensor(priors.COLOURS))
    by_hand = [v @ inverse @ v for v in (x[0] - 0.5).flatten(1).T]
    torch.testing.assert_close(priors.oddness(x), torch.stack(by_hand).mean())
    poison = torch.tensor([0.1, 1.0, 0.1]).view(1, 3, 1, 1)
    assert priors.oddness(poison) > 10 * 3


def test_a_code_of_zeros_is_refused():
    dead = nets.Classifier(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Threshold(1e9, 0.0)).eval())
    refuses(inversion.invert, dead, "1", picture(), says="zero throughout")


def test_search_takes_any_aim(net):
    steps = search(net, (16, 16), inversion.Pixels(lr=0.1), inversion.InversionSettings(steps=60),
                   lambda x, views: {"far": (x - 0.25).square().mean()})
    torch.testing.assert_close(last(steps).value, torch.full((1, 3, 16, 16), 0.25), atol=0.02, rtol=0)


def test_for_a_linear_unit_the_best_picture_is_bright_where_its_weights_are_positive():
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2, bias=False))
    linear = nets.Classifier(flat.eval(), classes=("a", "b"))
    x = last(inversion.maximise(linear, "logits", "b", prior=inversion.Pixels(lr=0.1), size=8,
                                settings=inversion.MaximiseSettings(jitter=0, zoom=0, steps=60))).value
    wanted = (flat[1].weight[1] > 0).float().view(1, 3, 8, 8)
    torch.testing.assert_close(x, wanted, atol=1e-3, rtol=0)


def test_several_networks_are_excited_together(net):
    """The sum over all of them, seen without a shift and without zoom."""
    both = [small(seed)[0] for seed in (0, 1)]
    settings = inversion.MaximiseSettings(jitter=0, zoom=0, steps=3)
    for step in inversion.maximise(both, "logits", 2, prior=inversion.Pixels(), size=16, settings=settings):
        wanted = -sum(float(one.logits(step.value)[0, 2]) for one in both)
        assert step.terms == {"excitation": pytest.approx(wanted, abs=1e-5)}


def test_a_channel_is_excited_more_than_by_any_shipped_picture(net):
    settings = inversion.MaximiseSettings(jitter=0, zoom=0, steps=60)
    x = last(inversion.maximise(net, "fire3", 7, prior=inversion.TV(lam=0.1), size=64, settings=settings)).value
    with torch.no_grad():
        ours = inversion.excitation(inversion.code(net, "fire3", x), 7)
        best = max(float(inversion.excitation(inversion.code(net, "fire3", images.load(name, size=64)), 7))
                   for name in images.names("everyday"))
    assert ours > best


def test_units_are_checked(net):
    assert unit_index(net, "logits", "zebra") == net.classes.index("zebra") and unit_index(net, "fire3", 5) == 5
    refuses(unit_index, net, "fire3", 128, says="channel of fire3 of squeezenet1_1 = 128; .* from 0 to 127")


def test_a_dream_excites_the_layer_more_and_keeps_the_size(net):
    photo = images.load("koala", size=96)
    settings = DreamSettings(steps=3, octaves=2)
    steps = list(dream(net, "fire5", photo, settings=settings))
    with torch.no_grad():
        before = net.features(photo, "fire5").square().mean() / 2
    assert len(steps) == 7 and steps[-1].value.shape == photo.shape
    assert -steps[-1].loss > 1.5 * before and 0 <= steps[-1].value.min() and steps[-1].value.max() <= 1


def test_what_a_coarse_scale_has_added_is_laid_on_the_photo_at_the_next(net):
    photo, settings = images.load("koala", size=96), DreamSettings(steps=1, octaves=2, jitter=0)
    first, second, _ = (step.value for step in dream(net, "fire5", photo, settings=settings))
    small = F.interpolate(photo, size=69, mode="bilinear", antialias=True).requires_grad_()
    slope, = torch.autograd.grad(net.features(small, "fire5").square().mean(), small)
    with torch.no_grad():
        added = (small + settings.step_size * slope / slope.abs().mean()).clamp(0, 1) - small
    assert torch.equal(first, small)
    torch.testing.assert_close(second, (photo + F.interpolate(added, size=96, mode="bilinear")).clamp(0, 1))
