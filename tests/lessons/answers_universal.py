"""Right and wrong answers to the exercises of chapter 1, made by other code than the library's."""

from __future__ import annotations

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


def learnt(net, own, shared, batches, lr, *, kept=lambda own, shared: own, clear=True, stepping=True,
           make=torch.optim.Adam, mean="mean", **more):
    """By log-softmax, with the gradients set to None at the end of a step, and what is shared left out."""
    moving = make(kept(list(own), list(shared)), lr=lr, **more)
    for x, y in batches:
        loss = F.nll_loss(net(x).log_softmax(1), y, reduction=mean)
        loss.backward()
        if stepping:
            moving.step()
        for weight in [*own, *shared]:
            weight.grad = None if clear else weight.grad
        yield float(loss.detach())


def priced(ce, weights, centres, sigma, labels, *, near=lambda d: d.pow(2).sum(), lam=lambda s, n: 0.5 / (s * s * n)):
    """The energy, layer after layer, with λ as one number."""
    total = ce.clone()
    for w, w0 in zip(weights, centres, strict=True):
        total = total + lam(sigma, labels) * near(w - w0)
    return total


def scaled(z: Tensor, P: Tensor, M: Tensor, M_out: Tensor, w=lambda z, P: torch.mv(P, z)) -> Tensor:
    """α of each domain in turn, with diagonal matrices."""
    return torch.stack([torch.linalg.multi_dot([M_out, torch.diag_embed(w(one, P)), M]) for one in z])


def one_by_one(losses: Tensor, m: Tensor, price: float, *, absent: float = 0.0) -> Tensor:
    """The masked mean, picture after picture; ``absent`` is what a task without labels costs."""
    found = [loss for loss, there in zip(losses.unbind(), m.tolist(), strict=True) if there]
    return price * torch.stack(found).mean() if found else losses.new_tensor(absent)


