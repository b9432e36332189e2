"""The exercise of chapter 7b that is a loop: fit the vector of a concept by gradient descent."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases


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


def _cases(g: torch.Generator) -> Iterator[tuple]:
    """Some units lie on the concept, some beside it."""
    yield (torch.tensor([[[[1, 1, 0]], [[0, 0, 1]]], [[[0, 1, 0]], [[1, 0, 1]]]]).bool(),
           torch.tensor([[[1, 1, 0]], [[0, 1, 0]]]).bool(), 2.0, 1)
    for shape, rate, steps in (((4, 5, 6, 5), 3.0, 5), ((3, 7, 4, 4), 6.0, 8)):
        masks = torch.rand(shape[0], *shape[2:], generator=g) < 0.25
        noise = torch.rand(shape, generator=g)
        yield (masks[:, None] & (noise < 0.6)) ^ (noise > 0.85), masks, rate, steps


DESCENT = Exercise(
    id="7b-descent", title="Fit a concept", minutes=20, difficulty="hard", points=4,
    goal="Fit the vector w of a concept. At each place p = sigmoid(Σ_k w_k A_k), where A_k is 1 if unit k is on. Lower "
         "−mean( α y p + (1−α)(1−y)(1−p) ), α = 1 − mean(y), by plain gradient descent from w = 0. (The masks have the "
         "size of the maps here, so nothing is enlarged.)",
    signature="def my_net2vec(active, masks, rate, steps):   # A (N,U,h,w) bool, y (N,h,w) bool, η, n → w (U)",
    hints=(
        "A and y are bool; `.float()` makes numbers of them. w is a tensor of zeros that needs `requires_grad_()` at "
        "each step.",
        "The vote of all units is one product: `torch.einsum(\"u,nuhw->nhw\", w, a)`, or "
        "`(w[:, None, None] * a).sum(1)`.",
        "A step: p, the loss of the exercise before, `(gradient,) = torch.autograd.grad(loss, w)`, then "
        "`w = w.detach() - rate * gradient`."),
    reference=descended, judge=by_cases(descended, _cases, (
        Mistake("1 - y.mean() → y.mean()", "α and 1 − α have changed places: α is 1 − mean(y)"),
        Mistake("(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)) → (y * p + (1 - y) * (1 - p))", "α is not used: a "
                "small concept drowns in what is around it"),
        Mistake("w, a).sigmoid() → w, a)", "the sigmoid is missing: p lies between 0 and 1"),
        Mistake("(1 - p)).mean() → (1 - p)).sum()", "your loss is a sum over the places; it is their mean"),
        Mistake("-(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean() → "
                "torch.nn.functional.binary_cross_entropy(p, y)", "that is the cross-entropy; Net2Vec's loss is linear "
                "in p and has α"),
    )))
