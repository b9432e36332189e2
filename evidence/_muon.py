"""Muon: a gradient is brought near the nearest orthogonal matrix before it is followed, so that no direction is slow.

Keller Jordan and others, Muon: an optimizer for hidden layers in neural networks, 2024. Its coefficients of the
Newton–Schulz iteration are published there. torch has one for matrices from 2.9 on (the test's oracle); here a kernel
(O,I,h,w) is a matrix (O,I·h·w), and what is no hidden layer's kernel goes Adam's way.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

TURN = 20.0  # a kernel's rate, in rates of Adam
MOMENTUM, BETAS, TINY = 0.95, (0.9, 0.999), 1e-8
NEWTON_SCHULZ, TIMES = (3.4445, -4.7750, 2.0315), 5


class Muon(torch.optim.Optimizer):
    """Muon for kernels of more than three channels, Adam for the rest (the last layer's, and what is no matrix)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for one in group["params"]:
                if one.grad is not None:
                    (self._turn if one.ndim > 1 and len(one) > 3 else self._adam)(one, group["lr"])

    def _turn(self, kernel: Tensor, lr: float) -> None:
        momentum = self._kept(kernel, "momentum")
        momentum.lerp_(kernel.grad, 1 - MOMENTUM)
        update = orthogonal(kernel.grad.lerp(momentum, MOMENTUM).flatten(1))  # Nesterov's look ahead
        taller = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        kernel.sub_(update.view_as(kernel), alpha=TURN * lr * taller)

    def _adam(self, one: Tensor, lr: float) -> None:
        mean, square, count = (self._kept(one, name) for name in ("mean", "square", "count"))
        count += 1
        mean.lerp_(one.grad, 1 - BETAS[0])
        square.lerp_(one.grad.square(), 1 - BETAS[1])
        done = float(count)
        unbiased = (square / (1 - BETAS[1] ** done)).sqrt_().add_(TINY)
        one.sub_(mean / unbiased, alpha=lr / (1 - BETAS[0] ** done))

    def _kept(self, one: Tensor, name: str) -> Tensor:
        if name not in self.state[one]:
            self.state[one][name] = torch.zeros(()) if name == "count" else torch.zeros_like(one)
        return self.state[one][name]


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix (m,n) with the same singular vectors and all singular values near 1 (from 0.7 to 1.2)."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.T if len(matrix) > matrix.shape[1] else matrix
    x = x / (x.norm() + TINY)
    for _ in range(TIMES):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if len(matrix) > matrix.shape[1] else x
