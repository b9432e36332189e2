"""What makes a course of the library: exercises, lessons and made worlds.

``course`` is the engine: exercises, hints, checks, quizzes and progress. ``lessons`` has a room a chapter: what its
exercises ask and judge, and figures that only its notebooks draw. ``worlds`` are pictures that a program makes where
truth is needed. ``checkout`` knows which notebooks were changed; ``prepare`` and ``doctor`` look after the machine.
"""

import u3lab  # noqa: F401  (before torch, as everywhere)
