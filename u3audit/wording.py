"""The sentences of a report: what each number says, what no number says, and what the page has to say first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from u3lab import results
from u3lab.audit.accuracy import ENOUGH
from u3lab.errors import U3Error

HALF, THIRD, HARDLY, NO_AIR = 1 / 2, 1 / 3, 0.1, 0.01
NONE = "–"
Said = Callable[[Any, Any, dict[str, Any]], list[str]]
ANY = "any sign"  # in the table of thresholds


class Title(NamedTuple):
    """A number's heading, its unit in words, and what its floor is."""

    heading: str
    unit: str
    floor: str


TITLES = {
    "lesion removed": Title("Lesion removed", "of the positives found turn negative when the outlined finding is "
                            "filled in", "the same shape filled in elsewhere"),
    "best fixed place": Title("The best fixed place", "of the distance between the classes goes with one cell",
                              "a typical cell"),
    "where it looks": Title("Where it looks", "of what occlusion changes lies outside the body", "the picture’s edges"),
    "flips": Title("Flips", "of one class turn under the harmless change that turns most",
                   "the median over changes and classes"),
    "accuracy by patient": Title("Accuracy by patient", "of the answers are right", "always the more frequent answer"),
}
SIGNS = {"lesion removed": "lesion removed", "best fixed place": "best fixed place",
         "where it looks": "outside the body", "flips": "worst flip of one class",
         "outside the region": "outside the region", "steadiness": "steadiness"}
"""Part → its sign in the tables of thresholds."""

LOW = ("lesion removed", "steadiness")  # the numbers that are low in networks that cheat
TABLES = {"classifier": "audited", "segmentation": "segmented"}  # kind of network → where its thresholds are
TRIED = {"classifier": "networks", "segmentation": "U-Nets"}  # on what they were tried
REACHED = {"classifier": "accuracy", "segmentation": "Dice"}


def percent(value: float) -> str:
    """A share as a number without decimals, of small ones with one: .784 → 78 %."""
    hundred = round(100 * value, 1) + 0  # no −0
    form = ".0f" if abs(hundred) >= 10 or hundred == round(hundred) else ".1f"
    return f"{hundred:{form}} %".replace("-", "−")


def bracket(value: Sequence[float]) -> str:
    """The interval of (value, low, high) in percent, in brackets."""
    return f"[{percent(value[1])[:-2]}, {percent(value[2])[:-2]}]"


def first(report: dict[str, Any]) -> list[str]:
    """What a reader has to know before any number."""
    said, shared, patients = [], report["shared"], report["patients"]
    if shared:
        said.append(f"The network learnt from {len(shared)} of the {patients} patients here ({', '.join(shared[:3])}"
                    f"{' …' if len(shared) > 3 else ''}), so its accuracy here is not that on new patients.")
    lesion = report["parts"]["lesion removed"]
    if report["outlines"] is None:
        said.append("The first number is missing: without outlines nobody can tell whether the network needs the "
                    "finding.")
    elif lesion["value"] is None:
        said.append("The first number is missing.")
    if patients is None:
        said.append("Patients are not named, so nothing is said of new ones.")
    elif patients < ENOUGH:
        said.append(f"{_people(patients)}: fewer than ten, so nothing is said of new ones.")
    return said


def intervals(report: dict[str, Any]) -> str:
    """What a bracket is, of how few patients, and what one without width means."""
    few = report["patients"] and report["patients"] < ENOUGH
    only = f", from {_people(report['patients'])} only" if few else ""
    flat = any(isinstance(one, Sequence) and one[1] == one[2]
               for part in report["parts"].values() for one in (part["value"], part["floor"]))
    return (f"A bracket is a 95 % interval{only}."
            + " One without width, as [100, 100], means only that all pictures here agree." * flat)


