"""The site that `make docs` builds: its pages are gathered into build/site/source, and Sphinx writes build/site/html.

``gathering`` copies what is written and generates the rest: ``api`` (a page for each room of the library), ``knowing``
(for each method its oracle and its limits; what must not be concluded from an audit), ``evidence`` (for each shipped
table what stands behind it, a page for each notebook) and ``bench`` (how long methods take, beside others).
``reading`` is called by Sphinx, ``links`` follows every link of the finished pages.
"""

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAKERS = (*HERE.glob("*.py"), HERE.parent.parent / "docs" / "conf.py")


def edition(makers: tuple[Path, ...] = MAKERS) -> str:
    """Changes with the programs that make pages: Sphinx looks at pages and options only, and would keep the old."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(makers))).hexdigest()
