"""A network watches a street and is asked which pixels move; then it is to find people in single frames.

    python -m evidence walkers  # data/results/walkers.json and weights/walkers.safetensors, 25 minutes
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _walkers as walkers
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3lab import selfsup
from u3lab.datasets import clips, packed
from u3lab.descent import last
from u3lab.measures import OUTER, Interval
from u3lab.nets import Classifier
from u3lab.selfsup import cross_pixel
from u3lab.training.loop import falling

SEEDS, STEPS, BATCH, SIDE, RATE = (0, 1, 2), 600, 8, 96, 0.005
PIXELS, SIGMA, KAPPA = 512, 0.15, 4.0  # of the group loss
FLOW_SIDES = (96, 128)  # flow is estimated at half of the film's size
BLOCK = 5  # frames in a row, four seconds, that are drawn together

PUPIL, LONGER, LABELS = "does it move?", "does it move? three times as long", "trained on background subtraction"
TEACHER, MEAN, CONSTANT = "its teacher: three-frame difference", "difference from the mean frame", "one mask for all"
TRUTHS = "background subtraction, not corrected"
FLOW, FLOWS, GROUPS = "does it move? asked of flow", "flow of the frame itself", "groups of equal flow"
HALVES = {"watched the left half": slice(0, 128), "watched the right half": slice(128, 256)}
PUPILS = (PUPIL, LONGER, *HALVES, LABELS, FLOW, GROUPS)
RIVALS = (TEACHER, MEAN, CONSTANT, TRUTHS, FLOWS)
ALL = (CONSTANT, GROUPS, FLOW, TEACHER, PUPIL, LABELS, MEAN, LONGER, FLOWS, TRUTHS)  # as they are shown
SHOWN = {PUPIL: "the network: does it move?", LONGER: "the network, three times as long",
         FLOW: "the network, its target from flow", LABELS: "the network, its target from masks"}

FILMED, STANDING, MISSED = "as filmed", "those who stand", "what the teacher misses"
MIRRORED, OVER, PASTED, STREET = "mirrored", "upside down", "walkers elsewhere", "street elsewhere"
SIDES = dict(zip(HALVES, ("right half", "left half"), strict=True))  # never watched by whom
EVERYWHERE = (FILMED, STANDING, MISSED)
IOU, NOT_DRAWN = "IoU", "IoU (not in the chart)"
ASKED = {PUPIL: (*EVERYWHERE, MIRRORED, OVER, PASTED, STREET, *SIDES.values()), MEAN: (*EVERYWHERE, PASTED, STREET),
         **dict.fromkeys((LONGER, LABELS), (*EVERYWHERE, PASTED, STREET)), TEACHER: (*EVERYWHERE, *SIDES.values()),
         **{name: (half,) for name, half in SIDES.items()}}  # the others: EVERYWHERE
FRAMES = tuple(str(number) for number in packed.index("clips")["street"]["masked"])

Run = NamedTuple("Run", [("method", str), ("judged", str), ("seed", int)])
"""One network, or a rival of seed 0, on one kind of pictures."""

Row = NamedTuple("Row", [("iou", dict), ("found", dict)])
"""Of each of 25 frames: intersection over union of what is said to move with the truth, and the share of the truth's
pixels that are said to. Of those who stand, and of the missed, only the share; NaN in a frame without any."""


def over_both(values: Tensor) -> Interval:
    """The mean of (frames, seeds) with its 95 % interval, from samples of blocks of neighbouring frames, and of seeds.

    NaN is left out, and so are samples that have nothing else.
    """
    frames, seeds = values.shape
    blocks, draw = frames // BLOCK, torch.Generator().manual_seed(0)
    picked = torch.randint(blocks, (1000, blocks, 1, 1), generator=draw) * BLOCK + torch.arange(BLOCK)[:, None]
    means = values[picked, torch.randint(seeds, (1000, 1, 1, seeds), generator=draw)].flatten(1).nanmean(1)
    low, high = means[means.isfinite()].quantile(torch.tensor(OUTER, dtype=values.dtype)).tolist()
    return Interval(values.nanmean().item(), low, high)


def measured_of(rows: Rows, method: str, judged: str, column: str) -> Tensor:
    """A column of all seeds, (frames, seeds)."""
    found = [list(getattr(row, column).values()) for run, row in rows.items()
             if (run.method, run.judged) == (method, judged)]
    return torch.tensor(found, dtype=torch.float64).reshape(-1, len(FRAMES)).mT


def summary(rows: Rows) -> Summary:
    """Intersection over union, and the share of those who stand and of what the teacher misses; then the controls."""
    told: dict[str, dict[str, Interval]] = {}

    def tell(label: str, column: str, *values: Tensor) -> None:
        if all(one.numel() for one in values):
            told.setdefault(label, {})[column] = over_both(sum(values) / len(values))

    of = partial(measured_of, rows)
    for method in ALL:
        label = SHOWN.get(method, method)
        tell(label, NOT_DRAWN if method in (LONGER, FLOWS, TRUTHS) else IOU, of(method, FILMED, "iou"))
        for judged in (STANDING, MISSED):
            tell(label, f"found of {judged}", of(method, judged, "found"))
        for judged in (PASTED, STREET):
            tell(label, f"said to move, {judged}", of(method, judged, "found"))
        if method == PUPIL:
            tell("the network, walkers pasted elsewhere", NOT_DRAWN, of(PUPIL, PASTED, "iou"))
    for judged, column, title in ((FILMED, "iou", NOT_DRAWN), (STANDING, "found", f"found of {STANDING}")):
        for method, label in ((PUPIL, "the network"), (LONGER, SHOWN[LONGER])):
            if (pupil := of(method, judged, column)).numel() and (teacher := of(TEACHER, judged, column)).numel():
                tell(f"{label}, less its teacher", title, pupil - teacher)
            for seed in SEEDS:
                tell(f"{label}, seed {seed}", title, of(method, judged, column)[:, seed : seed + 1])
    for judged in (MIRRORED, OVER):
        tell(f"the network, {judged}", NOT_DRAWN, of(PUPIL, judged, "iou"))
    tell("the network, half of the picture never watched", NOT_DRAWN, *(of(*one, "iou") for one in SIDES.items()))
    for method, label in ((PUPIL, "the network"), (TEACHER, TEACHER)):
        tell(f"{label}, in the same halves", NOT_DRAWN, *(of(method, half, "iou") for half in SIDES.values()))
    sides = [(of(*one, "iou"), of(TEACHER, one[1], "iou")) for one in SIDES.items()]
    if all(pupil.numel() and teacher.numel() for pupil, teacher in sides):
        tell("the network, half of the picture never watched, less its teacher", NOT_DRAWN,
             *(pupil - teacher for pupil, teacher in sides))
    return told


TABLE = Table(
    "walkers", Run, Row, summary=summary, facts={"steps": STEPS, "batch": BATCH, "rate": RATE},
    within={"iou": FRAMES, "found": FRAMES},
    shared={"fit & choose: frames": "the thresholds of flow and of the rivals without a network are those that fit an "
                                    "automatic background subtraction of these frames best"},
    uneven={"seeds": "Three seeds of each network; rivals without one have none"},
    again={"method": MEAN},
    chart=Chart("bars", "intersection over union (IoU)", columns=(IOU,),
                alt="Seven bars with intervals, from low to high: one mask for all frames near 0, groups and flow "
                    "below one half, the three-frame difference above it. The interval of the network that learnt from "
                    "this difference overlaps its teacher's and reaches beyond it. Masks as a target and the "
                    "difference from the mean frame are highest."))


def work(plan: Plan) -> Iterator[Work]:
    """A rival is a piece of work, and so is a training, with all that is judged by it."""
    fit = [str(number) for number in packed.index("clips")["street"]["train"]]
    plan.fit(frames=fit)
    plan.choose(frames=fit)
    plan.judge(frames=FRAMES)
    for method in plan.few(RIVALS):
        yield Work([Run(method, judged, 0) for judged in asked(method)], judge, method, 0, partial(rival, method))
    for seed in plan.few(SEEDS):
        for method in plan.few(PUPILS):
            yield Work([Run(method, judged, seed) for judged in asked(method)], pupil, plan, method, seed)


def asked(method: str) -> Sequence[str]:
    """On what a method is judged."""
    return ASKED.get(method, EVERYWHERE)


# ---- judging ---------------------------------------------------------------------------------------------------------

@cache
def pictures(judged: str) -> tuple[Tensor, Tensor]:
    """Pictures (25,3,H,W) and what is to be found in them (25,H,W)."""
    film = walkers.test()
    if judged == STANDING:
        return film.frames, walkers.standing(film)
    if judged == MISSED:
        return film.frames, film.truth & (film.moved <= walkers.MOVED)
    if judged == MIRRORED:
        return film.frames.flip(3), film.truth.flip(2)
    if judged == OVER:
        return film.frames.flip(2), film.truth.flip(1)
    if judged in (PASTED, STREET):
        walked, street, masks = pasted()
        return (walked if judged == PASTED else street), masks
    return film.frames, film.truth


@cache
def pasted() -> walkers.Pasted:
    """The walkers of the test elsewhere."""
    return walkers.elsewhere(walkers.test())


def judge(method: str, seed: int, says: Callable[[Tensor], Tensor]) -> dict[Run, Row]:
    """The rows of a method: ``says`` makes masks (N,H,W) of pictures (N,3,H,W)."""
    half = {judged: next(part for name, part in HALVES.items() if name != watched)
            for watched, judged in SIDES.items()}
    rows = {}
    for judged in asked(method):
        shown, truth = pictures(judged)
        said, truth = (mask[..., half.get(judged, slice(None))] for mask in (says(shown), truth))
        both, either, all_of_it = ((one.flatten(1).sum(1).double()) for one in (said & truth, said | truth, truth))
        whole = judged not in (STANDING, MISSED, STREET)
        rows[Run(method, judged, seed)] = Row(
            dict(zip(FRAMES, (both / either if whole else both * torch.nan).tolist(), strict=True)),
            dict(zip(FRAMES, (both / all_of_it).tolist(), strict=True)))
    return rows


def rival(method: str, shown: Tensor) -> Tensor:
    """What is said to move without a network. Those that need a film's other frames are asked about the film alone."""
    lesson, test = walkers.lesson(), walkers.test()
    if method == TEACHER:
        return test.moved > walkers.MOVED
    if method == FLOWS:
        return flow_speed("test") > flow_threshold()
    if method == TRUTHS:
        return walkers.distance(shown) > walkers.FAR
    if method == CONSTANT:
        often = lesson.truth.double().mean(0)
        return (often > best(often.expand_as(lesson.truth), lesson.truth)).expand(len(shown), -1, -1)
    return walkers.distance(shown, mean_frame()) > mean_threshold()


