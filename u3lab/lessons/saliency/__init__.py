"""Exercises and quiz on saliency."""

from u3lab.lessons.saliency.exercises import EXERCISES
from u3lab.lessons.saliency.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
