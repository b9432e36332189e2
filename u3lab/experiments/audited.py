"""The audit on networks of which it is known whether they cheat: where its thresholds lie, and how often it is wrong.

    python -m u3lab.experiments audited     # results/audited.json, half an hour of a thread

Each network is taught on slices with made lesions and with one kind of cue. Thresholds are set on some kinds, and
judged on networks of other seeds and of kinds that had no say in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from u3lab import audit
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, extent
from u3lab.worlds import cheats

STEPS, BATCH, RATE = 500, 32, 6e-3
LEARNT, JUDGED = 1500, 100  # pictures that a network is taught on, and audited on
SEEDS = {"set": (0, 1, 2), "judge": (3, 4, 5)}
HONEST = ("none", "harmless")
SETTING = (*HONEST, "corner", "scanner")  # kinds that set thresholds; the others are met in the judging alone

Run = NamedTuple("Run", [("cue", str), ("seed", int), ("role", str)])
"""One network: the cue of its pictures; ``role`` is "set", of a network that sets thresholds, or "judge"."""

Reached = NamedTuple("Reached", [("accuracy", float), ("without", float), ("removed", float), ("elsewhere", float),
    ("place", float), ("outside", float), ("edges", float), ("lesion", float), ("flips", dict[str, float])])
"""Accuracy on pictures like those learnt from, and on the same without the cue. Then the audit's numbers: the share of
true positives that flip when their lesion is filled in, and when the same shape is filled in elsewhere; the best fixed
place; the share of occlusion outside the body, and of edges; occlusion on the lesion over its area; and the flips of
each change, of positives and of negatives."""

CHANGES = ("mirror", "shift", "blur", "noise", "window")
FLIPS = tuple(f"{change}, {whose}" for change in CHANGES for whose in ("positives", "negatives"))
SIGNS = {"lesion removed": lambda row: -row.removed, "best fixed place": lambda row: row.place,
         "outside the body": lambda row: row.outside, "worst flip of one class": lambda row: max(row.flips.values())}
"""Number → what is larger in a cheat."""


def thresholds(rows: Rows) -> dict[str, float]:
    """Sign → half way between the largest of the honest networks that set it and the next larger cheat."""
    found = {}
    for name, sign in SIGNS.items():
        honest, cheats_ = ([sign(row) for run, row in rows.items() if run.role == "set"
                            and (run.cue in HONEST) == fair] for fair in (True, False))
        top = max(honest)
        found[name] = (top + min((one for one in cheats_ if one > top), default=top)) / 2
    return found


def summary(rows: Rows) -> Summary:
    """For each cue the numbers of the networks that judge: mean, least and largest; and how many each sign accuses."""
    judging = {run: row for run, row in rows.items() if run.role == "judge"}
    if {run.role for run in rows} != {"set", "judge"}:
        return {}
    cells = [(run.cue, name, value) for run, row in judging.items() for name, value in (
        ("accuracy", row.accuracy), ("without the cue", row.without), ("lesion removed", row.removed),
        ("best fixed place", row.place), ("outside the body", row.outside),
        ("worst flip of one class", max(row.flips.values())))]
    limits = thresholds(rows)
    accused = {}
    for cue in dict.fromkeys(run.cue for run in judging):
        of = [row for run, row in judging.items() if run.cue == cue]
        accused[f"{cue}: accused"] = {name: sum(sign(row) > limits[name] for row in of) / len(of)
                                      for name, sign in SIGNS.items()}
    return {**by_cell(cells, extent), **accused, "threshold": {name: abs(one) for name, one in limits.items()}}


TABLE = Table(
    "audited", Run, Reached, summary=summary, again={"cue": "corner", "seed": "3"},
    facts={"steps": STEPS, "batch": BATCH, "learnt": LEARNT, "judged": JUDGED, "honest": HONEST, "setting": SETTING},
    within={"flips": FLIPS},
    shared={"fit & choose: patients": "Four patients are all there are; networks learn from their even slices, and are "
                                      "audited on the odd ones.",
            "fit & judge: patients": "As above.", "choose & judge: patients": "As above."},
    evidence=Evidence(
        "which networks the audit accuses, of networks of which it is known whether they cheat",
        measured="The audit's numbers for small networks (five convolutions) that were taught to find a made lesion on "
                 "slices with one kind of cue. \"accused\": the share of the networks beyond the threshold.",
        on=f"{LEARNT:,} views of the even slices of four patients to learn from, {JUDGED} views of the odd slices to "
           "be audited on. Honest: no cue, or a letter on half of both classes. Cheats: a letter in the corner of "
           "every positive; on four of five and one of five; anywhere on the border; a bright clip on the tissue; a "
           "slight blur; a date burnt in.",
        often="Three networks of each kind judge, and three others of four kinds set the thresholds. The numbers are "
              "mean, least and largest.",
        floor="The same shape filled in elsewhere, and edges, stand in the rows.",
        chosen="Each threshold lies half way between the largest honest network that sets it and the next larger "
               "cheat; by networks with no cue, a harmless letter, a letter in the corner, and a blur. The other "
               "kinds had no say.",
        limits="Made lesions and made cues on four patients, one small network. A network that no sign accuses is not "
               "thereby honest."),
    chart=Chart("bars", "share of true positives that flip", columns=("lesion removed",),
                alt="Bars for eight kinds of networks: honest ones lose most of their answers with the lesion, and "
                    "those that cheat lose few."))


def work(plan: Plan) -> Iterator[Work]:
    """A network, from its training to its audit, is a piece of work."""
    plan.fit(patients=cheats.PATIENTS)
    plan.choose(patients=cheats.PATIENTS)
    plan.judge(patients=cheats.PATIENTS)
    for role, seeds in SEEDS.items():
        for cue in (SETTING if role == "set" else tuple(cheats.CUES)):
            for seed in seeds:
                yield Work(Run(cue, seed, role), measured, Run(cue, seed, role), plan.steps(STEPS))
                if plan.short:
                    return


def measured(run: Run, steps: int) -> Reached:
    """Teach a network, and audit it."""
    net, pictures = taught(run.cue, run.seed, steps), cheats.cases(run.cue, JUDGED, half=1, seed=1000 + run.seed)
    plain = cheats.cases("none", JUDGED, half=1, seed=1000 + run.seed)
    cases = audit.Cases(pictures.images, pictures.positive, pictures.outlines)
    removed, place, looked, flips = (one(net, cases) for one in (
        audit.lesion_removed, audit.fixed_place, audit.where_it_looks, audit.flips))
    return Reached(
        audit.accuracy(net, cases).right.value, audit.accuracy(net, audit.Cases(*plain[:2])).right.value,
        removed.flipped.value, removed.elsewhere.value, place.best.value, looked.outside.value,
        looked.edges_outside.value, looked.lesion.value,
        {f"{change}, {whose}": share.value if share else 0.0 for change, both in flips.items()
         for whose, share in zip(("positives", "negatives"), both, strict=True)})


def taught(cue: str, seed: int, steps: int = STEPS) -> nn.Module:
    """A network that has learnt to find a made lesion on slices with a cue."""
    pictures = cheats.cases(cue, LEARNT, seed=seed)
    net = fresh(seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    draw = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        some = torch.randint(LEARNT, (BATCH,), generator=draw)
        loss = F.cross_entropy(net(pictures.images[some]), pictures.positive[some].long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
    return net.eval()


def fresh(seed: int) -> nn.Module:
    """Five convolutions and the largest answer of each channel, (B,1,96,96) → (B,2)."""
    def layer(*channels: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(*channels, 3, stride, 1), nn.BatchNorm2d(channels[1]), nn.ReLU()]

    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(*layer(1, 16, stride=2), *layer(16, 32), *layer(32, 32, stride=2),
                             *layer(32, 64, stride=2), *layer(64, 64), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
                             nn.Linear(64, 2))
