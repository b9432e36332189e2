"""Inversion where everything can be written down: a linear code y = M x, and the quadratic price λ‖x‖²."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab.checks import number, tensors
from u3lab.errors import U3Error


def tikhonov(matrix: Tensor, y: Tensor, lam: float) -> Tensor:
    """The x that minimises ‖M x − y‖² + λ‖x‖², (MᵀM + λI)⁻¹Mᵀy; M is (K,N), y (K), the answer (N), and λ > 0.

    Raises U3Error on shapes or kinds of numbers that do not go together, and on a λ that is lost in rounding.
    """
    tensors(matrix=(matrix, "KN"), y=(y, "K"))
    if not matrix.is_floating_point() or matrix.dtype != y.dtype:
        raise U3Error(f"matrix is of {matrix.dtype} and y of {y.dtype}; give floats of one kind, such as y.float()")
    lam = number("lam", lam, 0, without_low=True)
    eye = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    try:
        return torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y)
    except torch.linalg.LinAlgError as error:
        raise U3Error(f"lam = {lam:g} vanishes beside the rounding of {matrix.dtype}; give a larger one, or "
                      "matrix.double() and y.double()") from error
