"""How many pictures are fooled, at which ε, and does what fools one network fool the other?

Both networks are shown the same pixels: pictures of 224 px, on whole levels, through a PNG. SqueezeNet was trained at
227 px and takes 224 as well (it names all the labelled pictures rightly at both); resizing an attack would change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from u3lab import images as _images
from u3lab.adversarial.quantisation import fools, quantise, quantise_near
from u3lab.adversarial.registry import ATTACKS, EPS, STEPS
from u3lab.checks import listed, whole, wholes
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

SIZE = 224


class Fooled(NamedTuple):
    """How often one attack succeeded: on ``shown_to``, with pictures made for ``made_for``; ``share`` of ``count``."""

    attack: str
    level: int
    """ε in grey levels: ε = level/255."""
    made_for: str
    shown_to: str
    share: float
    count: int


def labelled(nets: Sequence[Classifier], *, count: int | None = None) -> dict[str, Tensor]:
    """Shipped pictures (1,3,224,224), on whole levels, that *all* the networks name rightly: label → picture.

    Raises
    ------
    U3Error
        If no network is given, or there is no such picture.
    """
    listed("nets", nets, what="networks")
    if count is not None:
        whole("count", count)
    found: dict[str, Tensor] = {}
    for name in _images.names("everyday"):
        if len(found) == count:
            break
        if label := _images.label(name):
            x = quantise(_images.load(name, size=SIZE))
            if not any(fools(net, x, label) for net in nets):
                found[label] = x
    if not found:
        raise U3Error("these networks name none of the shipped pictures rightly; use trained networks")
    return found


def bounded() -> list[str]:
    """Names of the attacks that ε bounds, those of the table."""
    return [name for name, one in ATTACKS.items() if EPS in one.takes]


def attack(net: Classifier, image: Tensor, label: int | str, kind: str, level: int, *, steps: int = 10) -> Tensor:
    """The finished attack (1,3,H,W), on whole levels and at most ``level`` of them from the picture.

    ``kind`` is the name of an attack that ε bounds; ``steps`` are for those that make more than one.
    """
    if kind not in bounded():
        raise U3Error(f"there is no attack {kind!r} that ε bounds; choose {' or '.join(bounded())}")
    whole("level", level, 1, 255)
    whole("steps", steps)
    eps, chosen = level / 255, ATTACKS[kind]
    found = chosen(net, image, label, eps=eps, steps=steps if STEPS in chosen.takes else None)
    return quantise_near(found, image, eps)


def fooling_table(nets: Sequence[Classifier], *, levels: Sequence[int] = (1, 2, 4, 8), count: int | None = None,
                  steps: int = 10) -> list[Fooled]:
    """Share of pictures fooled, for each attack that ε bounds, at each ε, made for each network and shown to each.

    Parameters
    ----------
    nets
        Classifiers with the same classes.
    levels
        ε in grey levels, so that the attack fits a file with 8 bits.
    count
        How many of the shipped pictures; None: all of them. Each costs about (steps + 2)·levels·nets passes.
    steps
        Steps of the attacks that make more than one.
    """
    nets = [ready(net) for net in listed("nets", nets, what="networks")]
    levels = wholes("levels", levels, 1, 255)
    whole("steps", steps)
    pictures = labelled(nets, count=count)
    rows = []
    for made_for in nets:
        for kind in bounded():
            for level in levels:
                found = {label: attack(made_for, x, label, kind, level, steps=steps) for label, x in pictures.items()}
                for net in nets:
                    fooled = [fools(net, x, label) for label, x in found.items()]
                    rows.append(Fooled(kind, level, made_for.name, net.name, sum(fooled) / len(fooled), len(fooled)))
    return rows
