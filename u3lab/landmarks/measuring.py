"""How good found landmarks are: errors in parts of the distance of the eyes, and a linear map to what people marked.

A method without labels finds points of its own choice. Whether they are tied to the thing shows in how well a linear
map, fitted on few labelled pictures, makes from them the landmarks that people mark (Thewlis et al. 2017; Jakab et al.
2018).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.checks import is_plain, number, room, shown, tensors, wholes
from u3lab.errors import U3Error


def landmark_error(found: Tensor, true: Tensor, eyes: tuple[int, int]) -> Tensor:
    """100 · ‖found − true‖ / ‖true_i − true_j‖: errors in % of the inter-ocular distance of each face.

    Args:
        found, true: (N,L,2), landmarks of N pictures, in any unit that x and y have in common: [−1,1] of square
            pictures, or pixels.
        eyes: The numbers i, j of the two landmarks whose distance is 100 %.

    Returns:
        Tensor: (N,L), float64. Its mean is the number in the papers.

    Raises:
        U3Error: Shapes that differ, numbers of eyes that are no landmarks, or eyes at one point.
    """
    tensors(found=(found, "NL2"), true=(true, "NL2"))
    if found.is_complex() or true.is_complex():
        raise U3Error("found and true are points (x, y); give real numbers")
    pair = wholes("eyes", eyes, 0, true.shape[1] - 1)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise U3Error(f"eyes = {pair}; give the numbers of two landmarks")
    i, j = pair
    found, true = found.detach().double(), true.detach().double().to(found.device)
    apart = (true[:, i] - true[:, j]).norm(dim=-1)
    if not apart.all():
        raise U3Error(f"in picture {int(apart.argmin())} the eyes, landmarks {i} and {j}, are at one point; leave it "
                      "out, or choose other landmarks")
    return 100 * (found - true).norm(dim=-1) / apart[:, None]


def share_within(found: Tensor, true: Tensor, eyes: tuple[int, int], *, part: float = 0.25) -> float:
    """The share of landmarks found within so large a part of the inter-ocular distance; arguments as above."""
    part = number("part", part, 0, 100, without_low=True)
    return float((landmark_error(found, true, eyes) <= 100 * part).double().mean())


class Regressor(NamedTuple):
    """A linear map to landmarks: y = W z + b, with W (2L,F) and b (2L)."""

    W: Tensor
    b: Tensor

    def landmarks(self, z: Tensor) -> Tensor:
        """What it makes of codes or points z (N,…): landmarks (N,L,2), float64."""
        z = _flat(z)
        tensors(**{"the regressor's W": (self.W, "LF"), "z": (z, "NF")})
        return (z @ self.W.T.to(z) + self.b.to(z)).unflatten(1, (-1, 2))


def fit_landmarks(z: Tensor, true: Tensor, *, ridge: float = 0.0) -> Regressor:
    """W, b that minimise Σ_n ‖y_n − W z_n − b‖² + α‖W‖²: from what was learnt without labels to marked landmarks.

    Args:
        z: (N,…), codes, or points (N,K,2), as they come; the features are their F numbers.
        true: (N,L,2).
        ridge: α ≥ 0. Give more the fewer pictures are labelled; with 0 and fewer pictures than features, W is the
            smallest of those that fit.

    Raises:
        U3Error: Shapes that do not fit each other, or NaN.
    """
    alpha, z = number("ridge", ridge, 0, 1e9), _flat(z)
    tensors(z=(z, "NF"), true=(true, "NL2"))
    room("a linear map from so many features", z.shape[1], z.shape[1])
    y = true.detach().double().cpu().flatten(1)
    z_mean, y_mean = (one.mean(0) for one in (z, y))
    # The penalty is as many more equations √α W = 0; gelsd takes the smallest W where there are too few.
    more = alpha**0.5 * torch.eye(z.shape[1], dtype=z.dtype) if alpha else z[:0]
    left = torch.cat([z - z_mean, more])
    right = torch.cat([y - y_mean, y.new_zeros(len(more), y.shape[1])])
    W = torch.linalg.lstsq(left, right, driver="gelsd").solution.T
    return Regressor(W, y_mean - W @ z_mean)


def _flat(z: object) -> Tensor:
    """(N,…) → (N,F) in float64 on the CPU."""
    if not is_plain(z) or z.ndim < 2 or not z.is_floating_point():
        raise U3Error(f"z is {shown(z)}; give codes (N,F) or points (N,K,2), as floats")
    return z.detach().double().cpu().flatten(1)
