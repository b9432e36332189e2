"""Telling attacks from noise and blur by their saliency, and the attacker who knows: on both networks.

    python -m evidence detection          # results/detection.json

All cuts of one photo are on one side of the split between training and test, and the interval of the AUC resamples
photos: cuts of one photo are no independent pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, only
from u3course.lessons.adversarial.detecting import ASK, KINDS, LEVEL, Guard, Sample, attack_until, quiet, samples
from u3lab import images, nets
from u3lab.adversarial import fools, quantise_near
from u3lab.adversarial.attacks import projected_descent
from u3lab.adversarial.detection import evade, layer_saliency
from u3lab.descent import last
from u3lab.measures import Interval, bootstrap, mean, roc_auc
from u3lab.nets import Classifier
from u3lab.saliency.backprop import backprop
from u3lab.saliency.metrics import max_abs

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
CROPS = 3  # cuts of each photo
Features = Callable[[Classifier, Tensor], Tensor]  # pictures (B,3,H,W) → (B,F)


def small_map(net: Classifier, x: Tensor) -> Tensor:
    """The logarithm of the gradient's map at 14×14, laid out in a row: (B,196)."""
    classes = net.logits(x).argmax(1).tolist()
    return F.adaptive_avg_pool2d(max_abs(backprop(net, x, classes)), 14).flatten(1).clamp(min=1e-12).log()


def activity(net: Classifier, x: Tensor) -> Tensor:
    """The logarithm of the mean activation at every layer, (B,layers): as many numbers, without any gradient."""
    kept = {}
    with torch.no_grad(), net.watch({layer: partial(kept.__setitem__, layer) for layer in net.layers}):
        net(x)
    return torch.stack([a.abs().flatten(1).mean(1) for a in kept.values()], 1).clamp(min=1e-12).log()


FEATURES: dict[str, Features] = {"strength at every layer": layer_saliency, "activation at every layer": activity,
                                 "map of 14×14": small_map,
                                 "score alone": lambda net, x: net.logits(x).amax(1, keepdim=True)}

PAST = tuple(f"past {guard}, {who}" for guard in ("the guard", "the guard taught stopped attacks") for who in (
    "photos as they are", "attacker who knows", "attacker who stops early", "attacker who goes on"))

Run = NamedTuple("Run", [("network", str), ("features", str)])
"""What a detector sees, on one network."""

Row = NamedTuple("Row", [("auc", Interval), ("genuine", Interval), ("noisy", Interval), ("blurred", Interval),
    ("adaptive", Interval | None), ("still_fool", float | None), ("past", tuple[Interval, ...] | None),
    ("over_the_score", Interval), ("samples", int), ("photos", int)])
"""AUCs, each with its interval over photos: of attacks against all else, against each kind of it, and of attackers who
know the detector (None but for the strength), with the share of these that still fool the network; the shares of
photos, and of three kinds of attacks, that pass a guard with two thresholds, and one that was also fitted on attacks
that stop early (``PAST``); and by how much the first AUC is over that of the score alone, on the same draws of photos.
How many samples and photos."""


def summary(rows: Rows) -> Summary:
    """The AUC of each detector, and against the attacker who knows, by network; and the shares that pass a guard."""
    return by_cell(((label, run.network, tuple(value)) for run, row in rows.items() for label, value in (
        (run.features, row.auc), (f"{run.features}, attacker who knows", row.adaptive),
        *zip(PAST, row.past if isinstance(row.past, (tuple, list)) else (), strict=False))
                    if isinstance(value, (tuple, list))), only)


TABLE = Table(
    "detection", Run, Row, summary=summary, facts={"crops": CROPS}, digits=3,
    again="all detectors of a network are one piece of work, which takes minutes",
    shared={"fit & judge: photos": "in turns: photos are split into four parts, and the detector that judges a photo "
                                   "was fitted on the three parts without it"},
    chart=Chart("bars", "AUC of a detector, or share of attacks that pass", chance=0.5,
                alt="Bars with intervals for two networks: four detectors, the strength against an attacker who knows "
                    "it, and how many attacks pass two thresholds."))


def work(plan: Plan) -> Iterator[Work]:
    """A network is a piece of work: its detectors are compared on the same samples."""
    photos = plan.few(images.names("everyday"), 4)
    plan.fit(photos=photos)
    plan.judge(photos=photos)
    for name in plan.networks(NETWORKS):
        yield Work([Run(name, title) for title in FEATURES], measured, name, photos, CROPS, plan.seed,
                   1 if plan.short else len(photos) * CROPS * 4)


def measured(name: str, photos: Sequence[str], crops: int, seed: int, adaptive: int) -> dict[Run, Row]:
    """The rows of one network; the attacker who knows is tried on ``adaptive`` of the photos."""
    net = nets.load(name)
    drawn = samples(net, names=photos, crops=crops, seed=seed)
    found = {title: trial(net, drawn, features=features, adaptive=adaptive if features is layer_saliency else 0)
             for title, features in FEATURES.items()}
    return {Run(name, title): Row(
        one.auc, *one.by_kind.values(), one.adaptive, one.still_fool, one.past,
        advantage(drawn, one.scores, found["score alone"].scores), len(drawn), len({each.source for each in drawn}))
        for title, one in found.items()}


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


