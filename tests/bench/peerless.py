"""Methods without a row, and why: *How we know* prints it. A test wants each method to have a row or a reason."""

from __future__ import annotations

WHY: dict[str, str] = {}
