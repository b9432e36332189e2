"""Whose code a figure shows: the reader's own piece is credited while a frame is computed, and the badge says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Credits = dict[str, tuple[float | None, str]]  # piece → how far its results are from whose, if that is known
_noted: ContextVar[Credits | None] = ContextVar("noted", default=None)


@contextmanager
def noted(there: Credits) -> Iterator[None]:
    """Let this dictionary hold the pieces of the reader's that run inside."""
    before = _noted.set(there)
    try:
        yield
    finally:
        _noted.reset(before)


def credit(piece: str, difference: float | None, whose: str) -> None:
    """The reader's own piece of this name ran last; its results are so far from those of somebody else."""
    if (there := _noted.get()) is not None:
        there[piece] = difference, whose


def withdraw(piece: str) -> None:
    """Another than the reader's ran last."""
    (_noted.get() or {}).pop(piece, None)


def badge(credited: Credits) -> str:
    """The words of the badge, with the largest of the differences; "" if nothing of the reader's ran."""
    largest: dict[str, float] = {}
    for difference, whose in credited.values():
        if difference is not None:
            largest[whose] = max(difference, largest.get(whose, 0.0))
    told = [f"difference to {whose} {difference:.1g}" for whose, difference in largest.items()]
    return " · ".join([f"your code: {', '.join(credited)}", *told]) if credited else ""
