"""Attacked pictures beside genuine, noisy and blurred ones, and how well detectors tell them by what they see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images
from u3lab.adversarial.attacks import AttackSettings, pgd, projected_descent, targeted_loss
from u3lab.adversarial.detection import Detector, evade, fit_detector, layer_saliency
from u3lab.adversarial.quantisation import fools, quantise, quantise_near
from u3lab.descent import last
from u3lab.measures import Interval, mean, roc_auc
from u3lab.nets import Classifier

KINDS = ("genuine", "noisy", "blurred", "adversarial")
LEVEL = 2  # of 255: how far the attacks go
Features = Callable[[Classifier, Tensor], Tensor]  # pictures (B,3,H,W) → (B,F)


class Sample(NamedTuple):
    """A picture (1,3,s,s) on whole levels: which photo it was cut from, which of KINDS it is, what the network says of
    the genuine one."""

    source: str
    kind: str
    image: Tensor
    label: int


def samples(net: Classifier, *, names: Sequence[str], crops: int = 1, steps: int = 5,
            size: int = 224, seed: int = 0) -> list[Sample]:
    """Cuts of the shipped pictures, each as it is, with noise, blurred, and attacked by PGD.

    Noise is Gaussian with a σ from one to four times the attack's ε = LEVEL/255, blur has a σ from 0.5 to 2 pixels. The
    attack leads away from what the network says of the cut itself, so no true class is needed.
    """
    generator, eps = torch.Generator().manual_seed(seed), LEVEL / 255
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


def quiet(scores: Tensor, suspicion: Tensor, target: int, low: float, high: float, mu: float) -> Tensor:
    """−log Φ_target of scores (1,K), and μ times how far the suspicion, a scalar, is outside [low, high]."""
    outside = (low - suspicion).clamp(min=0) + (suspicion - high).clamp(min=0)
    return targeted_loss(scores, target) + mu * outside


def slip_past(net: Classifier, image: Tensor, target: int, detector: Detector, low: float, high: float,
              mu: float) -> Tensor:
    """PGD that also aims the log-odds of a detector of ``layer_saliency`` at the middle half of [low, high], since
    rounding to whole levels moves them."""
    def energy(now: Tensor) -> dict[str, Tensor]:
        h = layer_saliency(net, now, graph=mu > 0)
        return {"both": quiet(net(now), detector(h)[0], target, (3 * low + high) / 4, (low + 3 * high) / 4, mu)}

    ask = AttackSettings(eps=LEVEL / 255, step_size=LEVEL / 2040, steps=20)
    return quantise_near(last(projected_descent(image.to(net.device), energy, ask)).value.cpu(), image, ask.eps)


@dataclass(frozen=True)
class Trial:
    """What came of :func:`trial`: the AUC of attacks against all other pictures, against each kind of them, and of
    attackers who know the detector (None if there were none), with the share of these that still fool the network.
    ``past``: if it refuses all but the middle 90 % of honest pictures, the shares of photos that reach another class
    and pass, for an attacker who knows it and for one who does not."""

    auc: Interval
    by_kind: dict[str, Interval]
    adaptive: Interval | None
    still_fool: float | None
    past: tuple[Interval, Interval] | None
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
    scores, evaded, fooled = torch.zeros(len(samples), dtype=torch.float64), {}, []
    for part in range(folds):
        detector = fit_detector(h[fold != part], attacked[fold != part])
        band = detector(h[(fold != part) & ~attacked].double()).quantile(torch.tensor([0.05, 0.95]).double()).tolist()
        scores[fold == part] = detector(h[fold == part].double())
        for name in names[part:adaptive:folds]:
            one = next(sample for sample in samples if sample.source == name and sample.kind == "genuine")
            x = evade(net, one.image, one.label, detector, level=LEVEL, steps=steps)
            evaded[name] = detector(layer_saliency(net, x).double().cpu())
            k = (one.label + 8 + 7 * len(fooled)) % len(net.classes)  # another class
            slipped = [slip_past(net, one.image, k, detector, *band, mu=mu) for mu in (3.0, 0.0)]
            fooled.append([fools(net, x, one.label), *(fools(net, y, one.label, target=k) and band[0] <= float(
                detector(layer_saliency(net, y).double().cpu())) <= band[1] for y in slipped)])
    return _summary(samples, scores, evaded, fooled)


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
