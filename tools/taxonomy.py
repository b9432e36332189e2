"""The concepts' is-a tree, from a draft that is written by hand: ``python tools/taxonomy.py DRAFT``.

A line is a name, one space deeper than what it is; each name stands once. WordNet
(Fellbaum, MIT Press 1998) says what is above what: https://wordnet.princeton.edu. Written is
data/concepts/taxonomy.txt, which u3lab.datasets.taxonomy reads; its hash in data/README.md is to be renewed.
"""

import sys
from pathlib import Path

from u3lab._system.paths import write_atomically

FILE = Path(__file__).resolve().parent.parent / "data" / "concepts" / "taxonomy.txt"


def checked(draft: str) -> str:
    """The draft without spaces at the ends of its lines; raises ValueError for a name twice, or a step too deep."""
    lines, names, above = [line.rstrip() for line in draft.splitlines() if line.strip()], set(), -1
    for number, line in enumerate(lines, 1):
        name, depth = line.lstrip(" "), len(line) - len(line.lstrip(" "))
        if name in names or depth > above + 1 or (depth == 0 and number > 1):
            raise ValueError(f"line {number}, {name!r}: each name once, one space deeper than what it is, one root")
        names.add(name)
        above = depth
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_atomically(FILE, checked(Path(sys.argv[1]).read_text(encoding="utf-8")).encode())
