"""Exercises, quiz and trials on universal representations."""
