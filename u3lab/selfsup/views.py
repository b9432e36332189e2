"""Other views of a picture, each made for a whole batch at once: what they change, nobody can cluster or tell by.

Pictures are cut, mirrored, recoloured, greyed, tiles cut out; digits moved; and for pictures to be segmented the light
changes, which leaves each pixel at its place. What is drawn comes from a ``generator`` on the CPU, so that every device
makes the same views.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.checks import floats, is_a, number
from u3lab.errors import U3Error
from u3lab.images.cropping import GENERATOR
from u3lab.pixels import LUMA

TURN, SHEAR, ZOOM, SHIFT = 25.0, 0.4, 0.3, 3 / 28  # of digits: degrees; a share; of the logarithm; of the side
THICKER, THINNER = 0.25, 0.25  # how often strokes become so


def crop(images: Tensor, generator: torch.Generator, *, least: float = 0.3, stretch: float = 4 / 3,
         mirror: bool = True) -> Tensor:
    """A random part of each picture (B,C,H,W), enlarged to the size of the whole; half of them mirrored.

    The part has between ``least`` and all of the area, and is up to ``stretch`` times wider or less wide than the
    picture (Szegedy et al., Going deeper with convolutions, CVPR 2015).
    """
    check_moved("crop", images, generator)
    least, stretch = number("least", least, 0, 1, without_low=True), number("stretch", stretch, 1, 10)
    is_a("mirror", mirror, bool, "give True or False")
    area, ratio, right, down, flip = torch.rand(5, len(images), generator=generator).to(images)
    side = (least + (1 - least) * area).sqrt()
    ratio = ((2 * ratio - 1) * math.log(stretch) / 2).exp()
    width, height = (side * ratio).clamp(max=1), (side / ratio).clamp(max=1)
    theta = torch.zeros(len(images), 2, 3, dtype=images.dtype, device=images.device)
    theta[:, 0, 0] = torch.where(flip < 0.5, -width, width) if mirror else width
    theta[:, 1, 1] = height
    theta[:, 0, 2], theta[:, 1, 2] = (2 * right - 1) * (1 - width), (2 * down - 1) * (1 - height)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def recolour(images: Tensor, generator: torch.Generator, *, strength: float = 0.4) -> Tensor:
    """Brightness, contrast and saturation of each picture (B,3,H,W) times 1 ± ``strength``, and its hue turned.

    The hue turns by up to strength/4 of the circle, in the plane of colours that are equally bright. What would leave
    [0,1] is cut off, as a camera does.
    """
    check_moved("recolour", images, generator, colour=True)
    strength = number("strength", strength, 0, 1)
    drawn = 2 * torch.rand(4, len(images), 1, 1, 1, generator=generator).to(images) - 1
    light, contrast, saturation = 1 + strength * drawn[:3]
    angle = drawn[3, :, 0, 0, 0] * strength * math.pi / 2
    x = light * images
    mean = x.mean((1, 2, 3), keepdim=True)
    grey = mean + contrast * (luma(x) - mean)
    return (grey + torch.einsum("bij,bjhw->bihw", _turn(angle), contrast * saturation * (x - luma(x)))).clamp(0, 1)


def grey_some(images: Tensor, generator: torch.Generator, *, share: float = 0.2) -> Tensor:
    """Each picture (B,3,H,W) without its colours with the probability ``share``."""
    check_moved("grey_some", images, generator, colour=True)
    share = number("share", share, 0, 1)
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator) < share
    return torch.where(chosen.to(images.device), luma(images), images)


def mirrored_some(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures (B,C,H,W), about half of them with left and right exchanged."""
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(chosen.to(images.device), images.flip(-1), images)


def luma(images: Tensor) -> Tensor:
    """How bright each pixel looks: (B,3,H,W) → (B,1,H,W)."""
    return torch.einsum("bchw,c->bhw", images, images.new_tensor(LUMA))[:, None]


def tiles(images: Tensor, top: Tensor, left: Tensor, height: int, width: int) -> Tensor:
    """Parts cut out of pictures (B,C,H,W) at their corners ``top`` and ``left`` (B,V): (B,V,C,height,width)."""
    rows = (top[..., None] + torch.arange(height))[..., :, None].to(images.device)
    columns = (left[..., None] + torch.arange(width))[..., None, :].to(images.device)
    which = torch.arange(len(images), device=images.device)[:, None, None, None]
    # As pixels of three numbers side by side, so that a pixel is fetched in one go.
    return images.movedim(1, -1)[which, rows, columns].movedim(-1, 2).contiguous()


