"""The exercises of chapter 5b: which picture excites a class, or a channel, most?"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, drawn
from u3lab.inversion.maximising import excitation
from u3lab.lessons.inversion.climbing import CLIMB

__all__ = ["EXERCISES"]


def _excitation_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[1.0, 2.0, 4.0]]), 2
    for shape, unit, dtype in (((1, 5, 3, 4), 2, torch.float32), ((1, 9), 7, torch.float32),
                               ((1, 4, 2, 2), 0, torch.float64)):
        yield drawn(g, shape, dtype=dtype), unit


EXCITATION = Exercise(
    id="5-excitation", title="⟨e_k, Φ(x)⟩", minutes=5, difficulty="easy", points=1,
    goal="Return how much unit k of a code is excited: its value for class scores (1,K), and its mean over all places "
         "for a channel of (1,C,h,w). One line does for both.",
    signature="def my_excitation(code, unit):   # (1,K) or (1,C,h,w), k → a scalar",
    hints=("e_k is the vector with a 1 at place k and 0 elsewhere: ⟨e_k, y⟩ picks one value of y.",
           "The first axis is the batch, of one; the second one counts classes or channels.",
           "The mean of a single value is that value."),
    reference=excitation, judge=by_cases(excitation, _excitation_cases, (
        Mistake(lambda y, k: y.softmax(1)[0, k].mean(), "that is a probability. It can grow because all other classes "
                "shrink; take the score"),
        Mistake(lambda y, k: y[0, k].sum(), "that is the sum over the places; take the mean"),
        Mistake(lambda y, k: y[0, k].max(), "that is the most excited place; take the mean over all"),
        Mistake(lambda y, k: y[0, k], "a channel has many places; take their mean"),
        Mistake(lambda y, k: y.mean(), "k is not used"),
    )))


EXERCISES = (EXCITATION, CLIMB)  # the first was one of chapter 5 before, and keeps its name for who has done it
