"""The command line: ``u3lab start``, ``demo CHAPTER``, ``serve PAGE``, ``prepare``, ``doctor``, ``fetch NAME``,
``report FOLDER``; also as ``python -m u3lab start`` …"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from u3lab.errors import U3Error


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 if all is well, 1 if there is something to mend."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    parser = _parser()
    chosen = parser.parse_args(given[:end])
    if chosen.command is None:
        parser.print_help()
        return 1
    try:
        match chosen.command:
            case "start":
                from u3lab import start

                start.run(chosen.folder, fresh=chosen.fresh, copy_only=chosen.copy_only, options=given[end + 1:])
            case "demo":
                from u3lab import demo

                demo.run(chosen.chapter, options=given[end + 1:])
            case "serve":
                from u3lab import demo

                demo.serve(chosen.page, address=chosen.address, port=chosen.port, visitors=chosen.visitors,
                           options=given[end + 1:])
            case "prepare":
                from u3lab import prepare

                prepare.run()
            case "fetch":
                from u3lab import nets

                print(nets.fetch(chosen.name))
            case "report":
                from u3lab.course import classes

                print(classes.report(chosen.folder, chosen.csv))
            case "doctor":
                return _doctor()
    except U3Error as error:
        print(f"u3lab: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="u3lab", description="A course to play with: begin with `u3lab start`.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    start = commands.add_parser("start", help="make your own copies of the notebooks and open them in JupyterLab",
                                usage="%(prog)s [-h] [--fresh CHAPTER] [--copy-only] [FOLDER] [-- OPTION …]")
    start.add_argument("folder", nargs="?", metavar="FOLDER",
                       help="where your copies are; without it my/ in a clone, else u3lab-notebooks in this folder")
    start.add_argument("--fresh", action="append", default=[], metavar="CHAPTER",
                       help="begin a chapter anew, such as 06; what you had is kept under a dated name")
    start.add_argument("--copy-only", action="store_true", help="do not open JupyterLab, whose options go after --")
    demo = commands.add_parser("demo", help="a chapter's live figures in large type, for the projector",
                               usage="%(prog)s [-h] [CHAPTER] [-- OPTION …]")
    demo.add_argument("chapter", nargs="?", metavar="CHAPTER",
                      help="such as 06; without it, what there is is listed. Options of Voilà go after --")
    serve = commands.add_parser("serve", help="a page for visitors, who move its controls and run no code",
                                usage="%(prog)s [-h] [--address A] [--port P] [--visitors N] [PAGE] [-- OPTION …]")
    serve.add_argument("page", nargs="?", metavar="PAGE",
                       help="a chapter such as 06, or the file of a notebook; without it, what there is is listed")
    serve.add_argument("--address", default="127.0.0.1", metavar="A",
                       help="where to listen: 127.0.0.1, this machine alone, if it is left out")
    serve.add_argument("--port", type=int, default=8866, metavar="P", help="8866 if it is left out")
    serve.add_argument("--visitors", type=int, default=10, metavar="N",
                       help="open pages at a time; 10 if it is left out")
    commands.add_parser("prepare", help="draw now what chapters draw the first time, in two or three minutes")
    commands.add_parser("doctor", help="check this machine and say what to mend")
    fetch = commands.add_parser("fetch", help="download a network's weights and check them")
    fetch.add_argument("name", help="a classifier of torchvision, for example alexnet")
    report = commands.add_parser("report", help="who passed what, from the progress files of a class")
    report.add_argument("folder", metavar="FOLDER", help="a file or a folder for each student, as ben/progress.json")
    report.add_argument("--csv", metavar="FILE", help="also write a table with a column for each exercise")
    return parser


def _doctor() -> int:
    from u3lab import doctor

    well = True
    for line in doctor.run():  # the first can take long, when everything is read from the disk for the first time
        print(line, flush=True)
        well = well and line.ok
    return 0 if well else 1


if __name__ == "__main__":
    # Python looks first in the folder where ``python -m`` is typed, and a file there may be called voila.py.
    if not sys.flags.safe_path and Path(sys.path[0]).resolve() != Path(__file__).resolve().parent.parent:
        del sys.path[0]
    sys.exit(main())
