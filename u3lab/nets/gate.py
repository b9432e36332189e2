"""The one gate: what every function that is given a network asks of it, and several layers from one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import words
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier, Reached, finite, one_picture


def ready(net: nn.Module, *images: Tensor, one: bool = False) -> Classifier:
    """The one gate: what every function that is given a network asks of it, and of its pictures.

    Parameters
    ----------
    net
        A Classifier, or any torch network, which is wrapped: no normalisation, paths as names of layers, any input.
    images
        Batches of pictures to check, if the network is one for pictures: (B,3,H,W) in [0,1].
    one
        Whether each has to hold exactly one picture.

    Raises
    ------
    U3Error
        Something that is no network, a network in training mode, pictures that are none, or more than one.
    """
    if not isinstance(net, nn.Module):
        what = "nothing" if net is None else repr(net)[:40] if isinstance(net, str) else (
            f"a value of type {type(net).__name__}")
        raise U3Error(f"a network is wanted here, not {what}; make one with nets.load('squeezenet1_1')")
    if not isinstance(net, Classifier):
        net = Classifier(net, name=type(net).__name__, pictures=False)
    net.refuse_training()
    for batch in images:
        if net.pictures:
            _images.check(batch)
        if one:
            one_picture(batch)
    return net


def check_classes(scores: Tensor, *classes: int | None) -> None:
    """Refuse classes beyond the scores (B,K), for networks whose classes have no names."""
    count = scores.shape[1]
    for k in classes:
        if k is not None and not 0 <= k < count:
            raise U3Error(f"class {k} does not exist; the network has classes 0 to {count - 1}")


def several(net: Classifier, layers: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Layer → its activations, without a graph, from one pass that stops at the last of them."""
    net, found = ready(net, images), {}
    layers = words("layers", layers)

    def note(layer: str, output: Tensor) -> None:
        found[layer] = finite(output, net.name).clone()  # a ReLU that follows may write over it
        if len(found) == len(set(layers)):
            raise Reached

    if len(layers) == 1:
        with torch.no_grad():
            return {layers[0]: net.features(images, layers[0])}
    with torch.no_grad(), net.watch({layer: partial(note, layer) for layer in layers}):
        try:
            net(images)
        except Reached:
            return found
    raise U3Error(f"{net.name} never computes {', '.join(set(layers) - set(found))} on its way to the classes; choose "
                  f"from {', '.join(net.layers)}")
