"""Chapter 1 on a new scanner: the same patients in other grey values, and what helps without a label of them.

    python -m evidence scanners     # results/scanners.json

The new scanner makes of a grey value g the value g^γ. That is invented; it is no model of a real one.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, crossed
from u3course.worlds.decathlon import patients
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.training.loop import falling
from u3lab.universal import Adapted, UniversalSettings, train_domain

NETWORK, DOMAIN, METHOD, LABELS, SEEDS = "squeezenet1_1", "patients", "parallel", 20, range(5)
GAMMAS = (0.4, 0.7, 1.0, 1.7, 3.0)
RANGE = (1 / 3, 3.0)  # of γ in training, for the way that draws it
COPIES = 20  # of each picture, each with a γ of its own: as many as there are draws of it in a training
EACH, LOOKED = 40, 20  # squares of each class to judge; how many others, without labels, are looked at
SLICES = {"brain2": 10, "lung2": 14}  # of the patients of the test
PLAIN, LOOK = "as it comes", f"after a look at {LOOKED} pictures"
MOMENTS, RANKS, DRAWN = "each picture normalised", "each picture equalised", "random γ in training"
WAYS = (PLAIN, LOOK, MOMENTS, RANKS, DRAWN)

Run = NamedTuple("Run", [("way", str), ("gamma", float), ("seed", int)])
"""One way to meet a scanner; ``seed`` chooses what is learnt from, its order, and the pictures that are looked at."""

Row = NamedTuple("Row", [("right", str)])
"""Which squares of the test are named correctly, a 1 or a 0 for each, in the order of :func:`squares`."""


def summary(rows: Rows) -> Summary:
    """The share right by γ and way, and what each way gains over the pictures as they come; over slices and seeds."""
    right = {(way, gamma): torch.tensor([[*map(int, row.right)] for run, row in rows.items()
                                         if (run.way, run.gamma) == (way, gamma)]).T
             for way, gamma in dict.fromkeys((run.way, run.gamma) for run in rows)}
    found = {}
    for gamma in GAMMAS:
        of = {way: one for way in WAYS if (one := right.get((way, gamma))) is not None}
        found[f"γ = {gamma:g}"] = {way: crossed(one, slices()) for way, one in of.items()}
        if PLAIN in of and all(one.shape == of[PLAIN].shape for one in of.values()):
            found[f"γ = {gamma:g}: beyond {PLAIN}"] = {
                f"{way}: gain": crossed(one - of[PLAIN], slices()) for way, one in of.items() if way != PLAIN}
    return found


TABLE = Table(
    "scanners", Run, Row, summary=summary, again={"way": MOMENTS},
    facts={"network": NETWORK, "method": METHOD, "labels": LABELS, "slices": SLICES, "range": RANGE},
    shared={"fit & choose: patients": "The validation pictures, by which the table adapters has chosen the rate, are "
                                      "other slices of the two patients that are learnt from."},
    chart=Chart("bars", "share of squares named correctly", chance=1 / 5, columns=WAYS,
                alt="Bars for five ways and five powers γ of the grey values, from 0.4, much brighter, to 3, much "
                    "darker."))


def work(plan: Plan) -> Iterator[Work]:
    """A way and a seed is a piece of work: one training, asked about all γ."""
    load, seeds = cache(lambda: nets.load(NETWORK, fold=False).double()), plan.few(SEEDS)
    plan.fit(splits=[f"{DOMAIN}, train"], patients=patients.TRAIN)
    plan.choose(splits=[f"{DOMAIN}, val"], patients=patients.TRAIN)
    plan.judge(patients=patients.TEST)
    learnt = cache(lambda way, seed: trained(load(), way, seed, plan.steps(trials.STEPS[LABELS])))
    gammas = plan.few(GAMMAS)
    for seed in seeds:
        for way in plan.few(WAYS, 2):
            yield Work([Run(way, gamma, seed) for gamma in gammas], measured, learnt, way, gammas, seed)


# ---- pictures --------------------------------------------------------------------------------------------------------

@cache
def squares(which: str) -> tuple[Tensor, Tensor]:
    """Squares of the test's patients and their classes, in the order of the classes, slices in turn: (N,3,64,64), (N).

    ``which`` is "judged", EACH of each class, or "unlabelled", from which a look takes its own.
    """
    draw = np.random.default_rng(["judged", "unlabelled"].index(which))
    regions = [(organ, region) for organ, some in enumerate((patients.BRAIN, patients.CHEST)) for region in some]
    found = []
    for organ, region in regions:
        of = patients.slices(patients.TEST[organ], "test")
        found += [patients.square(one, one.regions[region], draw) for one in (of[k % len(of)] for k in range(EACH))]
    patients.slices.cache_clear()  # some tens of megabytes
    images = torch.from_numpy(np.stack([np.asarray(one) for one in found])).permute(0, 3, 1, 2).float() / 255
    return images, torch.arange(len(regions)).repeat_interleave(EACH)


def slices() -> list[str]:
    """From which slice of whom each of the judged squares is."""
    organs = [name for name, some in zip(patients.TEST, (patients.BRAIN, patients.CHEST), strict=True) for _ in some]
    return [f"{name}, {k % SLICES[name]}" for name in organs for k in range(EACH)]


def moments(images: Tensor, like: Tensor) -> Tensor:
    """Each picture (N,3,H,W) with the mean and the standard deviation that pictures ``like`` these have on average."""
    def centre(x: Tensor) -> Tensor:
        return x.mean((1, 2, 3), keepdim=True)

    def spread(x: Tensor) -> Tensor:
        return x.std((1, 2, 3), keepdim=True)

    scale = spread(like).mean() / spread(images).clamp(min=1e-6)
    return (centre(like).mean() + scale * (images - centre(images))).clamp(0, 1)


def equalised(images: Tensor) -> Tensor:
    """Each value (N,3,H,W) becomes the share of its picture's values below it, and half of those equal to it."""
    flat = images.flatten(1).contiguous()
    order = flat.sort(1).values
    below, up_to = (torch.searchsorted(order, flat, right=right) for right in (False, True))
    return ((below + up_to) / (2 * flat.shape[1])).view_as(images)


