"""Exercises and quiz on adversarial examples."""

from u3lab.lessons.adversarial.exercises import EXERCISES as FORMULAE
from u3lab.lessons.adversarial.loop import LOOP
from u3lab.lessons.adversarial.questions import QUIZ

EXERCISES = (*FORMULAE, LOOP)

__all__ = ["EXERCISES", "QUIZ"]
