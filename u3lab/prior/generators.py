"""Networks that draw a picture from a fixed code z₀: x = Ψ(w; z₀). Nobody has trained them; their shape is the prior.

    psi = generator("hourglass", size=(160, 192), depth=4)
    x = psi()                                             # (1,3,160,192) in (0,1)

After Ulyanov, Vedaldi & Lempitsky, Deep image prior, CVPR 2018. Their networks for inpainting have 128 channels at each
of five scales; here the widths are chosen for a laptop, and ``depth=5, widths=(128,) * 5, channels=32`` gives theirs
back (``skip=4, upsample="bilinear"`` for noise and half of the pixels).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import is_plain, listed, one_of, room, shown, whole
from u3lab.errors import U3Error

WIDTHS = (16, 32, 64, 64, 64, 64)  # channels from the finest scale to the coarsest
CODE = 16  # channels of z₀
MOST_CHANNELS, MOST_DEPTH = 1024, 12
MOST = 2**26  # numbers in the widest layer: 268 MB, and there are a dozen of its resolution


class Generator(nn.Module):
    """A body with its code z₀ and a last layer that makes a picture: ``psi()`` is Ψ(w; z₀), (1,3,H,W) in (0,1)."""

    def __init__(self, body: nn.Module, width: int, code: Tensor, size: tuple[int, int]) -> None:
        super().__init__()
        self.body, self.colour = body, nn.Conv2d(width, 3, 1)
        self.size = size
        self.register_buffer("code", code)

    def forward(self, code: Tensor | None = None) -> Tensor:
        """The picture for a code (1,C,H,W) like z₀; without one, for z₀."""
        code = self.code if code is None else code
        like = (tuple(self.code.shape[1:]), self.code.dtype)
        if not is_plain(code) or not code.numel() or (tuple(code.shape[1:]), code.dtype) != like:
            raise U3Error(f"the code is {shown(code)}; give one like psi.code, {tuple(self.code.shape)} of {like[1]}")
        picture = torch.sigmoid(self.colour(self.body(code)))
        height, width = self.size
        return picture[..., :height, :width]


def generator(kind: str = "hourglass", *, size: tuple[int, int] | int = 192, depth: int = 4,
              widths: Sequence[int] = WIDTHS, skip: int = 0, code: str = "noise", channels: int = CODE,
              upsample: str = "nearest", seed: int = 0) -> Generator:
    """An untrained generator.

    Args:
        kind: "hourglass": down and up again, with ``skip`` channels of each scale led across (0: none). "unet": all
            channels are led across, with max-pooling. "resnet": ``depth`` pairs of residual blocks, no scales.
        size: (height, width) of the picture, or its side; at most 2048×2048 with the widths given here.
        depth: How many times the hourglass or the U-Net halves the resolution.
        widths: Channels at each scale; the first ``depth`` of them are used.
        code: z₀: "noise", uniform in [0, 0.1], or "grid", the coordinates x and y in [0,1].
        channels: Of a noise code.
        upsample: "nearest" or "bilinear", which is slower, and smoother at first.
        seed: Of the weights and the noise; nothing else is touched.

    Raises:
        U3Error: Unknown kind, a depth without widths, a picture too small for the depth or too large for its channels,
            numbers that are not whole or too large (channels to 1024).

    Examples:
        >>> prior.generator("hourglass", size=64, depth=3)().shape
        torch.Size([1, 3, 64, 64])
    """
    builders = {"hourglass": hourglass, "unet": _unet, "resnet": _resnet}
    one_of("kind", kind, builders)
    one_of("code", code, ("noise", "grid"))
    one_of("upsample", upsample, ("bilinear", "nearest"))
    height, width = _sides(size)
    widths = [whole("a number in widths", n, 1, MOST_CHANNELS) for n in listed("widths", widths)]
    depth, skip = whole("depth", depth, 1, MOST_DEPTH), whole("skip", skip, 0, MOST_CHANNELS)
    channels, seed = whole("channels", channels, 1, MOST_CHANNELS), whole("seed", seed, 0)
    if depth > len(widths):
        raise U3Error(f"depth = {depth}, but widths has {len(widths)} numbers; give one for each scale")
    step = 1 if kind == "resnet" else 2**depth
    if min(height, width) < 2 * step:
        raise U3Error(f"{height}×{width} pixels are too few for depth {depth}; give at least {2 * step}×{2 * step}, "
                      "or a smaller depth")
    widest = max(channels, skip, widths[0])  # at full resolution
    room(f"size = {size} with {widest} channels", height, width, most=MOST // widest)
    full = (-(-height // step) * step, -(-width // step) * step)  # cropped again at the end
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y, x = torch.meshgrid(*(torch.linspace(0, 1, side) for side in full), indexing="ij")
        z = torch.stack([x, y])[None] if code == "grid" else torch.rand(1, channels, *full) / 10
        body = builders[kind](z.shape[1], tuple(widths[:depth]), skip, upsample)
        made = Generator(body, widths[0], z, (height, width))
    return made.to(memory_format=torch.channels_last)


def _sides(size: tuple[int, int] | int) -> list[int]:
    """(height, width) in pixels, from one side or both."""
    both = list(size) if isinstance(size, (tuple, list)) else [size, size]  # a torch.Size is a tuple
    if len(both) != 2:
        raise U3Error(f"size = {shown(size)}; give (height, width), or one number for a square")
    return [whole("size" if both[0] is both[1] else name, side)
            for name, side in zip(("the height", "the width"), both, strict=True)]


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, normalisation, rectification: what all of these networks are made of."""
    return nn.Sequential(
        # No bias: the normalisation would take it away again.
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False,
                  padding_mode="reflect" if kernel > 1 else "zeros"),
        nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))