def told(report: dict[str, Any], name: str, said: Mapping[str, Said] | None = None) -> list[str]:
    """All that is said of a number, also what other parts of the report add to it."""
    found = sentences(name, report["parts"][name], said)
    if name != "where it looks" or not report["parts"][name]["value"]:
        return found
    maps = report["behind"].get("maps")
    return found + blurred(report["parts"].get("flips")) + (one_map_said(maps) if maps else [])


def blurred(flips: dict[str, Any] | None) -> list[str]:
    """The warning that occlusion blurs, to a network that blur alone turns."""
    both = flips["facts"]["by"]["blur"] if flips and flips["value"] else {}
    return [f"Blur alone turns {percent(share[0])} of the {whose}, and occlusion blurs windows. This network may "
            "answer to the blur of a window wherever that lies; then the share outside says little. Look at the maps "
            "for marks."
            for whose, share in both.items() if share and share[0] > HARDLY]


def sentences(name: str, part: dict[str, Any], said: Mapping[str, Said] | None = None) -> list[str]:
    """What a number says, in plain sentences; ``said`` has those of a kind of network that is no classifier."""
    if part["value"] is None:
        return [part["why"][0].upper() + part["why"][1:] + "."]
    found = (said or SAID)[name](part["value"], part["floor"], part["facts"])
    which = part.get("axes", 2), part.get("kind", "classifier")
    return found + ([limit(name, part["value"], *which)] if name in SIGNS else [])


def one_map_said(part: dict[str, Any]) -> list[str]:
    """What the first map that passes its randomisation gate says, beside occlusion."""
    if part["why"]:
        return []
    facts = part["facts"]
    if not facts["passed"] or not facts["outside"]:
        return ["No map passed its randomisation gate (behind the page), so none stands beside occlusion."]
    told = (f"Of {facts['passed']}, the first map that passed its randomisation gate (behind the page), "
            f"{percent(facts['outside'][0])} lies outside the body on {facts['asked']} positives")
    if not facts["lesion"]:
        return [f"{told}."]
    return ["{}, and on the finding it is {:.1f} [{:.1f}, {:.1f}] times its share of the area.".format(
        told, *facts["lesion"])]


def few(told: str) -> str:
    """The sentence on a share of fewer than five."""
    return f"{told}; so few pictures do not tell the two apart."


def _lesion(value: list[float], floor: list[float], facts: dict[str, Any]) -> list[str]:
    number = facts["asked"]
    told = (f"Of {number} outlined positives that the network finds, {percent(value[0])} turn negative once the "
            f"finding is filled in, and {percent(floor[0])} once the same shape is filled in elsewhere")
    if value[1] > floor[2]:
        return [f"{told}: what is outlined matters to these answers, the finding or a mark on it.", *too_large(facts)]
    if number < 5:
        return [few(told), *too_large(facts)]
    return [f"{told}: taking the finding away turns hardly more answers than that. Find out what else they hang on.",
            *too_large(facts)]


def too_large(facts: dict[str, Any]) -> list[str]:
    """What was left out of the first number."""
    return [f"{facts['large']} further outlines leave no room for the same shape elsewhere, and are left out."] * bool(
        facts["large"])


def _place(value: list[float], floor: float, facts: dict[str, Any]) -> list[str]:
    given, taken = map(percent, facts["shown"])
    return [f"Carrying one cell ({facts['where']}) from positives to negatives, and back, moves the answer by "
            f"{percent(value[0])} of the distance between the classes: the smaller of its two medians over "
            f"{facts['pairs']} pairs. A typical one of the {facts['cells']} cells moves it by {percent(floor)}.",
            f"The pair shown is the one nearest to both medians ({given} to the negative, {taken} back); single pairs "
            f"lie between {' and '.join(map(percent, facts['range']))}. Below 0 an answer moves the other way. The "
            "interval allows for the choice of the best cell, so it need not lie evenly around the number.",
            "Most of the answer goes with this place: look at what stands there." if value[0] >= HALF else
            "No single cell carries half of the answer. A cue that wanders would not show here."]


