"""Telling attacks from noise and blur by their saliency, and the attacker who knows: on both networks.

    python -m u3lab.experiments detection          # data/results/detection.json

All cuts of one photo are on one side of the split between training and test, and the interval of the AUC resamples
photos: cuts of one photo are no independent pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, nets
from u3lab.adversarial.attacks import AttackSettings, pgd
from u3lab.adversarial.detection import evade, fit_detector, layer_saliency
from u3lab.adversarial.quantisation import fools, quantise, quantise_near
from u3lab.descent import last
from u3lab.experiments._table import Chart, Evidence, Plan, Rows, Summary, Table, Work, by_cell, only
from u3lab.measures import Interval, bootstrap, roc_auc
from u3lab.nets import Classifier
from u3lab.saliency.backprop import backprop
from u3lab.saliency.metrics import max_abs

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
CROPS = 3  # cuts of each photo
KINDS = ("genuine", "noisy", "blurred", "adversarial")
Features = Callable[[Classifier, Tensor], Tensor]  # pictures (B,3,H,W) → (B,F)


def winning_score(net: Classifier, x: Tensor) -> Tensor:
    """The score of the class that wins, (B,1): what one knows without any saliency."""
    return net.logits(x).amax(1, keepdim=True)


def small_map(net: Classifier, x: Tensor) -> Tensor:
    """The logarithm of the gradient's map at 14×14, laid out in a row: (B,196)."""
    classes = net.logits(x).argmax(1).tolist()
    return F.adaptive_avg_pool2d(max_abs(backprop(net, x, classes)), 14).flatten(1).clamp(min=1e-12).log()


FEATURES: dict[str, Features] = {"strength at every layer": layer_saliency, "map of 14×14": small_map,
                                 "score alone": winning_score}

Run = NamedTuple("Run", [("network", str), ("features", str)])
"""What a detector sees, on one network."""

Reached = NamedTuple("Reached", [("auc", Interval), ("genuine", Interval), ("noisy", Interval), ("blurred", Interval),
    ("adaptive", Interval | None), ("still_fool", float | None), ("over_the_score", Interval), ("samples", int),
    ("photos", int)])
"""AUCs, each with its interval over photos: of attacks against all else, against each kind of it, and of attackers who
know the detector (None but for the strength), with the share of these that still fool the network; and by how much the
first is over that of the score alone, on the same draws of photos. How many samples and photos."""


def summary(rows: Rows) -> Summary:
    """The AUC of each detector, and against the attacker who knows, by network."""
    return by_cell(((label, run.network, auc) for run, row in rows.items() for label, auc in (
        (run.features, row.auc), (f"{run.features}, attacker who knows", row.adaptive))
                    if isinstance(auc, tuple)), only)


TABLE = Table(
    "detection", Run, Reached, summary=summary, facts={"crops": CROPS}, digits=3,
    again="all detectors of a network are one piece of work, which takes minutes",
    shared={"fit & judge: photos": "in turns: photos are split into four parts, and the detector that judges a photo "
                                   "was fitted on the three parts without it"},
    evidence=Evidence(
        "is an attack told from noise and blur by its saliency?",
        measured="The area under the ROC curve of a logistic detector: attacks against genuine, noisy and blurred "
                 "cuts.",
        on="Three random cuts of each shipped photo, each as it is, with noise, blurred, and attacked by PGD "
           "(ε = 2/255).",
        often="Four folds by photo. The intervals are over photos, not over cuts.",
        floor="0.5 by chance.",
        rivals="A detector that sees the winning score alone, without any saliency, on the same samples and folds.",
        chosen="The attacker who knows optimises against the very detector that judges the photo.",
        limits="Attacks of one kind and size. The attacker who knows was tried on one cut of each photo."),
    chart=Chart("bars", "AUC of the detector (high: attacks are found)", chance=0.5,
                alt="Bars with intervals for two networks: three detectors, and the strength against an attacker who "
                    "knows it."))


def work(plan: Plan) -> Iterator[Work]:
    """A network is a piece of work: its detectors are compared on the same samples."""
    photos = plan.few(images.names("everyday"), 4)
    plan.fit(photos=photos)
    plan.judge(photos=photos)
    for name in plan.networks(NETWORKS):
        yield Work([Run(name, title) for title in FEATURES], measured, name, photos, CROPS, plan.seed,
                   1 if plan.short else len(photos) * CROPS * 4)


def measured(name: str, photos: Sequence[str], crops: int, seed: int, adaptive: int) -> dict[Run, Reached]:
    """The rows of one network; the attacker who knows is tried on ``adaptive`` of the photos."""
    net = nets.load(name)
    drawn = samples(net, names=photos, crops=crops, seed=seed)
    found = {title: trial(net, drawn, features=features, adaptive=adaptive if features is layer_saliency else 0)
             for title, features in FEATURES.items()}
    return {Run(name, title): Reached(
        one.auc, *one.by_kind.values(), one.adaptive, one.still_fool,
        advantage(drawn, one.scores, found["score alone"].scores), len(drawn), len({each.source for each in drawn}))
        for title, one in found.items()}


class Sample(NamedTuple):
    """A picture (1,3,s,s) on whole levels: which photo it was cut from, which of KINDS it is, what the network says of
    the genuine one."""

    source: str
    kind: str
    image: Tensor
    label: int


