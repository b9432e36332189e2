"""Right and wrong answers to the exercises of chapter 4, made by other code than the library's."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def visible_values(x: Tensor, visible: Tensor) -> Tensor:
    """The values of the visible pixels, picked one by one."""
    return x.masked_select(visible.bool().expand_as(x))


def masked(x, target, visible):
    return (visible_values(x, visible) - visible_values(target, visible)).pow(2).mean()


def decibel(x, truth, *, factor=-10.0):
    return torch.tensor(factor * math.log10(torch.nn.functional.mse_loss(x, truth).item()), dtype=x.dtype)


def share(x, target, *, axes=(2, 3), ddof=0):
    """Mean square over the mean of the channels' variances, by explicit sums."""
    mean = target.sum(axes, keepdim=True) / math.prod(target.shape[a] for a in axes)
    spread = (target - mean).pow(2).sum() / (target.numel() - ddof)
    return torch.nn.functional.mse_loss(x, target) / spread


def mixed(mean, now, average):
    return torch.lerp(now, mean, average)


def looped(psi, w, image, visible, rate, steps, *, up=False, all_pixels=False, factor=1.0):
    """By SGD on a leaf, with the visible values picked one by one."""
    leaf = w.clone().requires_grad_()
    descent = torch.optim.SGD([leaf], lr=rate, maximize=up)
    for _ in range(steps):
        descent.zero_grad()
        seen = torch.ones_like(visible) if all_pixels else visible
        (factor * masked(psi(leaf), image, seen)).backward()
        descent.step()
    return psi(leaf.detach())


def stopped(losses, sigma, *, power=2):
    """By a list of all that are small enough."""
    late = [step for step, loss in enumerate(losses) if loss <= sigma**power]
    return late[0] if late else len(losses) - 1


MUTANTS = [
    ("4-loop", lambda *case: looped(*case, up=True), "you go up"),
    ("4-loop", lambda *case: looped(*case, all_pixels=True), "the mask is not used"),
    ("4-loop", lambda psi, w, x, m, rate, n: looped(psi, w, x, m, rate * float(3 * m.sum()), n), "is a sum"),
    ("4-loop", lambda psi, w, x, m, rate, n: m * x + (1 - m) * looped(psi, w, x, m, rate, n), "visible pixels back"),
    ("4-loop", lambda psi, w, x, m, rate, n: looped(psi, w, x, m, rate, n - 1), "one step is missing"),
    ("4-stop", lambda losses, sigma: int(torch.tensor(losses).argmin()), "smallest loss"),
    ("4-stop", lambda losses, sigma: stopped(losses, sigma, power=1), "you compare with σ;"),
    ("4-stop", lambda losses, sigma: stopped(losses, sigma) + 1, "off by one"),
    ("4-stop", lambda losses, sigma: stopped(losses, sigma) - 1, "off by one"),
    ("4-stop", lambda losses, sigma: len(losses) - 1, "return the first step"),
    ("4-masked", lambda x, t, m: torch.nn.functional.mse_loss(m * x, m * t), "divided by the number of all values"),
    ("4-masked", lambda x, t, m: (m * (x - t) ** 2).sum() / torch.count_nonzero(m), "not of visible values"),
    ("4-masked", lambda x, t, m: torch.einsum("bchw,bchw,qphw->", x - t, x - t, m), "that is the sum"),
    ("4-masked", lambda x, t, m: ((x * m - t) ** 2).sum() / (m.sum() * x.shape[0] * x.shape[1]),
     "the hole counts as well"),
    ("4-masked", lambda x, t, m: (visible_values(x, m) - visible_values(t, m)).abs().mean(), "absolute values"),
    ("4-psnr", lambda x, y: decibel(x, y, factor=-20.0), "amplitudes"),
    ("4-psnr", lambda x, y: -10 * torch.log10(torch.nn.functional.l1_loss(x, y)), "mean absolute difference"),
    ("4-psnr", lambda x, y: decibel(255 * x, y * 255) + 40 * math.log10(255), "255 belongs to"),
    ("4-psnr", lambda x, y: torch.stack([decibel(a, b) for a, b in zip(x[0], y[0], strict=True)]).mean(),
     "of each value or channel"),
    ("4-psnr", lambda x, y: -10 * torch.log10(torch.dist(x, y) ** 2), "sum of squares"),
    ("4-missing", torch.nn.functional.mse_loss, "the loss itself"),
    ("4-missing", lambda x, y: share(x, y, axes=(1, 2, 3)), "one mean for all channels; a"),
    ("4-missing", lambda x, y: share(x, y, axes=(1, 2, 3), ddof=1), "where `var` takes n − 1"),
    ("4-missing", lambda x, y: share(x, y, ddof=y.shape[1]), "told correction=0"),
    ("4-missing", lambda x, y: torch.dist(x, y) ** 2 / torch.linalg.vector_norm(y) ** 2, "energy of x₀"),
    ("4-missing", lambda x, y: share(y, x), "variance of x;"),
    ("4-mean", lambda m, x, a: torch.lerp(m, x, a), "changed places"),
    ("4-mean", lambda m, x, a: torch.stack([m, x]).mean(0), "α is not used"),
    ("4-mean", lambda m, x, a: torch.add(x, m, alpha=a), "grow brighter"),
    ("4-mean", lambda m, x, a: torch.mul(m, a), "present picture is missing"),
]

RIGHT = [("4-loop", looped), ("4-stop", stopped), ("4-masked", masked),
         ("4-psnr", decibel), ("4-missing", share), ("4-mean", mixed)]
