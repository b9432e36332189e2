"""A transformer beside a convolutional network: the same questions to both, and again when their last layers forget.

    image, labels = transformer.two_things()
    maps = transformer.beside(nets.load("vit"), nets.load("squeezenet1_1"), image, labels)
    transformer.drawn(maps, image, labels), transformer.stays(maps)
"""

from __future__ import annotations

from itertools import islice

from torch import Tensor

from u3lab import figures, images, pixels, saliency
from u3lab.datasets import cutouts, photos
from u3lab.measures import rank_correlation
from u3lab.nets import Classifier
from u3lab.saliency import METHODS

BEHIND, THINGS = "mountain_meadow", ("balloon", "soccer_ball")  # chosen so that both networks have both among two
BOTH = "gradient × input", "Grad-CAM"  # defined for either network
FORGET = 4  # banks of weights: the transformer's head, and of its last block all but what makes its attention

Maps = dict[str, tuple[Tensor, Tensor, Tensor]]
"""Network and method → heat (1,1,h,w) for one class, for another, and for the first when the last layers forget."""


def two_things(size: int = 227) -> tuple[Tensor, tuple[str, str]]:
    """A picture (1,3,S,S) of two things side by side, and their classes."""
    image = photos.load(BEHIND, size=size)
    for name, x in zip(THINGS, (0.27, 0.73), strict=True):
        image = cutouts.paste(name, image, size=0.46, x=x, y=0.55).images
    return image, tuple(cutouts.about(name).label for name in THINGS)


def forgetful(net: Classifier, count: int = FORGET) -> Classifier:
    """A copy of a network in which the weights of each of its last ``count`` banks are shuffled."""
    return next(islice(saliency.randomise_downwards(net), count - 1, None))[1]


def beside(transformer: Classifier, cnn: Classifier, image: Tensor, labels: tuple[str, str]) -> Maps:
    """The maps of both networks, each of the picture at its own size; rollout of the transformer alone."""
    maps = {}
    for kind, net in (("transformer", transformer), ("CNN", cnn)):
        x, broken = images.resize(image, net.size).clamp(0, 1), forgetful(net)
        asked = {name: METHODS[name] for name in BOTH} | (
            {"attention rollout": saliency.rollout} if kind == "transformer" else {})
        for name, ask in asked.items():
            maps[f"{kind}: {name}"] = tuple(ask(one, x, label) for one, label in (
                (net, labels[0]), (net, labels[1]), (broken, labels[0])))
    return maps


def alike(maps: Maps) -> dict[str, tuple[float, float]]:
    """Network and method → rank correlation of the first map with that of the other class, and when it forgets."""
    return {name: (rank_correlation(first, other), rank_correlation(first, later))
            for name, (first, other, later) in maps.items()}


def drawn(maps: Maps, image: Tensor, labels: tuple[str, str]) -> figures.Figure:
    """Each map over the picture."""
    same = [name for name, (other, _) in alike(maps).items() if other > 0.9999]
    return figures.grid(
        [pixels.overlay(image, map) for three in maps.values() for map in three], rows=list(maps), width=640,
        titles=[*labels, f"{labels[0]}, shuffled"], alt=(
            f"Maps over a picture of two things, for {labels[0]}, for {labels[1]}, and for {labels[0]} when the last "
            f"layers are shuffled, in {len(maps)} rows: {', '.join(maps)}. The same for both classes: "
            f"{' and '.join(same) or 'none'}."))


def stays(maps: Maps) -> figures.Figure:
    """How much of each map stays, as rank correlations."""
    found = alike(maps)
    return figures.bars(
        {name: {"other class": other, "last layers shuffled": later} for name, (other, later) in found.items()},
        "rank correlation with the map", alt="How alike maps stay, as rank correlations: " + "; ".join(
            f"{name} {other:.2f} for the other class, {later:.2f} when shuffled"
            for name, (other, later) in found.items()) + ".")
