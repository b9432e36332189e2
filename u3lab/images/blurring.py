"""The Gaussian blur g_σ ∗ x: fast, beside the plain convolution that it equals."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, number, room

WIDEST = 1000  # σ in pixels, beyond every picture of the course
BLOCK = 2048  # pixels of a side that one matrix blurs: 16 MB


def blur(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur g_σ ∗ x of (B,C,H,W), differentiable; ``sigma`` in pixels, 0 leaves the picture as it is.

    g_σ(u) ∝ exp(−u²/2σ²), cut off at ⌈3σ⌉ pixels and normalised to the sum 1. Beyond the border the nearest
    pixel goes on (SciPy's mode "nearest"), which unlike reflection is defined for a blur wider than the picture.
    :func:`plain_blur` is the same as one convolution.
    Raises U3Error if sigma is no number from 0 to 1000, or the images are not (B,C,H,W) of float32 or float64.

    Examples
    --------
    >>> images.blur(images.load("coffee", size=64), 2.5).shape
    torch.Size([1, 3, 64, 64])
    """
    floats("blur", images)
    sigma = number("sigma", sigma, 0, WIDEST)
    if sigma == 0:
        return images
    height, width = images.shape[-2:]
    if max(height, width) > BLOCK:
        return _convolved(_convolved(images, sigma).mT, sigma).mT
    # g_σ is separable: rows, then columns. At these sizes two products of matrices are faster than convolutions.
    return _matrix(height, sigma, images) @ images @ _matrix(width, sigma, images).T


def plain_blur(images: Tensor, sigma: float) -> Tensor:
    """What :func:`blur` gives, as the formula says it: each pixel is a mean of those around it, with weights g_σ."""
    floats("plain_blur", images)
    radius = math.ceil(3 * number("sigma", sigma, 0, WIDEST, without_low=True))
    height, width = (side + 2 * radius for side in images.shape[-2:])
    room(f"sigma = {sigma} (plain_blur adds 3σ at each side, blur does not)", height, width, len(images))
    u = torch.arange(-radius, radius + 1).to(images)
    g = torch.exp(-(u[:, None] ** 2 + u**2) / (2 * sigma**2))
    extended = F.pad(images, (radius,) * 4, mode="replicate")
    return F.conv2d(extended.flatten(0, 1)[:, None], (g / g.sum())[None, None]).view_as(images)


def _bell(sigma: float) -> Tensor:
    """g_σ(u) for u = −r … r with the sum 1, r = ⌈3σ⌉: 99.7 % of the bell."""
    radius = math.ceil(3 * sigma)
    return torch.softmax(-0.5 * (torch.arange(-radius, radius + 1).double() / sigma) ** 2, 0)


def _matrix(n: int, sigma: float, like: Tensor) -> Tensor:
    """What blurs a line of n pixels, (n,n): row i holds g_σ(u−i), the border pixels what lies beyond as well."""
    g, i = _bell(sigma), torch.arange(n)
    middle = n + len(g) // 2
    line = F.pad(g, (n, n))  # zeros where the bell has ended
    matrix = line.to(like).unfold(0, n, 1)[middle - i]  # each row is the one above, one place on
    beyond = F.pad(line.cumsum(0), (1, 0))[middle - i]  # the sum of all weights on one side; g is even
    matrix[:, 0] = line[middle - i] + beyond
    matrix[:, -1] = (line[middle - i] + beyond).flip(0)
    return matrix if n > 1 else torch.ones_like(matrix)


def _convolved(images: Tensor, sigma: float) -> Tensor:
    """The columns of (B,C,H,W), blurred."""
    g = _bell(sigma).to(images)[None, None, :, None]
    extended = F.pad(images, (0, 0, len(g[0, 0]) // 2, len(g[0, 0]) // 2), mode="replicate")
    return F.conv2d(extended.flatten(0, 1)[:, None], g).view_as(images)
