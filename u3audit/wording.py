"""When a report says which sentence; the sentences themselves stand in ``sentences.toml``."""

import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from u3lab import results
from u3lab.audit.accuracy import ENOUGH
from u3lab.errors import U3Error

SENTENCES = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8"))
HALF, THIRD, HARDLY, NO_AIR, FEW = 1 / 2, 1 / 3, 0.1, 0.01, 5
NONE = "–"


class Title(NamedTuple):
    """A number's heading, its unit in words, and what its floor is."""

    heading: str
    unit: str
    floor: str


TITLES = {kind: {name: Title(**title) for name, title in titles.items()}
          for kind, titles in SENTENCES["titles"].items()}
"""Kind of network → part → its title, in the order of the page."""

SIGNS = {"lesion removed": "lesion removed", "best fixed place": "best fixed place",
         "where it looks": "outside the body", "flips": "worst flip of one class",
         "outside the region": "outside the region", "steadiness": "steadiness"}
"""Part → its sign in the tables of thresholds."""

LOW = ("lesion removed", "steadiness")  # the numbers that are low in networks that cheat
ANY = "any sign"  # in the table of thresholds
TABLES = {"classifier": "audited", "segmentation": "segmented"}  # kind of network → where its thresholds are
TRIED = {"classifier": "networks", "segmentation": "U-Nets"}  # on what they were tried
ACCURACY = {"classifier": "accuracy", "segmentation": "Dice"}


# ---- how a sentence is written


def percent(value: float) -> str:
    """A share as a number without decimals, of small ones with one: .784 → 78 %."""
    hundred = round(100 * value, 1) + 0  # no −0
    form = ".0f" if abs(hundred) >= 10 or hundred == round(hundred) else ".1f"
    return f"{hundred:{form}} %".replace("-", "−")


def bracket(value: Sequence[float]) -> str:
    """The interval of (value, low, high) in percent, in brackets."""
    return f"[{percent(value[1])[:-2]}, {percent(value[2])[:-2]}]"


def people(count: int) -> str:
    """So many patients."""
    return f"{count} patient" if count == 1 else f"{count} patients"


class _Formatter(string.Formatter):
    """``str.format`` with four more formats, as in "{share:percent}"."""

    FORMATS = {"percent": percent, "bracket": bracket, "people": people, "capitalised": str.capitalize}

    def format_field(self, value: Any, spec: str) -> str:
        return self.FORMATS[spec](value) if spec in self.FORMATS else super().format_field(value, spec)


def sentence(group: str, name: str, /, **values: Any) -> str:
    """The sentence of this name, filled in."""
    sentences, fill = SENTENCES[group], _Formatter().format
    if "start" in sentences:
        values["start"] = fill(sentences["start"], **values)
    return fill(sentences[name], **values)


# ---- which sentences are said of each number: by its value and floor, and the facts beside them


def _lesion_removed(values: dict[str, Any]) -> list[str]:
    if values["value"][1] > values["floor"][2]:
        names = ["matters"]
    elif values["asked"] < FEW:
        names = ["few"]
    else:
        names = ["hardly"]
    return [*names, "large"] if values["large"] else names


def _best_fixed_place(values: dict[str, Any]) -> list[str]:
    return ["moves", "pair", "half" if values["value"][0] >= HALF else "less"]


def _where_it_looks(values: dict[str, Any]) -> list[str]:
    names = ["no_air"]
    if values["air"] >= NO_AIR:
        names = ["outside", "most_outside"] if values["value"][0] >= HALF else ["outside"]
    if values["lesion"]:
        names.append("finding")
    if values["empty"]:
        names.append("empty")
    return names


def _flips(values: dict[str, Any]) -> list[str]:
    share, back, change = values["value"][0], values["back"], values["change"]
    if not share:
        return ["none"]
    names = ["both_classes" if back else "one_class"]
    if share >= HALF and back and back[0] <= HARDLY:  # as if the network read something that goes with one class
        if change not in SENTENCES["flips"]["added"]:
            names.append("side_moved")
        else:
            names.append("side_added" if values["whose"] == "negatives" else "side_taken")
    return names


def _beside_flips(facts: dict[str, Any]) -> dict[str, Any]:
    """What sentences on the worst flip name beside the facts: the other class, and what the change adds or takes."""
    change, other = facts["change"], "negatives" if facts["whose"] == "positives" else "positives"
    return {"other": other, "back": facts["by"][change][other],
            **{name: SENTENCES["flips"][name].get(change) for name in ("added", "taken")}}


def _accuracy(values: dict[str, Any]) -> list[str]:
    if values["patients"] is None:
        return ["pictures", "alone"]
    return ["patients"] if values["patients"] >= ENOUGH else ["patients", "few"]


def _outside_the_region(values: dict[str, Any]) -> list[str]:
    return ["takes", "half" if values["value"][0] >= HALF else "less"]


def _steadiness(values: dict[str, Any]) -> list[str]:
    return ["leaves", "less"] if values["value"][0] < HALF else ["leaves"]


def _dice(values: dict[str, Any]) -> list[str]:
    return ["mean", "alone"] if values["patients"] is None else ["mean"]


NAMES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "lesion removed": _lesion_removed, "best fixed place": _best_fixed_place, "where it looks": _where_it_looks,
    "flips": _flips, "accuracy by patient": _accuracy, "outside the region": _outside_the_region,
    "steadiness": _steadiness, "Dice by patient": _dice}
"""Part → the names of its sentences."""


