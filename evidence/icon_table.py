"""Icons by the hundred: what is maximised, under which prior, from which seed, and which networks recognise the result.

    python -m evidence icon_table  # results/icons.json, icons.jpg, icons-alone.jpg

Six classes under several goals and priors, 15 minutes of one thread; the quiz's classes for one network each, 20; and
classes that are drawn by chance for two networks, 5.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _sheets
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from evidence.icons import QUALITY, RIDDLES, STEPS
from u3course.lessons.inversion import icon_table as icons
from u3lab import images, nets, pixels
from u3lab.inversion.priors import oddness
from u3lab.nets import Classifier

MORE_SEEDS = (3, 4, 5)  # of the plain kind: the logit, under the deep image prior with λ_c = 1
UNCHOSEN = 10  # classes that are drawn by chance, to see what the choice of the quiz's classes does
OTHERS = ("none, still", "none", "total variation")  # "still": the picture is neither shifted nor zoomed

Run = NamedTuple("Run", [("name", str), ("makers", str), ("goal", str), ("prior", str), ("seed", int), ("side", int),
    ("steps", int)])
"""What an icon was made for: its class, its networks (names joined by +), the goal, the prior and the seed."""

Row = NamedTuple("Row", [("logit", float), ("probability", float), ("squeezenet", int), ("lite0", int),
    ("lite1", int), ("oddness", float)])
"""What became of it. ``logit`` and ``probability`` are the first maker's, after a shift; ``squeezenet``, ``lite0`` and
``lite1`` the places, 1 to 1000, of the class in the three networks; ``oddness`` how rare its colours are in photos (3
on average for photos)."""


def summary(rows: Rows) -> Summary:
    """The share that each network has among its first five, by kind of icon; whole classes are drawn."""
    def kind(run: Run) -> str:
        return (f"{run.goal}, {run.prior}" if run.side == icons.SMALL else "two networks, classes drawn by chance"
                if "+" in run.makers else f"{run.makers} alone, the quiz's classes")

    return by_cell((kind(run), title, value, run.name) for run, row in rows.items() for title, value in (
        ("SqueezeNet", row.squeezenet <= 5), ("Lite0", row.lite0 <= 5), ("Lite1", row.lite1 <= 5),
        ("maker's logit", row.logit), ("oddness", row.oddness)))


TABLE = Table(
    "icons", Run, Row, summary=summary, facts={"drawn by chance": UNCHOSEN},
    again="where a climb ends hangs on a sum's last digits, which processors differ in; a test reads the pictures",
    shared={"fit & judge: networks": "the makers' own places are columns of their own, beside those of Lite1, for "
                                     "which no icon was made",
            "choose & judge: classes": "icons for one network are of the quiz's classes, which are of 33 of which "
                                       "Lite1 knew 32; ten classes that were drawn by chance stand beside them"},
    uneven={"seeds": "six of λ_c = 1, one of the larger icons", "steps": "120 steps for all small icons, 200 for"},
    chart=Chart("bars", "share of icons with their class among the first five",
                columns=("SqueezeNet", "Lite0", "Lite1"),
                alt="Bars for three networks: which share of icons they recognise, by goal, prior and makers."))


def study() -> list[Run]:
    """Six classes: three goals, four prices of colour, three other priors, and more seeds of the plain one."""
    kinds = [*(("logit", icons.priced(lam)) for lam in icons.PRICES),
             *((goal, icons.priced(0.0)) for goal in list(icons.GOALS)[1:]), *(("logit", other) for other in OTHERS)]
    plain = [("logit", icons.priced(1.0), seed, name) for name in icons.CLASSES for seed in MORE_SEEDS]
    each = [(goal, prior, seed, name) for goal, prior in kinds for name in icons.CLASSES for seed in icons.SEEDS]
    return [Run(name, icons.MAKERS[0], goal, prior, seed, icons.SMALL, icons.FEW)
            for goal, prior, seed, name in (*each, *plain)]


def alone() -> list[Run]:
    """The classes of the Deep Quiz, made as its pictures are, but for one network each."""
    return [Run(riddle.name, maker, "logit", icons.priced(3.0), 0, icons.SIZE, STEPS)
            for riddle in RIDDLES for maker in icons.MAKERS]


def unchosen(net: Classifier) -> list[Run]:
    """Classes drawn by chance, none of the quiz's, made for both networks as the quiz's pictures are."""
    used = {riddle.name for riddle in RIDDLES}
    order = torch.randperm(len(net.classes), generator=torch.Generator().manual_seed(0)).tolist()
    drawn = [net.classes[k] for k in order if net.classes[k] not in used][:UNCHOSEN]
    return [Run(name, "+".join(icons.MAKERS), "logit", icons.priced(3.0), 0, icons.SIZE, STEPS) for name in drawn]


def work(plan: Plan) -> Iterator[Work]:
    """An icon is a piece of work."""
    networks = {name: nets.load(name, device="cpu") for name in (*icons.MAKERS, icons.JUDGE)}
    parts = [plan.few(part) for part in (study(), alone(), unchosen(networks[icons.MAKERS[0]]))]
    plan.fit(networks=icons.MAKERS)
    plan.choose(classes=[riddle.name for riddle in RIDDLES])
    plan.judge(networks=list(networks), classes=[run.name for part in parts for run in part])
    for run in (run for part in parts for run in part):
        yield Work(run, measured, plan, networks, run)


def finish(plan: Plan) -> None:
    """Six classes, a row each; and eight classes of the quiz, a row for each maker."""
    _sheets.write(plan, "icons.jpg", icons.shown(study()).values(), icons.SMALL, QUALITY)
    _sheets.write(plan, "icons-alone.jpg", icons.shown_alone(alone()).values(), icons.SIZE, QUALITY)


def measured(plan: Plan, networks: dict[str, Classifier], run: Run) -> Row:
    """Make the icon as it ships, as a JPEG, or take it from the cache; and judge it."""
    if not _sheets.place(run, plan).exists():
        makers = [networks[name] for name in run.makers.split("+")]
        x = icons.climb(makers, run.name, goal=run.goal, prior=run.prior, seed=run.seed, side=run.side,
                  steps=plan.steps(run.steps))
        _sheets.keep(images.load(pixels.jpeg(x, quality=QUALITY)), run, plan)
    x = images.load(_sheets.place(run, plan))
    return judged(x, run.name, networks[run.makers.split("+")[0]], list(networks.values()))


def judged(x: Tensor, name: str, maker: Classifier, judges: Sequence[Classifier]) -> Row:
    """What its maker and three networks say of an icon (1,3,H,W)."""
    scores = maker.logits(x.roll(icons.MOVED, (2, 3)))[0]
    k = maker.class_index(name)
    return Row(round(float(scores[k]), 2), float(scores.softmax(0)[k]),
               *(icons.places(net, x, [name])[0] for net in judges), round(float(oddness(x)), 2))
