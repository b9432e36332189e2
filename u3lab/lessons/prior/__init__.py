"""Exercises on the deep image prior."""

from u3lab.lessons.prior import exercises, fitting

EXERCISES = (fitting.LOOP, *exercises.EXERCISES, fitting.STOP)

__all__ = ["EXERCISES"]