def _looks(value: list[float], floor: list[float], facts: dict[str, Any]) -> list[str]:
    if facts["air"] < NO_AIR:
        said = ["The pictures show no air around the body, so nothing can lie outside it."]
    else:
        said = [f"On {facts['asked']} positives, {percent(value[0])} of what occlusion changes lies outside the body, "
                f"beside {percent(floor[0])} of the edges."]
        if value[0] >= HALF:
            said.append("So most of the change comes from windows where no illness can be.")
    if facts["lesion"]:
        said.append("On the finding it is {:.1f} [{:.1f}, {:.1f}] times its share of the area; for edges, {:.1f} times."
                    .format(*facts["lesion"], facts["edges"][0]))
    if facts["empty"]:
        said.append(f"{facts['empty']} further maps were empty and are left out.")
    return said


def _flips(value: list[float], floor: float, facts: dict[str, Any]) -> list[str]:
    if not value[0]:
        return ["None of the five changes turns an answer that the network has right."]
    whose, other = (("positives", "negatives") if facts["whose"] == "positives" else ("negatives", "positives"))
    back = facts["by"][facts["change"]][other]
    beside = f", and {percent(back[0])} of the {other}" if back else ""
    told = (f"“{facts['change'].capitalize()}” turns {percent(value[0])} of the {whose} that the network has right"
            f"{beside}. The median over all changes and classes is {percent(floor)}.")
    if value[0] >= HALF and back and back[0] <= HARDLY:
        return [told, f"One class turns and the other does not, as if the network {_cue(facts['change'], whose)}."]
    return [told]


def _cue(change: str, whose: str) -> str:
    """What a network may read of which a change turns one class alone."""
    if change not in ADDED:
        return "read something with a fixed place or side, which the change moves"
    added, taken = ADDED[change]
    return f"took {added}, which the change adds, for a sign" if whose == "negatives" else (
        f"read {taken}, which the change takes away")


ADDED = {"blur": ("softness", "a fine mark"), "noise": ("grain", "a faint or very even mark"),
         "window": ("contrast", "a shade of grey")}
"""A change that leaves everything in its place → what it adds, and what it takes away."""


def _right(value: list[float], floor: float, facts: dict[str, Any]) -> list[str]:
    patients = facts["patients"]
    of = f" of {_people(patients)}" if patients else ""
    said = [f"The network is right on {percent(value[0])} of {facts['pictures']} pictures{of}; always giving the more "
            f"frequent answer is right on {percent(floor)}. It finds {percent(facts['sensitivity'])} of the positives "
            f"and clears {percent(facts['specificity'])} of the negatives."]
    if patients is None:
        return [*said, "Each picture counts as a patient of its own, since none is named: the interval is too narrow "
                "if they share patients."]
    return said if patients >= ENOUGH else [*said, "Below ten patients nothing is said of new ones."]


SAID: dict[str, Said] = {"lesion removed": _lesion, "best fixed place": _place, "where it looks": _looks,
                         "flips": _flips, "accuracy by patient": _right}
"""Part → its sentences, from value, floor and facts."""


def _people(count: int) -> str:
    return f"{count} patient{'' if count == 1 else 's'}"


def limit(name: str, value: Sequence[float], axes: int = 2, kind: str = "classifier") -> str:
    """Where the number lies beside the threshold that was learnt for it, with the rates at which that was wrong."""
    found = thresholds(axes, kind)
    tried = f"small {TRIED[kind]} for {'volumes' if axes == 3 else 'slices'} with made findings"
    if (known := found.get(SIGNS[name])) is None:
        why = f", since it does not tell {tried} that were taught with a cue from honest ones" * bool(found)
        return f"No threshold is known for this number{why}: read it beside its floor."
    at, cheats = known["threshold"], beyond(name, value[0], axes, kind)
    side = "below" if value[0] < at else "above"
    alarms, missed = (_of(*known[what]) for what in ("false alarms", "missed"))
    whose, crosses = "networks that cheat" if cheats else "honest networks", value[1] < at < value[2]
    often = known["false alarms" if cheats else "missed"][0] > THIRD
    return (f"It lies {side} the threshold of {percent(at)}, on the side of {whose}"
            f"{'; its interval crosses the threshold' * crosses}. On {tried}, others than those that set it, the "
            f"threshold gave false alarms for {alarms} honest ones and missed {missed} taught with a cue apart from "
            "the finding."
            + " It errs so often on this side that this says little." * often)


