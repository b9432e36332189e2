"""What belongs to chapter 0, where everything is met for the first time.

Files: ``exercises``; ``seeing`` (the photos that are asked about),
``cutting`` (pictures cut and shuffled), ``grounds`` (things on other backgrounds), ``probing`` (one code, five
questions), ``looking`` (what the live figures are made of).
"""

from u3lab.lessons.start.exercises import EXERCISES, koala_sigma, match, reach, upside_down

__all__ = ["EXERCISES", "koala_sigma", "match", "reach", "upside_down"]
