"""Adversarial examples: the picture hardly changes, the class does.

The lecture's δ* = argmin E(x + δ) over ‖δ‖ < ε, with the picture x + δ in [0,1]. With Φ_k the probability of class k,

    E(x) = log Φ_label(x)       away from the true class (untargeted)
    E(x) = −log Φ_target(x)     towards a chosen one (targeted)

and both fall as the attack succeeds. Two ways to go down:

    FGSM   x̂ = x − ε sign ∇E(x)                    Goodfellow, Shlens & Szegedy, ICLR 2015, section 4
    PGD    x̂ ← Π(x̂ − α direction(∇E(x̂)))          Madry et al., ICLR 2018, section 2.1

Π puts a picture back into the ball about x and into the box [0,1].
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from u3lab.checks import number
from u3lab.descent import Step, gradients
from u3lab.errors import U3Error
from u3lab.nets import Classifier, Region, check_classes, ready
from u3lab.nets.gate import asked
from u3lab.settings import or_default, setting, settings

Energy = Callable[[Tensor], dict[str, Tensor]]  # a picture (1,C,…) → the terms of the loss by name, scalars
Answer = Callable[[Tensor], Tensor]  # a picture (1,C,…) → the scores (1,K) that are attacked


@settings
class AttackSettings:
    """Settings of :func:`pgd`. ε and α are intensities, of a picture in [0,1]: 1/255 ≈ 0.004 is one grey level.

    "linf" bounds the greatest change of any value by ε. "l2" bounds the root mean square of all 3·H·W changes by ε,
    ‖δ‖₂ ≤ ε √(3HW), so that ε has one meaning in both; the "l2" ball contains the "linf" ball of the same ε.
    """

    eps: float = setting(0.016, 0.0, 0.125, symbol="ε", help="greatest change; 0.004 is one grey level, 0.016 four")
    norm: str = setting("linf", choices=("linf", "l2"), help="what ε bounds: the greatest change, or their root mean "
                     "square over the picture")
    step_size: float = setting(0.004, 0.0001, 0.1, scale="log", symbol="α", help="size of a step, measured as ε is")
    steps: int = setting(20, 1, 1000, once=True, help="number of steps")
    random: bool = setting(False, once=True, help="start at a random place in the ball, not at the picture itself")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the random start")


def fgsm(net: Classifier, image: Tensor, label: int | str | Region, eps: float, *,
         target: int | str | Region | None = None) -> Tensor:
    """The fast gradient sign method: one step to a corner of the L∞ ball.

    Args:
        net: A classifier.
        image: One picture (1,C,H,W) or volume (1,C,D,H,W) in [0,1].
        label: Its true class, by number or name; or a :class:`~u3lab.nets.Region`, whose mean scores are attacked.
            Where each class has a sigmoid of its own, a picture has it while its score is above 0; None, with a target,
            is no class.
        eps: Greatest change of a value, an intensity in [0,1].
        target: The class to be taken for; None: any but the true one.

    Returns:
        Tensor: As the picture, in [0,1], at most ε from it.

    Raises:
        U3Error: ε outside [0,1]; unknown classes, or target and label the same; several pictures, or none in [0,1]; a
            network in training mode.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> adversarial.fgsm(net, x, "espresso", 4 / 255).shape
        torch.Size([1, 3, 96, 96])
    """
    number("eps", eps, 0, 1)
    answer, x, label, target = given(net, image, label, target)
    x.requires_grad_()
    with torch.enable_grad():
        (loss,) = fooling(answer, label, target)(x).values()
    (gradient,) = gradients(loss, [x])
    return descend_once(x.detach(), gradient, x.detach(), eps, eps)


def pgd(net: Classifier, image: Tensor, label: int | str | Region, *, target: int | str | Region | None = None,
        settings: AttackSettings | None = None) -> Iterator[Step]:
    """Projected gradient descent in the ball of radius ε, step by step.

    Args:
        net, image, label, target: As for :func:`fgsm`.
        settings: Read at every step: change them while the iterator runs. When ε shrinks, the next picture obeys it.

    Yields:
        Step: ``value`` is the picture now, always in the ball and in [0,1]; the first is the picture itself, or the
            random start. ``terms`` has the one term "log p(label)", or "−log p(target)" with a target: the loss falls
            as the attack succeeds.

    Raises:
        U3Error: As for :func:`fgsm`, and at once, before the first step.
    """
    answer, x, label, target = given(net, image, label, target)
    return projected_descent(x, fooling(answer, label, target), or_default(settings, AttackSettings))


def projected_descent(x: Tensor, energy: Energy, settings: AttackSettings) -> Iterator[Step]:
    """PGD on any sum of terms: x̂ ← Π(x̂ − α direction(∇E(x̂))), from x (1,C,…) on; yields steps + 1 values."""
    now = _start(x, settings)
    steps = settings.steps
    for iteration in range(steps + 1):
        now.requires_grad_()
        with torch.enable_grad():
            terms = energy(now)
            loss = sum(terms.values())
        value = loss.item()
        if not math.isfinite(value):
            raise U3Error(f"the loss became {value} at step {iteration}; look for NaN or infinite weights or scores")
        step = Step(iteration, value, now.detach().clone(), {name: term.item() for name, term in terms.items()})
        gradient = None if iteration == steps else gradients(loss, [now])[0]  # before the network may be changed
        yield step
        if gradient is None:
            return
        now = descend_once(now.detach(), gradient, x, settings.step_size, settings.eps, norm=settings.norm)


def descend_once(image: Tensor, gradient: Tensor, original: Tensor, step_size: float, eps: float, *,
                 norm: str = "linf") -> Tensor:
    """One step of PGD, Π(x̂ − α direction(∇E(x̂))); the direction in the L∞ ball is sign ∇E(x̂)."""
    return project(image - step_size * direction(gradient, norm), original, eps, norm)


def direction(gradient: Tensor, norm: str) -> Tensor:
    """The steepest way up among all steps of size 1: the sign for L∞, the scaled gradient (mean square 1) for L2."""
    if norm == "linf":
        return gradient.sign()
    size = root_mean_square(gradient)
    return gradient / size if size > 0 else gradient  # where nothing depends on the picture, nothing moves


def project(image: Tensor, original: Tensor, eps: float, norm: str) -> Tensor:
    """Π: back into the ball of radius ε about the original, then into [0,1].

    Cutting values off at 0 and 1 brings each nearer to the original's, so the picture does not leave the ball again.
    """
    change = image - original
    if norm == "linf":
        change = change.clamp(-eps, eps)
    elif (size := root_mean_square(change)) > eps:
        change = change * (eps / size)
    return (original + change).clamp(0, 1)


def root_mean_square(change: Tensor) -> float:
    """‖δ‖₂/√n: the length of a change of n values, in the unit of one value."""
    return float(change.detach().square().mean().sqrt())


def fooling(answer: Answer, label: int, target: int | None) -> Energy:
    """E(x): log Φ_label(x), or −log Φ_target(x) if there is a target."""
    def energy(x: Tensor) -> dict[str, Tensor]:
        scores = answer(x)
        check_classes(scores, label, target)
        if target is None:
            return {"log p(label)": scores.log_softmax(1)[0, label]}
        return {"−log p(target)": targeted_loss(scores, target)}
    return energy


def targeted_loss(scores: Tensor, target: int) -> Tensor:
    """−log Φ_target, a scalar, of the scores (1,K) of one picture before the softmax."""
    return -scores.log_softmax(1)[0, target]


def given(net: nn.Module, image: Tensor, label: int | str | Region | None,
          target: int | str | Region | None) -> tuple[Answer, Tensor, int, int | None]:
    """What every attack is given, checked: the scores, a copy of the picture on their device, the classes' numbers.

    What is attacked are the network's scores (1,K) or, of a region, their means over it. Classes that do not exclude
    each other are attacked one by one: σ(s) is the softmax of s and 0, and 0 stands for all that is not the class.
    """
    net = ready(net, image, one=True, bounded=True)
    region = next((one.each(1)[0] for one in (label, target) if isinstance(one, Region)), None)
    label, wanted = (one.label if isinstance(one, Region) else one for one in (label, target))
    t = None if wanted is None else net.class_index(wanted)
    y = None if label is None and net.sigmoid and t is not None else net.class_index(label)
    if t is not None and t == y:
        raise U3Error(f"target {target!r} is the picture's own class; choose another one, or leave target out")
    x = image.detach().to(net.device).clone()
    if not net.sigmoid:
        return partial(_scores, net, region, y), x, y, t
    return partial(_odds, net, region, y if t is None else t), x, *((0, None) if t is None else (1, 0))


def _scores(net: Classifier, region: Region | None, k: int, x: Tensor) -> Tensor:
    """(1,K); of a map of scores the means over a region, without which :func:`asked` refuses it."""
    scores = net.unchecked(x)
    if scores.ndim == 2 and region is None:
        return scores
    every = [k if region is None else Region(n, region.mask) for n in range(scores.shape[1])]
    return torch.stack([asked(net, scores, [one], mean=True) for one in every], 1)


def _odds(net: Classifier, region: Region | None, k: int, x: Tensor) -> Tensor:
    """The score of one class, and 0: (1,2)."""
    scores = _scores(net, region, k, x)
    check_classes(scores, k)
    return torch.stack([scores[:, k], 0 * scores[:, k]], 1)


def _start(x: Tensor, settings: AttackSettings) -> Tensor:
    """The picture itself, or a point drawn uniformly from the ball about it (and then put into the box)."""
    if not settings.random:
        return x.clone()
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.norm == "linf":
        change = 2 * torch.rand(x.shape, generator=generator) - 1
    else:  # a random direction, at a distance whose n-th power is uniform
        change = torch.randn(x.shape, generator=generator)
        change *= torch.rand(1, generator=generator).pow(1 / change.numel()) / root_mean_square(change)
    return project(x + settings.eps * change.to(x), x, settings.eps, settings.norm)
