"""A good call of every public function, each argument with its kind and range.

Hostile tests spoil one argument at a time, by its kind; other precisions and other devices are asked with the same
calls. What a name means everywhere (``net``, ``images``, ``target``, ``seed`` …) stands in ``USUAL`` alone; a yes or
no, settings, and whether None will do are known by their annotation.
"""

from tests.calls import learning, showing, understanding  # noqa: F401 — they enter their calls
from tests.calls.making import CALLS, x

__all__ = ["CALLS", "x"]
