"""Right and wrong answers to the exercises of notebook 03b, made by other code than the library's."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor


def entries(a: Tensor, b: Tensor) -> Tensor:
    """The sum of squared differences of each pair, entry by entry."""
    return sum((a[:, i, j] - b[:, i, j]) ** 2 for i in range(a.shape[1]) for j in range(a.shape[2]))


def traced(found: Tensor, moved: Tensor, g: Tensor) -> Tensor:
    """‖A − g‖² = 2n − 2 trace(Aᵀ g) for rotations."""
    return (2 * g.shape[1] - 2 * torch.einsum("bij,bkj,bik->b", moved, found, g)).mean()


def solved(found: Tensor, moved: Tensor, g: Tensor) -> Tensor:
    return entries(torch.linalg.solve(found, moved, left=False), g).mean()


def frame(found: Tensor, true: Tensor) -> Rotation:
    """h with Φ h ≈ R, by SciPy: its rows are those of the transposes."""
    turned, _ = Rotation.align_vectors(true.double().reshape(-1, 3).numpy(), found.double().reshape(-1, 3).numpy())
    return turned.inv()


def frames(found: Tensor, true: Tensor, instances: Tensor) -> list[Rotation]:
    return [frame(found[instances == n], true[instances == n]) for n in (0, 1)]


def angle(found: Tensor, true: Tensor, instances: Tensor) -> float:
    first, second = frames(found, true, instances)
    return float(np.degrees((first * second.inv()).magnitude()))


def looped(points: Tensor, size: int, sigma: float, two: float = 2.0, half: float = 0.5) -> Tensor:
    made = torch.zeros(*points.shape[:2], size, size, dtype=points.dtype)
    for i in range(size):
        for j in range(size):
            u = torch.tensor([(j + half) * 2 / size - 1, (i + half) * 2 / size - 1], dtype=points.dtype)
            made[:, :, i, j] = torch.exp(-((points - u) ** 2).sum(2) / (two * sigma**2))
    return made


MUTANTS = [
    ("3b-factor", lambda f, m, g: entries(torch.linalg.inv(f) @ m, g).mean(), "multiply both sides by"),
    ("3b-factor", lambda f, m, g: entries(torch.einsum("bij,bjk->bik", m, f), g).mean(),
     "`found` transposed: its last two axes have changed places"),
    ("3b-factor", lambda f, m, g: entries(f @ torch.linalg.inv(m), g).mean(), "`g` transposed: its last two axes"),
    ("3b-factor", lambda f, m, g: entries(m * f.transpose(1, 2), g).mean(), "multiplies entry by entry"),
    ("3b-factor", lambda f, m, g: torch.nn.functional.mse_loss(m @ f.mT, g), "too small by the number of values: a"),
    ("3b-factor", lambda f, m, g: solved(f, m, g) * len(f), "too large by the number of values: a sum over axis 0 of"),
    ("3b-factor", lambda f, m, g: torch.linalg.matrix_norm(m @ f.mT - g).mean(), "that is the norm"),
    ("3b-factor", lambda f, m, g: entries(m @ f.mT, g), "not averaged over axis 0 yet"),
    ("3b-factor", lambda f, m, g: solved(f, m, g) / 2, "right value"),
    ("3b-frames", lambda f, t, i: np.radians(angle(f, t, i)), "the right one times 0.01745"),
    ("3b-frames", lambda f, t, i: np.degrees((frames(f, t, i)[0] * frames(f, t, i)[1]).magnitude()), "is inverted"),
    ("3b-frames", lambda f, t, i: np.degrees(frames(f, t, i)[0].magnitude()), "h₀ alone"),
    ("3b-frames", lambda f, t, i: 0, "one common frame"),
    ("3b-frames", lambda f, t, i: angle(f, t, i) / 2, "right value"),
    ("3b-gaussians", lambda p, n, s: looped(p.flip(2), n, s), "transposed: axes 2 and 3 have changed places"),
    ("3b-gaussians", lambda p, n, s: looped(p, n, s, two=1.0), "you divided by σ²"),
    ("3b-gaussians", lambda p, n, s: looped(p, n, s, half=0.0), "left borders"),
    ("3b-gaussians", lambda p, n, s: torch.nn.functional.normalize(looped(p, n, s), p=1, dim=(2, 3)), "sum to 1"),
    ("3b-gaussians", lambda p, n, s: looped(p, n, s).sum(1, keepdim=True), "summed over axis 1 as well, and that"),
    ("3b-gaussians", lambda p, n, s: looped(p * torch.tensor([1.0, -1.0]).to(p), n, s), "the right one in reverse"),
    ("3b-gaussians", lambda p, n, s: looped(p, n, s) / 2, "right value"),
]

RIGHT = [("3b-factor", traced), ("3b-factor", solved), ("3b-frames", angle), ("3b-gaussians", looped)]
