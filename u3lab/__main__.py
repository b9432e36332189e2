"""The command line: ``python -m u3lab doctor`` and ``python -m u3lab fetch NAME``."""

from __future__ import annotations

import argparse
import sys

from u3lab.errors import U3Error


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 if all is well, 1 if there is something to mend."""
    parser = argparse.ArgumentParser(prog="python -m u3lab", description="Universal, unsupervised, understandable.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="check this machine and say what to mend")
    fetch = commands.add_parser("fetch", help="download a network's weights and check them")
    fetch.add_argument("name", help="a classifier of torchvision, for example alexnet")
    chosen = parser.parse_args(arguments)
    if chosen.command == "fetch":
        return _fetch(chosen.name)
    from u3lab import doctor

    lines = doctor.run()
    print(*lines, sep="\n")
    return 0 if all(line.ok for line in lines) else 1


def _fetch(name: str) -> int:
    from u3lab import nets

    try:
        print(nets.fetch(name))
    except U3Error as error:
        print(f"u3lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
