"""The exercises of notebook 02c: mutual information."""

from collections.abc import Iterator

import torch
from torch import Tensor

from u3course.course.judging import not_contiguous
from u3course.course.words import task


def joint_of(z: Tensor) -> Tensor:
    """P, the mean of z_a(x) z_b(x)ᵀ over pictures and ordered pairs of views a ≠ b: shares (v,n,k) → (k,k)."""
    pairs = [one.T @ other for a, one in enumerate(z) for b, other in enumerate(z) if a != b]
    return torch.stack(pairs).mean(0) / z.shape[1]


def _shares(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]),
    for v, n, k, dtype in ((3, 7, 3, torch.float64), (2, 1, 4, torch.float32), (4, 50, 10, torch.float32)):
        yield not_contiguous((3 * torch.randn(v, n, k, generator=g, dtype=dtype)).softmax(2)),


JOINT = task("2c-joint", joint_of, _shares)


def _mean_with_transpose(P: Tensor) -> Tensor:
    return (P + P.mT) / 2


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ab P_ab (ln P_ab − λ ln P_a − λ ln P_b), for each joint of P (…,k,k): (…)."""
    P = P.clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum((-1, -2))


def _cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.2], [0.2, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        drawn = torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)
        yield _mean_with_transpose(drawn), lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class
    for shape in ((2, 3, 3), (3, 3, 4, 4)):  # many joints, as one for each displacement
        drawn = (3 * torch.rand(*shape, generator=g, dtype=torch.float64)).flatten(-2).softmax(-1).view(shape)
        yield _mean_with_transpose(drawn), 1.5


LOSS = task("2c-iic", loss_of, _cases, rtol=1e-3, atol=1e-4)


def joint_at(z: Tensor, z_moved: Tensor, t: tuple[int, int]) -> Tensor:
    """P_t, the mean of z_a(u) z′_b(u + t) over pictures and places: two of (n,k,h,w) → (k,k)."""
    (down, right), (h, w) = t, z.shape[2:]
    here = z[..., max(0, -down):h - max(0, down), max(0, -right):w - max(0, right)]
    there = z_moved[..., max(0, down):h - max(0, -down), max(0, right):w - max(0, -right)]
    return torch.einsum("nihw,njhw->ij", here, there) / here[:, 0].numel()


def _maps(g: torch.Generator) -> Iterator[tuple]:
    for (n, k, h, w), t, dtype in (((1, 2, 3, 3), (0, 1), torch.float64), ((2, 3, 5, 4), (0, 0), torch.float32),
                                   ((2, 3, 5, 6), (2, -1), torch.float64), ((3, 2, 4, 7), (-1, 3), torch.float64)):
        z, moved = (3 * torch.rand(2, n, k, h, w, generator=g, dtype=dtype)).softmax(2)
        yield not_contiguous(z), moved, t


def _cut(z: Tensor, t: tuple[int, int]) -> Tensor:
    """z at those places u for which u + t is on the map."""
    h, w = z.shape[2:]
    return z[..., max(0, -t[0]):h - max(0, t[0]), max(0, -t[1]):w - max(0, t[1])]


def _paired(a: Tensor, b: Tensor, over: str = "nihw,njhw->ij") -> Tensor:
    return torch.einsum(over, a, b)


def _back(t: tuple[int, int]) -> tuple[int, int]:
    return -t[0], -t[1]


def _ahead(t: tuple[int, int]) -> tuple[int, int]:
    return max(0, t[0]), max(0, t[1])


def _share(P: Tensor) -> Tensor:
    return P / P.sum()


AT = task("2c-displaced", joint_at, _maps, rtol=1e-3, atol=1e-5)


EXERCISES = JOINT, LOSS, AT
