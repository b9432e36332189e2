"""What must not be concluded from a report, why, and what was measured of it: on each page and in the documentation."""

from __future__ import annotations

from typing import Any, NamedTuple

from u3audit.wording import percent
from u3lab import results
from u3lab.errors import U3Error


class Claim(NamedTuple):
    """What must not be concluded, why, and what was measured of it; {cue[number]} is from the table ``audited``."""

    claim: str
    why: str
    measured: str = ""


TRIALS = "In trials with findings made on 96×96 slices"
NOT_SAID = (
    Claim("The network takes no shortcut.", "The numbers find cues that lie apart from the finding, stay in one place "
          "or go with a harmless change. A cue on the finding itself, or one that no test varies, need not show in "
          "them.", f"{TRIALS}, networks that read a letter anywhere on the border had a best fixed place of "
          "{wander[place]}, and honest ones of {honest[place]}. Filling in the finding turned {calipers[removed]} of "
          "the answers of networks that read marks at its rim, and {honest[removed]} of those of honest ones."),
    Claim("The network is robust.", "Five mild changes were tried, each at one strength. Other changes were not.",
          f"{TRIALS}, another window turned {{corner[window, positives]}} of the positives of networks that read a "
          "letter in the corner."),
    Claim("The map shows the reason.", "An occlusion map shows where blurring a window changes the answer, not "
          "what the network reads there, nor what it reads in several places at once.", f"{TRIALS}, networks that read "
          "marks at the finding’s rim had on it {calipers[lesion]} times its share of occlusion, and honest ones "
          "{honest[lesion]} times. Of those that read the blur of a scanner, which is everywhere, {scanner[outside]} "
          "of occlusion lay outside the body."),
    Claim("Deletion proves what matters.", "A picture with parts deleted is like no picture that the network knows; "
          "edges, which know no network, can do well in that test."),
    Claim("Attention is on the lesion.", "In a network for segmentation the gradient can lie near the region even with "
          "shuffled weights; then its place tells nothing of what was learnt."),
    Claim("A 3-D Grad-CAM locates it.", "On a deep layer such a map has a few cells along each side; a cell covers a "
          "large part of the volume.", "Halved four times along each side, 32×64×64 voxels become 2×4×4 cells, each a "
          "thirty-second of the volume."),
    Claim("It is well calibrated, or has a wide margin, so it is honest.", "A cue that is always there can make a "
          "network sure and hard to move: both can praise a network that cheats."),
    Claim("The mask is empty, so there is nothing.", "A search for the smallest part that matters can end without one: "
          "the probability after it has to be read beside it."),
    Claim("It will do as well elsewhere.", "All numbers are of these pictures. Intervals draw among the patients that "
          "are here; other scanners, hospitals and illnesses are not among them."),
    Claim("The patient is ill, or healthy.", "The audit asks about a network on these pictures. It is no diagnosis."),
)


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