def power(few: Tensor, wanted: float) -> float:
    """The power, between 1/5 and 5, that gives a few pictures the mean that is wanted."""
    return brentq(lambda one: float((few**one).mean()) - wanted, 1 / 5, 5)


# ---- what is trained, and asked --------------------------------------------------------------------------------------

def trained(net: Classifier, way: str, seed: int, steps: int) -> tuple[Adapted, Tensor]:
    """The network after its training, and the pictures that it has learnt from as they were before any change.

    All is done in double precision: a picture is named rightly or not, and in single precision the rounding of
    another processor turns one in a hundred of the answers round after 120 steps.
    """
    run = trials.Run(DOMAIN, METHOD, LABELS, seed, trials.chosen_rate(trials.rows_of(NETWORK), DOMAIN, METHOD))
    seen, labels = trials.training_subset(DOMAIN, LABELS, seed, size=64)
    pictures = seen = seen.double()
    if way == DRAWN:
        low, high = torch.tensor(RANGE).log()
        draws = torch.rand(COPIES * len(seen), 1, 1, 1, generator=torch.Generator().manual_seed(seed))
        pictures, labels = seen.repeat(COPIES, 1, 1, 1) ** (low + (high - low) * draws).exp(), labels.repeat(COPIES)
    settings = UniversalSettings(lr=run.rate, steps=steps, seed=seed)
    adapted = trials.begin(net, run)
    last(falling(train_domain(adapted, DOMAIN, trials.enlarged(prepared(way, pictures, seen)), labels,
                              settings=settings), settings))
    return adapted, seen


def prepared(way: str, images: Tensor, like: Tensor) -> Tensor:
    """Pictures as a way gives them to the network, in training and in the test alike."""
    return {MOMENTS: lambda: moments(images, like), RANKS: lambda: equalised(images)}.get(way, lambda: images)()


def measured(learnt: Callable[[str, int], tuple[Adapted, Tensor]], way: str, gammas: Sequence[float],
             seed: int) -> dict[Run, Row]:
    """Ask about the squares of each scanner."""
    net, seen = learnt(PLAIN if way == LOOK else way, seed)
    (images, labels), (others, _) = squares("judged"), squares("unlabelled")
    images, others = images.double(), others.double()
    few = others[torch.randperm(len(others), generator=torch.Generator().manual_seed(seed))[:LOOKED]]
    found = {}
    for gamma in gammas:
        back = power(few**gamma, float(seen.mean())) if way == LOOK else 1.0
        given = trials.enlarged(prepared(way, (images**gamma) ** back, seen))
        with torch.no_grad():
            right = torch.cat([net(x.to(net.device)).argmax(1).cpu() for x in given.split(100)]) == labels
        found[Run(way, gamma, seed)] = Row("".join(map(str, right.int().tolist())))
    return found
