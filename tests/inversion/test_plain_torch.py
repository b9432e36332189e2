"""An inversion under each prior against the same lines in plain torch: x = Ψ(y) or x itself, its error, its price."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.adversarial.attacked import small
from tests.helpers import minimised
from u3lab import inversion, prior
from u3lab.inversion import PRIORS, learned_inverter

STEPS, SIDE = 6, 32


def smooth_and_grey(x: Tensor) -> Tensor:
    """λ mean‖∇x‖² + λ_α mean (2x − 1)⁶ with the default prices; the differences end at the border."""
    down, right = torch.zeros_like(x), torch.zeros_like(x)
    down[..., :-1, :], right[..., :-1] = x.diff(dim=2), x.diff(dim=3)
    return (down.square() + right.square()).mean() + 0.1 * (2 * x - 1).pow(6).mean()


def grey(side: int) -> Tensor:
    noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
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
    x = grey(side)
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
