"""The audit on networks of which it is known whether they cheat: where its thresholds lie, and how often it is wrong.

    python -m evidence audited     # results/audited.json, twenty minutes of a quiet processor

Each network is taught on slices or volumes with made lesions and with one kind of cue. Thresholds are set on some
kinds, and judged on networks of other seeds and of kinds that had no say in them.
"""

from collections.abc import Callable, Iterator, Mapping
from math import comb
from typing import Any, NamedTuple, TypeVar

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, extent
from evidence.audit_networks import taught
from u3audit.parts import settings
from u3course.worlds import cheats
from u3lab import audit
from u3lab.errors import U3Error

T = TypeVar("T")
Signs = Mapping[str, Callable[[Any], float]]
AXES = ("2-D", "3-D")
LEARNT = {"2-D": 4000, "3-D": 1500}  # pictures that a network is taught on
JUDGED = {"2-D": 200, "3-D": 100}  # and audited on
STEPS, BATCH = {"2-D": 400, "3-D": 600}, {"2-D": 32, "3-D": 16}
SEEDS = {"set": (0, 1, 2), "judge": (3, 4, 5)}
MORE = (6, 7, 8)  # further seeds of honest networks for slices, which judge
HONEST = ("none", "harmless")
SETTING = (*HONEST, "corner", "scanner")  # kinds that set thresholds; the others are met in the judging alone
JUDGING = {"2-D": (*SETTING, "weak", "wander", "clip", "date", "calipers"), "3-D": (*SETTING[1:], "wander")}
HIDDEN = "calipers"  # goes with the lesion, so that no sign can show it
NEEDED = 0.1  # of accuracy, that a network loses without a cue that it needs
FEW = (5, 10, 20)  # true positives whose lesion is filled in

Run = NamedTuple("Run", [("axes", str), ("cue", str), ("seed", int), ("role", str)])
"""One network: for slices or volumes, the cue of its pictures; ``role`` is "set", of a network that sets thresholds, or
"judge"."""

Row = NamedTuple("Row", [("accuracy", float), ("without", float), ("asked", int), ("removed", float),
    ("elsewhere", float), ("place", float), ("outside", float), ("edges", float), ("lesion", float),
    ("flips", dict[str, float])])
"""Accuracy on pictures like those learnt from, and on the same without the cue. Then the audit's numbers: how many true
positives there are, the share of them that flips when their lesion is filled in, and when the same shape is filled in
elsewhere; the best fixed place; the share of occlusion outside the body, and of edges; occlusion on the lesion over its
area; and the flips of each change, of positives and of negatives. What a network leaves nothing to ask about is 0."""

CHANGES = ("mirror", "shift", "blur", "noise", "window")
FLIPS = tuple(f"{change}, {whose}" for change in CHANGES for whose in ("positives", "negatives"))
SIGNS = {"lesion removed": lambda row: -row.removed, "best fixed place": lambda row: row.place,
         "outside the body": lambda row: row.outside, "worst flip of one class": lambda row: max(row.flips.values())}
"""Number → what is larger in a cheat."""
ANY = "any sign"
SHOWN = {"accuracy": lambda row: row.accuracy, "without the cue": lambda row: row.without,
         "lesion filled in": lambda row: row.removed, "filled in elsewhere": lambda row: row.elsewhere,
         "one place": lambda row: row.place, "occlusion outside the body": lambda row: row.outside,
         "worst flip": lambda row: max(row.flips.values())}


def thresholds(rows: Rows, axes: str, signs: Signs = SIGNS, *, blind: bool = True) -> dict[str, float]:
    """Sign → half way between the largest of the honest networks that set it and the least of those kinds of cheats
    that lie wholly beyond these. Where none does, it is that largest, or with ``blind`` False there is none."""
    setting = {run: row for run, row in rows.items() if (run.role, run.axes) == ("set", axes)}
    found = {}
    for name, sign in signs.items():
        top = max(sign(row) for run, row in setting.items() if run.cue in HONEST)
        least = [min(sign(row) for run, row in setting.items() if run.cue == cue)
                 for cue in dict.fromkeys(run.cue for run in setting) if cue not in HONEST]
        if blind or max(least) > top:
            found[name] = (top + min((one for one in least if one > top), default=top)) / 2
    return found


def accused(row: tuple, limits: dict[str, float], signs: Signs = SIGNS) -> dict[str, bool]:
    """Which signs accuse a network, and whether any does."""
    found = {name: signs[name](row) > limit for name, limit in limits.items()}
    return {**found, ANY: any(found.values())}


def below(row: Row, limit: float, few: int) -> float:
    """How probable it is that of so many true positives, drawn without replacement, less than this share flips."""
    flipped = round(row.removed * row.asked)
    few = min(few, row.asked)
    return sum(comb(flipped, k) * comb(row.asked - flipped, few - k) for k in range(few + 1) if k < limit * few
               ) / comb(row.asked, few)


def summary(rows: Rows, shown: Signs = SHOWN, signs: Signs = SIGNS, *, blind: bool = True) -> Summary:
    """For each cue the numbers of the networks that judge: mean, least and largest; how many each sign accuses; and
    the thresholds with their rates."""
    found: dict[str, dict] = {}
    for axes in AXES:
        judging = {run: row for run, row in rows.items() if (run.role, run.axes) == ("judge", axes)}
        fair = {run.cue in HONEST for run in rows if (run.role, run.axes) == ("set", axes)}
        if judging and fair == {True, False}:
            told = _summary(judging, thresholds(rows, axes, signs, blind=blind), shown, signs, few=axes == AXES[0])
            found |= {label + f", {axes}" * (axes != AXES[0]): of for label, of in told.items()}
    return found


