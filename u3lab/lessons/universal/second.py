"""Chapter 1's second sitting, notebook 01b: its exercises.

What the library does for layers and tasks stands here as functions of plain tensors.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, drawn

__all__ = ["EXERCISES"]


def predicted(z: Tensor, P: Tensor, M: Tensor, M_out: Tensor) -> Tensor:
    """α_d = M′ diag(P z_d) M for several domains: z (D,U), P (R,U), M (R,C_in), M′ (C_out,R) → (D,C_out,C_in)."""
    w = z @ P.T
    return (M_out * w[:, None, :]) @ M


def masked(losses: Tensor, m: Tensor, price: float) -> Tensor:
    """λ_t / N_t Σ_i m_i ℓ_i with N_t = Σ_i m_i, and 0 if N_t is 0: losses (B), m (B) of True and False → a scalar."""
    return price * losses.where(m, torch.zeros_like(losses)).sum() / m.sum().clamp(min=1)


def _predicted_cases(g: torch.Generator) -> Iterator[tuple]:
    """At first with as many inputs as outputs and as R: a slip then shows in values, before it is a clash of shapes."""
    yield (torch.tensor([[1.0, 0.0], [1.0, 2.0]]), torch.tensor([[1.0, -1.0], [2.0, 1.0]]),
           torch.tensor([[1.0, 3.0], [0.0, 1.0]]), torch.tensor([[1.0, 2.0], [-1.0, 1.0]]))
    for domains, numbers, rank, inputs, outputs, dtype in (
            (3, 3, 3, 3, 3, torch.float64), (1, 5, 2, 4, 3, torch.float32), (4, 6, 3, 5, 7, torch.float64)):
        shapes = (domains, numbers), (rank, numbers), (rank, inputs), (outputs, rank)
        yield tuple(drawn(g, shape, dtype=dtype) for shape in shapes)


PREDICTED = Exercise(
    id="1b-predicted", title="Adapters from z", minutes=15, difficulty="medium", points=4,
    goal="Give the adapters of several domains at once: for each row z of `z`, W(z) = M′ diag(P z) M. Make no diagonal "
         "matrix: `torch.diag` would need a loop over the domains, and nearly all that it writes are zeros.",
    signature="def my_adapters(z, P, M, M_out):   # (D,U), (R,U), (R,C_in), (C_out,R) → (D,C_out,C_in)",
    hints=(
        "Begin with w, one row for each domain, (D,R). Row d is P z_d; for all domains at once that is a product of z "
        "with P transposed.",
        "What does M′ diag(w) do to M′? It multiplies column r of M′ by w_r. So a product of numbers, place by place, "
        "is enough.",
        "`M_out * w[:, None, :]` has the shape (D,C_out,R): a copy of M′ for each domain, its columns multiplied by w. "
        "What is left is `@ M`."),
    reference=predicted, judge=by_cases(predicted, _predicted_cases, (
        Mistake(lambda z, P, M, M_out: (M_out @ M).expand(len(z), -1, -1), "that is M′ M, the same for all domains: w, "
                "the one part that z decides, is missing"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T)[:, :, None]) @ M, "your w multiplies the rows of M′; "
                "M′ diag(w) multiplies its columns, one for each of the R numbers"),
        Mistake(lambda z, P, M, M_out: (M_out + (z @ P.T)[:, None, :]) @ M, "you added w to M′; a diagonal matrix "
                "multiplies"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T).relu()[:, None, :]) @ M, "you clipped w at 0; its numbers "
                "may be negative"),
        Mistake(lambda z, P, M, M_out: (M_out * (z @ P.T).softmax(1)[:, None, :]) @ M, "you put w through a softmax; "
                "it is P z as it is"),
    ), rtol=1e-3, atol=1e-5))


def _masked_cases(g: torch.Generator) -> Iterator[tuple]:
    """The loss of a label that is not there may be anything, also infinite: −log 0."""
    yield torch.tensor([1.0, 2.0, 6.0, 3.0]), torch.tensor([True, False, True, False]), 1.0
    yield torch.rand(6, generator=g, dtype=torch.float64), torch.tensor([True] * 5 + [False]), 0.5
    yield torch.tensor([torch.inf, 2.0, torch.inf]), torch.tensor([False, True, False]), 2.0
    yield torch.tensor([0.5, 2.0]).double(), torch.tensor([False, False]), 1.0
    yield torch.rand(1, generator=g), torch.tensor([True]), 3.0


MASKED = Exercise(
    id="1b-masked", title="A loss with gaps", minutes=10, difficulty="easy", points=3,
    goal="Return λ_t / N_t · Σ_i m_i ℓ_i of one task, for any batch. m says which pictures have a label, N_t is how "
         "many, and if there are none, the loss is 0. Where there is no label, ℓ_i means nothing: it may even be "
         "infinite, as −log 0 is.",
    signature="def my_masked(losses, m, price):   # (B,), (B,) of True and False, λ_t → a scalar",
    hints=(
        "If the check shows nan: 0 · ∞ is nan, so to multiply with the mask is not enough. And 0 / 0 is nan too.",
        "`losses[m]` has only those that count. How many are there, and what is to happen if it is none?",
        "`losses[m].sum()` of none is 0. Divide it by N_t, but by no less than 1: `m.sum().clamp(min=1)`. Then comes "
        "the price."),
    reference=masked, judge=by_cases(masked, _masked_cases, (
        Mistake("m.sum().clamp(min=1) → m.sum()", "in a batch without labels it is 0 / 0, nan, and one step with nan "
                "spoils all weights. A task without labels costs 0"),
        Mistake("losses.where(m, torch.zeros_like(losses)) → (losses * m)", "where there is no label ℓ may be "
                "infinite, and 0 · ∞ is nan: choose with the mask, do not multiply"),
        Mistake("m.sum().clamp(min=1) → len(m)", "you divided by all B pictures. Then a task counts the less, the more "
                "of its labels are missing; divide by N_t"),
        Mistake(" / m.sum().clamp(min=1) → ", "that is the sum; divide it by N_t, the number of labels"),
        Mistake("m.sum().clamp(min=1) → (m.sum() + 1)", "you divided by N_t + 1. It is never 0, but every loss is too "
                "small; let N_t be at least 1"),
    )))

EXERCISES = (PREDICTED, MASKED)
