"""Two views of one picture belong together, and no two others do.

Chen, Kornblith, Norouzi & Hinton, A simple framework for contrastive learning of visual representations (SimCLR), ICML
2020: younger than the talk, and a relative of its *group together*. For a pair of views i, j among the 2B of a batch

    ℓ(i,j) = −log exp(sim(z_i, z_j)/τ) / Σ_{k ≠ i} exp(sim(z_i, z_k)/τ),    sim(u, v) = uᵀv / ‖u‖‖v‖        (Eq. 1)
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import number, tensors
from u3lab.errors import U3Error
from u3lab.selfsup.views import crop, grey_some, recolour
from u3lab.training.tasks import Posed, Task

TAU = 0.2
OUTPUT = 64  # dimensions of z
MOST = 4096  # pictures at once: the loss compares all with all
LEAST = 0.2  # of the area in a view


def nt_xent(z: Tensor, *, tau: float = TAU) -> Tensor:
    """The loss NT-Xent of embeddings z (B,2,D) of two views of B pictures: the mean of all ℓ(i,j) and ℓ(j,i)."""
    tensors(z=(z, "B2D"))
    if len(z) < 2:
        raise U3Error("a single picture has nothing to be told from; give two or more")
    if len(z) > MOST:
        raise U3Error(f"the views of {len(z)} pictures are too many to be compared all with all; give {MOST} or fewer")
    similarity = _similarity(z) / number("tau", tau, 0, without_low=True)
    return F.cross_entropy(similarity, _partner(z))


def found_partner(z: Tensor) -> Tensor:
    """The share of the views whose most similar other view is the one of their own picture."""
    return (_similarity(z).argmax(1) == _partner(z)).double().mean()


def _similarity(z: Tensor) -> Tensor:
    """sim(z_i, z_k) of all views (2B,2B); of one with itself −∞, so that no sum has it."""
    z = F.normalize(z.flatten(0, 1), dim=1)
    return (z @ z.T).masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), -torch.inf)


def _partner(z: Tensor) -> Tensor:
    """The views of a picture are neighbours: 1, 0, 3, 2, …"""
    return torch.arange(2 * len(z), device=z.device) ^ 1


class Projection(nn.Module):
    """The head g: pooled maps through one hidden layer, (B,V,C,h,w) → (B,V,D). Φ keeps what g throws away."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, channels), nn.BatchNorm1d(channels), nn.ReLU(),
                                    nn.Linear(channels, OUTPUT))

    def forward(self, maps: Tensor) -> Tensor:
        """z of each view."""
        return self.layers(maps.flatten(0, 1).mean((2, 3))).unflatten(0, maps.shape[:2])


def pose(images: Tensor, generator: torch.Generator) -> Posed:
    """Two views of each picture, with crops, mirrors and colours of their own; the answer is the picture's number."""
    views = [grey_some(recolour(crop(images, generator, least=LEAST), generator), generator) for _ in range(2)]
    return Posed(torch.stack(views, 1), torch.arange(len(images), device=images.device))


def contrastive(tau: float = TAU) -> Task:
    """The task of finding the other view, at a temperature τ. Guessing finds one in 2B − 1."""
    tau = number("tau", tau, 0, without_low=True)
    return Task(pose, Projection, lambda z, _: {"NT-Xent": nt_xent(z, tau=tau)}, lambda z, _: found_partner(z))


CONTRAST = contrastive()
