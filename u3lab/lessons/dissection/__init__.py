"""Exercises on dissection."""

from u3lab.lessons.dissection.exercises import EXERCISES

__all__ = ["EXERCISES"]
