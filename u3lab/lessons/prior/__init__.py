"""Exercises and quiz on the deep image prior."""

from u3lab.lessons.prior import exercises, fitting
from u3lab.lessons.prior.questions import QUIZ

EXERCISES = (fitting.LOOP, *exercises.EXERCISES, fitting.STOP)

__all__ = ["EXERCISES", "QUIZ"]
