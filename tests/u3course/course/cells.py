"""Functions as a notebook has them: their source is known, though no file holds it."""

import itertools
import linecache
import tempfile
import textwrap
from collections.abc import Callable

_numbers = itertools.count()


def cell(source: str, **names: object) -> Callable:
    """The function that a cell defines, with the imports of a notebook and further names."""
    file, source = f"{tempfile.gettempdir()}/ipykernel_1/{next(_numbers)}.py", textwrap.dedent(source)
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    space = dict(names)
    exec("import torch, torch.nn.functional as F", space)
    known = set(space)
    exec(compile(source, file, "exec"), space)
    return next(thing for name, thing in space.items() if name not in known)
