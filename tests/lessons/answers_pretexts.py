"""Right and wrong answers to the exercises of notebook 02, made by other code than the library's."""

from __future__ import annotations

import torch
from scipy.spatial.distance import cdist
from torch import Tensor


def mixture(p: Tensor, gamma: float) -> Tensor:
    return torch.lerp(p, torch.full_like(p, 1 / p.numel()), gamma)


def scaled(p: Tensor, w: Tensor) -> Tensor:
    return w / torch.dot(p, w)


def looped(p: Tensor, gamma: float, alpha: float) -> Tensor:
    """Colour by colour."""
    q = p.numel()
    w = [1 / (float(one) * (1 - gamma) + gamma / q) ** alpha for one in p]
    mean = sum(float(one) * heavy for one, heavy in zip(p, w, strict=True))
    return torch.tensor([heavy / mean for heavy in w], dtype=p.dtype)


def hamming(every: Tensor, chosen: Tensor) -> Tensor:
    """By scipy, which gives shares."""
    return torch.from_numpy(cdist(every.numpy(), chosen.numpy(), "hamming") * every.shape[1]).round()


def by_hand(every: Tensor, chosen: Tensor, of=min, better=lambda new, best: new > best) -> int:
    """One candidate after the other."""
    found, best = 0, None
    for k, one in enumerate(every.tolist()):
        d = of(sum(a != b for a, b in zip(one, other, strict=True)) for other in chosen.tolist())
        if best is None or better(d, best):
            found, best = k, d
    return found


MUTANTS = [
    ("2-rebalance", lambda p, g, a: mixture(p, g).pow(-a), "not scaled yet"),
    ("2-rebalance", lambda p, g, a: torch.nn.functional.normalize(mixture(p, g).pow(-a), p=1, dim=0), "sum to 1"),
    ("2-rebalance", lambda p, g, a: mixture(p, g).pow(-a) / mixture(p, g).pow(-a).mean(), "over the colours is 1"),
    ("2-rebalance", lambda p, g, a: scaled(p, mixture(p, g).pow(a)), "the exponent is +α"),
    ("2-rebalance", lambda p, g, a: looped(p, 1 - g, a), "exchanged"),
    ("2-rebalance", lambda p, g, a: scaled(p, (p - g * p + g).pow(-a)), "instead of γ/Q"),
    ("2-rebalance", lambda p, g, a: looped(p, g, 1), "α is not used"),
    ("2-rebalance", lambda p, g, a: scaled(p, p.pow(-a)), "γ is not used"),
    ("2-rebalance", lambda p, g, a: scaled(p, (p + g / p.numel()).pow(-a)), "is missing in front"),
    ("2-rebalance", lambda p, g, a: scaled(mixture(p, g), mixture(p, g).pow(-a)), "with the mixture"),
    ("2-rebalance", lambda p, g, a: scaled(p, 1 - mixture(p, g)), "1 minus the mixture"),
    ("2-rebalance", lambda p, g, a: looped(p, g, a) * p, "multiplied the weights"),
    ("2-rebalance", lambda p, g, a: p * 0 + 1, "nothing is rebalanced"),
    ("2-rebalance", lambda p, g, a: looped(p, g, a).tolist(), "list"),
    ("2-rebalance", lambda p, g, a: looped(p, g, a)[:, None], "has the shape"),
    ("2-rebalance", lambda p, g, a: 2 * looped(p, g, a), "right values"),
    ("2-permutations", lambda e, c: int(hamming(e, c).mean(1).argmax()), "the mean distance"),
    ("2-permutations", lambda e, c: by_hand(e, c, max), "the farthest chosen"),
    ("2-permutations", lambda e, c: by_hand(e, c, min, lambda new, best: new < best), "nearest to the chosen"),
    ("2-permutations", lambda e, c: int((e.shape[1] - hamming(e, c)).amin(1).argmax()), "places that are equal;"),
    ("2-permutations", lambda e, c: by_hand(e, c[-1:]), "the last of the chosen"),
    ("2-permutations", lambda e, c: by_hand(e, c[:1]), "the first of the chosen"),
    ("2-permutations", lambda e, c: int(torch.from_numpy(cdist(e.numpy(), c.numpy(), "cityblock")).amin(1).argmax()),
     "how far the numbers lie"),
    ("2-permutations", lambda e, c: int(torch.from_numpy(cdist(e.numpy(), c.numpy())).amin(1).argmax()),
     "the squared distance"),
    ("2-permutations", lambda e, c: by_hand(e, c, min, lambda new, best: new >= best), "you took the last"),
    ("2-permutations", lambda e, c: int(hamming(e, c).amin(1).max()), "the distance itself"),
    ("2-permutations", lambda e, c: by_hand(e, c) + 1, "from 1"),
    ("2-permutations", lambda e, c: int(hamming(e, c).amin(0).argmax()), "over the candidates"),
    ("2-permutations", lambda e, c: next(k for k, one in enumerate(e.tolist()) if one not in c.tolist()),
     "not chosen yet"),
    ("2-permutations", lambda e, c: e[by_hand(e, c)], "has the shape"),
]

RIGHT = [("2-rebalance", looped),
         ("2-rebalance", lambda p, g, a: scaled(p, torch.exp(-a * mixture(p, g).log()))),
         ("2-permutations", by_hand),
         ("2-permutations", lambda e, c: hamming(e, c).amin(1).argmax())]

