"""The exercises of chapters 7 and 7b: thresholds, the IoU, a whole layer; directions, and two networks compared."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.course.judging import by_number, not_contiguous
from u3course.course.words import task
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


THRESHOLD = task("7-threshold", threshold, _activation_cases)


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


IOU = task("7-iou", iou_set, _mask_cases, judge=by_number)


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
        yield not_contiguous(values), F.interpolate(coarse.float(), size=(side, side)) > 0.5, share


LAYER = task("7-layer", table, _layer_cases)


def keep_largest(w: Tensor, filters: int) -> Tensor:
    """The vector w (U) with its F values of largest size; the others are 0. These F are then fitted again."""
    kept, largest = torch.zeros_like(w), w.abs().topk(filters).indices
    kept[largest] = w[largest]
    return kept


def _vector_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([0.5, -2.0, 1.0, 0.1, -0.25]), 2
    for units, filters, dtype in ((12, 5, torch.float32), (9, 1, torch.float32), (7, 7, torch.float64)):
        yield torch.randn(units, 3, generator=g, dtype=dtype)[:, 1], filters


SPARSE = task("7b-sparse", keep_largest, _vector_cases)


def _loss_cases(g: torch.Generator) -> Iterator[tuple]:
    """Some masks are nearly empty, so that α is far from one half; the pictures differ in how much they show."""
    yield torch.tensor([[[0.9, 0.2], [0.4, 0.1]]]), torch.tensor([[[1, 0], [0, 0]]]).bool()
    for size, dtype in (((4, 6, 5), torch.float32), ((3, 5, 7), torch.float64)):
        rare = torch.linspace(0.05, 0.4, size[0])[:, None, None]
        p = 0.05 + 0.9 * torch.rand(size, generator=g, dtype=dtype)
        yield not_contiguous(p), torch.rand(size, generator=g) < rare


LOSS = task("7b-loss", concept_loss, _loss_cases)


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


SIMILARITY = task("7b-similarity", kernel_similarity, _kernel_cases, judge=by_number)


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


DESCENT = task("7b-descent", descended, _descent_cases)

EXERCISES = {"7": (THRESHOLD, IOU, LAYER), "7b": (LOSS, DESCENT, SPARSE, SIMILARITY)}
