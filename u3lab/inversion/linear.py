"""Inversion where everything can be written down: a linear code y = M x, and the quadratic price λ‖x‖²."""

from __future__ import annotations

import torch
from torch import Tensor


def tikhonov(matrix: Tensor, y: Tensor, lam: float) -> Tensor:
    """The x that minimises ‖M x − y‖² + λ‖x‖², (MᵀM + λI)⁻¹Mᵀy; M is (K,N), y (K), the answer (N), and λ > 0."""
    eye = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    return torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y)
