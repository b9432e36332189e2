"""What the live figures of chapter 0 show: templates, hidden squares, points found again; pictures cut and shuffled."""

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from u3lab import images, pixels
from u3lab.errors import U3Error

YELLOW = (1.0, 0.9, 0.1)
GREY = 0.5
CARD, INK = (252, 252, 250), (34, 34, 34)
STRONG = 100.0  # the sum of three products that gets the strongest colour


def span(at: float, side: int, size: int) -> tuple[int, int]:
    """From where to where a square of so many pixels lies whose middle is at a share ``at`` of the picture's side."""
    begin = min(max(round(at * size - side / 2), 0), size - side)
    return begin, begin + side


def boxed(picture: Tensor, x: float, y: float, side: int, wide: int = 3) -> Tensor:
    """A picture (1,3,H,W) with a yellow frame around a square."""
    (left, right), (top, bottom) = span(x, side, picture.shape[-1]), span(y, side, picture.shape[-2])
    frame = torch.zeros_like(picture[:, :1], dtype=torch.bool)
    frame[..., max(top - wide, 0) : bottom + wide, max(left - wide, 0) : right + wide] = True
    frame[..., top:bottom, left:right] = False
    return torch.where(frame, picture.new_tensor(YELLOW).view(1, 3, 1, 1), picture)


def hidden(picture: Tensor, x: float, y: float, side: int) -> Tensor:
    """A picture (1,3,H,W) with a grey square whose middle is at (x, y), both in [0,1]."""
    (left, right), (top, bottom) = span(x, side, picture.shape[-1]), span(y, side, picture.shape[-2])
    covered = picture.clone()
    covered[..., top:bottom, left:right] = GREY
    return covered


def large(small: Tensor, size: int) -> Tensor:
    """A few pixels (1,C,h,w) as squares that one can see, (1,C,size,size)."""
    return F.interpolate(small, size=(size, size), mode="nearest")


def painted(w: Tensor, scale: float, size: int = 113) -> Tensor:
    """A template (3,k,k) in colours around grey, which is 0; ``scale`` and more is as bright as can be: (1,3,S,S)."""
    return large((0.5 + 0.5 * w / scale).clamp(0, 1)[None], size)


def labelled(panels: Mapping[str, Tensor]) -> Tensor:
    """Pictures (1,3,S,S) side by side, each with its name in the upper left corner, lines between: (1,3,S,N·S)."""
    import matplotlib

    font = ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), 12)  # has σ, ×
    sheet = Image.fromarray(pixels.eight_bit(torch.cat([one.float().cpu() for one in panels.values()], -1)))
    draw, left = ImageDraw.Draw(sheet), 0
    for name, one in panels.items():
        if left:
            draw.rectangle((left, 0, left + 3, sheet.height), "white")
        draw.rectangle((left, 0, left + round(draw.textlength(name, font)) + 8, 18), CARD)
        draw.text((left + 4, 1), name, INK, font)
        left += one.shape[-1]
    return images.load(sheet)


def template_panels(picture: Tensor, map: Tensor, w: Tensor, patch: Tensor, place: tuple[float, float]) -> Tensor:
    """The picture and a unit's map, place and best match marked; then patch, template and their products, enlarged.

    ``picture`` (1,3,S,S) in [0,1], ``map`` (h,w) signed, ``w`` and ``patch`` (3,k,k), the patch in the network's scale;
    ``place`` (x, y) in [0,1].
    """
    (x, y), size, k = place, picture.shape[-1], w.shape[-1]
    row, column = divmod(int(map.argmax()), map.shape[1])
    photo, seen = (boxed(boxed(one, x, y, 9), (column + k / 2) / size, (row + k / 2) / size, 25)
                   for one in (picture, large(pixels.heat(map, signed=True).to(picture), size)))
    return labelled({
        "photo (frames enlarged)": photo, "map, before the ReLU": seen,
        "patch": large(picture[..., slice(*span(y, k, size)), slice(*span(x, k, size))], size),
        "template w": painted(w, float(w.abs().max()), size),
        "products": large(pixels.heat((w * patch).sum(0), signed=True, scale=STRONG), size)})


SIDE = 240  # pixels: 2, 3, 4, 5, 6, 8, 10 and 12 divide it


def cut(x: Tensor, n: int) -> Tensor:
    """Pictures (B,3,S,S) as n×n square parts, row by row: (B,n²,3,S/n,S/n)."""
    if n < 1 or x.shape[-1] % n or x.shape[-2] != x.shape[-1]:
        raise U3Error(f"pictures of {x.shape[-2]}×{x.shape[-1]} pixels cannot be cut into {n}×{n} squares; "
                      f"give squares whose side {n} divides, as {SIDE} does for 2, 3, 4, 6 and 8")
    side = x.shape[-1] // n
    return x.unfold(2, side, side).unfold(3, side, side).flatten(2, 3).transpose(1, 2)


def joined(parts: Tensor) -> Tensor:
    """Parts (B,n²,3,s,s), row by row, as pictures (B,3,n·s,n·s)."""
    n, side = round(parts.shape[1] ** 0.5), parts.shape[-1]
    return parts.unflatten(1, (n, n)).permute(0, 3, 1, 4, 2, 5).reshape(len(parts), parts.shape[2], n * side, n * side)


def shuffled(x: Tensor, n: int, *, seed: int = 0, stay: bool = False) -> Tensor:
    """Every part is there, and none in its place (with ``stay`` some may be, by chance); all pictures alike."""
    generator, places = torch.Generator().manual_seed(seed), torch.arange(n * n)
    order = torch.randperm(n * n, generator=generator)
    while n > 1 and not stay and (order == places).any():
        order = torch.randperm(n * n, generator=generator)
    return joined(cut(x, n)[:, order])


def mirrored(x: Tensor, n: int) -> Tensor:
    """Every part is in its place, and mirrored: n − 1 seams, half as many as in :func:`shuffled`."""
    return joined(cut(x, n).flip(-1))
