"""Right and wrong answers to the exercises of chapter 1, made by other code than the library's."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def slid(x: Tensor, f: Tensor, stride: int = 1, pad: int | None = None) -> Tensor:
    """f ∗ x, from the windows one after the other."""
    k = f.shape[-1]
    x = F.pad(x, [k // 2 if pad is None else pad] * 4)
    rows, columns = range(0, x.shape[2] - k + 1, stride), range(0, x.shape[3] - k + 1, stride)
    return torch.stack([torch.stack([torch.einsum("bcij,dcij->bd", x[:, :, i:i + k, j:j + k], f) for j in columns], -1)
                        for i in rows], -2)


def mixed(x: Tensor, alpha: Tensor, stride: int = 1) -> Tensor:
    """α ∗ x, as a product of matrices at each place that the stride leaves."""
    return torch.einsum("dc,bchw->bdhw", alpha, x[..., ::stride, ::stride])


def beside(x: Tensor, f: Tensor, alpha: Tensor, stride: int) -> Tensor:
    return slid(x, f, stride) + mixed(x, alpha, stride)


def behind(x: Tensor, f: Tensor, alpha: Tensor) -> Tensor:
    v = slid(x, f)
    return v + mixed(v, alpha)


def middle(f: Tensor) -> Tensor:
    """1 at the centre tap and 0 at the others, (k,k)."""
    k = f.shape[-1]
    ones = torch.zeros(k * k, dtype=f.dtype)
    ones[k * k // 2] = 1
    return ones.view(k, k)


def outer(f: Tensor, alpha: Tensor) -> Tensor:
    return f + torch.einsum("dc,ij->dcij", alpha, middle(f))


def in_f(f: Tensor, alpha: Tensor) -> Tensor:
    f[..., f.shape[-2] // 2, f.shape[-1] // 2] += alpha
    return f


def numpys(f: Tensor, alpha: Tensor) -> Tensor:
    changed = f.numpy().copy()
    changed[:, :, 1, 1] += alpha.numpy()
    return torch.from_numpy(changed)


def at(f: Tensor, alpha: Tensor, row: int, column: int) -> Tensor:
    """α at a tap that is counted from the centre."""
    return f + torch.einsum("dc,ij->dcij", alpha, middle(f).roll((row, column), (0, 1)))


def corner(f: Tensor, alpha: Tensor, side: int) -> Tensor:
    return at(f, alpha, side * (f.shape[-1] // 2), side * (f.shape[-1] // 2))


def weights(convolutions, of=lambda c, d, k: c * d * k * k) -> int:
    return int(np.sum([of(*one) for one in convolutions]))


def ones(convolutions) -> int:
    return weights(convolutions, lambda c, d, k: c * d)


def looped(errors, baseline, *, gamma=2.0, least=0.02, factor=2.0, share=lambda e, most: max(0.0, 1 - e / most),
           worth=lambda most: 1000.0) -> list[float]:
    """The points of each domain, as 1000 times a power of the share of E_max that is missing."""
    found = []
    for e, b in zip(errors.tolist(), baseline.tolist(), strict=True):
        most = max(factor * b, least)
        found.append(worth(most) * share(e, most) ** gamma)
    return found


def total(errors, baseline, **other) -> float:
    return math.fsum(looped(errors, baseline, **other))


def scaled(z: Tensor, P: Tensor, M: Tensor, M_out: Tensor, w=lambda z, P: torch.mv(P, z)) -> Tensor:
    """α of each domain in turn, with diagonal matrices."""
    return torch.stack([torch.linalg.multi_dot([M_out, torch.diag_embed(w(one, P)), M]) for one in z])


def one_by_one(losses: Tensor, m: Tensor, price: float, *, absent: float = 0.0) -> Tensor:
    """The masked mean, picture after picture; ``absent`` is what a task without labels costs."""
    found = [loss for loss, there in zip(losses.unbind(), m.tolist(), strict=True) if there]
    return price * torch.stack(found).mean() if found else losses.new_tensor(absent)


MUTANTS = [
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(slid(x, f, s), a), "that is the serial adapter"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(x, a.T, s), "`alpha` transposed: its last two axes have"),
    ("1-parallel", lambda x, f, a, s: mixed(x, a) + slid(x, f, s), "give the stride to both"),
    ("1-parallel", lambda x, f, a, s: slid(x, f) + mixed(x, a, s), "give the stride to both"),
    ("1-parallel", lambda x, f, a, s: slid(x, f) + mixed(x, a), "`stride` = 1: `stride` is not used"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s, 0) + mixed(x, a, s), "`f.shape[-1] // 2`"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s, 1) + mixed(x, a, s), "and the 1×1 filters α not at all"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(F.pad(x, [f.shape[-1] // 2] * 4), a, s), "not at all"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(F.unfold(x, s, stride=s).view(*x.shape[:2], s * s, -1).mean(
        2).view(*x.shape[:2], x.shape[2] // s, x.shape[3] // s), a), "and do not average x"),
    ("1-parallel", lambda x, f, a, s: mixed(x, a, s), "`f` = 0: what `f` brings is missing"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s), "`alpha` = 0: what `alpha` brings is missing"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) * mixed(x, a, s), "you multiplied"),
    ("1-parallel", lambda x, f, a, s: torch.stack([slid(x, f, s), mixed(x, a, s)]).mean(0), "the right one times 0.5"),
    ("1-parallel", lambda x, f, a, s: beside(x, f, -a, s), "−`alpha` in the place of `alpha`: a sign is wrong"),
    ("1-parallel", lambda x, f, a, s: x + beside(x, f, a, s), "you added x as well"),
    ("1-parallel", lambda x, f, a, s: beside(x, torch.rot90(f, 2, (2, 3)), a, s), "`f` turned by half a turn, in"),
    ("1-parallel", lambda x, f, a, s: beside(x.mul_(1.5), f, a, s), "changes its input `x` in place"),
    ("1-parallel", lambda x, f, a, s: beside(x, f, a, s).float(), "float32, and float64 is wanted"),
    ("1-parallel", lambda x, f, a, s: beside(x, f, a, s)[0], "has the shape"),
    ("1-parallel", lambda x, f, a, s: F.conv2d(x, f, None, s, "same") + mixed(x, a, s), "your code raised Runtime"),
    ("1-parallel", lambda x, f, a, s: beside(x, 1.1 * f, a, s), "right values"),
    ("1-serial", lambda x, f, a: mixed(slid(x, f), a), "add v"),
    ("1-serial", lambda x, f, a: slid(x, f), "`alpha` = 0: what `alpha` brings is missing"),
    ("1-serial", lambda x, f, a: beside(x, f, a, 1), "that is the parallel adapter"),
    ("1-serial", lambda x, f, a: x + mixed(slid(x, f), a), "you added x"),
    ("1-serial", lambda x, f, a: behind(x, f, a.T), "`alpha` transposed: its last two axes have changed places"),
    ("1-serial", lambda x, f, a: slid(x, f) + mixed(slid(x, f), a) + mixed(slid(x, f), a @ a), "α is applied twice"),
    ("1-serial", lambda x, f, a: mixed(slid(x, f), torch.matrix_power(torch.eye(len(a)).to(a) + a, 2)),
     "α is applied twice"),
    ("1-serial", lambda x, f, a: slid(x + mixed(x, a), f), "stands before the filters"),
    ("1-serial", lambda x, f, a: behind(x, f, -a), "−`alpha` in the place of `alpha`: a sign is wrong"),
    ("1-serial", lambda x, f, a: torch.lerp(slid(x, f), mixed(slid(x, f), a), 0.5), "the right one times 0.5"),
    ("1-serial", lambda x, f, a: slid(x, f, pad=0) + mixed(slid(x, f, pad=0), a), "the right one without its border:"),
    ("1-serial", lambda x, f, a: behind(x, torch.rot90(f, 2, (2, 3)), a), "`f` turned by half a turn, in reverse"),
    ("1-serial", lambda x, f, a: behind(x, f, a.fill_(1)), "changes its input `alpha` in place"),
    ("1-serial", lambda x, f, a: behind(x, f, a).numpy(), "stay in torch"),
    ("1-serial", lambda x, f, a: behind(x, f, 2 * a), "right values"),
    ("1-fold", lambda f, a: corner(f, a, -1), "at a corner"),
    ("1-fold", lambda f, a: corner(f, a, 1), "at a corner"),
    ("1-fold", lambda f, a: (f.flatten(2) + a[..., None]).view(f.shape), "added to all taps"),
    ("1-fold", lambda f, a: (f.flatten(2) + a[..., None] / f.shape[-1] ** 2).view(f.shape), "or spread over them"),
    ("1-fold", lambda f, a: f + a[..., None, None] * middle(f).amax(1, keepdim=True), "a whole row or column"),
    ("1-fold", lambda f, a: f + a[..., None, None] * middle(f).amax(0, keepdim=True), "a whole row or column"),
    ("1-fold", numpys, "the centre of 3×3 filters only"),
    ("1-fold", lambda f, a: torch.tensordot(torch.eye(len(a)).to(a) + a, f, 1), "folding of the serial adapter"),
    ("1-fold", lambda f, a: outer(f, a.T), "`alpha` transposed: its last two axes have changed places"),
    ("1-fold", lambda f, a: torch.where(middle(f) > 0, a[..., None, None], f), "α is added to what f has at the"),
    ("1-fold", lambda f, a: torch.where(middle(f) > 0, a[..., None, None] * f, f), "α is added to what f has at the"),
    ("1-fold", lambda f, a: f * (1 + a[..., None, None] * middle(f)), "α is added to what f has at the centre tap"),
    ("1-fold", lambda f, a: F.pad(a[..., None, None], [f.shape[-1] // 2] * 4), "`f` = 0: what `f` brings is missing"),
    ("1-fold", lambda f, a: outer(f, -a), "−`alpha` in the place of `alpha`: a sign is wrong"),
    ("1-fold", in_f, "changes its input `f` in place"),
    ("1-fold", lambda f, a: f + a, "right values"),
    ("1-fold", lambda f, a: outer(f, a).float(), "float32, and float64 is wanted"),
    ("1-fold", lambda f, a: outer(f, a).flatten(2), "has the shape"),
    ("1-fold", lambda f, a: outer(f, a.abs()), "right values"),
    ("1-count", lambda found: float(np.mean([1 / k / k for _, _, k in found])), "you divided for each convolution"),
    ("1-count", lambda found: math.fsum(c * d / (c * d * k * k) for c, d, k in found), "added up the shares"),
    ("1-count", lambda found: weights(found, lambda c, d, k: d * d) / weights(found), "C_out² is what a serial"),
    ("1-count", lambda found: weights(found, lambda c, d, k: c * c) / weights(found), "C_in² would lead"),
    ("1-count", lambda found: weights(found, lambda c, d, k: c + d) / weights(found), "you may have added C_in and"),
    ("1-count", lambda found: weights(found, lambda c, d, k: d) / weights(found), "one weight for each output"),
    ("1-count", lambda found: ones(found) / weights(found) * 100, "the right one times 100"),
    ("1-count", lambda found: weights(found) / ones(found), "upside down"),
    ("1-count", ones, "divide by those of the convolutions"),
    ("1-count", lambda found: 1 - weights(found) / (ones(found) + weights(found)), "not by all weights"),
    ("1-count", lambda found: (ones(found) + weights(found)) / weights(found), "the right one plus 1"),
    ("1-count", lambda found: ones(found) / weights(found, lambda c, d, k: c * d * k), "you took k"),
    ("1-count", lambda found: [c * d / weights(found) for c, d, _ in found], "a list where a tensor is wanted"),
    ("1-count", lambda found: ones(found) / sum(c * d * (k * k + 1) + d for c, d, k in found), "right values"),
    ("1-score", lambda e, b: total(e, b, share=lambda e, most: 1 - e / most), "the maximum with 0 is missing"),
    ("1-score", lambda e, b: total(e, b, gamma=1.0), "in the difference or in α"),
    ("1-score", lambda e, b: total(e, b, gamma=1.0, worth=lambda most: 1000 / most), "in the difference or in α"),
    ("1-score", lambda e, b: total(e, b, worth=lambda most: 1000 * most), "a gain near E_max would count as much as"),
    ("1-score", lambda e, b: total(e, b, factor=1.0), "half of `baseline` in its place"),
    ("1-score", lambda e, b: total(e, b, factor=1.0, least=0.0), "twice `errors` in its place"),
    ("1-score", lambda e, b: total(e, b, least=0.0), "may become smaller than 0.02"),
    ("1-score", lambda e, b: total(e, b, least=0.04), "the least error of the baseline"),
    ("1-score", lambda e, b: float(np.mean(looped(e, b))), "too small by the number of values: a mean over all of"),
    ("1-score", lambda e, b: torch.tensor(looped(e, b)), "not summed over axis 0 yet"),
    ("1-score", lambda e, b: total(1 - e, b), "`errors` = 1: `errors` is not used"),
    ("1-score", lambda e, b: total(1 - e, 1 - b), "the difference has the wrong sign"),
    ("1-score", lambda e, b: total(e, b, worth=lambda most: most * most), "α is missing"),
    ("1-score", lambda e, b: total(e, b, worth=lambda most: 1.0), "the right one times 0.001"),
    ("1-score", lambda e, b: total(e, b, share=lambda e, most: max(0.0, e / most - 1)), "the wrong sign"),
    ("1-score", lambda e, b: total(b, e), "`errors` and `baseline` in each other's place"),
    ("1-score", lambda e, b: total(e, b.mean().expand(len(b))), "`baseline` averaged over axis 0, the batch"),
    ("1-score", lambda e, b: np.asarray(total(e, b)), "stay in torch"),
    ("1-score", lambda e, b: torch.tensor([total(e, b)]), "has the shape"),
    ("1-score", lambda e, b: total(e, b, gamma=3.0), "right values"),
    ("1b-predicted", lambda z, P, M, N: torch.stack([N @ M] * len(z)), "the same for all domains"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N.T), "`M_out` transposed: its last two axes have changed"),
    ("1b-predicted", lambda z, P, M, N: torch.einsum("or,do,ri->doi", N, z @ P.T, M), "multiplies the rows of M′"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N, w=lambda z, P: torch.mv(P.T, z)),
     "`P` transposed: its last two axes have changed places"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N).transpose(1, 2), "transposed: axes 1 and 2 have changed"),
    ("1b-predicted", lambda z, P, M, N: torch.stack([(N + P @ one) @ M for one in z]), "you added w to M′"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N, w=lambda z, P: (P @ z).clamp(min=0)), "clipped w at 0"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N, w=lambda z, P: (P @ z).softmax(0)), "through a softmax"),
    ("1b-predicted", lambda z, P, M, N: scaled(z.mean(0, keepdim=True), P, M, N)[0], "averaged over axis 0 as well,"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N)[0], "the right one of the first along axis 0 alone"),
    ("1b-predicted", lambda z, P, M, N: torch.einsum("or,dr,ri->oi", N, z @ P.T, M), "summed over axis 0 as well,"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N).float(), "float32, and float64 is wanted"),
    ("1b-predicted", lambda z, P, M, N: list(scaled(z, P, M, N)), "a list where a tensor is wanted"),
    ("1b-predicted", lambda z, P, M, N: N @ torch.diag(P @ z) @ M, "the right values"),
    ("1b-predicted", lambda z, P, M, N: 2 * scaled(z, P, M, N), "right values"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price, absent=float("nan")), "in a batch without labels"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / max(int(m.sum()), 1), "do not multiply"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / m.sum(), "nan"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * m.float().mean(), "by all B pictures. Then"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / len(ell), "and you divided by all B"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * m.sum(), "that is the sum"),
    ("1b-masked", lambda ell, m, price: price * ell.sum() / ell.numel(), "`m` true everywhere: `m` is not used"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m.logical_not(), price), "`m` inverted: true and false have"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, 1.0), "the right one divided by `price`: this factor is"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, 1 / price), "the right one divided by `price`²: this"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * (m.sum() / (m.sum() + 1)).to(ell), "by N_t + 1"),
    ("1b-masked", lambda ell, m, price: float(one_by_one(ell, m, price)), "a float where a tensor is wanted"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price)[None], "has the shape"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell.masked_fill_(~m, 0), m, price), "changes its input `losses`"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell.square(), m, price), "right values"),
]

RIGHT = [
    ("1-parallel", beside), ("1-parallel", lambda x, f, a, s: F.conv2d(x, outer(f, a), None, s, f.shape[-1] // 2)),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + torch.einsum("dc,bchw->bdhw", a, x)[:, :, ::s, ::s]),
    ("1-serial", behind), ("1-serial", lambda x, f, a: slid(x, torch.tensordot(torch.eye(len(a)).to(a) + a, f, 1))),
    ("1-fold", outer), ("1-fold", lambda f, a: in_f(f.clone(), a)),
    ("1-fold", lambda f, a: f + F.pad(a[..., None, None], [f.shape[-1] // 2] * 4)),
    ("1-count", lambda found: ones(found) / weights(found)),
    ("1-count", lambda found: torch.tensor(ones(found)) / torch.tensor(weights(found))),
    ("1-score", total), ("1-score", lambda e, b: torch.tensor(looped(e, b)).sum()),
    ("1-score", lambda e, b: (1000 * (1 - e / torch.maximum(2 * b, torch.full_like(b, 0.02))).relu() ** 2).sum()),
    ("1b-predicted", scaled),
    ("1b-predicted", lambda z, P, M, N: torch.einsum("or,dr,ri->doi", N, torch.einsum("ru,du->dr", P, z), M)),
    ("1b-predicted", lambda z, P, M, N: torch.stack([N @ (M * (P @ one)[:, None]) for one in z])),
    ("1b-masked", one_by_one), ("1b-masked", lambda ell, m, price: price * ell[m].sum() / m.sum().clamp(min=1)),
    ("1b-masked", lambda ell, m, price: price * ell[m].mean() if m.any() else torch.zeros_like(ell[0])),
]