@cache
def mean_frame() -> Tensor:
    """The mean of the frames learnt from, (3,192,256)."""
    return clips.street_frames("train").mean(0)


@cache
def mean_threshold() -> float:
    """From which distance to it on a pixel counts as moving."""
    return best(walkers.distance(walkers.lesson().frames, mean_frame()), walkers.lesson().truth)


def best(values: Tensor, truth: Tensor) -> float:
    """The threshold of 40, up to the 99.9th percentile, whose mask overlaps the truth most, in all frames together."""
    few = values.flatten()[::97].float()
    tried = few.quantile(torch.linspace(0.8, 0.999, 40)).tolist()
    return max(tried, key=lambda t: float(((values > t) & truth).sum() / ((values > t) | truth).sum()))


@cache
def flow(split: str) -> Tensor:
    """From each frame to the next, at half of the size, (N,2,96,128) in pixels of that size."""
    frames = F.interpolate(clips.street_frames(split), FLOW_SIDES, mode="area")
    if split == "train":
        pairs = torch.stack([frames[walkers.GAP:-walkers.GAP], frames[walkers.GAP + 1:1 - walkers.GAP]], 1)
    else:
        known = packed.index("clips")["street"]
        at = torch.tensor([known["test"].index(number) for number in known["masked"]])
        pairs = torch.stack([frames[at], frames[at + 1]], 1)
    return selfsup.estimated_flow(pairs)[:, 0]


