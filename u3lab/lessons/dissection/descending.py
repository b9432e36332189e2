"""The exercise of chapter 7b that is a loop: fit the vector of a concept by gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


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


def _loop(loss: Loss, *, start: float = 0.0, sign: float = 1.0, more: int = 0, adds: bool = False) -> Callable:
    """A loop with a fault; ``loss`` is of p before the sigmoid, y and α."""
    def fitted(active: Tensor, masks: Tensor, rate: float, steps: int) -> Tensor:
        a, y = active.float(), masks.float()
        w, total = torch.full((a.shape[1],), start), torch.zeros(a.shape[1])
        for _ in range(steps + more):
            w.requires_grad_()
            z = torch.einsum("u,nuhw->nhw", w, a)
            (gradient,) = torch.autograd.grad(loss(z, y, 1 - y.mean()), w)
            total = total + gradient if adds else gradient
            w = w.detach() - sign * rate * total
        return w.detach()
    return fitted


def _terms(p: Tensor, y: Tensor, alpha: Tensor | float) -> Tensor:
    return alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)


def _right(z: Tensor, y: Tensor, alpha: Tensor) -> Tensor:
    return -_terms(z.sigmoid(), y, alpha).mean()


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
        Mistake(_loop(_right, sign=-1.0), "you go up: either the minus in front of the loss is missing, or a step is "
                "not w − η·gradient"),
        Mistake(_loop(lambda z, y, alpha: _right(z, y, 1 - alpha)), "α and 1 − α have changed places: α is "
                "1 − mean(y)"),
        Mistake(_loop(lambda z, y, alpha: -2 * _terms(z.sigmoid(), y, 0.5).mean()), "α is not used: a small concept "
                "drowns in what is around it"),
        Mistake(_loop(lambda z, y, alpha: -_terms(z, y, alpha).mean()), "the sigmoid is missing: p lies between 0 "
                "and 1"),
        Mistake(_loop(lambda z, y, alpha: -_terms(z.sigmoid(), y, alpha).sum()), "your loss is a sum over the places; "
                "it is their mean"),
        Mistake(_loop(lambda z, y, alpha: torch.nn.functional.binary_cross_entropy_with_logits(z, y)), "that is the "
                "cross-entropy; Net2Vec's loss is linear in p and has α"),
        Mistake(_loop(_right, start=1.0), "w starts at 1; it starts at 0"),
        Mistake(_loop(_right, more=-1), "one step is missing"),
        Mistake(_loop(_right, more=1), "one step too many: `range(steps)` has as many as are wanted"),
        Mistake(_loop(_right, adds=True), "the gradients of all steps add up: `backward()` adds to `w.grad`; set it to "
                "None after each step, or take `torch.autograd.grad`"),
    )))
