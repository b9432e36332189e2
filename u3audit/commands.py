"""The command of the audit: ``u3lab audit MODULE:MAKE WEIGHTS SCANS``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add it to the command line."""
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
    audit.set_defaults(run=_audit)


def _audit(chosen: argparse.Namespace, _: Sequence[str]) -> Path:
    from u3audit import own, page, reading, running, windows
    from u3lab import nets

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
