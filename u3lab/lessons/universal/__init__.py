"""Exercises and trials on universal representations."""

from u3lab.lessons.universal.exercises import EXERCISES

__all__ = ["EXERCISES"]
