"""The exercises of chapters 2, 2b and 2c: learning without labels; ambiguity; mutual information."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.course.judging import drawn, not_contiguous
from u3course.course.words import task


def upright_loss(net: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Tensor:
    """The loss of the turns g (B) of pictures x (B,3,S,S): the cross-entropy of the scores of what was turned."""
    views = torch.stack([one.rot90(int(k), (1, 2)) for one, k in zip(x, g, strict=True)])
    return F.cross_entropy(net(views), g)


def info_nce(a: Tensor, b: Tensor, tau: float) -> Tensor:
    """InfoNCE of the codes of two views, (N,D) each, both ways: row i of ``a`` belongs to row i of ``b`` alone."""
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    scores, own = a @ b.T / tau, torch.arange(len(a))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


def gain(val: Tensor, test: Tensor, floor_val: Tensor, floor_test: Tensor) -> Tensor:
    """What each seed gains on the test over its floor, (S), each at the layer that is best on validation; all (L,S)."""
    ours, theirs = (int(one.mean(1).argmax()) for one in (val, floor_val))
    return test[ours] - floor_test[theirs]


class Corners(nn.Module):
    """A tiny network: the means of the four corners of each colour, and a linear layer of fixed weights."""

    def __init__(self, g: torch.Generator, dtype: torch.dtype) -> None:
        super().__init__()
        self.linear = nn.Parameter(torch.randn(12, 4, generator=g, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, 2).flatten(1) @ self.linear


def _upright_cases(g: torch.Generator) -> Iterator[tuple]:
    for turns, size, dtype in (([1], 2, torch.float64), ([0, 1, 2, 3, 3], 4, torch.float32),
                               ([3, 1], 6, torch.float64)):
        yield Corners(g, dtype), drawn(g, len(turns), 3, size, size, dtype=dtype), torch.tensor(turns)


def _nce_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.5
    for count, length, tau, dtype in ((5, 3, 0.2, torch.float64), (1, 4, 0.5, torch.float32),
                                      (7, 16, 1.0, torch.float32)):
        yield drawn(g, count, length, dtype=dtype), drawn(g, count, length, dtype=dtype), tau


def _gain_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[0.2, 0.4], [0.5, 0.3]]), torch.tensor([[0.6, 0.5], [0.3, 0.4]]),
           torch.tensor([[0.3, 0.2], [0.1, 0.2]]), torch.tensor([[0.2, 0.1], [0.3, 0.4]]))
    for layers, seeds, dtype in ((5, 3, torch.float64), (4, 1, torch.float32), (6, 4, torch.float64)):
        yield tuple(not_contiguous(torch.rand(layers, seeds, generator=g, dtype=dtype)) for _ in range(4))


def l2_step(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """ŷ after one step down the gradient of mean ‖ŷ − y‖²: an answer (…), outcomes (B,…), the step's length."""
    return y_hat - lr * 2 * (y_hat - y).mean(0)


def shift_step(y_hat: Tensor, y: Tensor, lr: float) -> Tensor:
    """ŷ after one step down the gradient of the mean of min over η ‖y − f(ŷ, η)‖², where f shifts by η: (S), (B,S)."""
    back = torch.stack([y.roll(-eta, 1) for eta in range(y.shape[1])], 1)  # (B,S,S): the middle axis is η
    best = (back - y_hat).square().sum(2).argmin(1)
    return l2_step(y_hat, back[torch.arange(len(y)), best], lr)


def switch_step(score: Tensor, x: Tensor, y: Tensor, same: Tensor, lr: float) -> Tensor:
    """Scores (X,Y) after one step of the switch on M pairs, numbers x and y (M), and whether they are same (M)."""
    wrong = torch.sigmoid(score[x, y]) - same
    return score.index_put((x, y), -lr * wrong / len(x), accumulate=True)


