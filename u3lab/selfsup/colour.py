"""Take the colour away and ask for it back. A lawn is green and a sky blue, so who knows the colour knows what it is.

Zhang, Isola & Efros, Colorful image colorization, ECCV 2016. A shirt may have any colour: the mean of them all, which
the squared error asks for, is grey. So a distribution Ẑ over Q colours is predicted at each place instead:

    L = −Σ_{h,w} v(Z_{h,w}) Σ_q Z_{h,w,q} log Ẑ_{h,w,q}                         (Eq. 2)
    v(Z) = w_{q*},  q* = argmax_q Z_q,  w ∝ ((1−γ) p̃ + γ/Q)^{−1},  Σ_q p̃_q w_q = 1     (Eqs. 3, 4)

The encoder sees the lightness in three equal channels. Lightness and colour are told apart by CIELAB, in which equal
distances look about equally far: L goes from 0 (black) to 100 (white), a from green to red and b from blue to yellow,
both 0 for greys. From sRGB, under daylight (D65), as the standards have it: IEC 61966-2-1 and CIE 15.
"""

import functools

import torch
from torch import Tensor, nn

from u3lab.checks import number, tensors
from u3lab.datasets import photos
from u3lab.errors import U3Error
from u3lab.nets.checkpoints import conv_block
from u3lab.selfsup.views import mirrored_some
from u3lab.training.tasks import Posed, Task, Terms

XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = (0.95047, 1.0, 1.08883)
LOW = 6 / 29  # below this value of f, and its cube of t, f(t) is a straight line
STRAIGHT = (3 * LOW**2, 4 / 29)
STEPS = 4, 100  # the least and the greatest step: at 4 there are 1492 bins, at 1 they would fill the memory
LEVELS = 256  # of each channel of a picture's file
GREY = 5.0  # colours nearer to a = b = 0 than this look grey
CELL = 8  # a colour is asked for at every eighth pixel both ways: a point, not a mean, which would be greyer
NEAREST = 5
GAMMA = 0.5
PRIOR_SIDE = 64
UNIT = 100.0  # a and b go about as far, either way
HIDDEN = 128


def rgb_to_lab(images: Tensor) -> Tensor:
    """Pictures (B,3,H,W) in [0,1] → L in [0,100], a and b, (B,3,H,W); with a gradient everywhere."""
    tensors(images=(images, "B3HW"))
    low = images <= 0.04045
    linear = torch.where(low, images / 12.92, ((torch.where(low, 1.0, images) + 0.055) / 1.055) ** 2.4)
    t = _mixed(XYZ_OF_RGB, linear) / _column(WHITE, linear)
    low = t <= LOW**3  # the root has no slope at 0, so that it must not see what is low, not even in vain
    x, y, z = torch.where(low, t / STRAIGHT[0] + STRAIGHT[1], torch.where(low, 1.0, t) ** (1 / 3)).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """L, a, b (B,3,H,W) → pictures; what no screen can show lies outside [0,1], and is not cut off."""
    tensors(lab=(lab, "B3HW"))
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    f = torch.stack([y + a / 500, y, y - b / 200], 1)
    t = torch.where(f <= LOW, STRAIGHT[0] * (f - STRAIGHT[1]), f**3)
    inverse = torch.linalg.inv(torch.tensor(XYZ_OF_RGB, dtype=torch.float64)).tolist()
    linear = _mixed(inverse, t * _column(WHITE, t))
    low = linear <= 0.0031308
    return torch.where(low, 12.92 * linear, 1.055 * torch.where(low, 1.0, linear) ** (1 / 2.4) - 0.055)


def bins(step: float = 10.0) -> Tensor:
    """The points (Q,2) of a grid over (a, b), those that are the nearest one to a colour that a screen can show.

    261 of a step of 10. The list that came with Zhang, Isola & Efros has 313: it goes on for about a step beyond.
    """
    return _bins(number("step", step, *STEPS))


