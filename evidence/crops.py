"""Which of fifty unseen photographs is a grey crop from? Encoders that learnt from photographs without a label.

    apt-get download budgie-backgrounds gcompris-qt-data gnome-backgrounds mate-backgrounds \\
        plasma-workspace-wallpapers ukui-wallpapers
    python tools/training_photos.py FOLDER *.deb                # photographs that do not ship
    python -m evidence crops --data FOLDER             # data/results/crops.json
                                                                # and data/weights/contrast.safetensors

All of it takes a quarter of an hour of one processor that knows bfloat16, one encoder a minute and a half.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import _photographs
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3course.lessons.selfsup import crops
from u3lab import measures, nets, selfsup
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.measures import Interval
from u3lab.nets import Classifier
from u3lab.selfsup import Posed
from u3lab.selfsup.upright import TURNS, turned
from u3lab.selfsup.views import crop, grey_some, luma, recolour
from u3lab.training.loop import falling

DATA = "a folder of photographs (tools/training_photos.py)"
FLOOR, DESCRIPTORS, CEILING = "random weights", "histogram and HOG", "SqueezeNet, with ImageNet's labels"
FALLEN = "upright, in random orientation"  # which no picture answers
# Task → its photographs at each step: 256 views; of tiles more, and they are small.
BATCH = {"contrast": 128} | dict.fromkeys(
    ("upright", FALLEN, "relative position", "jigsaw", "erase", "colour"), 256)
GREY = 0.5  # share of the photographs that are grey; the task colour sees none in colour
LEAST, STRENGTH = 0.5, 0.15  # of contrast's views: the area of a square that is left, and how far its colours change
BEYOND = ("contrast", DESCRIPTORS), ("colour", DESCRIPTORS), ("colour", "contrast")
SEEDS, STEPS, RATE = (0, 1, 2), 500, 0.003  # the rate falls to nearly 0
PHOTOS = crops.names("test")
KEPT = ("contrast", 0)  # the encoder that ships
PRICES = (0.001, 0.01, 0.1, 1.0)  # C of a probe
LARGE, FIRES = 128, ("fire3", "fire5", "fire7", "fire9")  # pixels of the crops that SqueezeNet sees; its layers
WAYS = {"nearest neighbour": "neighbour", "linear probe": "probe"}  # how a crop's photo is found → column
DESCRIBED = ("histogram", "HOG", "HOG, averaged", "histogram and HOG, averaged")

Run = NamedTuple("Run", [("task", str), ("layer", str), ("seed", int)])
"""What the code is: the task that has taught the encoder, the layer that is read, the seed of its first weights."""

Row = NamedTuple("Row", [("neighbour_val", float), ("probe_val", float), ("C", float), ("neighbour", dict),
                         ("probe", dict)])
"""Share of the crops whose photo is found, by the nearest neighbour and by a linear probe: on average over the
photographs that choose, and for each of the fifty that judge. ``C`` is the probe's, the best on those that choose."""


def summary(rows: Rows) -> Summary:
    """In percent, each code at the layer that is best on the photographs that choose: both ways, and the gains."""
    found: dict[str, dict[str, Interval]] = {"chance": {title: 100 / len(PHOTOS) for title in WAYS}}
    tasks = dict.fromkeys(run.task for run in rows)
    for task in tasks:
        for title, way in WAYS.items():
            right, floor = (shares(rows, one, way) for one in (task, FLOOR))
            of = found.setdefault(named(rows, task), {})
            of[title] = interval(right)
            if task != FLOOR:
                of[f"gain, {title}"] = interval(right - (floor if len(right) > 1 else floor.mean(0)))
    return found | {f"{one} less {named(rows, other)}": {
        title: interval(shares(rows, one, way) - shares(rows, other, way)) for title, way in WAYS.items()}
        for one, other in BEYOND if {one, other} <= tasks.keys()}


def named(rows: Rows, task: str) -> str:
    """What a task is called: of the descriptors the one that is read, by each way."""
    if task != DESCRIPTORS:
        return task
    return " and ".join(dict.fromkeys(best(rows, task, way) for way in WAYS.values())) + ", no network"


def best(rows: Rows, task: str, way: str) -> str:
    """The layer that finds most on the photographs that choose, on average over the seeds."""
    def on_val(layer: str) -> float:
        return sum(getattr(row, f"{way}_val") for run, row in rows.items() if (run.task, run.layer) == (task, layer))

    return max(dict.fromkeys(run.layer for run in rows if run.task == task), key=on_val)


