"""Icons by the hundred: what is maximised, under which prior, from which seed, and which networks recognise the result.

``python -m u3lab.experiments icon_table`` makes the shipped table, data/results/icons.json, and its pictures, icons.jpg
and icons-alone.jpg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, nets
from u3lab._system import paths
from u3lab.descent import last
from u3lab.images.views import zoom
from u3lab.inversion.inverting import search
from u3lab.inversion.maximising import MaximiseSettings
from u3lab.inversion.priors import TV, DeepImagePrior, Pixels, Prior, oddness
from u3lab.lessons import results
from u3lab.lessons.inversion.icons import JUDGE, MAKERS, SIZE, STEPS, places
from u3lab.lessons.inversion.riddles import RIDDLES
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier, ready

CLASSES = ("zebra", "koala", "castle", "jellyfish", "school bus", "espresso")  # chosen before any of these runs
SEEDS, MORE_SEEDS, SMALL, FEW = (0, 1, 2), (3, 4, 5), 128, 120  # of every run; of the plain one; pixels; steps
UNCHOSEN = 10  # classes that are drawn by chance, to see what the choice of the quiz's classes does
MOVED = (5, 9)  # pixels down and right, before a number is read

# What is maximised, from the scores (1,K) and the class k.
GOALS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "logit": lambda y, k: y[0, k],
    "log-probability": lambda y, k: y.log_softmax(1)[0, k],
    "probability": lambda y, k: y.softmax(1)[0, k]}
# λ_c of the deep image prior, and the others. "still": the network sees the picture neither shifted nor zoomed.
PRICES = (0.0, 1.0, 3.0, 10.0)
OTHERS = ("none, still", "none", "total variation")


class Run(NamedTuple):
    """What an icon was made for: its class, its networks (names joined by +), the goal, the prior and the seed."""

    name: str
    makers: str
    goal: str
    prior: str
    seed: int
    side: int
    steps: int


class Judged(NamedTuple):
    """What became of it. ``logit`` and ``probability`` are the first maker's, after a shift; ``squeezenet``, ``lite0``
    and ``lite1`` the places, 1 to 1000, of the class in the three networks; ``oddness`` how rare its colours are in
    photos (3 on average for photos).
    """

    logit: float
    probability: float
    squeezenet: int
    lite0: int
    lite1: int
    oddness: float


def priced(lam: float) -> str:
    """The name of the deep image prior with a price λ_c."""
    return f"deep image prior, λ_c = {lam:g}"


def prior_of(name: str) -> Prior:
    """A new prior of that name."""
    if name.startswith("none"):
        return Pixels()
    if name == "total variation":
        return TV(lam=2000)
    return DeepImagePrior(depth=5, lr=0.01, colour=float(name.split()[-1]))


def climb(makers: Sequence[Classifier], name: str, *, goal: str = "logit", prior: str = priced(1.0), seed: int = 0,
          side: int = SMALL, steps: int = FEW) -> Tensor:
    """The icon (1,3,side,side) of a class. For goal "logit" it is :func:`~u3lab.inversion.maximise`'s."""
    makers = [ready(net) for net in makers]
    classes = [net.class_index(name) for net in makers]
    still = prior.endswith("still")
    settings = MaximiseSettings(steps=steps, seed=seed, **({"jitter": 0, "zoom": 0.0} if still else {}))

    def objective(x: Tensor, views: torch.Generator) -> dict[str, Tensor]:
        seen = zoom(x, settings.zoom, views)
        return {"excitation": -sum(GOALS[goal](net(seen), k) for net, k in zip(makers, classes, strict=True))}

    return last(search(makers[0], (side, side), prior_of(prior), settings, objective)).value


def judged(x: Tensor, name: str, maker: Classifier, judges: Sequence[Classifier]) -> Judged:
    """What its maker and three networks say of an icon (1,3,H,W)."""
    scores = maker.logits(x.roll(MOVED, (2, 3)))[0]
    k = maker.class_index(name)
    return Judged(round(float(scores[k]), 2), round(float(scores.softmax(0)[k]), 4),
                  *(places(net, x, [name])[0] for net in judges), round(float(oddness(x)), 2))


