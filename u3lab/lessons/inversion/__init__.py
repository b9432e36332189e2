"""Exercises on inversion."""

from u3lab.lessons.inversion.exercises import EXERCISES

__all__ = ["EXERCISES"]
