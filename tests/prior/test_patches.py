"""Sparse coding of patches against matching pursuit in NumPy, one patch after the other."""

import numpy as np
import pytest
import torch
from torch import Tensor

from u3lab import images, prior
from u3lab.prior import FILLERS, fillers


def pursued(atoms: np.ndarray, patch: np.ndarray, used: int) -> np.ndarray:
    """Coefficients of (K,n) atoms for what is known of a patch (n): the atom that fits the rest best joins, and all
    that have joined are fitted anew (Pati, Rezaiifar & Krishnaprasad, 1993)."""
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True).clip(1e-12)
    found, rest, coefficients = [], patch, np.zeros(len(atoms))
    for _ in range(used):
        found.append(int(np.abs(unit @ rest).argmax()))
        fitted = np.linalg.lstsq(atoms[found].T, patch, rcond=None)[0]
        rest = patch - fitted @ atoms[found]
    coefficients[found] = fitted
    return coefficients


def patch_by_patch(image: Tensor, visible: Tensor, atoms: np.ndarray, used: int = 5, stride: int = 4) -> Tensor:
    """Each patch about its mean, coded by what is known of it; where patches overlap, their mean."""
    side = round((atoms.shape[1] / 3) ** 0.5)
    x, m = image[0].permute(1, 2, 0).double().numpy(), visible[0, 0].numpy() > 0
    total, count = np.zeros_like(x), np.zeros(m.shape)
    rows, columns = ([*range(0, n - side, stride), n - side] for n in m.shape)
    for i in rows:
        for j in columns:
            at = np.s_[i : i + side, j : j + side]
            known = np.repeat(m[at].ravel(), 3)
            patch = x[at].ravel()[known]
            mean = patch.mean()
            coefficients = pursued(atoms[:, known], patch - mean, used)
            total[at] += (mean + coefficients @ atoms).reshape(side, side, 3)
            count[at] += 1
    made = torch.from_numpy(total / count[..., None]).permute(2, 0, 1)[None].float().clamp(0, 1)
    return torch.where(visible.bool(), image, made)


@pytest.mark.oracle("matching pursuit in NumPy, patch by patch", prior=["sparse coding of patches"])
def test_patches_are_coded_by_matching_pursuit():
    image = images.load("coffee", size=40)
    visible = (torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)) > 0.4).float()
    wanted = patch_by_patch(image, visible, fillers.atoms())
    assert (wanted - image).abs().mean() < 0.05
    torch.testing.assert_close(FILLERS["sparse coding of patches"](image, visible), wanted, atol=1e-4, rtol=0)
    assert torch.equal(prior.sparse_coding(image, visible, fillers.atoms()),
                       FILLERS["sparse coding of patches"](image, visible))
