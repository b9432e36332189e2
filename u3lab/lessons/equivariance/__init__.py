"""Exercises and quiz on equivariance and equivalence."""

from u3lab.lessons.equivariance.exercises import EXERCISES
from u3lab.lessons.equivariance.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
