"""What is asked of a network: a class of each picture, or a class within a region of a map of scores.

    Region("lesion", mask)                       # Σ over the mask of the scores of "lesion"
    Region.predicted(net, images, "lesion")      # where the network itself sees it

Wherever a saliency method takes a class, it takes a region as well: of a network for segmentation, (B,K,H,W).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from u3lab.checks import shown
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.nets.gate import check_classes, ready


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
    def predicted(cls, net: nn.Module, images: Tensor, label: int | str) -> Region:
        """Where the network sees a class in these pictures: where its score is the highest (its sigmoid over ½)."""
        net = ready(net, images)
        scores, k = net.logits(images), net.class_index(label)
        check_classes(scores, k)
        mask = scores[:, k] > 0 if net.sigmoid else scores.argmax(1) == k
        if without := [n for n, one in enumerate(mask) if not one.any()]:
            raise U3Error(f"{net.name} sees no {label!r} in the pictures {without}; give a mask, or another class")
        return cls(label, mask)

    def each(self, count: int) -> list[Region]:
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
