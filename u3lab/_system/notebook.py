"""The notebook that this Python runs in, if any."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """IPython's shell; None in a script. IPython is not imported for that: whoever runs in it has it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
