"""The course's commands: ``u3lab prepare`` and ``doctor``."""

from typing import Any


def add(commands: Any) -> None:
    """Add them to the command line."""
    prepare = commands.add_parser("prepare", help="draw now what chapters draw the first time, in two or three minutes")
    prepare.set_defaults(run=_prepare)
    commands.add_parser("doctor", help="check this machine and say what to mend").set_defaults(run=_doctor)


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
