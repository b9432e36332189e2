"""Exercises and quiz on adversarial examples."""

from u3lab.lessons.adversarial.exercises import EXERCISES
from u3lab.lessons.adversarial.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