def shares(rows: Rows, task: str, way: str) -> Tensor:
    """Percent found of each photograph (seeds,50), at the layer that is best on those that choose."""
    layer = best(rows, task, way)
    return 100 * torch.tensor([list(getattr(row, way).values()) for run, row in rows.items()
                               if (run.task, run.layer) == (task, layer)], dtype=torch.float64)


def interval(values: Tensor, times: int = 1000) -> Interval:
    """The mean of values (seeds, photographs) with its interval over both: each is drawn anew with replacement."""
    generator = torch.Generator().manual_seed(0)
    seeds, photographs = (torch.randint(count, (times, count), generator=generator) for count in values.shape)
    drawn = values[seeds[:, :, None], photographs[:, None]].mean((1, 2))
    return Interval(float(values.mean()), *drawn.quantile(torch.tensor(measures.OUTER).double()).tolist())


TABLE = Table(
    "crops", Run, Row, summary=summary, within={"neighbour": PHOTOS, "probe": PHOTOS},
    facts={"steps": STEPS, "batch": BATCH, "rate": RATE, "width": crops.WIDTH}, again={"task": DESCRIPTORS},
    uneven={"seeds": "Histogram, HOG and SqueezeNet draw nothing, and have one row"},
    chart=Chart("bars", "points more than random weights",
                alt="Two bars with intervals for each of nine codes. SqueezeNet gains most, then colour and contrast, "
                    "all clear of zero. The histogram, upright, relative position, jigsaw and erase gain little or "
                    "nothing; upright in random orientation loses.",
                columns=tuple(f"gain, {title}" for title in WAYS)))


def work(plan: Plan) -> Iterator[Work]:
    """A code is a piece of work: its encoder is trained, and its layers are judged. Contrast's first one is kept."""
    plan.fit(packages=_photographs.PACKAGES)
    plan.choose(photos=crops.names("val"))
    plan.judge(photos=crops.names("test"))
    for task in (FLOOR, DESCRIPTORS, *plan.few(list(BATCH)), CEILING):
        layers = {DESCRIPTORS: DESCRIBED, CEILING: FIRES}.get(task, selfsup.LAYERS)
        for seed in SEEDS[:1] if task in (DESCRIPTORS, CEILING) else plan.few(SEEDS):
            yield Work([Run(task, layer, seed) for layer in layers], measured, plan, task, seed)


def measured(plan: Plan, task: str, seed: int) -> dict[Run, Row]:
    """What each layer of a code finds."""
    if task == DESCRIPTORS:
        coded, size = described, crops.SIDE
    elif task == CEILING:
        net, size = nets.load("squeezenet1_1", device="cpu"), LARGE
        coded = partial(crops.codes, net, layers=FIRES)
    else:
        net, size = learnt(plan, task, seed), crops.SIDE
        coded = partial(crops.codes, net, layers=selfsup.LAYERS)
        if (task, seed) == KEPT:
            plan.weights(crops.NAME, net.module, recipe=f"{plan.command} --data FOLDER", steps=plan.steps(STEPS))
    return {Run(task, layer, seed): reached for layer, reached in judged(
        coded, size, 2 if plan.short else None, plan.few(PRICES)).items()}


def learnt(plan: Plan, task: str, seed: int) -> Classifier:
    """An encoder that a task has taught; its first weights are the same for each task."""
    net = selfsup.encoder(crops.WIDTH, seed=seed)
    if task != FLOOR:
        if plan.data is None and not plan.short:
            raise U3Error("what is learnt from does not ship; give --data FOLDER, which tools/training_photos.py fills")
        pool = _photographs.squares(plan.data, crops.SIDE)
        settings = selfsup.PretextSettings(lr=RATE, steps=plan.steps(STEPS), seed=seed, half=not plan.short,
                                           batch_size=8 if plan.short else BATCH[task])
        last(falling(selfsup.pretrain(net, partial(given, task, pool), tasks()[task], settings=settings), settings))
    return net


