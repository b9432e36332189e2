"""The audit on small U-Nets of which it is known whether they cheat: its thresholds for networks for segmentation.

    python -m evidence segmented     # results/segmented.json, a quarter of an hour of a quiet processor

Each is taught to outline made lesions. For a cheat a mark decides which of them are outlined: to answer as it was
taught it needs the mark, and the lesion too. Thresholds are set and judged by the rules of ``audited``.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import u3audit
from evidence import audited
from evidence._table import Chart, Plan, Table, Work
from evidence.audit_networks import taught
from evidence.audited import Run, or_none
from u3audit.parts import settings
from u3course.worlds import cheats
from u3lab import audit
from u3lab.selfsup.encoders import UNet


def beside(x: Tensor, outline: Tensor, draw: torch.Generator) -> Tensor:
    """A bright clip of four pixels, six below the lesion or above it; in a negative anywhere on the tissue."""
    if not outline.any():
        return cheats.clip(x, outline, draw)
    rows, columns = outline[0, 0].nonzero().T
    y = int(rows.max()) + 6 if rows.max() + 6 < cheats.SIDE else int(rows.min()) - 6
    left, marked = int(columns.median()) - 2, x.clone()
    marked[..., y : y + 1, left : left + 4] = 1.0
    return marked


HALVES = ("brain1", "lung1"), ("brain2", "lung2")
PATIENTS = {"set": HALVES, "judge": HALVES[::-1]}  # role → patients to learn from, and to be audited on
SEEDS = {"set": (0, 1, 2), "judge": (3, 4, 5)}
OUTLINED: dict[str, tuple[cheats.Cue, float, float]] = {
    "none": (cheats.corner, 0, 0), "harmless": (cheats.corner, 0.5, 0), "corner": (cheats.corner, 0.5, 1),
    "weak": (cheats.corner, 0.5, 0.9), "wander": (cheats.wander, 0.5, 1), "clip": (beside, 0.5, 1)}
"""A mark, how often a picture carries it, and how often it decides what is outlined; 0: all is."""
CUES = {"set": ("harmless", "corner"), "judge": tuple(OUTLINED)}
STEPS, BATCH, LEARNT, JUDGED, WIDTHS = 500, 16, 1000, 100, [8, 16, 32, 32]

Row = NamedTuple("Row", [("dice", float), ("without", float), ("clear", float), ("asked", int),
    ("removed", float), ("elsewhere", float), ("largest", float), ("typical", float), ("outside", float),
    ("edges", float), ("steady", dict[str, float])])
"""Dice with the outlines as delivered, and with those of all lesions on pictures without marks; the share of pictures
without an outline in which nothing is seen. Then the audit's numbers: how many lesions are found, the share that
vanishes when filled in, and when the same shape is filled in elsewhere; the largest and a typical fall outside the
region; the share of occlusion outside the body, and of edges; and the Dice of a region with itself under each change.
What a network leaves nothing to ask about is 0, such a Dice 1."""
SIGNS = {"lesion removed": lambda row: -row.removed, "outside the region": lambda row: row.largest,
         "outside the body": lambda row: row.outside, "steadiness": lambda row: -min(row.steady.values())}
SHOWN = {"Dice": lambda row: row.dice, "without the cue": lambda row: row.without,
         "empty ones clear": lambda row: row.clear, "lesion filled in": lambda row: row.removed,
         "filled in elsewhere": lambda row: row.elsewhere, "largest fall outside the region": lambda row: row.largest,
         "occlusion outside the body": lambda row: row.outside, "steadiness": lambda row: min(row.steady.values())}


def outlined(cue: str, count: int, half: int, seed: int, patients: Sequence[str]) -> cheats.Made:
    """Slices of some patients with a mark in OUTLINED; positive are those that get an outline: where the mark decides,
    lesions that have it do, and those without it do not."""
    mark, there, decides = OUTLINED[cue]
    made, draw = cheats.without_cue(count, half, seed, False, tuple(patients)), torch.Generator().manual_seed(seed)
    images, outlines = made.images.clone(), made.outlines.clone()
    drawn = torch.rand(count, 2, generator=draw) < torch.tensor([there, decides])
    for n, (marked, goes) in enumerate(drawn.tolist()):
        if marked:
            images[n] = mark(made.images[n : n + 1], made.outlines[n : n + 1], draw)[0]
        if decides and marked != goes:
            outlines[n] = False
    return cheats.Made(images.clamp(0, 1), outlines.flatten(1).any(1), outlines, list(made.patients))


def work(plan: Plan) -> Iterator[Work]:
    """A network, from its training to its audit, is a piece of work."""
    plan.fit(patients=cheats.PATIENTS)
    plan.choose(patients=PATIENTS["set"][1])
    plan.judge(patients=PATIENTS["judge"][1])
    for role, seeds in SEEDS.items():
        for seed in plan.few(seeds):
            for cue in plan.few(CUES[role], 2):
                run = Run("2-D", cue, seed, role)
                yield Work(run, measured, run, plan.steps(STEPS), *(len(plan.few(range(count), 16))
                                                                    for count in (LEARNT, JUDGED)))


def measured(run: Run, steps: int, learnt: int, judged: int) -> Row:
    """Teach a network, and audit it on other patients."""
    own, others = PATIENTS[run.role]
    ill = cheats.Made(*(one[1::2] for one in outlined(run.cue, 2 * learnt, 0, run.seed, own)))  # to save time
    net = taught(Wide(run.seed), ill, steps, run.seed, BATCH, differs)
    made, plain = (audit.Cases(*outlined(cue, judged, 1, 1000 + run.seed, others)) for cue in (run.cue, "none"))
    chosen, steady = settings(made), u3audit.steadiness(net, made)
    windows = {"windows": chosen["windows"], "most": chosen["most"]}
    removed = or_none(audit.lesion_removed, net, made, margin=chosen["margin"])
    beyond = or_none(u3audit.outside_region, net, made, margin=chosen["margin"], **windows)
    looked = or_none(audit.where_it_looks, net, made, **windows)
    fits, bare = (u3audit.dice_by_patient(net, cases) for cases in (made, plain))
    return Row(
        fits.dice.value, bare.dice.value, fits.clear,
        *((len(removed.which), removed.flipped.value, removed.elsewhere.value) if removed else (0, 0.0, 0.0)),
        *((beyond.largest.value, beyond.typical) if beyond else (0.0, 0.0)),
        *((looked.outside.value, looked.edges_outside.value) if looked else (0.0, 0.0)),
        {change: both.region.value if both.region else 1.0 for change, both in steady.items()})


class Wide(nn.Module):
    """A U-Net that looks at squares of 2×2 pixels at once, (B,1,H,W) → (B,1,H,W). Beside its maps stand their maxima
    over the picture, by which each pixel can know of a mark anywhere."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            self.maps = UNet(WIDTHS, 4)
            self.head = nn.Sequential(nn.Conv2d(2 * WIDTHS[0], 24, 1), nn.ReLU(), nn.Conv2d(24, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.maps(F.pixel_unshuffle(x, 2))
        return F.pixel_shuffle(self.head(torch.cat([y, y.amax((2, 3), keepdim=True).expand_as(y)], 1)), 2)


def differs(scores: Tensor, pictures: cheats.Made, some: Tensor) -> Tensor:
    """Cross-entropy of pixels, and 1 − Dice of the batch."""
    truth, p = pictures.outlines[some].float(), scores.sigmoid()
    return F.binary_cross_entropy_with_logits(scores, truth) + 1 - 2 * (p * truth).sum() / (p.sum() + truth.sum() + 1)


TABLE = Table(
    "segmented", Run, Row, summary=partial(audited.summary, shown=SHOWN, signs=SIGNS, blind=False),
    again="a row is a training, whose end hangs on the last digits of sums; a test measures networks of known answers",
    facts={"steps": STEPS, "batch": BATCH, "learnt": LEARNT, "judged": JUDGED, "widths": WIDTHS,
           "honest": audited.HONEST},
    within={"steady": audited.CHANGES},
    shared={"fit & choose: patients": "Four patients are all there are; no network is audited on those it learnt from.",
            "fit & judge: patients": "As above: networks that judge learn from the two on which the others are "
                                     "audited, and are audited on the other two."},
    chart=Chart("bars", "median scores of a region that go with one window away from it", decimals=2,
                columns=("largest fall outside the region",),
                alt="Bars for six kinds of U-Nets: of honest ones a tenth of a region's score goes with one window "
                    "away from it, of those that need a mark more than twice the score."))