def samples(net: Classifier, *, names: Sequence[str], crops: int = 1, level: int = 2, steps: int = 5,
            size: int = 224, seed: int = 0) -> list[Sample]:
    """Cuts of the shipped pictures, each as it is, with noise, blurred, and attacked by PGD.

    Noise is Gaussian with a σ from one to four times the attack's ε = level/255, blur has a σ from 0.5 to 2 pixels. The
    attack leads away from what the network says of the cut itself, so no true class is needed.
    """
    generator = torch.Generator().manual_seed(seed)
    eps = level / 255
    settings = AttackSettings(eps=eps, step_size=max(2.5 * eps / steps, 1e-4), steps=steps)
    made = []
    for name in names:
        for _ in range(crops):
            x = _cut(name, size, generator)
            label = int(net.logits(x).argmax())
            sigma_noise, sigma_blur = eps * (1 + 3 * _uniform(generator)), 0.5 + 1.5 * _uniform(generator)
            noisy = x + sigma_noise * torch.randn(x.shape, generator=generator)
            attacked = last(pgd(net, x, label, settings=settings)).value.cpu()
            pictures = (x, noisy.clamp(0, 1), images.blur(x, sigma_blur).clamp(0, 1), quantise_near(attacked, x, eps))
            made += [Sample(name, kind, quantise(picture), label)
                     for kind, picture in zip(KINDS, pictures, strict=True)]
    return made


def _cut(name: str, size: int, generator: torch.Generator) -> Tensor:
    """A random square of a shipped picture made a seventh larger than the square, mirrored half of the time."""
    x = images.resize(images.load(name), round(size * 8 / 7)).clamp(0, 1)
    top, left = (int(_uniform(generator) * (side - size + 1)) for side in x.shape[-2:])
    x = x[..., top : top + size, left : left + size]
    return quantise(x.flip(-1) if _uniform(generator) < 0.5 else x)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))


@dataclass(frozen=True)
class Trial:
    """What came of :func:`trial`: the AUC of attacks against all other pictures, against each kind of them, and of
    attackers who know the detector (None if there were none), with the share of these that still fool the network."""

    auc: Interval
    by_kind: dict[str, Interval]
    adaptive: Interval | None
    still_fool: float | None
    scores: Tensor
    """Log-odds (N,) of each sample, from the detector that never saw its photo."""


def trial(net: Classifier, samples: Sequence[Sample], *, features: Features = layer_saliency, folds: int = 4,
          adaptive: int = 0, steps: int = 10, level: int = 2) -> Trial:
    """Fit detectors on some photos, test on the others, in turns; then attack the detectors.

    Parameters
    ----------
    features
        What the detector sees: pictures (B,3,H,W) → (B,F).
    folds
        Parts into which the *photos* are split; each is tested by the detector of the others.
    adaptive
        So many photos are attacked (their first genuine cut) by :func:`evade` on the detector that tests them. That
        detector has to see ``layer_saliency``.
    steps, level
        Of the attacker who knows.
    """
    sources = [sample.source for sample in samples]
    names = list(dict.fromkeys(sources))
    h = torch.cat([features(net, sample.image).cpu() for sample in samples])
    attacked = torch.tensor([sample.kind == "adversarial" for sample in samples])
    fold = torch.tensor([names.index(source) % folds for source in sources])
    scores, evaded, fooled = torch.zeros(len(samples), dtype=torch.float64), {}, []
    for part in range(folds):
        detector = fit_detector(h[fold != part], attacked[fold != part])
        scores[fold == part] = detector(h[fold == part].double())
        for name in names[part:adaptive:folds]:
            one = next(sample for sample in samples if sample.source == name and sample.kind == "genuine")
            x = evade(net, one.image, one.label, detector, level=level, steps=steps)
            evaded[name] = detector(layer_saliency(net, x).double().cpu())
            fooled.append(fools(net, x, one.label))
    return _summary(samples, scores, evaded, fooled)


def advantage(samples: Sequence[Sample], scores: Tensor, rival: Tensor) -> Interval:
    """By how much the AUC of one detector's scores (N,) is over a rival's, on the same samples.

    The interval is of the difference itself: both are read from the same draws of photos, so what makes a draw easy for
    both is in neither.
    """
    sources = [sample.source for sample in samples]
    names = sorted(set(sources))
    home = F.one_hot(torch.tensor([names.index(source) for source in sources]), len(names)).double()
    marks = torch.tensor([sample.kind == "adversarial" for sample in samples])

    def wins(values: Tensor) -> Tensor:
        difference = values[marks].double()[:, None] - values[~marks].double()[None]
        return home[marks].T @ ((difference.sign() + 1) / 2) @ home[~marks]  # by photo and photo, ties as halves

    gained, pairs = wins(scores) - wins(rival), home[marks].T.sum(1)[:, None] * home[~marks].sum(0)
    return bootstrap(lambda often: torch.einsum("ds,st,dt->d", often, gained, often) / torch.einsum(
        "ds,st,dt->d", often, pairs, often), len(names))


def _summary(samples: Sequence[Sample], scores: Tensor, evaded: dict[str, Tensor], fooled: list[bool]) -> Trial:
    """The AUCs of log-odds (N,), and of those of the evading pictures, by photo."""
    def against(*kinds: str, attacks: dict[str, Tensor] | None = None) -> Interval:
        chosen = [i for i, sample in enumerate(samples) if sample.kind in kinds]
        marks = [samples[i].kind == "adversarial" for i in chosen] + [True] * len(attacks or ())
        sources = [samples[i].source for i in chosen] + list(attacks or ())
        return roc_auc(torch.cat([scores[chosen], *(attacks or {}).values()]), torch.tensor(marks), sources)

    rest = KINDS[:-1]
    return Trial(against(*KINDS), {kind: against(kind, "adversarial") for kind in rest},
                 against(*rest, attacks=evaded) if evaded else None,
                 sum(fooled) / len(fooled) if fooled else None, scores)
