"""Does this pixel move? Asked of a *still* picture; the film has the answer, in frames that are not shown.

    d_t = max over colours |g_σ ∗ (x_{t+n} − x_t)|        moved at time t: min(d_{t−n}, d_t) > threshold

A place differs from before *and* from after only where something passes at time t: the three-frame difference. What
stands still is missing in it, and so are the insides of large plain things. Who is asked about one frame alone sees
neither before nor after. The loss is least with the share of such pixels that moved, so that a thing that mostly moves
is found when it stands as well.

Pathak, Girshick, Dollár, Darrell & Hariharan, Learning features by watching objects move, CVPR 2017, with a target of
their own; the three-frame difference is older (Jain & Nagel 1979). Where a pixel goes tells optical flow, by TV-L1 as
scikit-image has it: Zach, Pock & Bischof, A duality based approach for realtime TV-L1 optical flow, DAGM 2007.
"""

from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images
from u3lab.checks import number, shown, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets.gate import eval_mode, ready
from u3lab.pixels import LUMA
from u3lab.training.learning import maps
from u3lab.training.tasks import Posed, Task, Terms


def three_frame_difference(frames: Tensor, *, gap: int = 1, sigma: float = 0.7) -> Tensor:
    """By how much each pixel differs from both the frame before and the frame after: the smaller of the two.

    Args:
        frames: (T,3,H,W) in [0,1], one after the other.
        gap: Frames from one that is compared to the next, n.
        sigma: Of the blur that takes the noise off, in pixels.

    Returns:
        Tensor: (T−2n,H,W), in [0,1], of all frames that have both.

    Raises:
        U3Error: No such tensor, or fewer than 2n + 1 frames.
    """
    tensors(frames=(frames, "T3HW"))
    gap, sigma = whole("gap", gap), number("sigma", sigma, 0)
    if len(frames) < 2 * gap + 1:
        raise U3Error(f"frames is {shown(frames)}; with gap = {gap} give at least {2 * gap + 1} of them")
    changed = images.blur((frames[gap:] - frames[:-gap]).abs().amax(1, keepdim=True), sigma)[:, 0]
    return torch.minimum(changed[:-gap], changed[gap:])


def pose(given: tuple[Tensor, Tensor], generator: torch.Generator) -> Posed:
    """Pictures (B,3,H,W); target: which of their pixels moved (B,1,H,W), 1 or 0."""
    pictures, moved = given
    tensors(pictures=(pictures, "B3HW"), moved=(moved, "B1HW"))
    return Posed(pictures[:, None], moved)


class PerPixel(nn.Module):
    """A score for each place of the maps: (B,1,C,h,w) → (B,1,h,w), before the sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: Tensor) -> Tensor:
        return self.layer(maps[:, 0])


def loss(scores: Tensor, moved: Tensor) -> Terms:
    """−log of the probability of what happened, a mean over the pixels."""
    return {"cross-entropy of pixels": F.binary_cross_entropy_with_logits(scores, moved)}


def overlap(scores: Tensor, moved: Tensor) -> Tensor:
    """Intersection over union of what is more probable than not with what moved, in the batch as a whole."""
    predicted, true = scores > 0, moved > 0.5
    return (predicted & true).sum().double() / (predicted | true).sum().clamp(min=1)


MOVED = Task(pose, PerPixel, loss, overlap, "flows", 0.0)


@torch.no_grad()
def moves(net: nn.Module, head: nn.Module, pictures: Tensor) -> Tensor:
    """The probability that each pixel of still pictures moves: (B,3,H,W) → (B,H,W). Both were trained on ``MOVED``.

    Raises:
        U3Error: A head of another task, or pictures that are none.
    """
    net = ready(net, pictures)
    eval_mode("head", head, PerPixel, "make one with selfsup.head_of(net, selfsup.MOVED)")
    return head(maps(net, pictures)[:, None])[:, 0].sigmoid()


def estimated_flow(clips: Tensor) -> Tensor:
    """Where each pixel goes until the next frame: clips (B,T,3,H,W) → (B,T−1,2,H,W), pixels to the right and down.

    It takes a fraction of a second for each pair of small frames, so that it is done once, before training.

    Raises:
        U3Error: No such tensor, or clips of a single frame.
    """
    from skimage.registration import optical_flow_tvl1

    tensors(clips=(clips, "BT3HW"))
    if clips.shape[1] < 2 or min(clips.shape[3:]) < 16 or not clips.is_floating_point():
        raise U3Error(f"clips is {shown(clips)}; flow needs floats, two frames or more of 16 pixels or more")
    grey = (clips.float().cpu() * torch.tensor(LUMA).view(3, 1, 1)).sum(2).numpy()
    found = np.stack([[optical_flow_tvl1(*two) for two in pairwise(clip)] for clip in grey])
    return torch.from_numpy(found).flip(2).to(clips)  # scikit-image has rows first
