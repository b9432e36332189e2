"""The Gaussian blur g_σ ∗ x: fast, beside the plain convolution that it equals; and total variation, another prior."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import each, floats, number, room

WIDEST = 10_000  # σ in pixels, a few times the side of the largest square picture
BLOCK = 2048  # pixels of a side that one matrix blurs: 16 MB


def blur(images: Tensor, sigma: float | Sequence[float]) -> Tensor:
    """Gaussian blur g_σ ∗ x of (B,C,H,W) or (B,C,D,H,W), differentiable; σ in pixels, up to 10,000; 0 changes nothing.

    σ is one number, or one for each axis: σ/s in millimetres, of pixels that are s apart.

    g_σ(u) ∝ exp(−u²/2σ²), cut off at ⌈3σ⌉ pixels and normalised to the sum 1. Beyond the border the nearest
    pixel goes on (SciPy's mode "nearest"), which unlike reflection is defined for a blur wider than the picture.
    :func:`plain_blur` is the same as one convolution.
    Raises U3Error if sigma is out of its range or not a number, or the images are not of float32 or float64.

    Examples:
        >>> images.blur(images.load("coffee", size=64), 2.5).shape
        torch.Size([1, 3, 64, 64])
    """
    floats("blur", images, volumes=True)
    *through, down, across = each("sigma", sigma, images.ndim - 2, low=0, high=WIDEST)
    if not any((*through, down, across)):
        return images
    # g_σ is separable: rows, then columns. At these sizes two products of matrices are faster than convolutions.
    shape, (height, width) = images.shape, images.shape[-2:]
    if through:
        images = _blur_columns(images.flatten(3), *through).view(-1, 1, height, width)
    if max(height, width) <= BLOCK:
        rows, columns = (_band(_bell(s), n, 0, n, images)[0] for s, n in ((down, height), (across, width)))
        return (rows @ images @ columns.T).view(shape)
    return _blur_columns(_blur_columns(images, down).mT, across).mT.reshape(shape)


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
    radius, sigma = math.ceil(3 * sigma), sigma or 1.0  # of 0 nothing changes
    return torch.softmax(-0.5 * (torch.arange(-radius, radius + 1).double() / sigma) ** 2, 0)


def _band(g: Tensor, n: int, start: int, stop: int, like: Tensor) -> tuple[Tensor, int, int]:
    """Rows start … stop of the matrix (n,n) that blurs a line of n pixels, from the first to the last column in use.

    Row i holds g_σ(u−i), the border pixels what lies beyond.
    """
    reach = len(g) // 2
    first, last = max(0, start - reach), min(n, stop + reach)
    low, high = first - stop + 1 + reach, last - start + reach  # the part of g in use, and zeros where it has ended
    line = F.pad(g[max(low, 0) : high], (max(-low, 0), max(high - len(g), 0)))
    band = line.to(like).unfold(0, last - first, 1).flip(0)  # each row is the one below, one place on
    sums, i = F.pad(g.cumsum(0), (1, 0)), torch.arange(start, stop)  # of the first k weights, or the last: g is even
    if first == 0:
        band[:, 0] = line[: stop - start].flip(0) + sums[(reach - i).clamp(0)]
    if last == n:
        band[:, -1] = line[start - stop :].flip(0) + sums[(reach - (n - 1 - i)).clamp(0)]
    return band if n > 1 else torch.ones_like(band), first, last


def _blur_columns(images: Tensor, sigma: float) -> Tensor:
    """Blur the columns of (B,C,H,W), some rows of the result at a time: each needs only a band of the picture."""
    n, made = images.shape[-2], []
    g = _bell(sigma)
    rows = max(16, BLOCK**2 // (BLOCK + min(n, len(g))))
    for start in range(0, n, rows):
        band, first, last = _band(g, n, start, min(n, start + rows), images)
        made.append(band @ images[..., first:last, :])
    return torch.cat(made, -2)


def total_variation(image: Tensor, beta: float) -> Tensor:
    """Mean of ‖∇x‖^β over channels and places, with forward differences (0 at the far border), a scalar.

    The small constant keeps the gradient finite on a flat picture when β < 2. Pictures (B,C,H,W) or volumes
    (B,C,D,H,W) are float32 or float64.
    """
    floats("total_variation", image, squares=True, volumes=True)
    beta = number("beta", beta, 0, without_low=True)
    dy = F.pad(image.diff(dim=-2), (0, 0, 0, 1))
    dx = F.pad(image.diff(dim=-1), (0, 1, 0, 0))
    if image.ndim == 5:
        dz = F.pad(image.diff(dim=-3), (0, 0, 0, 0, 0, 1))
        return (dx**2 + dy**2 + dz**2 + 1e-8).pow(beta / 2).mean()
    return (dx**2 + dy**2 + 1e-8).pow(beta / 2).mean()
