"""Right and wrong answers to the exercises of notebook 02, made by other code than the library's."""

from __future__ import annotations

import torch
from scipy.spatial.distance import cdist
from torch import Tensor


def mixture(p: Tensor, gamma: float) -> Tensor:
    return torch.lerp(p, torch.full_like(p, 1 / p.numel()), gamma)


def normed(counts: Tensor) -> Tensor:
    return torch.nn.functional.normalize(counts, p=1, dim=0)


def both(power, by=torch.dot):
    """An answer from the power of p̃, γ and α, scaled by p̃ and what it gives; the ceiling is its value at p̃ = 0."""
    def answer(counts: Tensor, gamma: float, alpha: float):
        p = normed(counts)
        w, most = power(p, gamma, alpha), power(0 * p, gamma, alpha)[-1]
        return w / by(p, w), most / by(p, w)
    return answer


def right(p: Tensor, gamma: float, alpha: float) -> Tensor:
    return mixture(p, gamma).pow(-alpha)


def looped(counts: Tensor, gamma: float, alpha: float):
    """Colour by colour."""
    q, total = counts.numel(), float(counts.sum())
    w = [1 / (float(one) / total * (1 - gamma) + gamma / q) ** alpha for one in counts]
    mean = sum(float(one) / total * heavy for one, heavy in zip(counts, w, strict=True))
    return (torch.tensor([heavy / mean for heavy in w], dtype=counts.dtype),
            torch.tensor((q / gamma) ** alpha / mean, dtype=counts.dtype))


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
    ("2-rebalance", both(right, lambda p, w: 1), "not their sum or their mean over the colours"),
    ("2-rebalance", both(right, lambda p, w: w.norm(p=1)), "so that a pixel counts 1 on average"),
    ("2-rebalance", both(right, lambda p, w: w.norm(p=1) / w.numel()), "It is their mean over the *pixels* that is 1"),
    ("2-rebalance", lambda c, g, a: (looped(c, g, a)[0], looped(c, g, a)[0].amax()), "and more than the largest of"),
    ("2-rebalance", lambda c, g, a: (looped(c, g, a)[0], torch.full((), c.numel() / g, dtype=c.dtype) ** a),
     "scaled as they are"),
    ("2-rebalance", lambda c, g, a: (looped(c, g, a)[0], 1 / c.new_zeros(())), "finite"),
    ("2-rebalance", lambda c, g, a: looped(c, g, a)[::-1], "the parts are right, but in the other order"),
    ("2-rebalance", both(lambda p, g, a: mixture(p, g).pow(a)), "−`alpha` in the place of `alpha`: a sign is wrong"),
    ("2-rebalance", lambda c, g, a: looped(c, 1 - g, a), "1 − `gamma` in the place of `gamma`"),
    ("2-rebalance", both(lambda p, g, a: (p - g * p + g).pow(-a)), "instead of γ/Q"),
    ("2-rebalance", lambda c, g, a: looped(c, g, 1), "`alpha` = 1: `alpha` is not used"),
    ("2-rebalance", both(lambda p, g, a: p.pow(-a)), "the mixture is (1−γ) p̃ + γ/Q"),
    ("2-rebalance", both(lambda p, g, a: (p + g / p.numel()).pow(-a)), "the mixture is (1−γ) p̃ + γ/Q"),
    ("2-rebalance", both(lambda p, g, a: 1 - mixture(p, g)), "1 minus the mixture"),
    ("2-rebalance", lambda c, g, a: both(right, lambda p, w: torch.dot(mixture(p, g), w))(c, g, a), "with p̃ itself"),
    ("2-rebalance", lambda c, g, a: tuple(
        one / torch.dot(normed(c), mixture(c, g).pow(-a)) for one in (mixture(c, g).pow(-a), (len(c) / g) ** a)),
     "you mixed the counts"),
    ("2-rebalance", lambda c, g, a: looped(c, g, a)[0], "2 tensors, as in"),
    ("2-rebalance", lambda c, g, a: (looped(c, g, a)[0], float(looped(c, g, a)[1])), "float"),
    ("2-rebalance", lambda c, g, a: tuple(2 * one for one in looped(c, g, a)), "right values"),
    ("2-permutations", lambda e, c: int(hamming(e, c).mean(1).argmax()), "and take the distance to the nearest"),
    ("2-permutations", lambda e, c: by_hand(e, c, max), "the farthest"),
    ("2-permutations", lambda e, c: by_hand(e, c, min, lambda new, best: new < best), "nearest to the chosen"),
    ("2-permutations", lambda e, c: int((e.shape[1] - hamming(e, c)).amin(1).argmax()), "places that are equal;"),
    ("2-permutations", lambda e, c: by_hand(e, c[-1:]), "look at all of the chosen ones"),
    ("2-permutations", lambda e, c: by_hand(e, c[:1]), "look at all of the chosen ones"),
    ("2-permutations", lambda e, c: int(torch.from_numpy(cdist(e.numpy(), c.numpy(), "cityblock")).amin(1).argmax()),
     "how far the numbers lie"),
    ("2-permutations", lambda e, c: int(torch.from_numpy(cdist(e.numpy(), c.numpy())).amin(1).argmax()),
     "you took how far the numbers lie apart"),
    ("2-permutations", lambda e, c: by_hand(e, c, min, lambda new, best: new >= best), "not the last"),
    ("2-permutations", lambda e, c: int(hamming(e, c).amin(1).max()), "the distance itself"),
    ("2-permutations", lambda e, c: by_hand(e, c) + 1, "the right one plus 1"),
    ("2-permutations", lambda e, c: int(hamming(e, c).amin(0).argmax()), "`every` and `chosen` in each other's place"),
    ("2-permutations", lambda e, c: next(k for k, one in enumerate(e.tolist()) if one not in c.tolist()),
     "not chosen yet"),
    ("2-permutations", lambda e, c: e[by_hand(e, c)], "has the shape"),
]

RIGHT = [("2-rebalance", looped),
         ("2-rebalance", both(lambda p, g, a: torch.exp(-a * mixture(p, g).log()))),
         ("2-permutations", by_hand),
         ("2-permutations", lambda e, c: hamming(e, c).amin(1).argmax())]

