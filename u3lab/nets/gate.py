"""The one gate: what every function that is given a network asks of it; and what a network is asked for.

    Region("lesion", mask)                       # Σ over the mask of the scores of "lesion"
    Region.predicted(net, images, "lesion")      # where the network itself sees it

Wherever a saliency method takes a class, it takes a region as well: of a network for segmentation, (B,K,H,W).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from u3lab._system.meanwhile import meanwhile, restore
from u3lab.checks import is_a, shown, words
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


@dataclass(frozen=True, eq=False)
class Region:
    """A class within a part of a network's answer (B,K,h,w) or (B,K,d,h,w); its score is a sum over that part.

    Attributes:
        label: The class, by number or name.
        mask: Booleans of the answer's grid, (1,h,w) for all pictures or (B,h,w); None is all of it.
    """

    label: int | str
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        if self.mask is not None and getattr(self.mask, "dtype", None) != torch.bool:
            raise U3Error(f"the mask of a region is {shown(self.mask)}; give booleans (1 or B,h,w), such as mask > 0.5")

    @classmethod
    def predicted(cls, net: nn.Module, images: Tensor, label: int | str) -> "Region":
        """Where the network sees a class in these pictures: where its score is the highest (its sigmoid over ½)."""
        net = ready(net, images)
        scores, k = net.logits(images), net.class_index(label)
        check_classes(scores, k)
        mask = scores[:, k] > 0 if net.sigmoid else scores.argmax(1) == k
        if without := [n for n, one in enumerate(mask) if not one.any()]:
            raise U3Error(f"{net.name} sees no {label!r} in the pictures {without}; give a mask, or another class")
        return cls(label, mask)

    def each(self, count: int) -> "list[Region]":
        """The region of each of ``count`` pictures."""
        if self.mask is None or len(self.mask) == 1:
            return [self] * count
        if len(self.mask) != count:
            raise U3Error(f"the region has {len(self.mask)} masks for {count} pictures; give one, or one a picture")
        return [Region(self.label, one[None]) for one in self.mask]

    def of(self, net: Classifier, map: Tensor, mean: bool = False) -> Tensor:
        """The sum over the region, or the mean, of what one picture has: (K,h,w) → one number."""
        k = net.class_index(self.label)
        check_classes(map[None], k)
        if self.mask is not None and (self.mask.shape[1:] != map.shape[1:] or not self.mask.any()):
            raise U3Error(f"the mask of the region is {tuple(self.mask.shape)} with {int(self.mask.sum())} cells; "
                          f"{net.name} answers on a grid of {tuple(map.shape[1:])}, of which at least one is wanted")
        inside = map[k] if self.mask is None else map[k][self.mask[0].to(map.device)]
        return inside.mean() if mean else inside.sum()


def asked(net: Classifier, scores: Tensor, targets: Sequence[int | str | Region], mean: bool = False) -> Tensor:
    """The number that each target asks for: (B,K,…) and B classes or regions → (B,); ``mean`` is that of a region."""
    if scores.ndim == 2 and not any(isinstance(one, Region) for one in targets):
        index = [net.class_index(one) for one in targets]
        check_classes(scores, *index)
        return scores[range(len(index)), index]
    if wrong := [one for one in targets if not isinstance(one, Region)]:
        raise U3Error(f"{net.name} answers with a map of scores, {tuple(scores.shape[1:])} a picture; say where: "
                      f"nets.Region({wrong[0]!r}, mask), or nets.Region.predicted(net, images, {wrong[0]!r})")
    return torch.stack([one.of(net, map, mean) for one, map in zip(targets, scores, strict=True)])
