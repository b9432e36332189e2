"""Docstrings are read by `help()` first, and have formulas in plain characters: x_k, |x|, Σ_k w_k A_k, 5 * x.

reStructuredText takes some of these for markup. Here they are escaped, and what is indented (a formula on a line of its
own, an example) is set as it stands.
"""

from __future__ import annotations

import re
from typing import Any

# What stays: code, references, and *words* in italics.
KEPT = re.compile(r"(``.+?``|:[a-z:]+:`[^`]+`|`[^`]+`_*|(?<![\w*])\*[^\s*](?:[^*]*[^\s*])?\*(?![\w*]))")
SECTION = re.compile(r"^(Args|Attributes|Examples|Raises|Returns|Yields):$")


def mend(app: Any, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Change the lines in their place, as Sphinx asks for."""
    lines[:] = _set_apart(lines)


def _escaped(line: str) -> str:
    """The line without marks that mean something only to reStructuredText."""
    parts = KEPT.split(line)
    parts[::2] = [re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def _set_apart(lines: list[str]) -> list[str]:
    """Escaped prose; blocks that are indented below an empty line become literal."""
    found: list[str] = []
    in_block, section = False, False
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        indented = line.startswith("    ")
        section |= bool(SECTION.match(line))
        if not line.strip() or in_block and indented:
            found.append(line)
            continue
        in_block = indented and not before.strip() and not section and not _announced(found)
        if in_block:
            found += ["::", "", line]
        elif indented and not before.strip() and not section:
            in_block = True
            found.append(line)
        else:
            found.append(line if line.lstrip().startswith((">>>", "..")) else _escaped(line))
    return found


def _announced(found: list[str]) -> bool:
    """Whether the last words before a block end in ::, which makes it literal already."""
    return next((line.rstrip().endswith("::") for line in reversed(found) if line.strip()), False)
