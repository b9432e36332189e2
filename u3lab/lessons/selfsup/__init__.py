"""Exercises, quiz and trials of chapter 2."""
