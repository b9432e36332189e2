"""Sliding windows: ask a network about pictures or volumes that are larger than it takes.

    net = u3audit.sliding(net, (32, 64, 64))      # a Classifier, for pictures of at least any size

Maps of scores are averaged where windows overlap, the middle of a window counting most:

    S(u) = Σ_w g(u − w) s_w(u) / Σ_w g(u − w),    g Gaussian about the middle of the window, σ = side / 8

A finding is in a volume if it is in one of its windows: of class scores, those of the window whose log-odds of the
finding are the largest are the answer.
"""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn

from u3lab.audit.cases import number_of
from u3lab.checks import number, whole, wholes
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

SIGMA = 1 / 8  # of a window's side
AT_ONCE = 8  # windows in one pass


def sliding(net: nn.Module, window: int | Sequence[int], *, finding: int | str | None = None,
            overlap: float = 0.5) -> Classifier:
    """Wrap a network so that it is asked in overlapping windows.

    Args:
        net: Any network in evaluation mode, for pictures or volumes.
        window: The side of what it takes, or one for each axis, (y,x) or (z,y,x). Smaller pictures get a black rim.
        finding: The class whose surest window answers; without it the last. Maps of scores have no use for it.
        overlap: Of neighbouring windows, as a share of their side, from 0 on and below 1.

    Returns:
        Classifier: (B,C,…) → (B,K), or (B,K,…) of the pictures' own sides.

    Raises:
        U3Error: Sides or an overlap that are none; when it is asked, maps of other sides than the window.
    """
    net = ready(net)
    sides = sides_of(net, window)
    if number("overlap", overlap, 0, 1) == 1:
        raise U3Error("overlap = 1; windows would never go on: give a share below 1, such as 0.5")
    return Classifier(Sliding(net, sides, finding, overlap), classes=net.classes, size=sides, name=net.name,
                      pictures=net.pictures, channels=net.channels, sigmoid=net.sigmoid, spacing=net.spacing)


def sides_of(net: nn.Module, window: int | Sequence[int]) -> list[int]:
    """A side of the window for each axis of what the network takes."""
    net = ready(net)
    sides = wholes("window", window) if isinstance(window, Sequence) else [whole("window", window)]
    if len(sides) not in (1, net.axes):
        raise U3Error(f"window = {tuple(sides)}; {net.name} takes {net.axes} axes, so give one side, or {net.axes}")
    return sides if len(sides) > 1 else sides * net.axes


class Sliding(nn.Module):
    """The module of :func:`sliding`; ``finding`` may be set later."""

    def __init__(self, net: Classifier, sides: Sequence[int], finding: int | str | None, overlap: float) -> None:
        super().__init__()
        self.net, self.sides, self.finding, self.overlap = net, list(sides), finding, overlap
        self.training = net.training

    def forward(self, images: Tensor) -> Tensor:
        """(B,C,…) → (B,K) or (B,K,…)."""
        own = images.shape[2:]
        rim = [max(0, side - had) for side, had in zip(self.sides, own, strict=True)]
        images = nn.functional.pad(images, [n for one in reversed(rim) for n in (0, one)])
        places = windows(images.shape[2:], self.sides, self.overlap)
        some = max(1, AT_ONCE // len(images))
        scores = torch.cat([self.net(torch.cat([images[:, :, *place] for place in places[first : first + some]]))
                            for first in range(0, len(places), some)])
        scores = scores.unflatten(0, (len(places), len(images)))
        if scores.ndim == 3:
            return self._surest(scores)
        if list(scores.shape[3:]) != self.sides:
            raise U3Error(f"{self.net.name} answers with maps of {tuple(scores.shape[3:])} for windows of "
                          f"{tuple(self.sides)}; maps as large as the windows are wanted")
        weight = bell(self.sides).to(scores)
        total, weights = scores.new_zeros(*scores.shape[1:3], *images.shape[2:]), scores.new_zeros(images.shape[2:])
        for score, place in zip(scores, places, strict=True):
            total[:, :, *place] += weight * score
            weights[place] += weight
        return (total / weights)[:, :, *[slice(side) for side in own]]

    def _surest(self, scores: Tensor) -> Tensor:
        """Of each picture the scores (B,K) of the window, of those (W,B,K), that is surest of the finding."""
        odds = scores[..., 0]
        if (count := scores.shape[2]) > 1:
            k = count - 1 if self.finding is None else number_of(self.net, self.finding, count)
            others = [other for other in range(count) if other != k]
            odds = scores[..., k] - scores[..., others].logsumexp(2)
        return scores[odds.argmax(0), range(scores.shape[1])]


def windows(sides: Sequence[int], window: Sequence[int], overlap: float) -> list[tuple[slice, ...]]:
    """The places of windows that cover a picture; the last along each axis ends at its border."""
    along = []
    for side, one in zip(sides, window, strict=True):
        step = max(1, round(one * (1 - overlap)))
        along.append([slice(start, start + one) for start in (*range(0, side - one, step), side - one)])
    return list(product(*along))


def bell(sides: Sequence[int]) -> Tensor:
    """g, a Gaussian about the middle of a window: 1 there at the most."""
    weight = torch.ones(())
    for side in sides:
        x = (torch.arange(side) - (side - 1) / 2) / (SIGMA * side)
        weight = weight[..., None] * torch.exp(-x.square() / 2)
    return weight
