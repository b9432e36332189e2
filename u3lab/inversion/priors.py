"""What a picture is written with, and what it costs: the priors of inversion and of activation maximisation.

    invert(net, "fire9", x, prior=Pixels())            # no prior: any picture with this code will do
    invert(net, "fire9", x, prior=TV(lam=0.3))         # the pixels, at a price for rough ones
    invert(net, "fire9", x, prior=DeepImagePrior())    # the weights of an untrained generator
    invert(net, "fire9", x, prior=TrainedGenerator())  # the input of a generator that has learnt from photos

Each begins a :class:`Parametrisation`: the numbers to optimise, the picture that they make, and its price. A new prior
is one settings class, which says in ``cannot`` what one cannot have from it, and one line in ``PRIORS``;
``tests/u3lab/inversion/test_contract.py`` holds every line to its word.
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from u3lab.images.blurring import total_variation
from u3lab.inversion.learned import LAYERS, learned_inverter
from u3lab.prior.generators import WIDTHS, generator
from u3lab.settings import setting, settings

# Covariance of red, green and blue over the everyday pictures that ship, about mid-grey: bright and dark are common,
# violet and poison green are not.
COLOURS = ((0.0717, 0.0599, 0.0504), (0.0599, 0.0662, 0.0625), (0.0504, 0.0625, 0.0836))


def oddness(images: Tensor) -> Tensor:
    """Mean over the pixels of (x − ½)ᵀ C⁻¹ (x − ½), with C the colours' covariance in photos; (B,3,H,W) → a scalar.

    It is 3 on average for photos, and 0 for mid-grey.
    """
    inverse = torch.linalg.inv(images.new_tensor(COLOURS))
    centred = images - 0.5
    return (centred * torch.einsum("ij,bjhw->bihw", inverse, centred)).sum(1).mean()


class Parametrisation(NamedTuple):
    """A picture in the making. ``picture()`` is (1,C,H,W) in [0,1], ``price`` gives the regulariser's terms for it."""

    parameters: list[Tensor]
    picture: Callable[[], Tensor]
    price: Callable[[Tensor], dict[str, Tensor]]
    project: Callable[[Tensor], object] | None


class Prior(Protocol):
    """A prior begins a parametrisation of a size (height, width), from a seed; ``lr`` is its learning rate for Adam.

    Those written in pixels take other channels, and sizes (depth, height, width), as well.
    """

    lr: float

    def begin(self, size: tuple[int, int], seed: int, device: torch.device) -> Parametrisation: ...


@settings
class Pixels:
    """No prior: the pixels themselves, kept in [0,1]."""

    cannot: ClassVar[str] = ("fits one grid of pixels: at SqueezeNet's fire7 and fire9 it finds noise, which is hardly "
                             "better than grey once it is moved")
    lr: float = setting(0.03, 0.001, 0.3, scale="log", symbol="η", help="learning rate of Adam")

    def begin(self, size: tuple[int, ...], seed: int, device: torch.device, channels: int = 3) -> Parametrisation:
        x = _noise((channels, *size), seed, device)
        return Parametrisation([x], lambda: x, lambda picture: {}, lambda pixels: pixels.clamp_(0, 1))


@settings
class TV:
    """Natural pictures are smooth and not too bright: λ Σ‖∇x‖^β + λ_α ‖x − ½‖_α^α, both as means over the values.

    Mahendran & Vedaldi, Understanding deep image representations by inverting them, CVPR 2015, section 3, where pixels
    count from −128 to 127 and both terms are divided by the square of a typical norm.
    """

    cannot: ClassVar[str] = "from SqueezeNet's fire7 on another network can hardly name what it finds"
    lam: float = setting(1.0, 0.001, 10_000.0, scale="log", symbol="λ", help="price of roughness (total variation)")
    beta: float = setting(2.0, 1.0, 3.0, symbol="β", help="power of the gradient's length: 1 keeps edges, 2 is smooth")
    alpha_lam: float = setting(0.1, 0.0, 10.0, symbol="λ_α", help="price of very bright and very dark values")
    alpha: float = setting(6.0, 2.0, 8.0, symbol="α", help="its power; a high one lets all but the extremes go free")
    lr: float = setting(0.03, 0.001, 0.3, scale="log", symbol="η", help="learning rate of Adam")

    def begin(self, size: tuple[int, ...], seed: int, device: torch.device, channels: int = 3) -> Parametrisation:
        x = _noise((channels, *size), seed, device)

        def price(picture: Tensor) -> dict[str, Tensor]:
            return {"variation": self.lam * total_variation(picture, self.beta),
                    "range": self.alpha_lam * (2 * picture - 1).square().pow(self.alpha / 2).mean()}

        return Parametrisation([x], lambda: x, price, lambda pixels: pixels.clamp_(0, 1))


