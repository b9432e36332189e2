"""``python -m tools.site``: build/site/html, as ``make docs`` does."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site.gathering import ROOT, gather

SITE = ROOT / "build" / "site"


def build(folder: Path = SITE) -> int:
    """Gather and build; the status is 0 if there was nothing to warn of."""
    gather(folder / "source")
    return build_main(["-q", "-W", "-n", "--keep-going", "-j", "auto", "-c", str(ROOT / "docs"),
                       "-D", f"html_static_path={folder / 'source' / '_static'}",
                       "-d", str(folder / "kept"), str(folder / "source"), str(folder / "html")])


if __name__ == "__main__":
    sys.exit(build())
