"""Data terms E(x; x₀) of the deep image prior: what of the picture is known. All the rest comes from the generator.

    fit(x0, psi, task=inpaint(visible))       # ‖m ⊙ (x − x₀)‖², m = 1 where the picture is known
    fit(small, psi, task=super_resolve(4))    # ‖d(x) − x₀‖², d makes the picture four times smaller
"""

import functools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import alike, floats, is_plain, shown, whole
from u3lab.errors import U3Error
from u3lab.nets.classifier import one_picture

COARSEST = 64  # the largest factor of a reduction: its window is four times as wide
Task = Callable[[Tensor, Tensor], Tensor]


def reconstruct(x: Tensor, target: Tensor) -> Tensor:
    """‖x − x₀‖², as a mean over the values. With early stopping, this also denoises."""
    alike(False, x=x, target=target)
    return (x - target).square().mean()


def inpaint(visible: Tensor) -> Task:
    """‖m ⊙ (x − x₀)‖² as a mean over the visible values (Ulyanov et al., equation 6).

    ``visible`` is m, (1,1,H,W): 1 where the picture is known, 0 in the hole; bool or float.

    Raises:
        U3Error: A mask of another shape, with values other than 0 and 1, or without a visible pixel.
    """
    m = mask(visible)

    def energy(x: Tensor, target: Tensor) -> Tensor:
        alike(False, x=x, target=target)
        _same_sides(m, x)
        return masked_error(x, target, m.to(x.device))

    return energy


def laid_on(image: Tensor, visible: Tensor, *, one: bool = True) -> Tensor:
    """m as floats (1,1,H,W) of 0 and 1, if it fits the picture (1,3,H,W), or unless it is to be ``one``, (B,3,H,W)."""
    m = mask(visible)
    _images.check(image)
    if one:
        one_picture(image)
    _same_sides(m, image)
    return m


def mask(visible: Tensor) -> Tensor:
    """m as floats (1,1,H,W), if it is one: 1 where the picture is known, 0 in the hole."""
    if not is_plain(visible) or visible.ndim != 4 or visible.shape[:2] != (1, 1):
        raise U3Error(f"the mask is {shown(visible)}; give a tensor (1,1,H,W), 1 where the picture is known")
    m = visible.float()
    if not ((m == 0) | (m == 1)).all():
        raise U3Error("the mask has values other than 0 and 1; compare it with a threshold first, such as mask > 0.5")
    if not m.any():
        raise U3Error("the mask hides every pixel; 1 means known, 0 means hole: perhaps it is the other way round")
    return m


def _same_sides(m: Tensor, x: Tensor) -> None:
    if x.shape[2:] != m.shape[2:]:
        raise U3Error(f"the mask has {m.shape[2]}×{m.shape[3]} pixels and the picture {x.shape[2]}×{x.shape[3]}; "
                      "make both from one picture")


def masked_error(x: Tensor, target: Tensor, visible: Tensor) -> Tensor:
    """‖m ⊙ (x − x₀)‖² divided by the number of visible values: pictures (B,C,H,W), mask (1,1,H,W) of 0 and 1."""
    return (visible * (x - target)).square().sum() / visible.expand_as(x).sum()


def super_resolve(factor: int) -> Task:
    """‖d(x) − x₀‖² with d Lanczos' reduction by ``factor``: x is so many times larger than x₀ (section 3.2)."""
    factor = whole("factor", factor, 2, COARSEST)
    return lambda x, target: reconstruct(_reduced(x, factor), target)


def lanczos(x: Tensor, factor: int) -> Tensor:
    """A picture (B,C,H,W) made ``factor`` times smaller with Lanczos' window of two lobes; differentiable.

    Raises:
        U3Error: If the sides are no multiples of the factor, which is a whole number from 2.
    """
    floats("lanczos", x)
    return _reduced(x, whole("factor", factor, 2, COARSEST))


def _reduced(x: Tensor, factor: int) -> Tensor:
    if x.shape[-2] % factor or x.shape[-1] % factor:
        raise U3Error(f"{x.shape[-2]}×{x.shape[-1]} pixels cannot be reduced {factor} times; give sides that are "
                      f"multiples of {factor}")
    window = _window(factor).to(x)
    channels, reach = x.shape[1], len(window) // 2 - factor // 2
    x = F.pad(x, (reach,) * 4, mode="replicate")
    for kernel, stride in ((window.view(1, 1, -1, 1), (factor, 1)), (window.view(1, 1, 1, -1), (1, factor))):
        x = F.conv2d(x, kernel.expand(channels, 1, -1, -1), stride=stride, groups=channels)
    return x


@functools.cache
def _window(factor: int, lobes: int = 2) -> Tensor:
    """Weights of the 2·lobes·factor fine pixels about the centre of a coarse one; their sum is 1."""
    at = (torch.arange(2 * lobes * factor, dtype=torch.float64) - (2 * lobes * factor - 1) / 2) / factor
    weights = torch.sinc(at) * torch.sinc(at / lobes)
    return weights / weights.sum()
