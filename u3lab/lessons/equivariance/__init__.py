"""Exercises on equivariance and equivalence."""

from u3lab.lessons.equivariance.exercises import EXERCISES

__all__ = ["EXERCISES"]
