"""Exercises and quiz on dissection."""

from u3lab.lessons.dissection.exercises import EXERCISES
from u3lab.lessons.dissection.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
