"""Notebooks in a browser: one's own at home, a chapter's figures on the stage, a class on one machine.

``start`` opens JupyterLab on a student's copies, whose files and kernels are ``contents`` and ``kernels``. ``demo``
makes a page of a notebook; ``pages`` and ``visitors`` show it to people who run no code, and kernels wait for them
(``warming``). Of a class, ``grading`` and ``answers`` judge what came in, by nbgrader, and ``classes`` tells who has
passed what. deploy/ holds the configuration of a hub.
"""

import u3lab  # noqa: F401  (before torch, as everywhere)
