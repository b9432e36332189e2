"""Exercises, quiz and drawn examples on representations learnt without labels."""

from u3lab.lessons.selfsup.exercises import EXERCISES
from u3lab.lessons.selfsup.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