MUTANTS = [
    ("1-train", lambda *given: learnt(*given, kept=lambda own, shared: own + shared), "the shared weights have moved"),
    ("1-train", lambda *given: learnt(*given, kept=lambda own, shared: own[:1]), "a part of `own` has not moved"),
    ("1-train", lambda *given: learnt(*given, kept=lambda own, shared: own[1:]), "a part of `own` has not moved"),
    ("1-train", lambda *given: learnt(*given, kept=lambda own, shared: shared), "the shared weights have moved"),
    ("1-train", lambda *given: learnt(*given, clear=False), "the gradients of all batches add up"),
    ("1-train", lambda *given: learnt(*given, stepping=False), "no weight has moved"),
    ("1-train", lambda *given: learnt(*given, make=torch.optim.SGD), "not by Adam's steps"),
    ("1-train", lambda net, own, shared, batches, lr: learnt(net, own, shared, batches, 0.001), "at the rate `lr`"),
    ("1-train", lambda net, own, shared, batches, lr: learnt(net, own, shared, list(batches)[1:], lr), "the shape"),
    ("1-train", lambda *given: list(learnt(*given)), "your function does not yield"),
    ("1-train", lambda *given: None, "your function does not yield"),
    ("1-train", lambda *given: (torch.tensor(one) for one in learnt(*given)), "you yield a Tensor"),
    ("1-train", lambda *given: learnt(*given, mean="sum"), "right values"),
    ("1-train", lambda *given: learnt(*given, clear=False, stepping=False), "no weight has moved"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(slid(x, f, s), a), "that is the serial adapter"),
    ("1-parallel", lambda x, f, a, s: mixed(x, a) + slid(x, f, s), "give the stride to both"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s, 0) + mixed(x, a, s), "`f.shape[-1] // 2`"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s, 1) + mixed(x, a, s), "and the 1×1 filters α not at all"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(F.pad(x, [f.shape[-1] // 2] * 4), a, s), "not at all"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + mixed(F.unfold(x, s, stride=s).view(*x.shape[:2], s * s, -1).mean(
        2).view(*x.shape[:2], x.shape[2] // s, x.shape[3] // s), a), "and do not average x"),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) * mixed(x, a, s), "you multiplied"),
    ("1-parallel", lambda x, f, a, s: x + beside(x, f, a, s), "x itself is in your sum"),
    ("1-parallel", lambda x, f, a, s: F.conv2d(x, f, None, s, "same") + mixed(x, a, s), "your code raised Runtime"),
    ("1-fold", lambda f, a: corner(f, a, -1), "at a corner"),
    ("1-fold", lambda f, a: corner(f, a, 1), "at a corner"),
    ("1-fold", lambda f, a: (f.flatten(2) + a[..., None]).view(f.shape), "added to all taps"),
    ("1-fold", lambda f, a: (f.flatten(2) + a[..., None] / f.shape[-1] ** 2).view(f.shape), "or spread over them"),
    ("1-fold", lambda f, a: f + a[..., None, None] * middle(f).amax(1, keepdim=True), "a whole row or column"),
    ("1-fold", lambda f, a: f + a[..., None, None] * middle(f).amax(0, keepdim=True), "a whole row or column"),
    ("1-fold", numpys, "the centre of 3×3 filters only"),
    ("1-fold", lambda f, a: torch.tensordot(torch.eye(len(a)).to(a) + a, f, 1), "folding of the serial adapter"),
    ("1-fold", lambda f, a: torch.where(middle(f) > 0, a[..., None, None], f), "α is added to what f has at the"),
    ("1-fold", lambda f, a: torch.where(middle(f) > 0, a[..., None, None] * f, f), "α is added to what f has at the"),
    ("1-fold", lambda f, a: f * (1 + a[..., None, None] * middle(f)), "α is added to what f has at the centre tap"),
    ("1-fold", lambda f, a: f + a, "α is added to all taps"),
    ("1b-prior", lambda *given: priced(*given, lam=lambda s, n: 0.5 / s**2), "N is missing"),
    ("1b-prior", lambda *given: priced(*given, lam=lambda s, n: 0.5 / (s * n)), "has the variance σ² twice in the"),
    ("1b-prior", lambda *given: priced(*given, lam=lambda s, n: 1 / (s * s * n)), "has the variance σ² twice in the"),
    ("1b-prior", lambda *given: priced(*given, near=lambda d: d.pow(2).sum().sqrt()), "the distance has to be squared"),
    ("1b-prior", lambda *given: priced(*given, near=lambda d: d.abs().sum()), "the distance has to be squared"),
    ("1b-prior", lambda *given: priced(*given, near=lambda d: d.pow(2).mean()), "you took the mean over a layer"),
    ("1b-prior", lambda ce, w, w0, s, n: priced(ce, w, [0 * one for one in w0], s, n), "the centres are missing"),
    ("1b-predicted", lambda z, P, M, N: torch.stack([N @ M] * len(z)), "the same for all domains"),
    ("1b-predicted", lambda z, P, M, N: torch.einsum("or,do,ri->doi", N, z @ P.T, M), "multiplies the rows of M′"),
    ("1b-predicted", lambda z, P, M, N: torch.stack([(N + P @ one) @ M for one in z]), "you added w to M′"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N, w=lambda z, P: (P @ z).clamp(min=0)), "clipped w at 0"),
    ("1b-predicted", lambda z, P, M, N: scaled(z, P, M, N, w=lambda z, P: (P @ z).softmax(0)), "through a softmax"),
    ("1b-predicted", lambda z, P, M, N: N @ torch.diag(P @ z) @ M, "the right values"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price, absent=float("nan")), "in a batch without labels"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / max(int(m.sum()), 1), "do not multiply"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / m.sum(), "nan"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * m.float().mean(), "by all B pictures; then"),
    ("1b-masked", lambda ell, m, price: price * torch.dot(ell, m.to(ell)) / len(ell), "and you divided by all B"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * m.sum(), "that is the sum"),
    ("1b-masked", lambda ell, m, price: one_by_one(ell, m, price) * (m.sum() / (m.sum() + 1)).to(ell), "by N_t + 1"),
]

RIGHT = [
    ("1-train", learnt), ("1-train", lambda *given: learnt(*given, make=torch.optim.AdamW, weight_decay=0.0)),
    ("1-parallel", beside), ("1-parallel", lambda x, f, a, s: F.conv2d(x, outer(f, a), None, s, f.shape[-1] // 2)),
    ("1-parallel", lambda x, f, a, s: slid(x, f, s) + torch.einsum("dc,bchw->bdhw", a, x)[:, :, ::s, ::s]),
    ("1-fold", outer), ("1-fold", lambda f, a: in_f(f.clone(), a)),
    ("1-fold", lambda f, a: f + F.pad(a[..., None, None], [f.shape[-1] // 2] * 4)),
    ("1b-prior", priced), ("1b-prior", lambda ce, w, w0, s, n: ce + torch.cat(
        [(a - b).flatten() for a, b in zip(w, w0, strict=True)]).norm() ** 2 / (2 * n * s * s)),
    ("1b-predicted", scaled),
    ("1b-predicted", lambda z, P, M, N: torch.einsum("or,dr,ri->doi", N, torch.einsum("ru,du->dr", P, z), M)),
    ("1b-predicted", lambda z, P, M, N: torch.stack([N @ (M * (P @ one)[:, None]) for one in z])),
    ("1b-masked", one_by_one), ("1b-masked", lambda ell, m, price: price * ell[m].sum() / m.sum().clamp(min=1)),
    ("1b-masked", lambda ell, m, price: price * ell[m].mean() if m.any() else torch.zeros_like(ell[0])),
]
