"""What must not be concluded from a report, why, and what was measured of it: on each page and in the documentation."""

from typing import Any, NamedTuple

from u3audit.wording import SENTENCES, percent
from u3lab import results
from u3lab.errors import U3Error


class Claim(NamedTuple):
    """What must not be concluded, why, and what was measured of it; {cue[number]} is from the table ``audited``."""

    claim: str
    why: str
    measured: str = ""


NOT_SAID = tuple(Claim(**one) for one in SENTENCES["claims"])


def measured(claim: Claim) -> str:
    """What was measured, with its numbers; nothing of a claim whose numbers the table does not have."""
    try:
        return claim.measured.format_map(spreads()) if "{" in claim.measured else claim.measured
    except (U3Error, KeyError):
        return ""


def spreads() -> dict[str, dict[str, str]]:
    """Cue → number → its least and largest of the networks for slices that judge, in words; "honest" are all such."""
    honest, found = results.facts("audited")["honest"], {}
    for run, row in results.table("audited").items():
        if run.axes == "2-D" and run.role == "judge":
            of = found.setdefault("honest" if run.cue in honest else run.cue, {})
            for name, value in (row._asdict() | row.flips).items():
                of.setdefault(name, []).append(value)
    return {cue: {name: spread(name, values) for name, values in of.items() if name != "flips"}
            for cue, of in found.items()}


def spread(name: str, values: list[Any]) -> str:
    """[.88, .91] → 88 to 91 %; ``lesion`` counts how many times."""
    low, high = (f"{one:.0f}" if name == "lesion" else percent(one) for one in (min(values), max(values)))
    return high if low == high else f"{low.removesuffix(' %')} to {high}"
