"""Right and wrong answers to the exercises of notebook 02, made by other code than the library's."""

from __future__ import annotations

import torch
from torch import Tensor


def looped(net, x: Tensor, g: Tensor) -> Tensor:
    """Picture by picture, turned by index."""
    total = 0
    for one, k in zip(x, g.tolist(), strict=True):
        for _ in range(k):
            one = one.transpose(1, 2).flip(1)  # a quarter turn to the left
        total = total - net(one[None]).log_softmax(1)[0, k]
    return total / len(x)


def turned(x: Tensor, g: Tensor) -> Tensor:
    return torch.stack([torch.rot90(one, k, [1, 2]) for one, k in zip(x, g.tolist(), strict=True)])


def told(scores: Tensor, g: Tensor) -> Tensor:
    """−log softmax at the target, for each picture."""
    return scores.logsumexp(1) - scores.gather(1, g[:, None])[:, 0]


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2)


def chosen(scores: Tensor) -> Tensor:
    """Mean cross-entropy of the rows of (N,N) with the diagonal."""
    return (scores.exp().sum(1).log() - scores.diag()).mean()


def by_hand(a: Tensor, b: Tensor, tau: float) -> Tensor:
    """Pair by pair, in double precision."""
    s = (cosines(a.double(), b.double()) / tau).tolist()
    n, total = len(s), 0.0
    for i in range(n):
        across = sum(torch.tensor(s[i][j]).exp() for j in range(n))
        down = sum(torch.tensor(s[j][i]).exp() for j in range(n))
        total += across.log() + down.log() - 2 * s[i][i]
    return torch.as_tensor(total / (2 * n)).to(a.dtype)


def seed_by_seed(val: Tensor, test: Tensor, floor_val: Tensor, floor_test: Tensor) -> Tensor:
    ours, theirs = (max(range(len(one)), key=lambda layer, one=one: sum(one[layer].tolist()))
                    for one in (val, floor_val))
    return torch.tensor([float(test[ours, s]) - float(floor_test[theirs, s]) for s in range(test.shape[1])],
                        dtype=test.dtype)


def best(table: Tensor) -> int:
    return int(table.sum(1).argmax())


MUTANTS = [
    ("2-upright", lambda net, x, g: told(net(x), g).mean(), "has to see what you turned"),
    ("2-upright", lambda net, x, g: told(net(turned(x, -g)), g).mean(), "you turned to the right"),
    ("2-upright", lambda net, x, g: told(net(turned(x, g)), g).sum(), "sum over the batch"),
    ("2-upright", lambda net, x, g: told(net(turned(x, g)).softmax(1), g).mean(), "no probabilities"),
    ("2-upright", lambda net, x, g: -net(turned(x, g)).gather(1, g[:, None]).mean(), "leave the softmax out"),
    ("2-contrast", lambda a, b, tau: (chosen(a @ b.T / tau) + chosen(b @ a.T / tau)) / 2, "inner products"),
    ("2-contrast", lambda a, b, tau: (chosen(a / a.norm(dim=0) @ (b / b.norm(dim=0)).T / tau)
                                      + chosen(b / b.norm(dim=0) @ (a / a.norm(dim=0)).T / tau)) / 2, "dim=1"),
    ("2-contrast", lambda a, b, tau: chosen(cosines(a, b) / tau), "one way only"),
    ("2-contrast", lambda a, b, tau: chosen(cosines(b, a) / tau), "one way only"),
    ("2-contrast", lambda a, b, tau: (chosen(cosines(a, b) * tau) + chosen(cosines(b, a) * tau)) / 2, "divide"),
    ("2-contrast", lambda a, b, tau: -cosines(a, b).diag().mean() / tau, "only pull together"),
    ("2-gain", lambda v, t, w, u: t[best(t)] - u[best(u)], "you chose the layer on the test"),
    ("2-gain", lambda v, t, w, u: t[best(v)] - u[best(v)], "the floor at the task's layer"),
    ("2-gain", lambda v, t, w, u: torch.stack([t[v[:, s].argmax(), s] - u[w[:, s].argmax(), s]
                                               for s in range(v.shape[1])]), "a layer for each seed"),
    ("2-gain", lambda v, t, w, u: v[best(v)] - w[best(w)], "validation photos, which have chosen"),
    ("2-gain", lambda v, t, w, u: t[v.sum(0).argmax()] - u[w.sum(0).argmax()], "averaged over the layers"),
]

RIGHT = [("2-upright", looped), ("2-upright", lambda net, x, g: told(net(turned(x, g)), g).mean()),
         ("2-contrast", by_hand),
         ("2-contrast", lambda a, b, tau: (chosen(cosines(a, b) / tau) + chosen(cosines(b, a) / tau)) / 2),
         ("2-gain", seed_by_seed), ("2-gain", lambda v, t, w, u: t[v.sum(1).argmax()] - u[w.sum(1).argmax()])]
