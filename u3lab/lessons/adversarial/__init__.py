"""Exercises on adversarial examples."""

from u3lab.lessons.adversarial.exercises import EXERCISES as FORMULAE
from u3lab.lessons.adversarial.loop import LOOP

EXERCISES = (*FORMULAE, LOOP)

__all__ = ["EXERCISES"]
