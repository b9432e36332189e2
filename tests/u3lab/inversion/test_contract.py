"""Every prior of the registry keeps its word, alone and in an inversion, whose lines are those of plain torch: the
picture x = Ψ(y) or x itself, its error, its price. What excites a unit, and what a dream is.

A new line in ``inversion.PRIORS`` is tested here without a word more; what it is good for, its own test says.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.contract import leaves_alone, refuses_training_mode
from tests.helpers import minimised, no_tensor_stays, normal, refuses
from tests.u3lab.adversarial.attacked import small
from tests.u3lab.nets import own
from u3lab import images, inversion, nets, prior
from u3lab.descent import Step, last
from u3lab.inversion import PRIORS, learned_inverter, priors
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


def test_units_are_checked(net):
    assert unit_index(net, "logits", "zebra") == net.classes.index("zebra") and unit_index(net, "fire3", 5) == 5
    refuses(unit_index, net, "fire3", 128, says="channel of fire3 of squeezenet1_1 = 128; .* from 0 to 127")


def test_what_a_coarse_scale_has_added_is_laid_on_the_photo_at_the_next(net):
    photo, settings = images.load("koala", size=96), DreamSettings(steps=1, octaves=2, jitter=0)
    first, second, _ = (step.value for step in dream(net, "fire5", photo, settings=settings))
    small = F.interpolate(photo, size=69, mode="bilinear", antialias=True).requires_grad_()
    slope, = torch.autograd.grad(net.features(small, "fire5").square().mean(), small)
    with torch.no_grad():
        added = (small + settings.step_size * slope / slope.abs().mean()).clamp(0, 1) - small
    assert torch.equal(first, small)
    torch.testing.assert_close(second, (photo + F.interpolate(added, size=96, mode="bilinear")).clamp(0, 1))


STEPS, SIDE = 6, 32


def smooth_and_grey(x: Tensor) -> Tensor:
    """λ mean‖∇x‖² + λ_α mean (2x − 1)⁶ with the default prices; the differences end at the border."""
    slopes = 0
    for axis in range(2, x.ndim):
        along = torch.zeros_like(x)
        along.narrow(axis, 0, x.shape[axis] - 1).copy_(x.diff(dim=axis))
        slopes = slopes + along.square()
    return slopes.mean() + 0.1 * (2 * x - 1).pow(6).mean()


def grey(*shape: int) -> Tensor:
    noise = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    return (0.5 + 0.1 * noise).clamp(0, 1).requires_grad_()


def plain_steps(name: str, side: int, code: Callable[[Tensor], Tensor], wanted: Tensor,
                steps: int) -> list[float]:
    """The losses of an inversion of a code under a prior."""
    parameters, picture, price, least, rate = begun(name, side)

    def loss() -> Tensor:
        x = picture()
        return (code(x) - wanted).square().sum() / wanted.square().sum() + price(x)

    def within() -> None:
        if least is not None:
            parameters[0].data.clamp_(least, None if name == "trained generator" else 1)

    return minimised(torch.optim.Adam(parameters, lr=rate), loss, steps, within)


def begun(name: str, side: int) -> tuple[list[Tensor], Callable[[], Tensor], Callable[[Tensor], Tensor],
                                                float | None, float]:
    """What is optimised, the picture, its price, the least value of what is optimised (if any), the rate."""
    if name == "deep image prior":
        psi = prior.generator(size=(side, side), depth=4, skip=4, seed=0)
        return list(psi.parameters()), psi, lambda x: x.new_zeros(()), None, 0.015
    if name == "trained generator":
        psi = learned_inverter("fire9-perceptual")
        cells = -(-side // psi.cell)
        y = torch.randn(1, 512, cells, cells, generator=torch.Generator().manual_seed(0)).abs().requires_grad_()
        return [y], lambda: psi.drawn(y, (cells, cells))[..., :side, :side], lambda x: x.new_zeros(()), 0.0, 0.3
    x = grey(3, side, side)
    return [x], lambda: x, smooth_and_grey if name == "total variation" else lambda x: x.new_zeros(()), 0.0, 0.03


@pytest.mark.oracle("the same steps in plain torch",
                    inversion=["none", "total variation", "deep image prior", "trained generator"])
@pytest.mark.parametrize("name", PRIORS)
def test_the_steps_are_those_of_plain_torch(name: str):
    net, _ = small()

    def code(x: Tensor) -> Tensor:
        return net.module[:2](net.normalise(x))

    image = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    wanted = code(image).detach()
    losses = plain_steps(name, SIDE, code, wanted, STEPS - 1)
    settings = inversion.InversionSettings(steps=STEPS)
    steps = inversion.invert(net, "1", image, prior=PRIORS[name](), settings=settings)
    assert [step.loss for step in steps][:STEPS] == pytest.approx(losses, rel=5e-3)
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("name", ["none", "total variation"])
@pytest.mark.parametrize("make, sides, layer", [
    (own.grey, (24, 20), "layer1"), (own.of_volumes, (8, 12, 10), "layer2"), (own.segmenter, (24, 20), "backbone.1")])
def test_one_channel_and_volumes(name: str, make, sides: tuple, layer: str):
    net, image = nets.wrap(make(), size=sides), own.pictures(1, *sides)
    found = list(inversion.invert(net, layer, image, prior=PRIORS[name](), settings=inversion.InversionSettings(
        steps=STEPS)))
    wanted, x = net.features(image, layer).detach(), grey(1, *sides)

    def loss() -> Tensor:
        error = (net.features(x, layer) - wanted).square().sum() / wanted.square().sum()
        return error + (smooth_and_grey(x) if name == "total variation" else 0)

    plain = minimised(torch.optim.Adam([x], lr=0.03), loss, STEPS, lambda: x.data.clamp_(0, 1))
    assert [step.loss for step in found] == pytest.approx(plain, rel=1e-4)
    assert found[-1].value.shape == image.shape and found[-1].loss < found[0].loss


@pytest.mark.parametrize("name", ["deep image prior", "trained generator"])
def test_what_draws_rgb_pictures_is_refused_for_others(name: str):
    net, prior = nets.wrap(own.grey(), size=(24, 20)), PRIORS[name]()
    refuses(inversion.invert, net, "layer1", own.pictures(1), prior=prior, says="draws RGB pictures alone; .* take TV")


def test_the_picture_that_excites_a_grey_network_is_grey():
    net, settings = nets.wrap(own.grey(), size=24), inversion.MaximiseSettings(steps=9, jitter=0, zoom=0.0)
    first, *_, last = inversion.maximise(net, "layer1", 2, prior=PRIORS["none"](), size=24, settings=settings)
    assert last.value.shape == (1, 1, 24, 24) and last.loss < first.loss
    refuses(inversion.maximise, net, "layer1", 2, says="DeepImagePrior draws RGB pictures alone")


def test_no_volume_is_dreamt():
    net, x = nets.wrap(own.of_volumes(), size=(8, 12, 10)), own.pictures(1, 8, 12, 10)
    for ask in (lambda: inversion.maximise(net, "layer1", 2, size=24), lambda: inversion.dream(net, "layer1", x)):
        refuses(ask, says="ResNet takes volumes, and this draws pictures; for volumes there is inversion.invert")
    grey, photo = nets.wrap(own.grey(), size=64), own.pictures(1, 64, 64)
    first, *_, last = inversion.dream(grey, "layer1", photo, settings=inversion.DreamSettings(steps=2, octaves=2))
    assert last.value.shape == photo.shape and last.loss < first.loss
