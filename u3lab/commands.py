"""The library's command: ``u3lab fetch NAME``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add it to the command line."""
    fetch = commands.add_parser("fetch", help="download a network's weights and check them")
    fetch.add_argument("name", help="a classifier of torchvision, for example alexnet")
    fetch.set_defaults(run=_fetch)


def _fetch(chosen: argparse.Namespace, _: Sequence[str]) -> Path:
    from u3lab import nets

    return nets.fetch(chosen.name)
