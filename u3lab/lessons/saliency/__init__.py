"""Exercises and quiz on saliency."""

from u3lab.lessons.saliency.exercises import EXERCISES as FORMULAE
from u3lab.lessons.saliency.keeping import KEEP
from u3lab.lessons.saliency.questions import QUIZ

EXERCISES = (*FORMULAE, KEEP)

__all__ = ["EXERCISES", "QUIZ"]