def flow_speed(split: str) -> Tensor:
    """How far each pixel goes, less the frame's median: (N,192,256), in pixels of the small size."""
    found = flow(split)
    speed = (found - found.flatten(2).median(2).values[..., None, None]).square().sum(1, keepdim=True).sqrt()
    return F.interpolate(speed, scale_factor=2.0, mode="nearest")[:, 0]


@cache
def flow_threshold() -> float:
    """The speed from which on a pixel counts as moving."""
    return best(flow_speed("train"), walkers.lesson().truth)


# ---- learning --------------------------------------------------------------------------------------------------------

def pupil(plan: Plan, method: str, seed: int) -> dict[Run, Row]:
    """Train a network, write it if it is the one that ships, and judge it."""
    net, head = learnt(method, seed, steps=plan.steps(3 * STEPS if method == LONGER else STEPS))
    if method == PUPIL and seed == SEEDS[0]:
        plan.weights("walkers", nn.ModuleDict({"net": net.module, "head": head}), steps=STEPS)
    return judge(method, seed, partial(says, net, head))


def learnt(method: str, seed: int, *, steps: int = STEPS) -> tuple[Classifier, nn.Module]:
    """A U-Net and its head after it has watched the street."""
    net, task = selfsup.unet(seed=seed), selfsup.MOVED
    if method == GROUPS:
        task = replace(cross_pixel.moving(pixels=PIXELS, sigma=SIGMA, kappa=KAPPA),
                       head=partial(cross_pixel.Dense, finer=1))
    head = selfsup.head_of(net, task, seed=seed)
    settings = selfsup.PretextSettings(lr=RATE, steps=steps, batch_size=BATCH, seed=seed)
    last(falling(selfsup.pretrain(net, crops(method), task, head=head, settings=settings), settings))
    return net, head


