"""Right and wrong answers to the exercises of chapter 7, made by other code than the library's."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def pooled(a: Tensor) -> Tensor:
    """The values of each unit, sorted, the largest first."""
    return torch.einsum("nuhw->unhw", a).flatten(1).sort(1, descending=True).values


def ranked(a: Tensor, share: float, nearest=math.floor) -> Tensor:
    """By counting from above, with no value in between."""
    values = pooled(a)
    return values[:, nearest(share * values.shape[1] + 1e-9)]


def numpys(a: Tensor, q: float, method: str = "linear", axes: tuple[int, ...] = (0, 2, 3)) -> Tensor:
    return torch.as_tensor(np.percentile(a.numpy(), 100 * q, axis=axes, method=method)).to(a)


def counted(p: Tensor, m: Tensor) -> tuple[float, float, float]:
    """How many pixels are in the first mask alone, in the second alone, in both."""
    pair = 2 * p.long() + m.long()
    return tuple(float((pair == kind).sum()) for kind in (2, 1, 3))


def jaccard(p: Tensor, m: Tensor) -> float:
    first, second, both = counted(p, m)
    return both / (first + second + both)


def one_by_one(p: Tensor, m: Tensor) -> Tensor:
    return torch.tensor([jaccard(a, b) for a, b in zip(p, m, strict=True)])


def shown(p: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
    kept = [k for k in range(len(m)) if m[k].any()]
    return p[kept], m[kept]


def chosen(w: Tensor, filters: int, size=torch.abs) -> Tensor:
    """Whether each unit is among the F first, by sorting."""
    rank = size(w).argsort(descending=True).argsort()
    return rank < filters


def sparse(w: Tensor, filters: int, size=torch.abs) -> Tensor:
    return w * chosen(w, filters, size)


def looped(a: Tensor, b: Tensor, pairs=lambda i, j: i != j) -> tuple[Tensor, Tensor, Tensor]:
    """Σ ab, Σ aa and Σ bb over some pairs of concepts, one after the other."""
    some = [(i, j) for i in range(len(a)) for j in range(len(a)) if pairs(i, j)]
    return tuple(sum(x[i, j] * y[i, j] for i, j in some) for x, y in ((a, b), (a, a), (b, b)))


def alike(a: Tensor, b: Tensor, pairs=lambda i, j: i != j) -> Tensor:
    ab, aa, bb = looped(a, b, pairs)
    return ab / (aa * bb).sqrt()


def everything(i: int, j: int) -> bool:
    return True


def centre(k: Tensor) -> Tensor:
    h = torch.eye(len(k), dtype=k.dtype) - 1 / len(k)
    return h @ k @ h


def off(k: Tensor) -> Tensor:
    return k.clone().fill_diagonal_(0)


def rewards(p: Tensor, m: Tensor, alpha=None, inside=lambda p: p, outside=lambda p: 1 - p) -> Tensor:
    """What each pixel earns, by a choice instead of products with y."""
    alpha = 1 - m.sum() / m.numel() if alpha is None else alpha
    return torch.where(m, alpha * inside(p), (1 - alpha) * outside(p))


def share_of(m: Tensor) -> Tensor:
    return m.sum() / m.numel()


MUTANTS = [
    ("7-threshold", lambda a, s: numpys(a, 1 - s, axes=(2, 3)), "one threshold per picture"),
    ("7-threshold", lambda a, s: numpys(a, 1 - s, axes=(2, 3)).mean(0), "or made of such"),
    ("7-threshold", lambda a, s: numpys(a, 1 - s, axes=(2, 3)).max(0).values, "or made of such"),
    ("7-threshold", lambda a, s: numpys(a, 1 - s, axes=(0, 1, 2, 3)), "pooled all units together"),
    ("7-threshold", lambda a, s: torch.full_like(a[0, :, 0, 0], numpys(a, 1 - s, axes=(0, 1, 2, 3)).item()),
     "pooled all units together"),
    ("7-threshold", lambda a, s: numpys(a, 1 - s / 100), "a percentile to 100"),
    ("7-threshold", lambda a, s: numpys(a, (1 - s) / 100), "a percentile to 100"),
    ("7-threshold", lambda a, s: torch.quantile(a, 100 * (1 - s)), "your code raised RuntimeError"),
    ("7-threshold", lambda a, s: numpys(F.adaptive_avg_pool2d(a, 1), 1 - s), "you took the mean or the maximum of"),
    ("7-threshold", lambda a, s: numpys(F.adaptive_max_pool2d(a, 1), 1 - s), "maximum of each picture first"),
    ("7-threshold", lambda a, s: numpys(a.reshape(a.shape[1], -1), 1 - s, axes=(1,)), "mixes pictures and units"),
    ("7-threshold", lambda a, s: pooled(a)[:, 0] * (1 - s), "`share` is a share of the number of values (not of the"),
    ("7-iou", one_by_one, "a picture with three pixels of the concept would count as"),
    ("7-iou", lambda p, m: one_by_one(p, m).mean(), "a picture with three pixels of the concept would count as"),
    ("7-iou", lambda p, m: float(np.mean(one_by_one(*shown(p, m)).numpy())), "a picture with three pixels of the"),
    ("7-iou", lambda p, m: jaccard(*shown(p, m)), "or left out those without the concept"),
    ("7-iou", lambda p, m: 2 * jaccard(p, m) / (1 + jaccard(p, m)), "that is Dice"),
    ("7-iou", lambda p, m: jaccard(p, m) / (1 + jaccard(p, m)), "sum of both areas"),
    ("7-iou", lambda p, m: counted(p, m)[2] / (p != m).sum(), "and those in at least one"),
    ("7-iou", lambda p, m: 1 - (p != m).float().mean(), "you counted other pixels than"),
    ("7-iou", lambda p, m: counted(p, m)[2] / m.numel(), "you counted other pixels than"),
    ("7-iou", lambda p, m: m[p].float().mean(), "that is the precision"),
    ("7-iou", lambda p, m: p[m].float().mean(), "that is the recall"),
    ("7b-sparse", lambda w, f: sparse(w, f, torch.clone), "you kept other units than those with the largest |w|"),
    ("7b-sparse", lambda w, f: sparse(w, f, lambda w: -w.abs()), "you kept other units than those with the largest"),
    ("7b-sparse", lambda w, f: sparse(w, f, torch.neg), "you kept other units than those with the largest |w|"),
    ("7b-sparse", lambda w, f: torch.cat([w[:f], torch.zeros_like(w[f:])]), "you kept other units than those with"),
    ("7b-sparse", lambda w, f: w * ~chosen(w, f), "the other way round"),
    ("7b-sparse", lambda w, f: w[w.abs().argsort(descending=True)[:f]], "these are F numbers"),
    ("7b-sparse", lambda w, f: w[chosen(w, f)], "with 0 for the units that are left out"),
    ("7b-sparse", lambda w, f: w.abs().argsort(descending=True)[:f], "with 0 for the units that are left out"),
    ("7b-sparse", chosen, "mask, true or false"),
    ("7b-sparse", lambda w, f: chosen(w, f).to(w.dtype), "that is the mask, true or false, 1 or 0"),
    ("7b-sparse", lambda w, f: sparse(w, f) / sparse(w, f).square().sum().sqrt(), "1 or its old one"),
    ("7b-sparse", lambda w, f: sparse(w, f) * (w.square().sum() / sparse(w, f).square().sum()).sqrt(),
     "1 or its old one"),
    ("7b-similarity", lambda a, b: alike(a, b, everything), "the diagonal is in your sums"),
    ("7b-similarity", lambda a, b: looped(a, b)[0] / (torch.dist(a, 0 * a) * torch.dist(b, 0 * b)), "in the norms"),
    ("7b-similarity", lambda a, b: (a * b).sum() / (looped(a, b)[1] * looped(a, b)[2]).sqrt(), "in the numerator"),
    ("7b-similarity", lambda a, b: alike(a - torch.eye(len(a)), b - torch.eye(len(b)), everything),
     "set it to 0 in both kernels first (it is 1 only for vectors"),
    ("7b-similarity", lambda a, b: looped(a, b)[0], "divide the sum of the products by ‖K^Φ‖ ‖K^Ψ‖"),
    ("7b-similarity", lambda a, b: looped(a, b, everything)[0], "the diagonal is in your sums"),
    ("7b-similarity", lambda a, b: looped(a, b)[0] / (len(a) * (len(a) - 1)), "divide the sum of the products by"),
    ("7b-similarity", lambda a, b: looped(a, b)[0] / looped(a, b)[1] / looped(a, b)[2], "square roots are missing"),
    ("7b-similarity", lambda a, b: (a * b).sum() / ((a * a).sum() * (b * b).sum()), "and the square roots are missing"),
    ("7b-similarity", lambda a, b: np.corrcoef(a[~np.eye(len(a), dtype=bool)], b[~np.eye(len(a), dtype=bool)])[0, 1],
     "as a correlation or a centred kernel does"),
    ("7b-similarity", lambda a, b: np.corrcoef(a.flatten(), b.flatten())[0, 1], "as a correlation or a centred"),
    ("7b-similarity", lambda a, b: alike(centre(a), centre(b), everything), "you took a mean off"),
    ("7b-similarity", lambda a, b: alike(centre(a), centre(b)), "you took a mean off"),
    ("7b-similarity", lambda a, b: torch.mm(off(a), off(b)).sum() / (off(a).norm() * off(b).norm()),
     "entry is multiplied with entry"),
    ("7b-similarity", lambda a, b: torch.mm(a, b).sum() / (a.norm() * b.norm()), "the diagonal is in your sums"),
    ("7b-similarity", lambda a, b: off(torch.mm(a, b)).sum() / (off(a).norm() * off(b).norm()), "product of matrices"),
    ("7b-similarity", lambda a, b: sum(torch.cosine_similarity(off(a), off(b), 1)) / len(a),
     "neither `@`, the product of matrices, nor a mean"),
    ("7b-loss", lambda p, m: -rewards(p, m, share_of(m)).mean(), "have changed places"),
    ("7b-loss", lambda p, m: -rewards(p, m, None, torch.log, lambda p: (1 - p).log()).mean(), "you took logarithms"),
    ("7b-loss", lambda p, m: F.binary_cross_entropy_with_logits(p.logit(), m.to(p)), "as the cross-entropy does"),
    ("7b-loss", lambda p, m: -rewards(p, m, 0.5).mean(), "it is one number"),
    ("7b-loss", lambda p, m: -torch.where(m, p, 1 - p).mean(), "your α is another"),
    ("7b-loss", lambda p, m: -rewards(p, m, outside=torch.zeros_like).mean(), "pixels outside is missing"),
    ("7b-loss", lambda p, m: -rewards(p, m, 1 - m.to(p).flatten(1).mean(1)[:, None, None]).mean(),
     "your α is another"),
    ("7b-loss", lambda p, m: -rewards(p, m, outside=lambda p: p).mean(), "with p = 1 everywhere this loss would be"),
]

RIGHT = [
    ("7-threshold", ranked), ("7-threshold", lambda a, s: ranked(a, s, lambda rank: math.floor(rank) - 1)),
    ("7-threshold", lambda a, s: ranked(a, s, lambda rank: round(rank - 0.5))),
    *[("7-threshold", lambda a, s, method=method: numpys(a, 1 - s, method))
      for method in ("linear", "lower", "higher", "nearest", "hazen", "weibull", "inverted_cdf")],
    ("7-iou", jaccard), ("7-iou", lambda p, m: torch.tensor(jaccard(p, m))),
    ("7-iou", lambda p, m: (p * m).sum() / torch.clamp(p.int() + m.int(), max=1).sum()),
    ("7b-sparse", sparse), ("7b-sparse", lambda w, f: w.where(w.abs() >= w.abs().sort().values[-f], 0)),
    ("7b-similarity", alike), ("7b-similarity", lambda a, b: F.cosine_similarity(off(a).view(-1), off(b).view(-1), 0)),
    ("7b-similarity", lambda a, b: alike(a, b, lambda i, j: i < j)), ("7b-similarity", lambda a, b: alike(a, b).item()),
    ("7b-loss", lambda p, m: -rewards(p, m).mean()), ("7b-loss", lambda p, m: -rewards(p, m).sum() / p.numel()),
]