def study() -> list[Run]:
    """Six classes: three goals, four prices of colour, three other priors, and more seeds of the plain one."""
    first = MAKERS[0]
    kinds = [("logit", priced(lam)) for lam in PRICES] + [(goal, priced(0.0)) for goal in list(GOALS)[1:]]
    kinds += [("logit", other) for other in OTHERS]
    found = [Run(name, first, goal, prior, seed, SMALL, FEW)
             for goal, prior in kinds for name in CLASSES for seed in SEEDS]
    return found + [Run(name, first, "logit", priced(1.0), seed, SMALL, FEW) for name in CLASSES for seed in MORE_SEEDS]


def alone() -> list[Run]:
    """The classes of the Deep Quiz, made as its pictures are, but for one network each."""
    return [Run(riddle.name, maker, "logit", priced(3.0), 0, SIZE, STEPS) for riddle in RIDDLES for maker in MAKERS]


def unchosen(net: Classifier) -> list[Run]:
    """Classes drawn by chance, none of the quiz's, made for both networks as the quiz's pictures are."""
    used = {riddle.name for riddle in RIDDLES}
    order = torch.randperm(len(net.classes), generator=torch.Generator().manual_seed(0)).tolist()
    drawn = [net.classes[k] for k in order if net.classes[k] not in used][:UNCHOSEN]
    return [Run(name, "+".join(MAKERS), "logit", priced(3.0), 0, SIZE, STEPS) for name in drawn]


def tiles(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Which icons are shipped as pictures, class by class: seed 0 of each kind, and all seeds of the plain one."""
    kept = [run for run in runs if run.seed == 0 or (run.goal, run.prior) == ("logit", priced(1.0))]
    return {name: [run for run in kept if run.name == name] for name in CLASSES}


def shown_alone() -> dict[str, list[Run]]:
    """Those of :func:`alone` that are shipped as pictures: the first eight classes, a row for each maker."""
    few = alone()[: 8 * len(MAKERS)]
    return {maker: [run for run in few if run.makers == maker] for maker in MAKERS}


def judges() -> list[Classifier]:
    """SqueezeNet, EfficientNet-Lite0 and EfficientNet-Lite1."""
    return [nets.load(name, device="cpu") for name in (*MAKERS, JUDGE)]


def shipped() -> dict[Run, Judged]:
    """The shipped table."""
    return {run: Judged(*row) for run, row in results.table("icons", Run).items()}


def pictures() -> dict[Run, Tensor]:
    """The shipped icons: (1,3,128,128) of the study, and (1,3,160,160) of those that were made for one network."""
    found = {}
    for file, rows, side in (("icons.jpg", tiles(study()), SMALL), ("icons-alone.jpg", shown_alone(), SIZE)):
        whole = images.load(paths.data("results", file))
        for runs, strip in zip(rows.values(), whole.split(side, 2), strict=True):
            found |= dict(zip(runs, strip.split(side, 3), strict=True))
    return found


def over_classes(values: Mapping[Run, float]) -> Interval:
    """The mean over runs, with an interval from samples in which whole classes are drawn: seeds of one are alike."""
    return mean(torch.tensor([float(value) for value in values.values()]).double(), [run.name for run in values])


def best_real(net: Classifier, names: Sequence[str], candidates: Iterable[Tensor]) -> dict[str, Tensor]:
    """Of some pictures (1,3,H,W) the one with the largest logit of each class: the empirical prior."""
    best: dict[str, tuple[float, Tensor]] = {}
    for x in candidates:
        scores = net.logits(x)[0]
        for name in names:
            logit = float(scores[net.class_index(name)])
            if name not in best or logit > best[name][0]:
                best[name] = logit, x
    return {name: best[name][1] for name in names}


def strongest_part(net: Classifier, x: Tensor, name: str, side: int) -> Tensor:
    """The square (1,3,side,side) of a picture about the place where SqueezeNet's last map of a class is largest."""
    with torch.no_grad():
        found = net.features(x, "conv10")[0, net.class_index(name)]
    found = F.interpolate(found[None, None], size=x.shape[-2:], mode="bilinear")[0, 0]
    row, column = divmod(int(found.argmax()), found.shape[1])
    top, left = (min(max(0, at - side // 2), whole - side)
                 for at, whole in zip((row, column), x.shape[-2:], strict=True))
    return x[..., top : top + side, left : left + side]
