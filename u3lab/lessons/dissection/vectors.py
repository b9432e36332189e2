"""The exercises of chapter 7b: concepts as directions, units to keep, and two networks compared."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous
from u3lab.dissection.concept_vectors import concept_loss
from u3lab.dissection.kernel import concept_kernel, kernel_similarity
from u3lab.lessons.dissection.descending import DESCENT

__all__ = ["EXERCISES"]


def keep_largest(w: Tensor, filters: int) -> Tensor:
    """The vector w (U) with its F values of largest size; the others are 0. These F are then fitted again."""
    kept, largest = torch.zeros_like(w), w.abs().topk(filters).indices
    kept[largest] = w[largest]
    return kept


def _vector_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, -2.0, 1.0, 0.1, -0.25]), 2
    for units, filters, dtype in ((12, 5, torch.float32), (9, 1, torch.float32), (7, 7, torch.float64)):
        yield torch.randn(units, 3, generator=g, dtype=dtype)[:, 1], filters


def _only(w: Tensor, chosen: Tensor) -> Tensor:
    return torch.zeros_like(w).index_copy(0, chosen, w[chosen])


SPARSE = Exercise(
    id="7b-sparse", title="A concept with F units", minutes=5, difficulty="easy", points=1,
    goal="Before Net2Vec fits a concept with F units only, it chooses them. Return the vector w with its F values of "
         "largest size |w_k| as they are, and 0 in all other places.",
    signature="def my_sparse(w, filters):   # (U), F → (U)",
    hints=(
        "If the check says that a unit speaks against the concept: a large negative weight says much, too.",
        "`w.abs().topk(filters).indices` are the places of the F largest sizes.",
        "Make a vector of zeros like w, and copy w into it at these places."),
    reference=keep_largest, judge=by_cases(keep_largest, _vector_cases, (
        Mistake(lambda w, f: _only(w, w.topk(f).indices), "you kept the largest w, not the largest |w|; a unit that "
                "speaks against the concept says as much as one that speaks for it"),
        Mistake(lambda w, f: _only(w, w.abs().topk(f, largest=False).indices), "you kept the units with the smallest "
                "|w|; those say least"),
        Mistake(lambda w, f: _only(w, w.topk(f, largest=False).indices), "you kept the most negative weights; the size "
                "counts, whatever the sign"),
        Mistake(lambda w, f: _only(w, torch.arange(f)), "you kept the first F units; choose them by |w|"),
        Mistake(lambda w, f: w - keep_largest(w, f), "you set the largest to 0 and kept the others; it is the other "
                "way round"),
        Mistake(lambda w, f: w[w.abs().topk(f).indices], "these are F values, and nobody can tell whose they are; "
                "return all U of them, with 0 for the units that are left out"),
        Mistake(lambda w, f: w[w.abs().topk(f).indices.sort().values], "these are F values, in the order of the units; "
                "return all U of them, with 0 for the units that are left out"),
        Mistake(lambda w, f: w.abs().topk(f).indices, "these are the numbers of the units; return the vector"),
        Mistake(lambda w, f: keep_largest(w, f).abs(), "the signs are lost: choose by |w|, but keep w itself"),
        Mistake(lambda w, f: keep_largest(w, f) != 0, "that is the mask, true or false; multiply w with it"),
        Mistake(lambda w, f: (keep_largest(w, f) != 0).to(w), "that is the mask, 1 or 0; multiply w with it"),
        Mistake(lambda w, f: keep_largest(w, f - 1), "one unit is missing: the F-th largest belongs to them"),
        Mistake(lambda w, f: F.normalize(keep_largest(w, f), dim=0), "you brought the vector to length 1; the values "
                "stay as they are"),
        Mistake(lambda w, f: keep_largest(w, f) * w.norm() / keep_largest(w, f).norm(), "you gave the vector its old "
                "length again; the values stay as they are"),
    )))


def _loss_cases(g: torch.Generator) -> Iterator[tuple]:
    """Some masks are nearly empty, so that α is far from one half; the pictures differ in how much they show."""
    yield torch.tensor([[[0.9, 0.2], [0.4, 0.1]]]), torch.tensor([[[1, 0], [0, 0]]]).bool()
    for size, dtype in (((4, 6, 5), torch.float32), ((3, 5, 7), torch.float64)):
        rare = torch.linspace(0.05, 0.4, size[0])[:, None, None]
        p = 0.05 + 0.9 * torch.rand(size, generator=g, dtype=dtype)
        yield not_contiguous(p), torch.rand(size, generator=g) < rare


def _weighted(p: Tensor, m: Tensor, alpha: Tensor | float) -> Tensor:
    """The terms, pixel by pixel; each still without its minus."""
    y = m.to(p)
    return alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)


def _alpha(p: Tensor, m: Tensor) -> Tensor:
    return 1 - m.to(p).mean()


def _logs(p: Tensor, m: Tensor) -> Tensor:
    y, alpha = m.to(p), _alpha(p, m)
    return -(alpha * y * p.log() + (1 - alpha) * (1 - y) * (1 - p).log()).mean()


LOSS = Exercise(
    id="7b-loss", title="The loss of Net2Vec", minutes=10, difficulty="medium", points=2,
    goal="Return −mean( α y p + (1−α)(1−y)(1−p) ) over all pixels of all pictures. p says where the concept is found, "
         "y is its mask, and α = 1 − mean(y) makes rare pixels count more.",
    signature="def my_loss(p, masks):   # (N,H,W) in (0,1), y: (N,H,W) bool → a scalar",
    hints=(
        "If torch cannot do 1 − y: a bool tensor knows no minus. `masks.to(p)` has 1 and 0, in the type of p.",
        "Each pixel has one of the two terms: inside the mask α p, outside it (1 − α)(1 − p). Both are rewards; the "
        "minus in front makes a loss of them.",
        "α is one number: `alpha = 1 - y.mean()`."),
    reference=concept_loss, judge=by_cases(concept_loss, _loss_cases, (
        Mistake(lambda p, m: -_weighted(p, m, 1 - _alpha(p, m)).mean(), "α and 1 − α have changed places: a small "
                "concept would drown in what is around it. α is 1 − mean(y)"),
        Mistake(lambda p, m: -concept_loss(p, m), "the sign: a good p would have a high loss, and the descent would "
                "lead away from it"),
        Mistake(_logs, "you took logarithms, as the cross-entropy does; this loss is linear in p"),
        Mistake(lambda p, m: F.binary_cross_entropy(p, m.to(p)), "that is the cross-entropy: it has logarithms and no "
                "α. This loss is linear in p"),
        Mistake(lambda p, m: -_weighted(p, m, 0.5).mean(), "α is one half; it is 1 − mean(y)"),
        Mistake(lambda p, m: -2 * _weighted(p, m, 0.5).mean(), "α is not used: inside and outside have the same "
                "weight"),
        Mistake(lambda p, m: -_weighted(p, m, _alpha(p, m)).sum(), "that is the sum over the pixels; take the mean"),
        Mistake(lambda p, m: -(_alpha(p, m) * m.to(p) * p).mean(), "the term of the pixels outside is missing; with "
                "p = 1 everywhere this loss would be lowest"),
        Mistake(lambda p, m: -_weighted(p, m, 1 - m.to(p).mean((1, 2), keepdim=True)).mean(), "you have an α for each "
                "picture; it is one number, from the mean over all"),
        Mistake(lambda p, m: -_weighted(p, m, _alpha(p, m)).mean((1, 2)), "that is one loss for each picture; take the "
                "mean over all"),
        Mistake(lambda p, m: -(_alpha(p, m) * m.to(p) * p + (1 - _alpha(p, m)) * (1 - m.to(p)) * p).mean(), "outside "
                "the mask p is rewarded as well; there it has to be 1 − p"),
    )))


def _kernel_cases(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, -0.5], [0.0, -0.5, 1.0]]),
           torch.tensor([[1.0, 0.2, 0.4], [0.2, 1.0, -0.8], [0.4, -0.8, 1.0]]))
    for concepts, dtype in ((6, torch.float32), (9, torch.float64)):
        shared = torch.randn(concepts, 4, generator=g)
        pair = (torch.cat([shared, torch.randn(concepts, units, generator=g)], 1) + 0.3 for units in (3, 8))
        yield tuple(concept_kernel(vectors).to(dtype) for vectors in pair)
    vectors = torch.randn(2, 5, 8, generator=g)  # as they are, of any length
    yield tuple(vectors @ vectors.mT)


def _reference_similarity(first: Tensor, second: Tensor) -> float:
    return kernel_similarity(first, second)


def _off(k: Tensor) -> Tensor:
    return k - k.diag().diag()


def _centred(k: Tensor) -> Tensor:
    return k - k.mean(0) - k.mean(1)[:, None] + k.mean()


def _entries(k: Tensor) -> Tensor:
    return k[~torch.eye(len(k), dtype=torch.bool)]


def _eye(k: Tensor) -> Tensor:
    return torch.eye(len(k), dtype=k.dtype)


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / (a.norm() * b.norm())


SIMILARITY = Exercise(
    id="7b-similarity", title="Do two networks hold the same concepts alike?", minutes=15, difficulty="medium",
    points=3,
    goal="Return the similarity of two kernels of the same concepts, Σ K^Φ_ij K^Ψ_ij / (‖K^Φ‖ ‖K^Ψ‖). All sums, also "
         "those in the norms, run over i ≠ j: leave out the diagonal.",
    signature="def my_similarity(first, second):   # K^Φ, K^Ψ: (C,C) both → a scalar in [−1,1]",
    hints=(
        "Test it by hand: a kernel and itself must give 1, and a kernel and its negative −1.",
        "Make the diagonals 0 first, in new tensors. Then all three sums leave them out.",
        "`a = first - first.diag().diag()` has a diagonal of 0. The products are taken entry by entry, `a * b`, and "
        "‖a‖ is `a.norm()`."),
    reference=kernel_similarity, judge=by_number(_reference_similarity, _kernel_cases, (
        Mistake(lambda a, b: kernel_similarity(a, b, diagonal=True), "the diagonal is in your sums. Each concept is "
                "like itself in every network, so even networks that share nothing would look alike"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum() / (a.norm() * b.norm()), "the diagonal still counts in the "
                "norms; leave it out there, too"),
        Mistake(lambda a, b: (a * b).sum() / (_off(a).norm() * _off(b).norm()), "the diagonal still counts in the "
                "numerator; leave it out there, too"),
        Mistake(lambda a, b: _cosine(a - _eye(a), b - _eye(b)), "you took 1 off the diagonal; it is 1 only for vectors "
                "of length 1: set it to 0"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum(), "the norms are missing: divide by ‖K^Φ‖ ‖K^Ψ‖"),
        Mistake(lambda a, b: (a * b).sum(), "the norms are missing, and the diagonal is in the sum"),
        Mistake(lambda a, b: _entries(a * b).mean(), "that is the mean of the products; take their sum, and divide by "
                "‖K^Φ‖ ‖K^Ψ‖"),
        Mistake(lambda a, b: (_off(a) * _off(b)).sum() / (_off(a).square().sum() * _off(b).square().sum()), "the "
                "square roots are missing: a norm is the root of a sum of squares"),
        Mistake(lambda a, b: (a * b).sum() / (a.square().sum() * b.square().sum()), "the square roots are missing in "
                "the norms, and the diagonal is in the sums"),
        Mistake(lambda a, b: torch.corrcoef(torch.stack([_entries(a), _entries(b)]))[0, 1], "that is a correlation: "
                "you took the mean off the entries first; the formula has them as they are"),
        Mistake(lambda a, b: torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1], "that is a correlation, of "
                "all entries: take no mean off, and leave out the diagonal"),
        Mistake(lambda a, b: _cosine(_centred(a), _centred(b)), "you centred the kernels; the formula has them as "
                "they are, without the diagonal"),
        Mistake(lambda a, b: _cosine(_off(_centred(a)), _off(_centred(b))), "you centred the kernels before you left "
                "out the diagonal; the formula has them as they are"),
        Mistake(lambda a, b: (_off(a) @ _off(b)).sum() / (_off(a).norm() * _off(b).norm()), "`@` is the product of "
                "matrices; here entry is multiplied with entry: `*`"),
        Mistake(lambda a, b: (a @ b).sum() / (a.norm() * b.norm()), "`@` is the product of matrices; take `*`, entry "
                "by entry, without the diagonal"),
        Mistake(lambda a, b: _off(a @ b).sum() / (_off(a).norm() * _off(b).norm()), "`@` is the product of matrices; "
                "take `*`, entry by entry"),
        Mistake(lambda a, b: F.cosine_similarity(_off(a), _off(b)).mean(), "you compared row by row, and took the "
                "mean; there is one sum over all pairs"),
    )))

EXERCISES = (LOSS, DESCENT, SPARSE, SIMILARITY)