@settings
class DeepImagePrior:
    """x = Ψ(w; z₀), and w is optimised: no picture costs anything, but the generator draws some of them sooner.

    Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018, section 3.5. See chapter 4.
    """

    cannot: ClassVar[str] = ("given time it draws noise that fits, too; what the code leaves open, such as fur, is the "
                             "seed's")
    depth: int = setting(4, 1, 6, symbol="depth", once=True, help="how many times the generator halves the resolution")
    skip: int = setting(4, 0, 64, symbol="skip", once=True, help="channels that each scale hands across")
    noise: float = setting(0.0, 0.0, 0.2, symbol="σ_z", help="fresh noise on z₀ at each step: smoother, less exact")
    lam: float = setting(0.0, 0.0, 10.0, symbol="λ", help="price of roughness besides; 0 is the deep image prior alone")
    colour: float = setting(0.0, 0.0, 10.0, symbol="λ_c", help="price of colours that photos seldom have")
    lr: float = setting(0.015, 0.0001, 0.1, scale="log", symbol="η", help="learning rate of Adam")

    def begin(self, size: tuple[int, int], seed: int, device: torch.device) -> Parametrisation:
        psi = generator(size=size, depth=self.depth, widths=WIDTHS, skip=self.skip, seed=seed).to(device)
        draw = torch.Generator().manual_seed(seed)

        def picture() -> Tensor:
            code = psi.code
            return psi(code + self.noise * torch.randn(code.shape, generator=draw).to(code) if self.noise else code)

        def price(x: Tensor) -> dict[str, Tensor]:
            prices = {"variation": self.lam * total_variation(x, 2.0)} if self.lam else {}
            return prices | ({"colour": self.colour * oddness(x)} if self.colour else {})

        return Parametrisation(list(psi.parameters()), picture, price, None)


@settings
class TrainedGenerator:
    """x = Ψ(y′) with a generator Ψ that was trained on photos, and its input y′ is optimised.

    Nguyen et al., Synthesizing the preferred inputs for neurons in neural networks via deep generator networks, NIPS
    2016. Ψ is the perceptual inverter of fire9 (:func:`~u3lab.inversion.learned_inverter`); y′ starts near the code of
    nothing, and stays a code: none of its values is negative.
    """

    cannot: ClassVar[str] = ("draws only what it has learnt from photos: at fire9 less of the code comes back than "
                             "under the deep image prior")
    lam: float = setting(0.0, 0.0, 10.0, symbol="λ", help="price of large values of y′, as a mean square")
    lr: float = setting(0.3, 0.001, 1.0, scale="log", symbol="η", help="learning rate of Adam")

    def begin(self, size: tuple[int, int], seed: int, device: torch.device) -> Parametrisation:
        with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
            psi = learned_inverter("fire9-perceptual").to(device)
        cells = tuple(-(-side // psi.cell) for side in size)
        start = torch.randn(1, LAYERS["fire9"], *cells, generator=torch.Generator().manual_seed(seed))
        y = start.abs().to(device).requires_grad_()

        def price(picture: Tensor) -> dict[str, Tensor]:
            return {"input": self.lam * y.square().mean()} if self.lam else {}

        return Parametrisation([y], lambda: psi.drawn(y, cells)[..., : size[0], : size[1]], price,
                               lambda inputs: inputs.clamp_(0))


PRIORS: dict[str, type[Prior]] = {
    "none": Pixels,
    "total variation": TV,
    "deep image prior": DeepImagePrior,
    "trained generator": TrainedGenerator,
}


def _noise(shape: tuple[int, ...], seed: int, device: torch.device) -> Tensor:
    """Mid-grey with a little noise, (1,C,H,W), ready for a gradient."""
    noise = torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))
    layout = torch.channels_last if len(shape) == 3 else torch.channels_last_3d
    return (0.5 + 0.1 * noise).clamp(0, 1).to(device, memory_format=layout).requires_grad_()
