"""Upper quantiles of many units at once, from a stream: memory does not grow with the number of pictures.

Each unit has a histogram over [−reach, reach]. When a value lies outside, the reach is doubled and neighbouring bins
are joined, so nothing is read twice and no range need be known beforehand. :func:`plain_quantile` sorts all values.
"""

import torch
from torch import Tensor

from u3lab.checks import is_plain, number, shown, whole
from u3lab.errors import U3Error

BINS = 8192  # a multiple of 4, so that bins can be joined in pairs
FINEST = 2.0**-100  # the least reach: far below it float32 has no numbers to count with


def plain_quantile(activations: Tensor, share: float) -> Tensor:
    """T (U) of all activations (N,U,h,w) or (N,U) at once: the least value with P(a > T) ≤ share."""
    values = activations.movedim(1, 0).flatten(1).sort(1, descending=True).values  # (U,N·h·w)
    above = int(share * values.shape[1])  # so many values may lie above T
    return values[:, above]


class Quantiles:
    """Histograms of so many units; add activations, then ask for :meth:`upper`.

    Attributes:
        seen: How many values each unit has had.
        reach: (U) float64; values so far lie in [−reach, reach].
        counts: (U,BINS) int64.
    """

    def __init__(self, units: int) -> None:
        units = whole("units", units)
        self.seen, self.reach = 0, torch.zeros(units, dtype=torch.float64)
        self.counts = torch.zeros(units, BINS, dtype=torch.int64)

    def add(self, activations: Tensor) -> None:
        """Activations (B,U,h,w) or (B,U) of one batch.

        Raises:
            U3Error: Another number of units, NaN or infinite values.
        """
        units = len(self.reach)
        if (not is_plain(activations) or activations.ndim not in (2, 4) or activations.shape[1] != units
                or not activations.numel()):
            raise U3Error(f"activations is {shown(activations)}; give a tensor (B,{units},h,w) or (B,{units})")
        values = activations.detach().float().cpu().movedim(1, 0).flatten(1)  # (U,N)
        greatest = torch.maximum(values.amax(1), -values.amin(1)).double()
        if not greatest.isfinite().all():  # one NaN or infinite value is enough
            raise U3Error("the activations have NaN or infinite values; check the pictures and the network's weights")
        self._widen(greatest)
        # The reach is a power of two, so only the sum is rounded: by less than 1/1000 bin, and never down over the
        # lower edge of a bin, which float32 has.
        scale = (BINS / 2 / torch.where(self.reach > 0, self.reach, 1.0)).float()[:, None]
        place = (values * scale).add_(BINS / 2).int().clamp_(max=BINS - 1)
        place += torch.arange(len(place), dtype=torch.int32)[:, None] * BINS
        self.counts += torch.bincount(place.flatten(), minlength=self.counts.numel()).view_as(self.counts)
        self.seen += values.shape[1]

    def upper(self, share: float) -> Tensor:
        """The thresholds T (U) float32 with P(a > T) ≤ share, each at most one bin's width above the exact one."""
        share = number("share", share, 0, 1, without_low=True)
        if self.seen == 0:
            raise U3Error("no activations were added; add those of at least one picture")
        above = self.counts.flip(1).cumsum(1).flip(1)  # how many values lie in a bin or above it
        few = above <= share * self.seen
        first = torch.where(few.any(1), few.long().argmax(1), BINS)
        return ((first / (BINS / 2) - 1) * self.reach).float()

    def _widen(self, needed: Tensor) -> None:
        """Double the reach of each unit until ``needed`` (U) lies inside; the first time, take the next power of two.

        Until then a unit has only had zeros, which lie in the middle bin whatever the reach.
        """
        new = (self.reach == 0) & (needed > 0)
        self.reach[new] = torch.exp2(torch.floor(torch.log2(needed[new])) + 1).clamp(min=FINEST)
        while (small := (needed >= self.reach) & (needed > 0)).any():
            pairs = self.counts[small].view(-1, BINS // 2, 2).sum(2)
            self.counts[small] = torch.nn.functional.pad(pairs, (BINS // 4, BINS // 4))
            self.reach[small] *= 2
