"""Exercises and quiz on the deep image prior."""

from u3lab.lessons.prior.exercises import EXERCISES
from u3lab.lessons.prior.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