def beyond(name: str, value: float, axes: int, kind: str = "classifier") -> bool:
    """Whether the number lies on the side of networks that cheat; its threshold is known."""
    threshold = thresholds(axes, kind)[SIGNS[name]]["threshold"]
    return value < threshold if name in LOW else value > threshold


def cheats_lie(name: str, known: dict[str, dict[str, Any]]) -> str:
    """Where networks that cheat lie by these ``thresholds``, as a cell of a table."""
    one = known.get(SIGNS.get(name, ""))
    return f"{'below' if name in LOW else 'above'} {percent(one['threshold'])}" if one else NONE


def together(report: dict[str, Any], titles: Mapping[str, Title] = TITLES) -> list[str]:
    """Which numbers lie on the side of networks that cheat, and how often all of them together were wrong; nothing if
    that is not known."""
    axes, kind = len(report["sides"]) - 1, report["kind"]
    alarms, missed, needing = (_known(what, axes, kind) for what in (
        "false alarms", "missed", "missed, of those that need the cue"))
    limits = thresholds(axes, kind)
    there = {name: part["value"][0] for name, part in report["parts"].items()
             if SIGNS.get(name) in limits and part["value"]}
    if not (alarms and missed and needing and there):
        return []
    cheating = [titles[name].heading for name, value in there.items() if beyond(name, value, axes, kind)]
    known = f"(of {len(there)} that have a threshold)"
    return [f"On the side of networks that cheat: {', '.join(cheating)} {known}." if cheating else
            f"This acquits nobody: none of these numbers lies on the side of networks that cheat {known}, but a mark "
            "that goes with the finding, such as one on its rim, need not show in any of them. Look for such marks in "
            "the pictures of both classes.",
            f"These thresholds were tried on small {TRIED[kind]} of which it is known whether they cheat; brackets "
            f"count them as independent. Of honest ones, {_rate(alarms[ANY], alarms['networks'])} had a number on that "
            f"side. Of those taught with a cue, {_rate(1 - missed[ANY], missed['networks'])} had one; some may have "
            "learnt the finding all the same. Of those that need their cue, and lose more than ten points of "
            f"{REACHED[kind]} on pictures without it, {_rate(1 - needing[ANY], needing['networks'])} had one. Networks "
            "whose cue goes with the finding, such as marks at its rim, are not counted: they need not show in any "
            "number here."]


def _of(share: float, count: float) -> str:
    return f"{round(share * count)} of {count:.0f}"


def _rate(share: float, count: float) -> str:
    """A count with its exact binomial interval."""
    from scipy.stats import binomtest

    found = binomtest(round(share * count), int(count)).proportion_ci()
    return f"{_of(share, count)} {bracket((share, found.low, found.high))[:-1]} %]"


def thresholds(axes: int = 2, kind: str = "classifier") -> dict[str, dict[str, Any]]:
    """Sign → its threshold for pictures (2) or volumes (3), and the false alarms and misses, each a share and of how
    many networks; empty if the table has not been made. A sign that tells no cheats has none."""
    wrong = {what: _known(what, axes, kind) for what in ("false alarms", "missed")}
    return {sign: {"threshold": value} | {what: [of[sign], of["networks"]] for what, of in wrong.items()}
            for sign, value in _known("threshold", axes, kind).items()}


def _known(label: str, axes: int, kind: str) -> dict[str, Any]:
    """A line of the summary of a kind's table; empty if there is none."""
    try:
        summary = results.facts(TABLES[kind])["evidence"]["summary"]
    except U3Error:
        return {}
    return summary.get(label + ", 3-D" * (axes == 3), {})
