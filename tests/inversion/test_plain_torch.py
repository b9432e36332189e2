"""An inversion under each prior against the same lines in plain torch: x = Ψ(y) or x itself, its error, its price."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import small
from tests.helpers import minimised, refuses
from tests.nets import own
from u3lab import inversion, nets, prior
from u3lab.inversion import PRIORS, learned_inverter

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
