"""Exercises on saliency."""

from u3lab.lessons.saliency.exercises import EXERCISES as FORMULAE
from u3lab.lessons.saliency.keeping import KEEP

EXERCISES = (*FORMULAE, KEEP)

__all__ = ["EXERCISES"]
