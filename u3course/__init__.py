"""What makes a course of the library: exercises, lessons, made worlds, and the students' copies of the notebooks.

``course`` is the engine: exercises, hints, checks, quizzes and progress. ``lessons`` has a room a chapter: what its
exercises ask and judge, and figures that only its notebooks draw. ``worlds`` are pictures that a program makes where
truth is needed. ``copies`` and ``checkout`` know which notebooks are a student's own work; ``prepare`` and ``doctor``
look after the machine.
"""

import u3lab  # noqa: F401  (before torch, as everywhere)
