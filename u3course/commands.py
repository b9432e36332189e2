"""The course's commands: ``u3lab start``, ``prepare`` and ``doctor``."""

import argparse
from collections.abc import Sequence
from typing import Any


def add(commands: Any) -> None:
    """Add them to the command line."""
    start = commands.add_parser("start", help="make your own copies of the notebooks and open them in JupyterLab",
                                usage="%(prog)s [-h] [--fresh CHAPTER] [--copy-only] [FOLDER] [-- OPTION …]")
    start.add_argument("folder", nargs="?", metavar="FOLDER",
                       help="where your copies are; without it my/ in a clone, else u3lab-notebooks in this folder")
    start.add_argument("--fresh", action="append", default=[], metavar="CHAPTER",
                       help="begin a chapter anew, such as 06; what you had is kept under a dated name")
    start.add_argument("--copy-only", action="store_true", help="do not open JupyterLab, whose options go after --")
    start.set_defaults(run=_start)
    prepare = commands.add_parser("prepare", help="draw now what chapters draw the first time, in two or three minutes")
    prepare.set_defaults(run=_prepare)
    commands.add_parser("doctor", help="check this machine and say what to mend").set_defaults(run=_doctor)


def _start(chosen: argparse.Namespace, options: Sequence[str]) -> None:
    from u3course import start

    start.run(chosen.folder, fresh=chosen.fresh, copy_only=chosen.copy_only, options=options)


def _prepare(*_: object) -> None:
    from u3course import prepare

    prepare.run()


def _doctor(*_: object) -> int:
    from u3course import doctor

    well = True
    for line in doctor.run():  # the first can take long, when everything is read from the disk for the first time
        print(line, flush=True)
        well = well and line.ok
    return 0 if well else 1