@functools.cache
def _bins(step: float) -> Tensor:
    at = torch.linspace(0, 1, LEVELS, dtype=torch.float64)
    one, two = (side.flatten() for side in torch.meshgrid(at, at, indexing="ij"))
    # Along a line of constant a and b, with L rising, a colour leaves the cube of RGB through one of its six faces: so
    # the faces have all (a, b) that there are.
    faces = [torch.stack([one, two, torch.full_like(one, end)], 1).roll(turn, 1) for end in (0, 1) for turn in range(3)]
    lab = rgb_to_lab(torch.cat(faces)[:, :, None, None])[:, :, 0, 0]
    row, column = (lab[:, 1:] / step).round().long().unbind(1)
    found = (row * LEVELS + column).unique()  # one number for both sorts faster than rows; LEVELS is more than columns
    row = torch.div(found + LEVELS // 2, LEVELS, rounding_mode="floor")
    return torch.stack([row, found - row * LEVELS], 1).float() * step


def colours(images: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (B,3,H,W) in [0,1] → their lightness in three equal channels, in [0,1], and a and b (B,2,H,W).

    Raises:
        U3Error: If not one of them has a colour.
    """
    lab = rgb_to_lab(images)
    ab = lab[:, 1:]
    if not (ab.square().sum(1) > GREY**2).any():
        raise U3Error("these pictures are grey, so that there is no colour to learn from; give some in colour")
    return (lab[:, :1] / 100).clamp(0, 1).expand(-1, 3, -1, -1), ab  # white is 100.00001 by rounding


def _mixed(matrix: tuple | list, x: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", torch.tensor(matrix, dtype=x.dtype, device=x.device), x)


def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def soft_encode(ab: Tensor, centres: Tensor, *, sigma: float = 5.0) -> Tensor:
    """Z: colours (N,2) as shares of their five nearest bins, ∝ exp(−d²/2σ²), (N,Q); bins' ``centres`` are (Q,2)."""
    tensors(ab=(ab, "N2"), centres=(centres, "Q2"))
    sigma = number("sigma", sigma, 0, without_low=True)
    d, which = torch.cdist(ab, centres.to(ab)).topk(min(NEAREST, len(centres)), largest=False)
    return ab.new_zeros(len(ab), len(centres)).scatter_(1, which, (-d.square() / (2 * sigma**2)).softmax(1))


def rebalancing(prior: Tensor, *, gamma: float = GAMMA) -> Tensor:
    """w (Q): what a pixel of each colour counts, Eq. 4. ``prior`` is p̃ (Q), shares that sum to 1.

    γ = 1 gives 1 to all; γ = 0 makes each colour as heavy as any other, which must occur for that.
    """
    tensors(prior=(prior, "Q"))
    number("the least of prior", float(prior.min()), 0)
    number("the sum of prior", float(prior.sum()), 0.999, 1.001)
    gamma = number("gamma", gamma, 0, 1)
    mixed = (1 - gamma) * prior.double() + gamma / len(prior)
    if not mixed.min():
        raise U3Error("with gamma = 0 a colour that never occurs would be infinitely heavy; give a gamma above 0")
    w = 1 / mixed
    return (w / (prior * w).sum()).to(prior)


def prior(step: float = 10.0) -> Tensor:
    """p̃ (Q): how often each of ``bins(step)`` occurs in the shipped training photos, smoothed over its neighbours."""
    return _prior(number("step", step, *STEPS))


@functools.cache
def _prior(step: float) -> Tensor:
    centres = bins(step)
    d = torch.cdist(centres, centres)
    counts = torch.zeros(len(centres))
    for name in photos.names(split="train"):  # one by one, for all distances at once take 200 MB
        _, ab = colours(photos.load(name, size=PRIOR_SIDE))
        counts += torch.bincount(torch.cdist(_places(ab), centres).argmin(1), minlength=len(centres))
    p = counts @ (-d.square() / (2 * (step / 2) ** 2)).exp()
    return p / p.sum()


class Coloured(nn.Module):
    """Two 1×1 convolutions on the encoder's maps: (B,1,C,h,w) → (B,K,h,w)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*conv_block(channels, HIDDEN, 1), nn.Conv2d(HIDDEN, outputs, 1))
        nn.init.zeros_(self.layers[-1].weight)  # it begins with the same answer everywhere, which is not far off

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the one view → an output at each of their places."""
        return self.layers(maps[:, 0])


def pose(images: Tensor, generator: torch.Generator) -> Posed:
    """Lightness of pictures (B,3,H,W) → a and b at every eighth pixel, (B,2,H/8,W/8). Half of them are mirrored."""
    grey, ab = colours(mirrored_some(images, generator))
    return Posed(grey[:, None], ab[:, :, CELL // 2 :: CELL, CELL // 2 :: CELL].contiguous())


def decolorise(step: float = 10.0, *, gamma: float = GAMMA) -> Task:
    """The task of a distribution over ``bins(step)``; γ rebalances it, see :func:`rebalancing`.

    Its score is the share of places whose likeliest bin is the true one, each place counting v(Z).
    """
    step, gamma = number("step", step, *STEPS), number("gamma", gamma, 0, 1)

    @functools.cache
    def w() -> Tensor:  # when it is first needed: the photos have to be read
        return rebalancing(prior(step), gamma=gamma)

    def loss(scores: Tensor, ab: Tensor) -> Terms:
        Z = soft_encode(_places(ab), bins(step), sigma=step / 2)
        v = w().to(Z)[Z.argmax(1)]
        return {"cross-entropy": -(v * (Z * _places(scores).log_softmax(1)).sum(1)).mean()}

    def score(scores: Tensor, ab: Tensor) -> Tensor:
        true = torch.cdist(_places(ab), bins(step).to(ab)).argmin(1)
        v = w().to(ab)[true]
        return (v * (_places(scores).argmax(1) == true)).sum().double() / v.sum()

    return Task(pose, lambda channels: Coloured(channels, len(bins(step))), loss, score)


def explained(output: Tensor, target: Tensor) -> Tensor:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)², where ȳ is the mean of each channel: 0 for one colour everywhere, 1 for all right."""
    tensors(output=(output, "BCHW"), target=(target, "BCHW"))
    rest = (target - target.mean((0, 2, 3), keepdim=True)).square().sum().clamp(min=1e-12)
    return 1 - (target - output).square().sum().double() / rest


def squared_error(output: Tensor, ab: Tensor) -> Terms:
    """½‖ŷ − y‖² (Eq. 1), a and b in hundreds, the mean of the places: its answer is the mean of all likely colours."""
    return {"squared error": (output - ab / UNIT).square().sum(1).mean() / 2}


def _places(maps: Tensor) -> Tensor:
    """(B,C,h,w) → (B·h·w,C)."""
    return maps.movedim(1, -1).reshape(-1, maps.shape[1])


COLOUR = decolorise(20.0)  # 77 bins: the pictures are small, and 261 cost more than the encoder of a notebook
COLOUR_L2 = Task(pose, lambda channels: Coloured(channels, 2), squared_error,
                 lambda output, ab: explained(output, ab / UNIT), chance=0.0)
