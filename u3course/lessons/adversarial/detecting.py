"""Attacked pictures beside genuine, noisy and blurred ones, and a guard that tells them by their saliency."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from u3lab import images
from u3lab.adversarial.attacks import AttackSettings, pgd, projected_descent, targeted_loss
from u3lab.adversarial.detection import Detector, fit_detector, layer_saliency
from u3lab.adversarial.quantisation import quantise, quantise_near
from u3lab.descent import last
from u3lab.nets import Classifier

KINDS = ("genuine", "noisy", "blurred", "adversarial")
LEVEL = 2  # of 255: how far the attacks go


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


class Guard(NamedTuple):
    """A detector of ``layer_saliency`` that lets pass what it finds neither too suspect nor too genuine."""

    detector: Detector
    low: float
    high: float

    @classmethod
    def fit(cls, h: Tensor, attacked: Tensor) -> "Guard":
        """On strengths h (N,layers) and marks (N,); the middle nine tenths of what is not attacked pass."""
        detector = fit_detector(h, attacked)
        ends = detector(h[~attacked].double()).quantile(torch.tensor([0.05, 0.95]).double())
        return cls(detector, *ends.tolist())

    def suspicion(self, net: Classifier, image: Tensor, *, graph: bool = False) -> Tensor:
        """The log-odds of an attack on a picture (1,3,H,W), a scalar."""
        return self.detector(layer_saliency(net, image, graph=graph))[0]

    def passes(self, net: Classifier, image: Tensor) -> bool:
        return self.low <= float(self.suspicion(net, image)) <= self.high


ASK = AttackSettings(eps=LEVEL / 255, step_size=LEVEL / 2040, steps=20)  # of those who want to pass a guard


def attack_until(net: Classifier, image: Tensor, target: int, *, stops: bool = True) -> Tensor:
    """PGD that knows no guard: the first file on its way that is taken for the target, or, going on, the last one."""
    for step in projected_descent(image.to(net.device), lambda now: {"": targeted_loss(net(now), target)}, ASK):
        file = quantise_near(step.value.cpu(), image, ASK.eps)
        if stops and int(net(file).argmax()) == target:
            break
    return file
