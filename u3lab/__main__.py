"""The command line, ``u3lab COMMAND`` or ``python -m u3lab COMMAND``: what each installed house adds to it.

A house names a function in the entry points ``u3lab.commands``. It gets the subparsers, and gives each of its own a
default ``run``, which is called with what was chosen, and with the options after ``--`` for another program. What that
returns is printed, or is the exit code.
"""

import argparse
import sys
from importlib.metadata import entry_points
from pathlib import Path

from u3lab.errors import U3Error


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 if all is well, 1 if there is something to mend."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that does not know a sign shows a question mark
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(prog="u3lab", description="A course to play with: begin with `u3lab start`.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    houses = sorted(entry_points(group="u3lab.commands"), key=lambda house: house.value)
    if not houses:  # a clone was updated, and pip has noted what an older version offered
        print("u3lab: its commands are those of an older version; run `make lab`, or `pip install -e .` in the clone",
              file=sys.stderr)
        return 1
    for house in houses:
        house.load()(commands)
    chosen = parser.parse_args(given[:end])
    if chosen.command is None:
        parser.print_help()
        return 1
    try:
        result = chosen.run(chosen, given[end + 1:])
    except U3Error as error:
        print(f"u3lab: {error}", file=sys.stderr)
        return 1
    if isinstance(result, int):
        return result
    if result is not None:
        print(result)
    return 0


if __name__ == "__main__":
    # Python looks first in the folder where ``python -m`` is typed, and a file there may be called voila.py.
    if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parent.parent:
        del sys.path[0]
    sys.exit(main())
