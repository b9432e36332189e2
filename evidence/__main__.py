"""The one door of all experiments: ``python -m evidence NAME``; without a name, what there is is listed."""

import ast
import difflib
import importlib
import sys
from pathlib import Path

from evidence import _running
from u3lab.errors import U3Error

USE = "python -m evidence NAME [--short] [--out FOLDER] …; NAME --help has the options of one"


def listed() -> dict[str, str]:
    """Name → the first line of what the experiment says of itself."""
    files = sorted(file for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))
    return {file.stem: ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))).partition("\n")[0]
            for file in files}


def main(arguments: list[str] | None = None) -> int:
    """Run the experiment that the first argument names; returns the exit code."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print(USE, *(f"  {one:<18}{line}" for one, line in listed().items()), sep="\n")
        return 0
    if name not in listed():
        near = difflib.get_close_matches(name, listed(), n=3)
        meant = f"did you mean {' or '.join(near)}?" if near else "python -m evidence lists them"
        print(f"u3lab: there is no experiment {name!r}; {meant}", file=sys.stderr)
        return 1
    sys.argv[0] = f"python -m evidence {name}"  # what --help calls the program
    try:
        _running.run(importlib.import_module(f"evidence.{name}"), rest)
    except U3Error as error:
        print(f"u3lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
