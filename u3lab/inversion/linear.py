"""Inversion where everything can be written down: a linear code y = M x, and a quadratic price or a Gaussian prior."""

from typing import NamedTuple

import torch
from torch import Tensor

from u3lab.checks import FLOATS, number, shown, tensors, whole
from u3lab.errors import U3Error


def tikhonov(matrix: Tensor, y: Tensor, lam: float) -> Tensor:
    """The x that minimises ‖M x − y‖² + λ‖x‖², (MᵀM + λI)⁻¹Mᵀy; M is (K,N), y (K), the answer (N), and λ > 0.

    Raises U3Error on shapes or kinds of numbers that do not go together, and on a λ that is lost in rounding.
    """
    tensors(matrix=(matrix, "KN"), y=(y, "K"))
    if matrix.dtype not in FLOATS or matrix.dtype != y.dtype:
        raise U3Error(f"matrix is of {matrix.dtype} and y of {y.dtype}; give floats of one kind, such as y.float()")
    lam = number("lam", lam, 0, without_low=True)
    eye = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    try:
        return torch.linalg.solve(matrix.T @ matrix + lam * eye, matrix.T @ y)
    except torch.linalg.LinAlgError as error:
        raise U3Error(f"lam = {lam:g} vanishes beside the rounding of {matrix.dtype}; give a larger one, or "
                      "matrix.double() and y.double()") from error


class Gaussian(NamedTuple):
    """A normal distribution of x: its mean (N) and covariance (N,N)."""

    mean: Tensor
    covariance: Tensor

    def draw(self, count: int, *, seed: int = 0) -> Tensor:
        """So many samples, (count,N)."""
        count, generator = whole("count", count), torch.Generator().manual_seed(whole("seed", seed, 0))
        values, vectors = torch.linalg.eigh(self.covariance)  # as Cholesky, but for directions of no variance, too
        normal = torch.randn(count, len(self.mean), generator=generator, dtype=torch.float64).to(self.mean)
        return self.mean + normal * values.clamp(min=0).sqrt() @ vectors.T


def gaussian_posterior(matrix: Tensor, y: Tensor, mean: Tensor, covariance: Tensor, noise: float) -> Gaussian:
    """p(x | y) for y = M x + noise and a Gaussian prior p(x): again a Gaussian.

        mean        μ + C Mᵀ (M C Mᵀ + s² I)⁻¹ (y − M μ)
        covariance  C − C Mᵀ (M C Mᵀ + s² I)⁻¹ M C

    The mean is what ridge regression of x on y gives: the best guess of x by its mean square error. (Bishop, Pattern
    recognition and machine learning, 2006, section 2.3.3.)

    Args:
        matrix, y: M (K,N) and the code (K).
        mean, covariance: μ (N) and C (N,N) of the prior.
        noise: s > 0, the standard deviation of each value of the code.

    Raises:
        U3Error: Shapes or kinds of numbers that do not go together, or a covariance that is none.
    """
    tensors(matrix=(matrix, "KN"), y=(y, "K"), mean=(mean, "N"), covariance=(covariance, "NN"))
    if len({one.dtype for one in (matrix, y, mean, covariance)}) > 1 or matrix.dtype not in FLOATS:
        raise U3Error("matrix, y, mean and covariance are not all float32 or all float64; give y.double() and so on")
    noise = number("noise", noise, 0, without_low=True)
    rounding = covariance.abs().max() * torch.finfo(covariance.dtype).eps ** 0.5
    if (covariance - covariance.T).abs().max() > rounding or torch.linalg.eigvalsh(covariance).min() < -rounding:
        raise U3Error(f"covariance, {shown(covariance)}, is not symmetric or has negative variances; give one such as "
                      "torch.cov(x.T)")
    seen = matrix @ covariance  # M C
    of_y = seen @ matrix.T + noise**2 * torch.eye(len(y), dtype=y.dtype, device=y.device)
    try:
        gain = torch.linalg.solve(of_y, seen).T
    except torch.linalg.LinAlgError as error:
        raise U3Error(f"noise = {noise:g} vanishes beside the rounding of {matrix.dtype}; give a larger one, or "
                      "doubles") from error
    return Gaussian(mean + gain @ (y - matrix @ mean), covariance - gain @ seen)
