"""Outputs of some three hundred calls, to hold two versions of the library against each other bit by bit.

    python -m tools.golden --save before.pt          # on the version that is known to be right
    python -m tools.golden --against before.pt       # on the changed one: prints what differs, exit code 1 if anything

A change of names and rooms may change no number. The calls carry today's names; each has a title that stays. Files:
``comparing`` (what is the same), ``kept`` (the calls by title), and the calls: ``pictures`` with figures and networks,
``understanding`` (saliency, adversarial examples, equivariance), ``inverting`` (prior, inversion, dissection),
``universal``, ``pretexts`` and ``classes`` (learning without labels), ``landmarks`` with warps, ``data``, ``tables``
(what ships in data/results), ``drawn`` (what the lessons make of that), ``lessons`` (exercises, quizzes, small steps).
"""

import u3lab  # noqa: F401 — before torch
