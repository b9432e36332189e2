"""The commands that open pages: ``u3lab start``, ``demo CHAPTER``, ``serve PAGE``; and ``report FOLDER`` of a class."""

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
    demo = commands.add_parser("demo", help="a chapter's live figures in large type, for the projector",
                               usage="%(prog)s [-h] [CHAPTER] [-- OPTION …]")
    demo.add_argument("chapter", nargs="?", metavar="CHAPTER",
                      help="such as 06; without it, what there is is listed. Options of Voilà go after --")
    demo.set_defaults(run=_demo)
    serve = commands.add_parser("serve", help="a page for visitors, who move its controls and run no code",
                                usage="%(prog)s [-h] [--address A] [--port P] [--visitors N] [PAGE] [-- OPTION …]")
    serve.add_argument("page", nargs="?", metavar="PAGE",
                       help="a chapter such as 06, or the file of a notebook; without it, what there is is listed")
    serve.add_argument("--address", default="127.0.0.1", metavar="A",
                       help="where to listen: 127.0.0.1, this machine alone, if it is left out")
    serve.add_argument("--port", type=int, default=8866, metavar="P", help="8866 if it is left out")
    serve.add_argument("--visitors", type=int, default=10, metavar="N",
                       help="open pages at a time; 10 if it is left out")
    serve.set_defaults(run=_serve)
    report = commands.add_parser("report", help="who passed what, from the progress files of a class")
    report.add_argument("folder", metavar="FOLDER", help="a file or a folder for each student, as ben/progress.json")
    report.add_argument("--csv", metavar="FILE", help="also write a table with a column for each exercise")
    report.set_defaults(run=_report)


def _start(chosen: argparse.Namespace, options: Sequence[str]) -> None:
    from u3server import start

    start.run(chosen.folder, fresh=chosen.fresh, copy_only=chosen.copy_only, options=options)


def _demo(chosen: argparse.Namespace, options: Sequence[str]) -> None:
    from u3server import pages

    pages.demo(chosen.chapter, options=options)


def _serve(chosen: argparse.Namespace, options: Sequence[str]) -> None:
    from u3server import pages

    pages.serve(chosen.page, address=chosen.address, port=chosen.port, visitors=chosen.visitors, options=options)


def _report(chosen: argparse.Namespace, _: Sequence[str]) -> Any:
    from u3server import classes

    return classes.report(chosen.folder, chosen.csv)