def _summary(rows: Rows, limits: dict[str, float], shown: Signs, signs: Signs, *, few: bool) -> dict[str, dict]:
    """That of the networks that judge, for slices or for volumes. A row begins with what is reached with the cue."""
    found = dict(by_cell(((run.cue, column, of(row)) for run, row in rows.items() for column, of in shown.items()),
                         extent))
    said = {run: accused(row, limits, signs) for run, row in rows.items()}
    for cue in list(found):
        of = [said[run] for run in rows if run.cue == cue]
        found[f"accused: {cue}"] = {sign: sum(one[sign] for one in of) / len(of) for sign in (*limits, ANY)}
    found["threshold"] = {sign: abs(one) for sign, one in limits.items()}
    cheating = [run for run in rows if run.cue not in (*HONEST, HIDDEN)]
    groups = {"honest": [run for run in rows if run.cue in HONEST], "cheats": cheating,
              "cheats that need the cue": [run for run in cheating if rows[run][0] - rows[run].without > NEEDED]}
    for label, some, wrong in (
            ("false alarms", groups["honest"], True), ("missed", cheating, False),
            ("missed, of kinds that set no threshold", [run for run in cheating if run.cue not in SETTING], False),
            ("missed, of those that need the cue", groups["cheats that need the cue"], False)):
        if some:
            found[label] = {sign: sum(said[run][sign] == wrong for run in some) / len(some)
                            for sign in (*limits, ANY)} | {"networks": len(some)}
    for count in FEW * (few and "lesion removed" in limits):
        found[f"lesion removed on {count} pictures"] = {
            f"accused: {kind}": sum(below(rows[run], -limits["lesion removed"], count) for run in some) / len(some)
            for kind, some in groups.items() if some}
    return found


TABLE = Table(
    "audited", Run, Row, summary=summary,
    uneven={"seeds": "six of each honest kind for slices"},
    again="a row is a training, whose end hangs on the last digits of sums; a test measures networks of known answers",
    facts={"steps": STEPS, "batch": BATCH, "learnt": LEARNT, "judged": JUDGED, "honest": HONEST, "setting": SETTING,
           "hidden": HIDDEN},
    within={"flips": FLIPS},
    shared={"fit & choose: patients": "Four patients are all there are; networks learn from their even slices, and are "
                                      "audited on the odd ones.",
            "fit & judge: patients": "Four patients are all there are, as above: even and odd slices.",
            "choose & judge: patients": "Four patients are all there are; other networks, views, lesions and cues.",
            "choose & judge: slices": "The networks differ, and the views, lesions and cues; the odd slices are the "
                                      "same."},
    chart=Chart("bars", "share of true positives that flip", columns=("lesion filled in",),
                alt="Bars for nine kinds of networks on slices and four on volumes: honest ones and those taught a "
                    "weak letter lose most of their answers when the lesion is filled in, those that read calipers all "
                    "of them, and other cheats few; one taught the clip is like the honest ones."))


def work(plan: Plan) -> Iterator[Work]:
    """A network, from its training to its audit, is a piece of work."""
    slices = {half: [f"{name}, slice {n}" for name in cheats.PATIENTS
                     for n in range(len(cheats.stack(name)))[half::2]] for half in (0, 1)}
    plan.fit(patients=cheats.PATIENTS, slices=slices[0])
    plan.choose(patients=cheats.PATIENTS, slices=slices[1])
    plan.judge(patients=cheats.PATIENTS, slices=slices[1])
    for axes, role, seeds, cues in (
            ("2-D", "set", SEEDS["set"], SETTING), ("2-D", "judge", SEEDS["judge"], JUDGING["2-D"]),
            ("2-D", "judge", MORE, HONEST), ("3-D", "set", SEEDS["set"], SETTING[1:]),
            ("3-D", "judge", SEEDS["judge"], JUDGING["3-D"])):
        for seed in plan.few(seeds):
            for cue in plan.few(cues, 3):
                run = Run(axes, cue, seed, role)
                yield Work(run, measured, run, plan.steps(STEPS[axes]),
                           *(len(plan.few(range(count), 40)) for count in (LEARNT[axes], JUDGED[axes])))


def measured(run: Run, steps: int, learnt: int, judged: int) -> Row:
    """Teach a network, and audit it."""
    volumes = run.axes == "3-D"
    net = taught(cheats.fresh(run.seed, volumes=volumes),
                 cheats.cases(run.cue, learnt, seed=run.seed, volumes=volumes), steps, run.seed, BATCH[run.axes])
    made, plain = (cheats.cases(cue, judged, half=1, seed=1000 + run.seed, volumes=volumes)
                   for cue in (run.cue, "none"))
    cases = audit.Cases(*made)
    chosen, flips = settings(cases), audit.flips(net, cases)
    removed = or_none(audit.lesion_removed, net, cases, margin=chosen["margin"])
    place = or_none(audit.fixed_place, net, cases, cells=chosen["cells"], pairs=chosen["pairs"])
    looked = or_none(audit.where_it_looks, net, cases, windows=chosen["windows"], most=chosen["most"])
    return Row(
        audit.accuracy(net, cases).right.value, audit.accuracy(net, audit.Cases(*plain)).right.value,
        len(removed.which) if removed else 0, *(getattr(found, name).value if found else 0.0 for found, name in (
            (removed, "flipped"), (removed, "elsewhere"), (place, "best"), (looked, "outside"),
            (looked, "edges_outside"), (looked, "lesion"))),
        {f"{change}, {whose}": share.value if share else 0.0 for change, both in flips.items()
         for whose, share in zip(("positives", "negatives"), both, strict=True)})


def or_none(measure: Callable[..., T], *given: object, **settings: int) -> T | None:
    """What is measured, or None of a network that is right on no positive or on no negative."""
    try:
        return measure(*given, **settings)
    except U3Error:
        return None