def crops(method: str) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """What a method learns from: squares around pixels that moved, and its target there, (B,1 or 2,h,w)."""
    film, part = walkers.lesson(), HALVES.get(method, slice(None))
    moved = film.moved > walkers.MOVED
    target = {LABELS: film.truth, FLOW: None, GROUPS: None}.get(method, moved)
    if target is None:
        target = flow_speed("train") > flow_threshold()
    frames, moved, target = film.frames[..., part], moved[..., part], target[..., part].float()[:, None]
    where, (height, width) = moved.nonzero(), moved.shape[1:]

    def draw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        at = where[torch.randint(len(where), (count,), generator=generator)]
        corner = at[:, 1:] - torch.randint(SIDE, (count, 2), generator=generator)
        corner = corner.clamp(min=0).minimum(torch.tensor([height - SIDE, width - SIDE])) // 2 * 2
        cut = [(n, slice(y, y + SIDE), slice(x, x + SIDE)) for n, (y, x) in zip(at[:, 0].tolist(), corner.tolist(),
                                                                                 strict=True)]
        if method == GROUPS:
            small = [flow("train")[n, :, y.start // 2 : y.stop // 2, x.start // 2 : x.stop // 2] for n, y, x in cut]
            speeds = list(F.interpolate(torch.stack(small), scale_factor=2.0, mode="nearest"))
        else:
            speeds = [target[n, :, y, x] for n, y, x in cut]
        return torch.stack([frames[n, :, y, x] for n, y, x in cut]), torch.stack(speeds)

    return draw


def says(net: Classifier, head: nn.Module, shown: Tensor) -> Tensor:
    """Which pixels a network says to move: more probable than not, or of two groups of codes the smaller one."""
    if not isinstance(head, cross_pixel.Dense):
        return torch.cat([selfsup.moves(net, head, one[None]) for one in shown]) > 0.5
    return torch.stack([smaller(selfsup.pixel_codes(net, head, one[None])[0]) for one in shown])


def smaller(codes: Tensor) -> Tensor:
    """The smaller of two groups of pixels by k-means on their codes (D,H,W): a mask (H,W)."""
    from sklearn.cluster import KMeans

    fitted = KMeans(2, n_init=4, random_state=0).fit(codes[:, ::4, ::4].flatten(1).mT.numpy())
    one = torch.from_numpy(fitted.predict(codes.flatten(1).mT.contiguous().numpy())).view(codes.shape[1:]) == 1
    return one if one.double().mean() < 0.5 else ~one
