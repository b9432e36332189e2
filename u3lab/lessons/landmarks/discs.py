"""A thing of three coloured discs that moves and bends on a texture, and where the middles of its discs are."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.descent import Step
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, autoencode

COLOURS = torch.tensor([[0.9, 0.2, 0.15], [0.2, 0.8, 0.25], [0.2, 0.3, 0.95]])
RADIUS = 0.22  # in half sides
CORNERS = torch.tensor([0.0, 2.1, 4.2])  # of a triangle, as angles
FAR = 0.38  # from its middle


def discs(count: int, generator: torch.Generator, side: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (count,3,side,side), the same thing elsewhere on the same texture, and its discs there, (count,3,2).

    The discs are the corners of a triangle that is moved, turned by any angle, and bent, each corner a little. Their
    colours vary from pair to pair, and so does the texture.
    """
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    ground = 0.25 + 0.5 * F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    shade = 0.25 * (torch.rand(count, 3, 3, generator=generator) - 0.5)
    colours = (COLOURS + shade).clamp(0, 1)
    both = []
    for _ in range(2):
        angle = CORNERS + 2 * torch.pi * torch.rand(count, 1, generator=generator)
        corners = FAR * torch.stack([angle.cos(), angle.sin()], -1)
        moved, bent = (2 * torch.rand(count, n, 2, generator=generator) - 1 for n in (1, 3))
        middles = corners + 0.35 * moved + 0.12 * bent
        both.append((drawn(ground, middles, colours), middles))
    return both[0][0], both[1][0], both[1][1]


def drawn(ground: Tensor, middles: Tensor, colours: Tensor) -> Tensor:
    side = ground.shape[-1]
    axis = (2 * torch.arange(side) + 1) / side - 1
    made = ground
    for k in range(middles.shape[1]):
        x, y = middles[:, k, 0, None, None], middles[:, k, 1, None, None]
        off = ((axis - x) ** 2 + (axis[:, None] - y) ** 2).sqrt()
        alpha = (0.5 + (RADIUS - off) * side / 2).clamp(0, 1)[:, None]
        made = made * (1 - alpha) + alpha * colours[:, k, :, None, None]
    return made


def pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Sources and targets."""
    return discs(count, generator)[:2]


def learnt(count: int, seed: int, steps: int) -> tuple[KeypointAutoencoder, Iterator[Step]]:
    """A fresh network of so many keypoints, and the steps that teach it on these pairs, by pixels alone."""
    model = KeypointAutoencoder(count, width=12, sigma=0.2, seed=seed)
    return model, autoencode(model, pairs, settings=AutoencodeSettings(steps=steps, lr=0.003, seed=seed))


def explained(model: KeypointAutoencoder) -> list[float]:
    """R² of each disc's middle by linear regression on the keypoints, of pictures that it was not fitted on."""
    from sklearn.linear_model import LinearRegression

    (_, seen, places), (_, unseen, others) = (discs(200, torch.Generator().manual_seed(seed)) for seed in (100, 101))
    before, after = model.keypoints(seen).flatten(1), model.keypoints(unseen).flatten(1)
    return [float(LinearRegression().fit(before, places[:, k]).score(after, others[:, k])) for k in range(3)]
