"""Cut a hole into the picture and ask what was there.

Pathak, Krähenbühl, Donahue, Darrell & Efros, Context encoders: feature learning by inpainting, CVPR 2016.

    L = ‖m ⊙ (x − h(Φ((1 − m̂) ⊙ x)))‖²  +  λ max_D  log D(x) + log(1 − D(h(…)))        (Eqs. 1–3)

m is the centre, of half the side; m̂ is what is hidden of it. Four pixels of its border stay visible and are asked for
again, ten times as heavy, so that the answer fits its surroundings. The adversary D sees nothing but the patch: with
the surroundings it would look at the seam alone.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import floats, number, tensors
from u3lab.errors import U3Error
from u3lab.nets.checkpoints import conv_block
from u3lab.selfsup.colour import explained
from u3lab.selfsup.views import mirrored_some
from u3lab.training.tasks import Posed, Task, Terms

BORDER, HEAVIER = 4, 10.0
FILL = 0.5  # grey, the encoder's zero
GRID = 8  # the maps of pictures of 64 pixels
ADVERSARY = 0.01  # λ, the paper's λ_adv / λ_rec, there 0.001
SLOPE, HIDDEN = 0.2, 64


def hole(images: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (B,3,S,S) with the inner part of their centre grey, and the centre (B,3,S/2,S/2) as it was."""
    floats("hole", images)
    side, least = images.shape[-1], 4 * BORDER + 8
    if images.shape[-2] != side or side % 8 or side < least:
        raise U3Error(f"these pictures have {images.shape[-2]}×{side} pixels; give squares whose side is a multiple of "
                      f"8, at least {least}")
    at = slice(side // 4, side // 4 * 3)
    seen, true = images.clone(), images[..., at, at].clone()
    _hidden(seen[..., at, at])[:] = FILL
    return seen, true


def _hidden(patch: Tensor) -> Tensor:
    """Of a centre (…,s,s) what lies within its border, a view."""
    return patch[..., BORDER:-BORDER, BORDER:-BORDER]


class Restorer(nn.Module):
    """The decoder: maps (B,1,C,h,w) → the centre (B,3,4h,4w) in [0,1].

    First a channel-wise fully-connected layer (§3.2): each map is mixed over all of its places, W_c of its own for each
    channel c, since the maps at the hole have not seen far enough around it. Then convolutions, whose channels are
    twice laid out as four times as many places (Shi et al., CVPR 2016).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.eye(GRID**2).repeat(channels, 1, 1))
        self.layers = nn.Sequential(*conv_block(channels, HIDDEN, 1), nn.PixelShuffle(2),
                                    nn.Conv2d(HIDDEN // 4, 12, 3, padding=1), nn.PixelShuffle(2), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        """What the decoder believes was there."""
        maps, fits = maps[:, 0], maps.shape[-2:] == (GRID, GRID)  # then nothing need be copied
        z = maps if fits else F.adaptive_avg_pool2d(maps, GRID)
        mixed = torch.einsum("cpq,bcq->bcp", self.W, z.flatten(2)).view_as(z)
        return self.layers(mixed if fits else F.interpolate(mixed, size=maps.shape[-2:], mode="nearest"))


class _Reversed(torch.autograd.Function):
    """The number itself; backwards, minus its gradient. A step that lowers D's loss on one side raises it on the other.

    Ganin & Lempitsky, Unsupervised domain adaptation by backpropagation, ICML 2015: so that one optimiser serves both.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return -gradient


class Contested(nn.Module):
    """A decoder and its adversary D: maps and true patches → patches, D's logits of them, and of the true ones."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.restorer = Restorer(channels)
        self.judge = nn.Sequential(nn.Conv2d(3, 32, 4, 4), nn.LeakyReLU(SLOPE), nn.Conv2d(32, 64, 4, 2, 1),
                                   nn.LeakyReLU(SLOPE), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, 1))

    def forward(self, maps: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B,3,s,s), and (B) twice."""
        patch = self.restorer(maps)
        return patch, self.judge(_Reversed.apply(patch))[:, 0], self.judge(true.to(patch))[:, 0]


def reconstruction(patch: Tensor, true: Tensor) -> Tensor:
    """The squared error of patches (B,3,s,s), the mean of pixels, those of the border counting ten times."""
    tensors(patch=(patch, "BCHW"), true=(true, "BCHW"))
    weight = patch.new_full(patch.shape[-2:], HEAVIER)
    _hidden(weight)[:] = 1
    return (weight * (patch - true).square()).mean()


def pose(images: Tensor, generator: torch.Generator) -> Posed:
    """Pictures (B,3,S,S) with a hole → what was there, (B,3,S/2,S/2). Half of them are mirrored."""
    seen, true = hole(mirrored_some(images, generator))
    return Posed(seen[:, None], true)


def restored(patch: Tensor, true: Tensor) -> Tensor:
    """The share of the variance of what was hidden that the answer explains."""
    return explained(_hidden(patch), _hidden(true))


def erase(adversary: float = 0.0) -> Task:
    """The task of filling the hole; with ``adversary``, λ, above 0, against a judge of what looks real."""
    lam = number("adversary", adversary, 0, 100)
    if not lam:
        return Task(pose, Restorer, lambda *both: {"squared error": reconstruction(*both)}, restored, chance=0.0)

    def contested(images: Tensor, generator: torch.Generator) -> Posed:
        posed = pose(images, generator)
        return posed._replace(more=(posed.target,))

    def loss(output: tuple[Tensor, Tensor, Tensor], true: Tensor) -> Terms:
        patch, made, real = output
        return {"squared error": reconstruction(patch, true),
                # −log(1 − D(made)) − log D(real): D's loss, which for the decoder is reversed
                "adversary": lam * (F.softplus(made).mean() + F.softplus(-real).mean())}

    return Task(contested, Contested, loss, lambda output, true: restored(output[0], true), chance=0.0)


ERASE, ERASE_ADVERSARY = erase(), erase(ADVERSARY)