@dataclass(frozen=True)
class Trial:
    """What came of :func:`trial`: the AUC of attacks against all other pictures, against each kind of them, and of
    attackers who know the detector (None if there were none), with the share of these that still fool the network.
    ``past``: of a :class:`Guard`, the shares that pass of photos as they are; and of photos that reach another class
    *and* pass, if the attacker knows it, stops early, or goes on. Then all four for a guard that was also fitted on the
    attacks that stop early."""

    auc: Interval
    by_kind: dict[str, Interval]
    adaptive: Interval | None
    still_fool: float | None
    past: tuple[Interval, ...] | None
    scores: Tensor
    """Log-odds (N,) of each sample, from the detector that never saw its photo."""


def trial(net: Classifier, samples: Sequence[Sample], *, features: Features = layer_saliency, folds: int = 4,
          adaptive: int = 0, steps: int = 10) -> Trial:
    """Fit detectors on some photos, test on the others, in turns; then attack the detectors.

    Args:
        features: What the detector sees: pictures (B,3,H,W) → (B,F).
        folds: Parts into which the *photos* are split; each is tested by the detector of the others.
        adaptive: So many photos are attacked (their first genuine cut) by :func:`evade` on the detector that tests
            them. That detector has to see ``layer_saliency``.
        steps: Of the attacker who knows.
    """
    sources = [sample.source for sample in samples]
    names = list(dict.fromkeys(sources))
    h = torch.cat([features(net, sample.image).cpu() for sample in samples])
    attacked = torch.tensor([sample.kind == "adversarial" for sample in samples])
    fold = torch.tensor([names.index(source) % folds for source in sources])
    tried = [_tried(net, samples, name, n) for n, name in enumerate(names[:adaptive])]
    scores, evaded, fooled = torch.zeros(len(samples), dtype=torch.float64), {}, []
    for part in range(folds):
        plain = Guard.fit(h[fold != part], attacked[fold != part])
        scores[fold == part] = plain.detector(h[fold == part].double())
        if not tried:
            continue
        early = [layer_saliency(net, files[0]).cpu() for n, (*_, files) in enumerate(tried) if n % folds != part]
        taught = Guard.fit(torch.cat([h[fold != part], *early]),
                           torch.cat([attacked[fold != part], torch.ones(len(early), dtype=torch.bool)]))
        for one, k, files in tried[part::folds]:
            x = evade(net, one.image, one.label, plain.detector, level=LEVEL, steps=steps)
            evaded[one.source] = plain.detector(layer_saliency(net, x).double().cpu())
            fooled.append([fools(net, x, one.label)] + [
                passed for guard in (plain, taught) for passed in _past(net, one, k, files, guard)])
    return _summary(samples, scores, evaded, fooled)


def _tried(net: Classifier, samples: Sequence[Sample], name: str, number: int) -> tuple[Sample, int, list[Tensor]]:
    """A photo's first genuine cut, another class, and the files of two attackers who know of no guard."""
    one = next(sample for sample in samples if sample.source == name and sample.kind == "genuine")
    k = (one.label + 8 + 7 * number) % len(net.classes)
    return one, k, [attack_until(net, one.image, k, stops=stops) for stops in (True, False)]


def _past(net: Classifier, one: Sample, k: int, files: list[Tensor], guard: Guard) -> list[bool]:
    """Whether the photo passes a guard as it is, and whether three attackers' files are taken for k *and* pass."""
    files = [slip_past(net, one.image, k, guard), *files]
    return [guard.passes(net, one.image), *(fools(net, x, one.label, target=k) and guard.passes(net, x) for x in files)]


def _summary(samples: Sequence[Sample], scores: Tensor, evaded: dict[str, Tensor], fooled: list[list[bool]]) -> Trial:
    """The AUCs of log-odds (N,), and of those of the evading pictures, by photo."""
    def against(*kinds: str, attacks: dict[str, Tensor] | None = None) -> Interval:
        chosen = [i for i, sample in enumerate(samples) if sample.kind in kinds]
        marks = [samples[i].kind == "adversarial" for i in chosen] + [True] * len(attacks or ())
        sources = [samples[i].source for i in chosen] + list(attacks or ())
        return roc_auc(torch.cat([scores[chosen], *(attacks or {}).values()]), torch.tensor(marks), sources)

    rest, shares = KINDS[:-1], [mean(torch.tensor(one).double()) for one in zip(*fooled, strict=True)]
    return Trial(against(*KINDS), {kind: against(kind, "adversarial") for kind in rest},
                 against(*rest, attacks=evaded) if evaded else None,
                 shares[0].value if fooled else None, tuple(shares[1:]) if fooled else None, scores)


def slip_past(net: Classifier, image: Tensor, target: int, guard: Guard) -> Tensor:
    """PGD that also aims a guard's suspicion at the middle half of what passes, since rounding moves it."""
    inner = (3 * guard.low + guard.high) / 4, (guard.low + 3 * guard.high) / 4

    def energy(now: Tensor) -> dict[str, Tensor]:
        return {"both": quiet(net(now), guard.suspicion(net, now, graph=True), target, *inner, 3.0)}

    return quantise_near(last(projected_descent(image.to(net.device), energy, ASK)).value.cpu(), image, ASK.eps)
