"""Honest to eight bits: a picture that is kept in a file has 256 levels, and an attack counts only if it survives that.

    x = quantise(images.load("dog", size=224))                # the original, as a PNG would hold it
    x̂ = quantise_near(last(pgd(net, x, "German shepherd")).value, x, 0.016)
    fools(net, x̂, "German shepherd")                          # written as PNG, read again, shown to the network

Attacks are compared from one network to the other on :func:`labelled` pictures of 224 px. SqueezeNet was trained at
227 px and takes 224 as well (it names them all rightly at both); resizing an attack would change it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab import pixels
from u3lab.adversarial.attacks import given
from u3lab.checks import listed, number, one_of
from u3lab.errors import U3Error
from u3lab.nets import Classifier, Region, check_classes

SIZE = 224  # pixels, of the pictures that attacks are compared on
FULL = 255  # the highest level


def quantise(image: Tensor) -> Tensor:
    """The pictures or volumes in [0,1] at the nearest of the levels k/255, as a PNG holds them; float32."""
    return (_images.check(image, None, None).detach() * FULL).round().float() / FULL


def quantise_near(image: Tensor, original: Tensor, eps: float, *, norm: str = "linf") -> Tensor:
    """An attack at the levels k/255, still within ε of its original: plain rounding could leave the ball.

    Args:
        image, original: One picture (1,C,H,W), or one volume, each in [0,1]. The ball is about the original *at its
            nearest levels*, which is the picture that one would have on disk.
        eps, norm: The ball, as in :class:`~u3lab.adversarial.attacks.AttackSettings`. Under "linf" the change is at
            most ⌊255 ε⌋ levels. Under "l2" as many changes as fit into the ball are rounded up and the others towards
            zero: an ε far below one level leaves little of an attack.

    Returns:
        Tensor: Float32, each value k/255: of an RGB picture the one that ``images.load`` reads back from its PNG.
    """
    number("eps", eps, 0, 1)
    one_of("norm", norm, ("linf", "l2"))
    if _images.check(image, None, None).shape != _images.check(original, None, None).shape or len(image) != 1:
        raise U3Error(f"one picture and its original of the same size are wanted, not {tuple(image.shape)} and "
                      f"{tuple(original.shape)}")
    # Everything is counted in levels, and in double precision, where ε·255 of ε = 4/255 is not 3.9999997.
    start = quantise(original).to(image.device).double().mul(FULL).round()
    change = image.detach().double() * FULL - start
    radius = eps * FULL + 1e-6
    levels = change.round().clamp(-int(radius), int(radius)) if norm == "linf" else _rounded_within(change, radius)
    return (start + levels).float() / FULL


def _rounded_within(change: Tensor, radius: float) -> Tensor:
    """Whole numbers near ``change`` whose root mean square is at most ``radius``: sign(d)·⌊|d| + t⌋ with the largest
    t ≤ ½ that does; t = ½ is plain rounding, t = 0 makes nothing longer."""
    size = change.abs()
    size *= min(1.0, radius / max(float(size.square().mean().sqrt()), 1e-12))

    def length(t: float) -> float:
        return float((size + t).floor().square().mean().sqrt())

    low, high = 0.0, 0.5
    if length(high) <= radius:
        low = high
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if length(middle) <= radius else (low, middle)
    return change.sign() * (size + low).floor()


def fools(net: Classifier, image: Tensor, label: int | str | Region, *,
          target: int | str | Region | None = None) -> bool:
    """Whether a picture (1,3,H,W), written as PNG and read again, is not taken for its class; or is, for the target.

    Grey pictures and volumes are put at the same levels.
    """
    answer, x, label, target = given(net, image, label, target)
    with torch.no_grad():
        scores = answer(_images.load(pixels.png(image)) if x.ndim == 4 and x.shape[1] == 3 else quantise(x))
    check_classes(scores, label, target)
    said = int(scores.argmax())
    return said != label if target is None else said == target


def labelled(nets: Sequence[Classifier]) -> dict[str, Tensor]:
    """Shipped pictures (1,3,224,224), on whole levels, that *all* the networks name rightly: label → picture.

    Raises:
        U3Error: If no network is given, or there is no such picture.
    """
    listed("nets", nets, what="networks")
    found: dict[str, Tensor] = {}
    for name in _images.names("everyday"):
        if label := _images.label(name):
            x = quantise(_images.load(name, size=SIZE))
            if not any(fools(net, x, label) for net in nets):
                found[label] = x
    if not found:
        raise U3Error("these networks name none of the shipped pictures rightly; use trained networks")
    return found