class Scale(nn.Module):
    """One scale of an hourglass: halve the resolution, do what the coarser scales do, double it, and add detail."""

    def __init__(self, inputs: int, width: int, deeper: nn.Module | None, below: int, skip: int, upsample: str) -> None:
        super().__init__()
        self.across = _conv(inputs, skip, 1) if skip else None
        self.down = nn.Sequential(_conv(inputs, width, stride=2), _conv(width, width))
        self.deeper, self.upsample = deeper, upsample
        self.up = nn.Sequential(nn.BatchNorm2d(below + skip), _conv(below + skip, width), _conv(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(x)
        y = y if self.deeper is None else self.deeper(y)
        y = F.interpolate(y, x.shape[2:], mode=self.upsample)
        return self.up(y if self.across is None else torch.cat([y, self.across(x)], 1))


def hourglass(inputs: int, widths: tuple[int, ...], skip: int, upsample: str) -> nn.Module:
    """The body of an hourglass: (B,inputs,H,W) → (B,widths[0],H,W); H and W are multiples of 2^len(widths)."""
    return _nested(partial(Scale, skip=skip, upsample=upsample), inputs, widths, None)


def _nested(scale: Callable[..., nn.Module], inputs: int, widths: tuple[int, ...], deeper: nn.Module | None) -> Any:
    """Scales of these widths, each within the finer one; ``deeper`` is what the coarsest has in it."""
    for level in reversed(range(len(widths))):
        below = widths[min(level + 1, len(widths) - 1)]
        deeper = scale(widths[level - 1] if level else inputs, widths[level], deeper, below)
    return deeper


class UScale(nn.Module):
    """One scale of a U-Net: all of its channels go down, and all go across."""

    def __init__(self, inputs: int, width: int, deeper: nn.Module, below: int, upsample: str) -> None:
        super().__init__()
        self.before = nn.Sequential(_conv(inputs, width), _conv(width, width))
        self.deeper, self.upsample = deeper, upsample
        self.after = nn.Sequential(_conv(width + below, width), _conv(width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        y = self.deeper(F.max_pool2d(x, 2))
        return self.after(torch.cat([x, F.interpolate(y, x.shape[2:], mode=self.upsample)], 1))


def _unet(inputs: int, widths: tuple[int, ...], skip: int, upsample: str) -> nn.Module:
    bottom = nn.Sequential(_conv(widths[-1], widths[-1]), _conv(widths[-1], widths[-1]))
    return _nested(partial(UScale, upsample=upsample), inputs, widths, bottom)


class Residual(nn.Module):
    """x plus what two convolutions make of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(_conv(width, width), *_conv(width, width)[:2])  # the second is not rectified

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


def _resnet(inputs: int, widths: tuple[int, ...], skip: int, upsample: str) -> nn.Module:
    blocks = [Residual(widths[0]) for _ in range(2 * len(widths))]
    return nn.Sequential(_conv(inputs, widths[0]), *blocks)
