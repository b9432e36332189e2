"""The one gate: what every function that is given a network asks of it, and several layers from one pass."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from u3lab._system.meanwhile import meanwhile, restore
from u3lab.checks import is_a, words
from u3lab.errors import U3Error
from u3lab.images.loading import SLACK
from u3lab.nets.classifier import Classifier, one_picture


def ready(net: nn.Module, *images: Tensor, one: bool = False, bounded: bool = False) -> Classifier:
    """The one gate: what every function that is given a network asks of it, and of its pictures.

    Args:
        net: A Classifier, or any torch network, which is wrapped: no normalisation, paths as names of layers, any
            input.
        images: Batches of pictures to check, if the network is one for pictures: (B,C,H,W) or (B,C,D,H,W) in [0,1].
        one: Whether each has to hold exactly one picture.
        bounded: Whether it is kept in [0,1], as by a projection: refused outside, also where a network takes what it is
            given.

    Raises:
        U3Error: Something that is no network, a network in training mode, pictures that are none, or more than one.
    """
    restore()  # what Ctrl-C has left behind
    if not isinstance(net, nn.Module):
        what = "nothing" if net is None else repr(net)[:40] if isinstance(net, str) else (
            f"a value of type {type(net).__name__}")
        raise U3Error(f"a network is wanted here, not {what}; make one with nets.load('squeezenet1_1')")
    net = getattr(net, "_orig_mod", net)  # of a Classifier that torch.compile has wrapped
    if not isinstance(net, Classifier):
        net = Classifier(net, name=type(net).__name__, pictures=False)
    net.refuse_training()
    for batch in images:
        net.check(batch)
        if one:
            one_picture(batch)
        if bounded and not net.pictures and (batch.min() < -SLACK or batch.max() > 1 + SLACK):
            raise U3Error(f"{net.name} takes values as they are, here up to {batch.abs().max():.3g}, and this method "
                          "keeps them in [0,1]; wrap it with mean= and std=, and give pictures in [0,1]")
    return net


def eval_mode(name: str, module: object, kind: type[nn.Module], how: str) -> nn.Module:
    """A module of a kind that is asked, not trained: in training mode its batch norms would change with each answer.

    ``how`` says where one comes from.
    """
    if is_a(name, module, kind, how).training:
        raise U3Error(f"{name} is in training mode, and would answer by the batch and change; call {name}.eval() first")
    return module


def check_classes(scores: Tensor, *classes: int | None) -> None:
    """Refuse classes beyond the scores (B,K), for networks whose classes have no names."""
    count = scores.shape[1]
    for k in classes:
        if k is not None and not 0 <= k < count:
            raise U3Error(f"class {k} does not exist; the network has classes 0 to {count - 1}")


def extract_features(net: Classifier, layers: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Layer → its activations, without a graph, from one pass that stops at the last of them."""
    net, layers = ready(net, images), words("layers", layers)
    with meanwhile(grad=False):
        if len(layers) == 1:
            return {layers[0]: net.features(images, layers[0])}
        found = net.until(layers, lambda: net(images))
    if missing := set(layers) - set(found):
        raise U3Error(f"{net.name} never computes {', '.join(missing)} on its way; choose from {', '.join(net.layers)}")
    return found