def _turn(angle: Tensor) -> Tensor:
    """Matrices (B,3,3) that turn colours about the grey axis by angles (B); then they bring their luma back to 0."""
    axis = torch.full((3,), 1 / math.sqrt(3), dtype=angle.dtype, device=angle.device)
    cross = torch.linalg.cross(torch.eye(3).to(axis), axis.expand(3, 3))
    sine, cosine = angle.sin()[:, None, None], angle.cos()[:, None, None]
    turned = cosine * torch.eye(3).to(axis) + sine * cross.T + (1 - cosine) * torch.outer(axis, axis)
    return turned - torch.einsum("j,bjk->bk", axis.new_tensor(LUMA), turned)[:, None]


def check_moved(what: str, images: Tensor, generator: torch.Generator, *, colour: bool = False) -> None:
    floats(what, images)
    is_a("generator", generator, torch.Generator, GENERATOR)
    if colour and images.shape[1] != 3:
        raise U3Error(f"{what} takes pictures in colour (B,3,H,W); these have the shape {tuple(images.shape)}")


def digit_views(images: Tensor, generator: torch.Generator) -> Tensor:
    """White digits on black (B,3,H,W), each turned, sheared, zoomed, shifted, and with thicker or thinner strokes.

    Turns of up to ±25°, shears of up to ±0.4, sizes from e^−0.3 to e^0.3, shifts of up to ±3 of 28 pixels. The colours
    of a picture count as one grey.

    A thick and a thin 3 differ in more pixels than a 3 and an 8. Without the change of strokes, what is clustered is
    their thickness.
    """
    check_moved("digit_views", images, generator)
    count = len(images)
    turn, shear, zoom, x, y, stroke = torch.rand(6, count, generator=generator).to(images)
    turn, zoom = (2 * turn - 1) * math.radians(TURN), ((2 * zoom - 1) * ZOOM).exp()
    shear, x, y = (2 * shear - 1) * SHEAR, (2 * x - 1) * 2 * SHIFT, (2 * y - 1) * 2 * SHIFT  # a side is 2 long
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    # From a place in the view to the place in the picture, as grid_sample asks: shear, then turn and zoom, then shift.
    rows = torch.stack([cos, shear * cos - sin, x], 1), torch.stack([sin, shear * sin + cos, y], 1)
    grey = images.mean(1, keepdim=True)
    grid = F.affine_grid(torch.stack(rows, 1), list(grey.shape), align_corners=False)
    moved = F.grid_sample(grey, grid, align_corners=False)
    thick, thin = stroke < THICKER, stroke > 1 - THINNER
    moved[thick] = F.max_pool2d(moved[thick], 3, 1, 1)
    moved[thin] = -F.max_pool2d(F.pad(-moved[thin], (0, 1, 0, 1)), 2, 1)  # the least of 2×2 pixels
    return moved.expand(-1, 3, -1, -1)


def relit(images: Tensor, generator: torch.Generator, *, most: float = 0.3) -> Tensor:
    """Pictures (B,3,H,W), each with another contrast (by up to the share ``most``) and brightness (half as much)."""
    check_moved("relit", images, generator)
    most = number("most", most, 0, 1)
    contrast, light = (most * (2 * torch.rand(2, len(images), 1, 1, 1, generator=generator) - 1)).to(images)
    return (0.5 + (1 + contrast) * (images - 0.5) + light / 2).clamp(0, 1)


def bias_field(images: Tensor, generator: torch.Generator, *, most: float = 0.5) -> Tensor:
    """Pictures (B,3,H,W) times a smooth made field, as the coil of an MR scanner has one; each picture gets its own.

    The field is e^(most·(u − 1)), with u from −1 to 1 in each picture: two waves of half a period across it, in random
    directions. It only darkens, so that nothing becomes too bright to be told apart.
    """
    check_moved("bias_field", images, generator)
    most = number("most", most, 0, 2)
    drawn = 2 * math.pi * torch.rand(2, 2, len(images), 1, 1, generator=generator).to(images)
    y, x = (torch.linspace(0, math.pi, side).to(images) for side in images.shape[2:])
    u = sum((angle.cos() * x + angle.sin() * y[:, None] + phase).sin() for angle, phase in drawn)
    low, high = u.amin((1, 2), keepdim=True), u.amax((1, 2), keepdim=True)
    darker = 2 * (u - high) / (high - low).clamp_min(1e-6)  # u − 1, once u goes from −1 to 1
    return images * (most * darker).exp()[:, None]
