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
        Mistake(("w.abs().topk → w.topk", "topk(filters) → topk(filters, largest=False)",
                 "w.abs().topk(filters) → w.topk(filters, largest=False)",
                 "w.abs().topk(filters).indices → torch.arange(filters)"), "you kept other units than those with the "
                "largest |w|: a unit that speaks against the concept says as much as one that speaks for it"),
        Mistake("return kept → return w - kept", "you set the largest to 0 and kept the others; it is the other way "
                "round"),
        Mistake(("return kept → return w[largest]", "return kept → return w[largest.sort().values]",
                 "return kept → return largest"), "these are F numbers, and nobody can tell whose they are; return all "
                "U of them, with 0 for the units that are left out"),
        Mistake(("return kept → return kept != 0", "return kept → return (kept != 0).to(w)"), "that is the mask, true "
                "or false, 1 or 0; multiply w with it"),
        Mistake(("return kept → return kept / kept.norm()", "return kept → return kept * w.norm() / kept.norm()"),
                "you gave the vector another length, 1 or its old one; the values stay as they are"),
    )))


def _loss_cases(g: torch.Generator) -> Iterator[tuple]:
    """Some masks are nearly empty, so that α is far from one half; the pictures differ in how much they show."""
    yield torch.tensor([[[0.9, 0.2], [0.4, 0.1]]]), torch.tensor([[[1, 0], [0, 0]]]).bool()
    for size, dtype in (((4, 6, 5), torch.float32), ((3, 5, 7), torch.float64)):
        rare = torch.linspace(0.05, 0.4, size[0])[:, None, None]
        p = 0.05 + 0.9 * torch.rand(size, generator=g, dtype=dtype)
        yield not_contiguous(p), torch.rand(size, generator=g) < rare


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
        Mistake("alpha = 1 - y.mean() → alpha = y.mean()", "α and 1 − α have changed places: a small concept would "
                "drown in what is around it. α is 1 − mean(y)"),
        Mistake(("y * p + (1 - alpha) * (1 - y) * (1 - p) → y * p.log() + (1 - alpha) * (1 - y) * (1 - p).log()",
                 lambda p, m: F.binary_cross_entropy(p, m.to(p))), "you took logarithms, as the cross-entropy does; "
                "this loss is linear in p, and has α"),
        Mistake(("1 - y.mean() → 0.5", "alpha * y * p + (1 - alpha) * → y * p +",
                 "y.mean() → y.mean((1, 2), keepdim=True)"), "your α is another: it is one number, 1 − mean(y) over "
                "all pictures, and gives inside and outside their weights"),
        Mistake((" + (1 - alpha) * (1 - y) * (1 - p) → ", "(1 - y) * (1 - p) → (1 - y) * p"), "the term of the pixels "
                "outside is missing or wrong: there 1 − p is rewarded. With p = 1 everywhere this loss would be "
                "lowest"),
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


def _off(k: Tensor) -> Tensor:
    return k - k.diag().diag()


def _centred(k: Tensor) -> Tensor:
    return k - k.mean(0) - k.mean(1)[:, None] + k.mean()


def _entries(k: Tensor) -> Tensor:
    return k[~torch.eye(len(k), dtype=torch.bool)]


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
    reference=kernel_similarity, judge=by_number(kernel_similarity, _kernel_cases, (
        Mistake(("if diagonal → if True", "(a.norm() * b.norm()) → (first.norm() * second.norm())",
                 "(a * b).sum() → (first * second).sum()",
                 "first * counted, second * counted → first - torch.eye(len(first)), second - torch.eye(len(first))"),
                "the diagonal is in your sums, in the numerator or in the norms: set it to 0 in both kernels first (it "
                "is 1 only for vectors of length 1). Each concept is like itself in every network, so even networks "
                "that share nothing would look alike"),
        Mistake((" / (a.norm() * b.norm()).clamp(min=1e-300) → ", "(a * b).sum() / (a.norm() * b.norm()) → "
                 "(a * b).sum() / counted.sum()"), "the norms are missing: divide the sum of the products by "
                "‖K^Φ‖ ‖K^Ψ‖"),
        Mistake("a.norm() * b.norm() → a.square().sum() * b.square().sum()", "the square roots are missing: a norm is "
                "the root of a sum of squares"),
        Mistake((lambda a, b: torch.corrcoef(torch.stack([_entries(a), _entries(b)]))[0, 1],
                 lambda a, b: torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1],
                 lambda a, b: _cosine(_centred(a), _centred(b)),
                 lambda a, b: kernel_similarity(_centred(a), _centred(b))), "you took a mean off, as a correlation or "
                "a centred kernel does; the formula has the entries as they are, without the diagonal"),
        Mistake(("(a * b).sum() → (a @ b).sum()", "(a * b).sum() → ((first @ second) * counted).sum()",
                 lambda a, b: F.cosine_similarity(_off(a), _off(b)).mean()), "here entry is multiplied with entry, "
                "`*`, and there is one sum over all pairs: neither `@`, the product of matrices, nor a mean over the "
                "rows"),
    )))

EXERCISES = (LOSS, DESCENT, SPARSE, SIMILARITY)
