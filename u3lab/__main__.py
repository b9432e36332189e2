"""The command line: ``u3lab start``, ``demo CHAPTER``, ``serve PAGE``, ``prepare``, ``doctor``, ``fetch NAME``,
``report FOLDER``, ``audit MODULE:MAKE WEIGHTS SCANS``; also as ``python -m u3lab start`` …"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from u3lab.errors import U3Error


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 if all is well, 1 if there is something to mend."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that does not know a sign shows a question mark
            stream.reconfigure(errors="replace")
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
            case "audit":
                print(_audit(chosen))
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
    audit = commands.add_parser("audit", help="a report on a network of yours, on pictures of yours")
    audit.add_argument("network", metavar="MODULE:MAKE", help="my_module:make, a function that returns your network")
    audit.add_argument("weights", metavar="WEIGHTS", help="a file of its weights, or - for none")
    audit.add_argument("scans", metavar="SCANS", help="a folder of PNG, JPEG, NIfTI or DICOM")
    audit.add_argument("--labels", required=True, metavar="CSV", help="columns file and label, perhaps patient")
    audit.add_argument("--out", required=True, metavar="FOLDER", help="where the report goes")
    audit.add_argument("--masks", metavar="FOLDER", help="outlines of the finding, called as their pictures")
    audit.add_argument("--patients", metavar="CSV", help="columns file and patient, if the labels do not name patients")
    audit.add_argument("--trained", metavar="CSV", help="column patient: those that the network learnt from")
    audit.add_argument("--positive", metavar="LABEL", help="the label of the finding; 1 if it is left out")
    audit.add_argument("--size", type=int, nargs="+", metavar="N",
                       help="make all pictures squares of N pixels, volumes cubes, or give three sides (z,y,x)")
    audit.add_argument("--range", type=float, nargs=2, metavar=("LO", "HI"),
                       help="values of a scan that become black and white, such as -1000 400 HU")
    audit.add_argument("--window", type=int, nargs="+", metavar="N",
                       help="ask the network in overlapping windows of its own size: one side, or one an axis")
    audit.add_argument("--front", action="store_true", help="the front page alone, without what stands behind it")
    audit.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn; 0 if it is left out")
    return parser


def _audit(chosen: argparse.Namespace) -> Path:
    from u3lab import nets
    from u3lab.audit import own, page, reading, running, windows

    net = own.made(chosen.network, chosen.weights)
    running.keep_others(Path(chosen.out), net.name if isinstance(net, nets.Classifier) else chosen.network,
                        own.fingerprint_of(net))
    cases = reading.read(chosen.scans, chosen.labels, masks=chosen.masks, patients=chosen.patients,
                         positive=chosen.positive, size=chosen.size, channels=nets.ready(net).channels,
                         range=chosen.range)
    trained = [row["patient"] for row in reading.rows(chosen.trained, ("patient",))] if chosen.trained else []
    seen = cases.images
    if chosen.window:  # a black picture of a window's size shows what the network answers
        seen = seen.new_zeros(1, seen.shape[1], *windows.sides_of(net, chosen.window))
    net = own.wrapped(net, seen, chosen.network)
    net = windows.sliding(net, chosen.window) if chosen.window else net
    positive = own.tried(net, cases.images, chosen.positive or "1", chosen.network)
    if chosen.window:
        net.module.finding = positive
    for behind in (False, True)[: 1 + (not chosen.front)]:  # the front page is there before what stands behind it
        with own.inside(chosen.network, called=True):
            report = running.run(net, cases, positive=positive, out=chosen.out, seed=chosen.seed, trained=trained,
                                 behind=behind)
        file = page.write(report, chosen.out)
    return file


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
