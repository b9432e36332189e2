"""What moves together belongs together: pixels of a *still* picture get codes, alike where the film would move alike.

Which way a thing will go cannot be told from a still picture; that its parts go together can. So the loss does not ask
for the flow f_u of a pixel u, but for who moves like whom:

    K^f_uv = exp(−‖f_u − f_v‖² / 2σ²)        K^φ_uv = κ cos(φ_u, φ_v)
    S_uv = exp(K_uv) / Σ_{v′≠u} exp(K_uv′)    for v ≠ u
    loss = −mean_u Σ_{v≠u} S^f_uv log S^φ_uv

Mahendran, Thewlis & Vedaldi, Cross pixel optical flow similarity for self-supervised learning, ACCV 2018, section 3.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import number, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets.checkpoints import conv_block
from u3lab.nets.gate import eval_mode, ready
from u3lab.training.learning import maps
from u3lab.training.tasks import Posed, Task, Terms

SIGMA = 0.06  # of a flow whose longest vector is 1: σ² = 0.0036, as in the paper
KAPPA = 1.0  # the paper has ¼; with 1, equal codes can weigh as much as equal flow, e against 1 for those far apart
PIXELS = 64  # of each picture that are compared
MOST = 1024  # of them: kernels have their square of numbers
CODE = 16  # numbers of a pixel's code
STILL = 0.5  # pixels: a picture in which nothing moves as far is not stretched, since what is seen there is noise


def relative(flow: Tensor) -> Tensor:
    """Flow (B,2,H,W) in pixels, less its median (the camera's motion), in parts of its longest vector."""
    flow = flow - flow.flatten(2).median(2).values[..., None, None]
    longest = flow.square().sum(1).flatten(1).amax(1).sqrt().clamp_min(STILL)
    return flow / longest[:, None, None, None]


def pose(flows: tuple[Tensor, Tensor], generator: torch.Generator, *, pixels: int = PIXELS) -> Posed:
    """Pictures; for the head, places (B,N,2) of some pixels, (x,y) in [−1,1]; target: their flow (B,N,2).

    Places are drawn for the batch.
    """
    pictures, flow = flows
    tensors(pictures=(pictures, "B3HW"), flow=(flow, "B2HW"))
    height, width = flow.shape[2:]
    if height * width < pixels:
        raise U3Error(f"{pixels} pixels of each picture are to be compared; these have {height * width}")
    at = torch.randperm(height * width, generator=generator)[:pixels].to(flow.device)
    x, y = at % width, at // width
    places = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], 1).to(pictures)
    return Posed(pictures[:, None], relative(flow)[:, :, y, x].transpose(1, 2), (places.expand(len(pictures), -1, -1),))


def log_shares(kernel: Tensor) -> Tensor:
    """log S of a kernel K (…,N,N): the softmax of each row over all others, with −∞ on the diagonal."""
    own = torch.eye(kernel.shape[-1], dtype=torch.bool, device=kernel.device)
    return kernel.masked_fill(own, float("-inf")).log_softmax(-1)


def flow_kernel(flow: Tensor, sigma: float = SIGMA) -> Tensor:
    """K^f_uv = exp(−‖f_u − f_v‖² / 2σ²): flow (…,N,2) → (…,N,N) in (0,1]."""
    return (-torch.cdist(flow, flow).square() / (2 * sigma**2)).exp()


def code_kernel(codes: Tensor, kappa: float = KAPPA) -> Tensor:
    """K^φ_uv = κ cos(φ_u, φ_v): codes (…,N,D) → (…,N,N) in [−κ,κ]."""
    codes = F.normalize(codes, dim=-1)
    return kappa * codes @ codes.transpose(-1, -2)


def cross_pixel(codes: Tensor, flow: Tensor, *, sigma: float = SIGMA, kappa: float = KAPPA) -> Terms:
    """The loss of the paper, a mean over pixels and batch: codes (B,N,D), flow (B,N,2).

    Its least value is the entropy of the rows of S^f, reached where S^φ = S^f.
    """
    shares = log_shares(flow_kernel(flow, sigma)).exp()  # S^f
    log = log_shares(code_kernel(codes, kappa))  # log S^φ
    log = log.masked_fill(log == float("-inf"), 0)  # on the diagonal, where S^f = 0 and 0 · −∞ would be no number
    return {"cross-entropy of pixels": -(shares * log).sum(-1).mean()}


def alike(codes: Tensor, flow: Tensor, *, sigma: float = SIGMA) -> Tensor:
    """How far similar codes and similar flow go together: Pearson's correlation of the kernels, a mean over pictures.

    Over pairs of different pixels. 0 for who knows nothing, 1 at best.
    """
    first, second = torch.triu_indices(codes.shape[1], codes.shape[1], 1, device=codes.device)
    pairs = (kernel[:, first, second] for kernel in (code_kernel(codes), flow_kernel(flow, sigma)))
    coded, moved = (F.normalize(one - one.mean(1, keepdim=True), dim=1) for one in pairs)
    return (coded * moved).sum(1).double().mean()


class Dense(nn.Module):
    """Codes of pixels: from the encoder's maps, finer again by ``finer``, and between pixels by interpolation."""

    def __init__(self, channels: int, *, finer: int = 4) -> None:
        super().__init__()
        hidden = max(channels // 2, CODE)
        self.layers = nn.Sequential(*conv_block(channels, hidden, 1), nn.Conv2d(hidden, CODE * finer**2, 1),
                                    nn.PixelShuffle(finer))

    def forward(self, maps: Tensor, places: Tensor) -> Tensor:
        """Maps (B,1,C,h,w) and places (B,N,2), (x,y) in [−1,1] → codes (B,N,D)."""
        found = F.grid_sample(self.layers(maps[:, 0]), places[:, :, None], padding_mode="border", align_corners=False)
        return found[..., 0].transpose(1, 2)


@torch.no_grad()
def pixel_codes(net: nn.Module, head: nn.Module, pictures: Tensor) -> Tensor:
    """The codes φ_u of all pixels of pictures: (B,3,H,W) → (B,D,H,W), of length 1. Both were trained on "moving".

    Raises:
        U3Error: A head of another task, or pictures that are none.
    """
    net = ready(net, pictures)
    eval_mode("head", head, Dense, "make one with selfsup.head_of(net, 'moving')")
    found = head.layers(maps(net, pictures))
    return F.normalize(F.interpolate(found, pictures.shape[2:], mode="bilinear", align_corners=False), dim=1)


def moving(*, pixels: int = PIXELS, sigma: float = SIGMA, kappa: float = KAPPA) -> Task:
    """The task "moving": so many pixels of each picture are compared, by kernels of width σ and scale κ.

    Raises:
        U3Error: Fewer than three pixels (a row of S would have nothing to share out), or σ or κ that is not above 0.
    """
    pixels, sigma = whole("pixels", pixels, 3, MOST), number("sigma", sigma, 0, without_low=True)
    loss = partial(cross_pixel, sigma=sigma, kappa=number("kappa", kappa, 0, without_low=True))
    return Task(partial(pose, pixels=pixels), Dense, loss, partial(alike, sigma=sigma), "flows", 0.0)


MOVING = moving()

