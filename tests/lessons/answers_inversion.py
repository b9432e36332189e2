"""Right and wrong answers to the exercises of chapters 5 and 5b, made by other code than the library's."""

from __future__ import annotations

import torch
from torch import Tensor


def relative(code: Tensor, wanted: Tensor) -> Tensor:
    return (torch.dist(code, wanted) / torch.linalg.vector_norm(wanted)) ** 2


def slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the next pixel by repeating the last row and column."""
    down, right = torch.cat([x[..., 1:, :], x[..., -1:, :]], -2), torch.cat([x[..., 1:], x[..., -1:]], -1)
    return down - x, right - x


def rough(x: Tensor, beta: float) -> Tensor:
    """‖∇x‖ for every value, to the power β."""
    return torch.stack([*slopes(x), torch.full_like(x, 1e-4)]).norm(dim=0) ** beta


def picked(code: Tensor, unit: int) -> Tensor:
    """By a product with e_k, as the formula says."""
    e = torch.zeros(code.shape[1], dtype=code.dtype)
    e[unit] = 1
    return torch.tensordot(e, code.flatten(2).mean(2)[0] if code.ndim == 4 else code[0], 1)


def stacked(m: Tensor, y: Tensor, lam: float) -> Tensor:
    """As least squares: the rows √λ I below M, zeros below y."""
    n = m.shape[1]
    return torch.linalg.lstsq(torch.cat([m, lam**0.5 * torch.eye(n, dtype=m.dtype)]),
                              torch.cat([y, torch.zeros(n, dtype=y.dtype)])[:, None]).solution[:, 0]


def climbed(scores, x, k, shifts, rate):
    """By backward(), each shift as a wrap of the rows and then of the columns."""
    now = x.clone()
    for down, right in shifts:
        leaf = now.clone().requires_grad_()
        rows, columns = ((torch.arange(n) - by) % n for n, by in zip(x.shape[2:], (down, right), strict=True))
        scores(leaf[:, :, rows][..., columns])[0][k].backward()
        now = torch.clip(now + rate * leaf.grad, 0, 1)
    return now


def drawn(denoise, energy, x, noises, sigma, lam, delta, *, pull=1.0, loud=None):
    """By backward(), the two parts of a step one after the other."""
    for n in noises:
        leaf = x.clone().requires_grad_()
        energy(leaf).backward()
        with torch.no_grad():
            moved = torch.add(pull * (denoise(leaf) - leaf), leaf.grad, alpha=-lam)
            x = leaf.detach() + moved * (delta / 2) + (loud(delta) if loud else sigma * delta**0.5) * n
    return x


def unmoved(shifts):
    return [(0, 0) for _ in shifts]


MUTANTS = [
    ("5-code", torch.nn.functional.mse_loss, "not relative"),
    ("5-code", lambda y, t: torch.dist(y, t) ** 2, "divide by ‖Φ(x₀)‖²"),
    ("5-code", lambda y, t: torch.dist(y, t) ** 2 / torch.linalg.vector_norm(t), "is a length"),
    ("5-code", lambda y, t: (((y - t) / t) ** 2).mean(), "value by value"),
    ("5-code", lambda y, t: torch.linalg.vector_norm(y - t, 1) / torch.linalg.vector_norm(t, 1), "absolute values"),
    ("5-code", lambda y, t: torch.dist(y, t) ** 2 / ((t.numel() - 1) * t.var()), "the mean off"),
    ("5-variation", lambda x, b: rough(x, b).sum(), "that is the sum"),
    ("5-variation", lambda x, b: torch.stack(slopes(x)).abs().pow(b).sum(0).mean(), "one by one"),
    ("5-variation", lambda x, b: rough(x[..., :-1, :-1], b).mean(), "pixels of the last row and column"),
    ("5-variation", lambda x, b: rough(x, b)[..., :-1, :-1].mean(), "add the zeros before you take the length"),
    ("5-variation", lambda x, b: ((torch.roll(x, -1, 3) - x) ** 2 + (torch.roll(x, -1, 2) - x) ** 2
                                  + 1e-8).pow(b / 2).mean(), "the picture is no ring"),
    ("5-excitation", lambda y, k: picked(torch.softmax(y, 1), k), "that is a probability"),
    ("5-excitation", lambda y, k: y[:, k].sum(), "sum over the places"),
    ("5-excitation", lambda y, k: y[:, k].amax(), "most excited place"),
    ("5-excitation", lambda y, k: y.mean(), "k is not used"),
    ("5b-climb", lambda s, x, *rest: climbed(lambda p: torch.softmax(s(p), -1), x, *rest), "climbs the probability"),
    ("5b-climb", lambda s, x, k, shifts, rate: climbed(s, x, k, unmoved(shifts), rate), "shifts are not used"),
    ("5b-climb", lambda s, x, k, shifts, rate: climbed(s, x, k, [by[::-1] for by in shifts], rate), "are swapped"),
    ("5-sample", lambda *given: drawn(*given, pull=-1.0), "your direction is not D(x) − x"),
    ("5-sample", lambda *given: drawn(*given, pull=0.0), "denoiser is not used"),
    ("5-sample", lambda *given: drawn(*given, loud=lambda delta: delta**0.5), "not multiplied by σ"),
    ("5-tikhonov", lambda m, y, lam: torch.linalg.lstsq(m, y[:, None], driver="gelsd").solution[:, 0], "λ is not used"),
    ("5-tikhonov", lambda m, y, lam: stacked(m, y, lam**2), "λ is squared"),
    ("5-tikhonov", lambda m, y, lam: y @ m, "still to be solved"),
]

RIGHT = [("5-code", relative), ("5-variation", lambda x, b: rough(x, b).mean()), ("5-excitation", picked),
         ("5b-climb", climbed),
         ("5-sample", drawn), ("5-tikhonov", stacked)]