def _l2_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, 0.5]), torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), 0.1
    for shape, batch, lr, dtype in (((3, 4, 5), 6, 0.05, torch.float32), ((2, 3), 1, 0.3, torch.float64),
                                    ((1, 7), 4, 0.2, torch.float32)):
        yield drawn(g, *shape, dtype=dtype), drawn(g, batch, *shape, dtype=dtype), lr


def _shift_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.0, 2.0, 1.0, 0.0]), torch.tensor([[3.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]]), 0.25
    for batch, length, lr, dtype in ((4, 7, 0.1, torch.float32), (1, 12, 0.3, torch.float64),
                                     (6, 5, 0.2, torch.float32)):
        yield torch.randn(length, generator=g, dtype=dtype), drawn(g, batch, length, dtype=dtype), lr


def _switch_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.zeros(2, 2), torch.tensor([0, 0, 1]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 1.0, 0.0]), 3.0)
    for seen, heard, count, lr, dtype in ((3, 4, 20, 2.0, torch.float32), (2, 5, 1, 1.0, torch.float64),
                                          (4, 2, 30, 5.0, torch.float32)):
        x, y = (torch.randint(kinds, (count,), generator=g) for kinds in (seen, heard))
        yield drawn(g, seen, heard, dtype=dtype), x, y, (torch.rand(count, generator=g) < 0.5).to(dtype), lr


def joint_of(z: Tensor) -> Tensor:
    """P, the mean of z_a(x) z_b(x)ᵀ over pictures and ordered pairs of views a ≠ b: shares (v,n,k) → (k,k)."""
    pairs = [one.T @ other for a, one in enumerate(z) for b, other in enumerate(z) if a != b]
    return torch.stack(pairs).mean(0) / z.shape[1]


def _shares(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]),
    for v, n, k, dtype in ((3, 7, 3, torch.float64), (2, 1, 4, torch.float32), (4, 50, 10, torch.float32)):
        yield not_contiguous((3 * torch.randn(v, n, k, generator=g, dtype=dtype)).softmax(2)),


def loss_of(P: Tensor, lam: float) -> Tensor:
    """L = −Σ_ab P_ab (ln P_ab − λ ln P_a − λ ln P_b), for each joint of P (…,k,k): (…)."""
    P = P.clamp_min(torch.finfo(P.dtype).eps)
    rows, columns = P.sum(-1, keepdim=True), P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * rows.log() - lam * columns.log())).sum((-1, -2))


def _joints(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[0.4, 0.2], [0.2, 0.2]]), 1.0
    for k, lam, dtype in ((3, 1.5, torch.float64), (5, 1.0, torch.float32), (4, 0.5, torch.float64)):
        P = torch.rand(k, k, generator=g, dtype=dtype).square().flatten().softmax(0).view(k, k)
        yield (P + P.T) / 2, lam
    yield torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.0]]), 1.0  # pairs that never occur
    yield torch.diag(torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)), 1.0  # all is one class
    for shape in ((2, 3, 3), (3, 3, 4, 4)):  # many joints, as one for each displacement
        P = (3 * torch.rand(*shape, generator=g, dtype=torch.float64)).flatten(-2).softmax(-1).view(shape)
        yield (P + P.mT) / 2, 1.5


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


EXERCISES = {
    "2": (task("2-upright", upright_loss, _upright_cases, rtol=1e-3, atol=1e-5),
          task("2-contrast", info_nce, _nce_cases, rtol=1e-3, atol=1e-5), task("2-gain", gain, _gain_cases)),
    "2b": (task("2b-step", l2_step, _l2_cases), task("2b-shift", shift_step, _shift_cases),
           task("2b-switch", switch_step, _switch_cases)),
    "2c": (task("2c-joint", joint_of, _shares), task("2c-iic", loss_of, _joints, rtol=1e-3, atol=1e-4),
           task("2c-displaced", joint_at, _maps, rtol=1e-3, atol=1e-5))}
