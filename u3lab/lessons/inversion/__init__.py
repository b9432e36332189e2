"""Exercises and quiz on inversion."""

from u3lab.lessons.inversion.exercises import EXERCISES
from u3lab.lessons.inversion.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
