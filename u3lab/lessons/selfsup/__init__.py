"""Exercises, quiz and trials of chapter 2."""

from u3lab.lessons.selfsup.information_exercises import EXERCISES
from u3lab.lessons.selfsup.information_questions import QUIZ

__all__ = ["EXERCISES", "QUIZ"]
