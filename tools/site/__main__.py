"""``python -m tools.site``: build/site/html, as ``make docs`` does. A link within it that leads nowhere is an error."""

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site import links
from tools.site.gathering import ROOT, gather

SITE = ROOT / "build" / "site"


def build(folder: Path = SITE) -> int:
    """Gather and build; the status is 0 if there was nothing to warn of and each link leads somewhere."""
    gather(folder / "source")
    status = build_main(["-q", "-W", "-n", "--keep-going", "-j", "auto", "-c", str(ROOT / "docs"),
                         "-D", f"html_static_path={folder / 'source' / '_static'}",
                         "-d", str(folder / "kept"), str(folder / "source"), str(folder / "html")])
    broken = links.broken(folder / "html")
    for link in broken:
        print(f"leads nowhere: {link}", file=sys.stderr)
    return status or int(bool(broken))


if __name__ == "__main__":
    sys.exit(build())