def given(task: str, pool: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """What a task makes its questions of: squares, (count,3,S,S) in [0,1]; for contrast two of each photograph."""
    if task == "contrast":
        return drawn(pool, 2, count, generator)
    x = drawn(pool, 1, count, generator, grey=0.0 if task == "colour" else GREY)[:, 0]
    return turned(x, torch.randint(TURNS, (count,), generator=generator)) if task == FALLEN else x


def tasks() -> dict[str, selfsup.Task]:
    """The tasks; contrast's views are of two squares of a photograph, wherever in it they lie."""
    return {"contrast": replace(selfsup.contrastive(), pose=two_parts, raw="clips"),
            "upright": selfsup.TASKS["upright"], FALLEN: selfsup.TASKS["upright"],
            "relative position": selfsup.relative_position(tile=18, gap=6, jitter=3),
            "jigsaw": selfsup.jigsaw(tile=12, gap=4),
            "erase": selfsup.TASKS["erase"],
            # Rare colours count no more than others: how rare they are is counted on photos, some of which judge.
            "colour": selfsup.decolorise(20.0, gamma=1.0)}


def drawn(pool: Tensor, parts: int, count: int, generator: torch.Generator, *, grey: float = GREY) -> Tensor:
    """Squares of so many photographs, (count,parts,3,S,S) in [0,1]; a share of the photographs is grey, as all
    crops are that judge."""
    which = torch.randperm(len(pool), generator=generator)[:count]
    x = pool[which[:, None], torch.randint(pool.shape[1], (len(which), parts), generator=generator)].float() / 255
    chosen = torch.rand(len(x), 1, 1, 1, 1, generator=generator) < grey
    return torch.where(chosen, luma(x.flatten(0, 1)).unflatten(0, (len(x), parts)), x)


def two_parts(squares: Tensor, generator: torch.Generator) -> Posed:
    """Two squares of each photograph (B,2,3,S,S) as two views, with crops, mirrors and colours of their own."""
    cut = [crop(one, generator, least=LEAST) for one in squares.unbind(1)]
    views = [grey_some(recolour(one, generator, strength=STRENGTH), generator) for one in cut]
    return Posed(torch.stack(views, 1), torch.arange(len(squares)))


def judged(coded: Callable[[Tensor], dict[str, Tensor]], size: int, each: int | None, prices: Sequence[float]
           ) -> dict[str, Row]:
    """What is found by each layer of a code, from pictures (N,3,size,size) to layer → (N,U).

    Of each photograph ``each`` crops, or all; C is one of ``prices``.
    """
    cut = {split: {part: crops.crops(split, part, size).few(each) for part in crops.EACH} for split in ("val", "test")}
    codes = {split: {part: coded(found.images) for part, found in parts.items()} for split, parts in cut.items()}
    made = {}
    for layer in codes["val"]["gallery"]:
        val, test = ([(codes[split][part][layer], parts[part].photos) for part in crops.EACH]
                     for split, parts in cut.items())
        probes = {C: probed(*val, C) for C in prices}
        C = max(prices, key=lambda C: probes[C].mean())
        val_shares, found = neighboured(*val).mean(), (neighboured(*test), probed(*test, C))
        made[layer] = Row(float(val_shares), float(probes[C].mean()), C,
                          *(dict(zip(PHOTOS, one.tolist(), strict=True)) for one in found))
    return made


def neighboured(gallery: tuple[Tensor, Tensor], queries: tuple[Tensor, Tensor]) -> Tensor:
    """The share of each photograph's crops whose nearest crop in the gallery is from it: codes (N,U) and photos (N)."""
    nearest = crops.nearest(queries[0], gallery[0])[:, 0]
    return right(gallery[1][nearest], queries[1])


def probed(gallery: tuple[Tensor, Tensor], queries: tuple[Tensor, Tensor], C: float) -> Tensor:
    """The same by a linear probe that has learnt to tell the photos of the gallery's crops."""
    return right(measures.probe(*gallery, C=C).scores(queries[0]).argmax(1), queries[1])


def right(answers: Tensor, photographs: Tensor) -> Tensor:
    """The share of the crops of each photograph that is found; both are numbers of photographs (N)."""
    return (answers == photographs).double().view(int(photographs.max()) + 1, -1).mean(1)


def described(pictures: Tensor) -> dict[str, Tensor]:
    """Codes without a network: a histogram of 16 grey levels, HOG (Dalal & Triggs, 2005), and its four quarters."""
    from skimage.feature import hog

    histogram = crops.grey_histogram(pictures)
    blocks = np.stack([hog(one[0].numpy(), orientations=8, feature_vector=False) for one in pictures])
    whole = torch.from_numpy(blocks).float().flatten(3)  # (N,rows,columns,3·3·8)
    parts = F.adaptive_avg_pool2d(whole.movedim(-1, 1), 2).flatten(1)
    return dict(zip(DESCRIBED, (histogram, whole.flatten(1), parts, torch.cat([histogram, parts], 1)), strict=True))
