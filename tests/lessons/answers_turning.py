"""Right and wrong answers to the exercises of notebook 03b, made by other code than the library's."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor


def solved(before: Tensor, after: Tensor) -> Tensor:
    return torch.linalg.solve(before, after, left=False)


def summed(before: Tensor, after: Tensor) -> Tensor:
    return torch.einsum("bik,bjk->bij", after, before)


def by_qr(code: Tensor) -> Tensor:
    """Gram and Schmidt are a QR decomposition whose R has a positive diagonal."""
    a, b = code[:, :3], code[:, 3:]
    Q, R = torch.linalg.qr(torch.stack([a, b], 2))
    Q = Q * torch.diagonal(R, dim1=1, dim2=2).sign()[:, None]
    return torch.cat([Q, torch.linalg.cross(Q[..., 0], Q[..., 1])[..., None]], 2)


def one_by_one(code: Tensor) -> Tensor:
    made = []
    for a, b in zip(code[:, :3], code[:, 3:], strict=True):
        first = a / a.norm()
        third = torch.linalg.cross(first, b)
        third = third / third.norm()
        made.append(torch.stack([first, torch.linalg.cross(third, first), third], 1))
    return torch.stack(made)


def by_scipy(found: Tensor, true: Tensor) -> Tensor:
    """h with Φ h ≈ R: its rows are those of the transposes; in the plane by the angle of the mean."""
    if found.shape[1] == 2:
        M = (found.mT @ true).sum(0)
        angle = torch.atan2(M[1, 0] - M[0, 1], M[0, 0] + M[1, 1])
        return torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
    turned, _ = Rotation.align_vectors(true.double().reshape(-1, 3).numpy(), found.double().reshape(-1, 3).numpy())
    return torch.from_numpy(turned.inv().as_matrix()).to(found)


def nearest(found: Tensor, true: Tensor) -> np.ndarray:
    """The best orthogonal matrix, also if it is a mirror."""
    u, _, v = np.linalg.svd(np.einsum("bji,bjk->ik", found.double().numpy(), true.double().numpy()))
    return u @ v


MUTANTS = [
    ("3b-turn", lambda b, a: torch.linalg.inv(b) @ a, "from the right"),
    ("3b-turn", lambda b, a: solved(a, b), "leads back"),
    ("3b-turn", lambda b, a: a * b.transpose(1, 2), "entry by entry"),
    ("3b-turn", lambda b, a: torch.sub(a, b), "composed"),
    ("3b-turn", lambda b, a: torch.einsum("bij,bjk->bik", a, b), "has to be undone"),
    ("3b-rotation", lambda c: one_by_one(c).transpose(1, 2), "your three vectors are rows"),
    ("3b-rotation", lambda c: one_by_one(c) * torch.tensor([1.0, 1.0, -1.0]).to(c), "a mirror"),
    ("3b-rotation", lambda c: one_by_one(c) / 2, "right value"),
    ("3b-align", lambda f, t: torch.from_numpy(nearest(f, t)).to(f), "a mirror"),
    ("3b-align", lambda f, t: by_scipy(f, t).T, "leads from R"),
    ("3b-align", lambda f, t: by_scipy(f.transpose(1, 2), t.transpose(1, 2)).T, "stands on the left"),
    ("3b-align", lambda f, t: torch.einsum("bji,bjk->ik", f, t) / len(f), "no rotation"),
]

RIGHT = [("3b-turn", solved), ("3b-turn", summed), ("3b-rotation", by_qr), ("3b-rotation", one_by_one),
         ("3b-align", by_scipy)]
