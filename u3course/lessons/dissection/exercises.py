"""The exercises of chapters 7 and 7b: thresholds, the IoU, a whole layer; directions, and two networks compared."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.definitions import Exercise, Mistake
from u3course.course.judging import by_cases, by_number, not_contiguous
from u3course.course.words import words
from u3lab.dissection.concept_vectors import concept_kernel, concept_loss, iou_set, kernel_similarity


def threshold(activations: Tensor, share: float) -> Tensor:
    """T (U): a share of the values of each unit, over all pictures and places of (N,U,h,w), lies above."""
    return activations.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)


def _tied(values: Tensor, share: float) -> Tensor:
    """The same (N,U,h,w), with four equal values about each quantile, so that every way to round finds the same."""
    flat = values.movedim(1, 0).flatten(1)
    order, at = flat.argsort(1), round(flat.shape[1] * (1 - share))
    flat = flat.scatter(1, order[:, at - 2 : at + 2], flat.gather(1, order[:, at : at + 1]).expand(-1, 4))
    return flat.view(values.shape[1], values.shape[0], *values.shape[2:]).movedim(0, 1)


def _activation_cases(g: torch.Generator) -> Iterator[tuple]:
    """Pictures and units differ in how strong they are."""
    yield torch.tensor([[[[0.0, 1.0, 2.0, 9.0]], [[5.0, 5.0, 0.0, 4.0]]],
                        [[[3.0, 3.0, 1.0, 0.0]], [[2.0, 1.0, 1.0, 8.0]]]]), 0.25
    for shape, share, dtype in (((5, 3, 16, 15), 0.005, torch.float32), ((4, 6, 8, 5), 0.05, torch.float64)):
        strong = 1 + 4 * torch.rand(shape[0], shape[1], 1, 1, generator=g, dtype=dtype)
        yield not_contiguous(_tied(strong * torch.randn(shape, generator=g, dtype=dtype).abs(), share)), share


def _by_picture(a: Tensor, share: float) -> Tensor:
    return a.flatten(2).quantile(1 - share, dim=2)


THRESHOLD = Exercise(**words("7-threshold"), reference=threshold, judge=by_cases(threshold, _activation_cases, (
        Mistake((_by_picture, lambda a, s: _by_picture(a, s).mean(0), lambda a, s: _by_picture(a, s).amax(0)),
                "that is one threshold per picture, or made of such; each picture would then have active places, "
                "whether it shows the thing or not: pool pictures and places first, then take one quantile"),
        Mistake((lambda a, s: a.flatten().quantile(1 - s), lambda a, s: a.flatten().quantile(1 - s).repeat(a.shape[1])),
                "you pooled all units together; the units have different scales, and a strong one would leave nothing "
                "to the weak: take one T for each"),
        Mistake(("1 - share → 1 - share / 100", "1 - share → (1 - share) / 100",
                 lambda a, s: (1 - s) * a.amax((0, 2, 3))), "`share` is a share of the number of values (not of the "
                "largest), and a fraction already: 0.005 is half a percent; a quantile counts to 1, a percentile to "
                "100"),
        Mistake((lambda a, s: a.mean((2, 3)).quantile(1 - s, dim=0),
                 lambda a, s: a.amax((2, 3)).quantile(1 - s, dim=0)),
                "you took the mean or the maximum of each picture first; each place counts by itself"),
        Mistake("movedim(1, 0).flatten(1) → reshape(activations.shape[1], -1)", "`reshape` alone mixes pictures and "
                "units, since the first axis counts pictures; move the axis of the units to the front before"),
    )))


def _mask_cases(g: torch.Generator) -> Iterator[tuple]:
    """Each set has a picture with a false alarm alone; the larger ones also have one with a miss alone."""
    yield (torch.tensor([[[1, 1, 1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]).bool(),
           torch.tensor([[[1, 1, 0], [1, 1, 0]], [[0, 0, 0], [0, 0, 0]]]).bool())
    for size in ((5, 6, 7), (4, 9, 8)):
        large = torch.linspace(0.1, 0.8, size[0])[:, None, None]  # how much of a picture the concept fills
        masks, noise = torch.rand(size, generator=g) < large, torch.rand(size, generator=g) < 0.2
        active = masks ^ noise
        masks[1], active[2] = False, False
        yield not_contiguous(active), masks


def _pictures(p: Tensor, m: Tensor) -> Tensor:
    return (p & m).sum((1, 2)) / (p | m).sum((1, 2))


def _where(p: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
    """Only the pictures that show the concept."""
    shown = m.flatten(1).any(1)
    return p[shown], m[shown]


IOU = Exercise(**words("7-iou"), reference=iou_set, judge=by_number(iou_set, _mask_cases, (
        Mistake((_pictures, lambda p, m: _pictures(p, m).mean(), lambda p, m: _pictures(*_where(p, m)).mean(),
                 lambda p, m: iou_set(*_where(p, m))), "you looked at single pictures, or left out those without the "
                "concept, whose false alarms belong to the union; a picture with three pixels of the concept would "
                "count as much as one that is full of it; add up over all pictures, then divide"),
        Mistake((lambda p, m: 2 * (p & m).sum() / (p.sum() + m.sum()),
                 lambda p, m: (p & m).sum() / (p.sum() + m.sum())),
                "that is Dice, 2|M ∩ L| / (|M| + |L|), or half of it: in the sum of both areas the intersection "
                "counts twice; divide by the union"),
        Mistake((lambda p, m: (p & m).sum() / (p ^ m).sum(), lambda p, m: (p == m).double().mean(),
                lambda p, m: (p & m).double().mean(), lambda p, m: (p == m).sum() / (p | m).sum()), "you counted other "
                "pixels than those in both masks, and those in at least one; with those in neither, a unit that is "
                "never on would look good for a small concept"),
        Mistake(lambda p, m: (p & m).sum() / p.sum(), "that is the precision: what is missed costs nothing; divide by "
                "the union"),
        Mistake(lambda p, m: (p & m).sum() / m.sum(), "that is the recall: false alarms cost nothing; divide by the "
                "union"),
    )))


def table(activations: Tensor, masks: Tensor, share: float) -> Tensor:
    """IoU (U,C) of units (N,U,h,w) with concepts (N,C,H,W): threshold each unit, enlarge, compare over all pictures."""
    thresholds = activations.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)
    enlarged = F.interpolate(activations, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    on = (enlarged > thresholds[:, None, None]).movedim(1, 0).flatten(1)  # (U, all places)
    shown = masks.movedim(1, 0).flatten(1)
    common = torch.stack([(unit & shown).sum(1) for unit in on])
    either = torch.stack([(unit | shown).sum(1) for unit in on])
    return common / either


def _layer_cases(g: torch.Generator) -> Iterator[tuple]:
    """Units of different strength; concepts that some pictures do not show."""
    yield (torch.tensor([[[[0.0, 4.0], [1.0, 2.0]]], [[[6.0, 1.0], [0.0, 3.0]]]]),
           torch.tensor([[[[0, 1, 1], [0, 0, 1], [0, 0, 0]]], [[[1, 1, 0], [1, 0, 0], [0, 0, 0]]]]).bool(), 0.25)
    for (n, u, c, h, side), share, dtype in (((5, 3, 2, 6, 12), 0.1, torch.float32),
                                             ((4, 4, 3, 5, 11), 0.07, torch.float64)):
        strong = 1 + 3 * torch.rand(n, u, 1, 1, generator=g, dtype=dtype)
        values = strong * torch.randn(n, u, h, h, generator=g, dtype=dtype).abs()
        coarse = torch.rand(n, c, 3, 3, generator=g) < 0.4
        coarse[0, 0] = False
        masks = F.interpolate(coarse.float(), size=(side, side)) > 0.5
        yield not_contiguous(values), masks, share


LAYER = Exercise(**words("7-layer"), reference=table, judge=by_cases(table, _layer_cases, (
        Mistake("common = torch.stack([(unit & shown).sum(1) → on = (enlarged > thresholds[:, None, None])"
                ".flatten(2).movedim(1, 0); shown = masks.flatten(2).movedim(1, 0); "
                "common = torch.stack([(unit & shown).sum(2) ;; (unit | shown).sum(1) → (unit | shown).sum(2) ;; "
                "common / either → (common / either.clamp(min=1)).mean(2)", "that is the mean of the pictures' IoUs; "
                "add up over all pictures, then divide"),
        Mistake("enlarged = F.interpolate(activations, → enlarged = F.interpolate((activations > "
                "thresholds[:, None, None]).to(activations), ;; enlarged > thresholds[:, None, None] → enlarged > 0.5",
                "you compared with T first and enlarged the result; enlarge the map, then compare"),
        Mistake(("activations.movedim(1, 0).flatten(1) → activations.reshape(activations.shape[1], -1)", *(
                    f"thresholds[:, None, None] → {other}" for other in (
                    "enlarged.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)[:, None, None]",
                    "activations.flatten(2).quantile(1 - share, dim=2)[:, :, None, None]",
                    "activations.quantile(1 - share)"))), "your T is another: there is one for each unit, over all "
                "pictures, and from the layer's own places, not from the enlarged maps"),
        Mistake(('mode="bilinear", align_corners=False → mode="nearest"', "align_corners=False → align_corners=True"),
                "you enlarged otherwise; take mode=\"bilinear\" and align_corners=False"),
        Mistake(("common / either → 2 * common / (common + either)", "common / either → common / (common + either)"),
                "that is Dice, 2|M ∩ L| / (|M| + |L|), or half of it; divide the intersection by the union"),
    )))


def keep_largest(w: Tensor, filters: int) -> Tensor:
    """The vector w (U) with its F values of largest size; the others are 0. These F are then fitted again."""
    kept, largest = torch.zeros_like(w), w.abs().topk(filters).indices
    kept[largest] = w[largest]
    return kept


def _vector_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, -2.0, 1.0, 0.1, -0.25]), 2
    for units, filters, dtype in ((12, 5, torch.float32), (9, 1, torch.float32), (7, 7, torch.float64)):
        yield torch.randn(units, 3, generator=g, dtype=dtype)[:, 1], filters


SPARSE = Exercise(**words("7b-sparse"), reference=keep_largest, judge=by_cases(keep_largest, _vector_cases, (
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


LOSS = Exercise(**words("7b-loss"), reference=concept_loss, judge=by_cases(concept_loss, _loss_cases, (
        Mistake("alpha = 1 - y.mean() → alpha = y.mean()", "α and 1 − α have changed places: a small concept would "
                "drown in what is around it; α is 1 − mean(y)"),
        Mistake(("y * p + (1 - alpha) * (1 - y) * (1 - p) → y * p.log() + (1 - alpha) * (1 - y) * (1 - p).log()",
                 lambda p, m: F.binary_cross_entropy(p, m.to(p))), "you took logarithms, as the cross-entropy does; "
                "this loss is linear in p, and has α"),
        Mistake(("1 - y.mean() → 0.5", "alpha * y * p + (1 - alpha) * → y * p +", "(1 - alpha) * → ",
                 "y.mean() → y.mean((1, 2), keepdim=True)"), "your α is another: it is one number, 1 − mean(y) over "
                "all pictures, and gives inside and outside their weights"),
        Mistake((" + (1 - alpha) * (1 - y) * (1 - p) → ", "(1 - y) * (1 - p) → (1 - y) * p", " + (1 → - (1"),
                "the term of the pixels outside is missing or wrong: there 1 − p is rewarded; with p = 1 everywhere "
                "this loss would be lowest"),
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


SIMILARITY = Exercise(
    **words("7b-similarity"), reference=kernel_similarity, judge=by_number(kernel_similarity, _kernel_cases, (
        Mistake(("if diagonal → if True", "(a.norm() * b.norm()) → (first.norm() * second.norm())",
                 "(a * b).sum() → (first * second).sum()",
                 "first * counted, second * counted → first - torch.eye(len(first)), second - torch.eye(len(first))",
                 "first * counted, second * counted → first.triu(), second.triu()"),
                "the diagonal is in your sums, in the numerator or in the norms: set it to 0 in both kernels first (it "
                "is 1 only for vectors of length 1); each concept is like itself in every network, so even networks "
                "that share nothing would look alike"),
        Mistake((" / (a.norm() * b.norm()).clamp(min=1e-300) → ", "(a * b).sum() / (a.norm() * b.norm()) → (a * "
                "b).sum() / counted.sum()", "(a.norm() * b.norm()) → a.norm() * b.norm()"), "a norm is missing, or "
                "multiplies: divide the sum of the products by ‖K^Φ‖ ‖K^Ψ‖, in brackets"),
        Mistake("a.norm() * b.norm() → a.square().sum() * b.square().sum()", "the square roots are missing: a norm is "
                "the root of a sum of squares"),
        Mistake((lambda a, b: torch.corrcoef(torch.stack([_entries(a), _entries(b)]))[0, 1],
                lambda a, b: torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1],
                lambda a, b: F.cosine_similarity(_centred(a).flatten(), _centred(b).flatten(), 0, 0),
                lambda a, b: kernel_similarity(_centred(a), _centred(b)),
                lambda a, b: F.cosine_similarity(*((_off(k) - _off(k).mean()).flatten() for k in (a, b)), 0)),
                "you took a mean off, as a correlation or a centred kernel does; the formula has the entries as they "
                "are, without the diagonal"),
        Mistake(("(a * b).sum() → (a @ b).sum()", "(a * b).sum() → ((first @ second) * counted).sum()",
                lambda a, b: F.cosine_similarity(_off(a), _off(b)).mean(),
                lambda a, b: (_entries(a) * _entries(b)).mean() / (_entries(a).norm() * _entries(b).norm())),
                "here entry is multiplied with entry, `*`, and there is one sum over all pairs: neither `@`, the "
                "product of matrices, nor a mean"),
    )))


def descended(active: Tensor, masks: Tensor, rate: float, steps: int) -> Tensor:
    """w (U) from zeros, by so many steps of plain gradient descent on Net2Vec's loss."""
    a, y = active.to(torch.get_default_dtype()), masks.to(torch.get_default_dtype())
    alpha, w = 1 - y.mean(), torch.zeros(a.shape[1])
    for _ in range(steps):
        w.requires_grad_()
        p = torch.einsum("u,nuhw->nhw", w, a).sigmoid()
        loss = -(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean()
        (gradient,) = torch.autograd.grad(loss, w)
        w = w.detach() - rate * gradient
    return w


def _descent_cases(g: torch.Generator) -> Iterator[tuple]:
    """Some units lie on the concept, some beside it."""
    yield (torch.tensor([[[[1, 1, 0]], [[0, 0, 1]]], [[[0, 1, 0]], [[1, 0, 1]]]]).bool(),
           torch.tensor([[[1, 1, 0]], [[0, 1, 0]]]).bool(), 2.0, 1)
    for shape, rate, steps in (((4, 5, 6, 5), 3.0, 5), ((3, 7, 4, 4), 6.0, 8)):
        masks = torch.rand(shape[0], *shape[2:], generator=g) < 0.25
        noise = torch.rand(shape, generator=g)
        yield (masks[:, None] & (noise < 0.6)) ^ (noise > 0.85), masks, rate, steps


DESCENT = Exercise(**words("7b-descent"), reference=descended, judge=by_cases(descended, _descent_cases, (
        Mistake("1 - y.mean() → y.mean()", "α and 1 − α have changed places: α is 1 − mean(y)"),
        Mistake("(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)) → (y * p + (1 - y) * (1 - p))", "α is not used: a "
                "small concept drowns in what is around it"),
        Mistake("w, a).sigmoid() → w, a)", "the sigmoid is missing: p lies between 0 and 1"),
        Mistake("(1 - p)).mean() → (1 - p)).sum()", "your loss is a sum over the places; it is their mean"),
        Mistake("-(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean() → "
                "torch.nn.functional.binary_cross_entropy(p, y)", "that is the cross-entropy; Net2Vec's loss is linear "
                "in p and has α"),
    )))


EXERCISES = {"7": (THRESHOLD, IOU, LAYER), "7b": (LOSS, DESCENT, SPARSE, SIMILARITY)}
