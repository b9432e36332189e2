"""Adversarial examples: the picture hardly changes, the class does.

The lecture's δ* = argmin E(x + δ) over ‖δ‖ < ε, with the picture x + δ in [0,1]. With Φ_k the probability of class k,

    E(x) = log Φ_label(x)       away from the true class (untargeted)
    E(x) = −log Φ_target(x)     towards a chosen one (targeted)

and both fall as the attack succeeds. Two ways to go down:

    FGSM   x̂ = x − ε sign ∇E(x)                    Goodfellow, Shlens & Szegedy, ICLR 2015, section 4
    PGD    x̂ ← Π(x̂ − α direction(∇E(x̂)))          Madry et al., ICLR 2018, section 2.1

Π puts a picture back into the ball about x and into the box [0,1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from u3lab.checks import number
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.nets import Classifier, check_classes, ready
from u3lab.settings import or_default, setting, settings

Energy = Callable[[Tensor], dict[str, Tensor]]  # a picture (1,3,H,W) → the terms of the loss by name, scalars


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


def fgsm(net: Classifier, image: Tensor, label: int | str, eps: float, *, target: int | str | None = None) -> Tensor:
    """The fast gradient sign method: one step to a corner of the L∞ ball.

    Parameters
    ----------
    net
        A classifier.
    image
        One picture (1,3,H,W) in [0,1].
    label
        Its true class, by number or name.
    eps
        Greatest change of a value, an intensity in [0,1].
    target
        The class to be taken for; None: any but the true one.

    Returns
    -------
    Tensor
        (1,3,H,W) in [0,1], at most ε from the picture.

    Raises
    ------
    U3Error
        ε outside [0,1]; unknown classes, or target and label the same; several pictures, or none in [0,1]; a network
        in training mode.

    Examples
    --------
    >>> net, x = nets.load(), images.load("coffee", size=96)
    >>> adversarial.fgsm(net, x, "espresso", 4 / 255).shape
    torch.Size([1, 3, 96, 96])
    """
    number("eps", eps, 0, 1)
    net, x, label, target = given(net, image, label, target)
    x.requires_grad_()
    with torch.enable_grad():
        (loss,) = fooling(net, label, target)(x).values()
    (gradient,) = torch.autograd.grad(loss, [x])
    return descend_once(x.detach(), gradient, x.detach(), eps, eps)


def pgd(net: Classifier, image: Tensor, label: int | str, *, target: int | str | None = None,
        settings: AttackSettings | None = None) -> Iterator[Step]:
    """Projected gradient descent in the ball of radius ε, step by step.

    Parameters
    ----------
    net, image, label, target
        As for :func:`fgsm`.
    settings
        Read at every step: change them while the iterator runs. When ε shrinks, the next picture obeys it.

    Yields
    ------
    Step
        ``value`` is the picture now (1,3,H,W), always in the ball and in [0,1]; the first is the picture itself, or the
        random start. ``terms`` has the one term "log p(label)", or "−log p(target)" with a target: the loss falls as
        the attack succeeds.

    Raises
    ------
    U3Error
        As for :func:`fgsm`, and at once, before the first step.
    """
    net, x, label, target = given(net, image, label, target)
    return projected_descent(x, fooling(net, label, target), or_default(settings, AttackSettings))


def projected_descent(x: Tensor, energy: Energy, settings: AttackSettings) -> Iterator[Step]:
    """PGD on any sum of terms: x̂ ← Π(x̂ − α direction(∇E(x̂))), from x (1,3,H,W) on; yields steps + 1 values."""
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
        yield Step(iteration, value, now.detach().clone(), {name: term.item() for name, term in terms.items()})
        if iteration == steps:
            return
        (gradient,) = torch.autograd.grad(loss, [now])
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


def fooling(net: Classifier, label: int, target: int | None) -> Energy:
    """E(x): log Φ_label(x), or −log Φ_target(x) if there is a target."""
    def energy(x: Tensor) -> dict[str, Tensor]:
        scores = net.unchecked(x)
        check_classes(scores, label, target)
        if target is None:
            return {"log p(label)": scores.log_softmax(1)[0, label]}
        return {"−log p(target)": targeted_loss(scores, target)}
    return energy


def targeted_loss(scores: Tensor, target: int) -> Tensor:
    """−log Φ_target, a scalar, of the scores (1,K) of one picture before the softmax."""
    return -scores.log_softmax(1)[0, target]


def given(net: nn.Module, image: Tensor, label: int | str,
          target: int | str | None) -> tuple[Classifier, Tensor, int, int | None]:
    """What every attack is given, checked: the network, a copy of the picture on its device, the classes' numbers."""
    net = ready(net, image, one=True)
    y, t = net.class_index(label), None if target is None else net.class_index(target)
    if t == y:
        raise U3Error(f"target {target!r} is the picture's own class; choose another one, or leave target out")
    return net, image.detach().to(net.device).clone(), y, t


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
