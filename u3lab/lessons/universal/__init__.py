"""Exercises, quiz and trials on universal representations."""

from u3lab.lessons.universal.exercises import EXERCISES
from u3lab.lessons.universal.questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