def sentences(name: str, part: Mapping[str, Any]) -> list[str]:
    """What a part of a report says of its number, or why there is none."""
    if part["value"] is None:
        return [part["why"][0].upper() + part["why"][1:] + "."]
    values, kind = part["facts"] | {"value": part["value"], "floor": part["floor"]}, part["kind"]
    if name == "flips":
        values |= _beside_flips(part["facts"])
    group = f"{name}, {kind}" if f"{name}, {kind}" in SENTENCES else name
    found = [sentence(group, one, **values) for one in NAMES[name](values)]
    return found + ([beside_threshold(name, part["value"], part["axes"], kind)] if name in SIGNS else [])


def all_sentences(report: dict[str, Any], name: str) -> list[str]:
    """All that is said of a number, also what other parts of the report add to it."""
    found = sentences(name, report["parts"][name])
    if name != "where it looks" or not report["parts"][name]["value"]:
        return found
    maps = report["behind"].get("maps")
    return found + about_blur(report["parts"].get("flips")) + (about_map(maps) if maps else [])


def about_blur(flips: dict[str, Any] | None) -> list[str]:
    """The warning that occlusion blurs, to a network that blur alone turns."""
    both = flips["facts"]["by"]["blur"] if flips and flips["value"] else {}
    return [sentence("where it looks", "blur", share=share[0], whose=whose)
            for whose, share in both.items() if share and share[0] > HARDLY]


def about_map(maps: dict[str, Any]) -> list[str]:
    """What the first map that passes its randomisation gate says, beside occlusion."""
    facts = maps["facts"]
    if maps["why"]:
        return []
    if not facts["passed"] or not facts["outside"]:
        return [sentence("where it looks", "no_map")]
    return [sentence("where it looks", "map_with_finding" if facts["lesion"] else "map", **facts)]


# ---- what is said of all of them


def first(report: dict[str, Any]) -> list[str]:
    """What a reader has to know before any number."""
    found, shared, patients = [], report["shared"], report["patients"]
    if shared:
        names = ", ".join(shared[:3]) + (" …" if len(shared) > 3 else "")
        found.append(sentence("first", "shared", shared=len(shared), patients=patients, names=names))
    if report["outlines"] is None:
        found.append(sentence("first", "no_outlines"))
    elif report["parts"]["lesion removed"]["value"] is None:
        found.append(sentence("first", "missing"))
    if patients is None:
        found.append(sentence("first", "no_patients"))
    elif patients < ENOUGH:
        found.append(sentence("first", "few_patients", patients=patients))
    return found


def intervals(report: dict[str, Any]) -> str:
    """What a bracket is, of how few patients, and what one without width means."""
    few = report["patients"] and report["patients"] < ENOUGH
    names = ["few_patients" if few else "plain"]
    values = [value for part in report["parts"].values() for value in (part["value"], part["floor"])]
    if any(isinstance(value, Sequence) and value[1] == value[2] for value in values):
        names.append("flat")
    return " ".join(sentence("brackets", name, patients=report["patients"]) for name in names)


def beside_threshold(name: str, value: Sequence[float], axes: int = 2, kind: str = "classifier") -> str:
    """Where the number lies beside the threshold that was learnt for it, with the rates at which that was wrong."""
    known = thresholds(axes, kind)
    if not known:
        return sentence("thresholds", "unknown")
    tried = sentence("thresholds", "tried", networks=TRIED[kind], pictures="volumes" if axes == 3 else "slices")
    if SIGNS[name] not in known:
        return sentence("thresholds", "tells_nothing", tried=tried)
    sign, cheats = known[SIGNS[name]], beyond(name, value[0], axes, kind)
    at = sign["threshold"]
    names = ["crosses" if value[1] < at < value[2] else "clear", "rates"]
    if sign["false alarms" if cheats else "missed"][0] > THIRD:
        names.append("errs")
    values = {"side": "below" if value[0] < at else "above", "at": at, "tried": tried,
              "whose": "networks that cheat" if cheats else "honest networks",
              "alarms": _of(*sign["false alarms"]), "missed": _of(*sign["missed"])}
    return " ".join(sentence("thresholds", one, **values) for one in names)


def beyond(name: str, value: float, axes: int, kind: str = "classifier") -> bool:
    """Whether the number lies on the side of networks that cheat; its threshold is known."""
    threshold = thresholds(axes, kind)[SIGNS[name]]["threshold"]
    return value < threshold if name in LOW else value > threshold


def cheats_lie(name: str, known: dict[str, dict[str, Any]]) -> str:
    """Where networks that cheat lie by these ``thresholds``, as a cell of a table."""
    sign = known.get(SIGNS.get(name, ""))
    return f"{'below' if name in LOW else 'above'} {percent(sign['threshold'])}" if sign else NONE


def together(report: dict[str, Any]) -> list[str]:
    """Which numbers lie on the side of networks that cheat, and how often all of them together were wrong; nothing if
    that is not known."""
    axes, kind = len(report["sides"]) - 1, report["kind"]
    alarms, missed, needing = (_known(what, axes, kind) for what in (
        "false alarms", "missed", "missed, of those that need the cue"))
    known = thresholds(axes, kind)
    there = {name: part["value"][0] for name, part in report["parts"].items()
             if SIGNS.get(name) in known and part["value"]}
    if not (alarms and missed and needing and there):
        return []
    headings = [TITLES[kind][name].heading for name, value in there.items() if beyond(name, value, axes, kind)]
    verdict = "some_cheat" if headings else "none_cheats"
    return [sentence("thresholds", verdict, headings=", ".join(headings), count=len(there)),
            sentence("thresholds", "together", networks=TRIED[kind], reached=ACCURACY[kind],
                     alarms=_rate(alarms[ANY], alarms["networks"]), caught=_rate(1 - missed[ANY], missed["networks"]),
                     needing=_rate(1 - needing[ANY], needing["networks"]))]


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
    return summary.get(f"{label}, 3-D" if axes == 3 else label, {})
