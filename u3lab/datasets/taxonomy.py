"""What is what: the is-a tree of the concepts, with WordNet's names (Fellbaum, WordNet, MIT Press 1998), shortened.

The tree is data/concepts/taxonomy.txt.

    ancestors("cat")                            # ("cat", "feline", "carnivore", "placental", "mammal", …, "entity")
    tree_similarity(("cat", "dog", "cup"))      # (3,3): a cat is nearer to a dog than to a cup
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab._system import paths
from u3lab.checks import shown, words
from u3lab.errors import U3Error


def _parents() -> dict[str, str | None]:
    """Name → the name above it; a line's depth is its number of leading spaces."""
    found: dict[str, str | None] = {}
    path: list[str] = []
    for line in paths.data("concepts", "taxonomy.txt").read_text(encoding="utf-8").splitlines():
        name = line.strip()
        path[len(line) - len(line.lstrip()):] = [name]
        found[name] = path[-2] if len(path) > 1 else None
    return found


PARENTS = _parents()


def ancestors(name: str) -> tuple[str, ...]:
    """The name, what it is, and so on up to "entity".

    Raises:
        U3Error: A name that is not in the tree.
    """
    if not isinstance(name, str) or name not in PARENTS:
        raise U3Error(f"{shown(name)} has no place in the is-a tree; the names are in u3lab.datasets.taxonomy.PARENTS")
    above = PARENTS[name]
    return (name, *ancestors(above)) if above else (name,)


def tree_similarity(names: Sequence[str]) -> Tensor:
    """How near each two names are in the tree, (C,C) in (0,1]: 2 d(lowest common name) / (d(a) + d(b)), d the depth.

    Wu & Palmer, Verb semantics and lexical selection, ACL 1994; the root has depth 1.
    """
    lines = [set(ancestors(name)) for name in words("names", names)]
    return torch.tensor([[2 * len(a & b) / (len(a) + len(b)) for b in lines] for a in lines], dtype=torch.float64)
