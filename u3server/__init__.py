"""A class on one machine: pages that visitors may move (``pages``, ``visitors``), kernels that wait (``warming``),
grading by nbgrader (``grading``, ``answers``), and who has passed what (``classes``). deploy/ holds the configuration.
"""

import u3lab  # noqa: F401  (before torch, as everywhere)
