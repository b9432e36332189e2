"""Where units and concepts overlap in one picture, computed only where a unit can be active.

    M_k = [ a_k, enlarged to the labels' size, > T_k ],   wanted: |M_k ∩ L_c|, |M_k| and |L_c|

A pixel of the enlarged map is a mean of the four places round it, the corners of its cell:

    top = (1 − x) a_nw + x a_ne      bottom = (1 − x) a_sw + x a_se      value = (1 − y) top + y bottom

So it is above T only if a corner is. Units are active at 0.5 % of their places, so few cells have such a corner, and
the pixels of the others are never computed. The outermost places also stand beyond the border of the map, which makes
(h + 1) × (w + 1) cells of h × w places. :func:`plain_overlap` computes them all.
"""

from collections.abc import Iterator
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 2**20  # pixels: bounds the memory where much is active


def plain_overlap(activation: Tensor, thresholds: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What :func:`overlap` gives, as the formula says it: every pixel of every unit, enlarged and compared with T."""
    large = F.interpolate(activation[None], size=masks.shape[1:], mode="bilinear", align_corners=False)[0]
    M = large > thresholds[:, None, None]  # (U,H,W)
    shared = torch.stack([(M & L).sum((1, 2)) for L in masks], 1)
    return shared.double(), M.sum((1, 2)).double(), masks.sum((1, 2)).double()


def overlap(activation: Tensor, thresholds: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels in one picture: of M_k ∩ L_c (U,C), of M_k (U) and of L_c (C), float64 on the CPU.

    ``activation`` is (U,h,w), ``thresholds`` (U), ``masks`` (C,H,W) bool. These are the numbers of
    :func:`plain_overlap`, up to the rounding of ``F.interpolate`` where a value is T.
    """
    inside, units = masks.flatten(1).cpu(), len(thresholds)
    shown = inside.view(torch.uint8).amax(1).nonzero()[:, 0]  # few of a data set's concepts
    inside = inside[shown]
    table = torch.empty(inside.shape[1], len(shown)).copy_(inside.T)  # for each pixel 0 or 1 of each concept
    shared, areas = torch.zeros(units, len(shown), dtype=torch.float64), torch.zeros(units, dtype=torch.float64)
    for count, pixels in active(activation.detach().float(), thresholds.to(activation.device), masks.shape[-2:]):
        # a unit's pixels lie side by side, as a "bag": add up their rows of the table
        shared += F.embedding_bag(pixels, table, count.cumsum(0) - count, mode="sum")
        areas += count
    sizes = inside.sum(1, dtype=torch.int32).double()
    return (shared.new_zeros(units, len(masks)).index_copy_(1, shown, shared), areas,
            sizes.new_zeros(len(masks)).index_copy_(0, shown, sizes))


def active(activation: Tensor, thresholds: Tensor, size: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """The pixels of M_k, in portions: how many each unit has (U), and their numbers in the picture, unit by unit.

    The first step finds strips of cells, between two rows of places, the second the cells of these strips.
    """
    h, w = activation.shape[1:]
    pixels, y, x = enlargement(h, w, *size, activation.device)
    unit, row = cells(activation.amax(2) > thresholds[:, None])
    rows = activation.flatten(0, 1)
    upper, lower = (rows.index_select(0, unit * h + place) for place in beside(row, h))
    found = cells(torch.maximum(upper, lower) > thresholds.take(unit)[:, None])
    for strip, column in zip(*(part.split(AT_ONCE // pixels.shape[1] + 1) for part in found), strict=True):
        owner, line = unit.take(strip), row.take(strip)
        below, right = y.index_select(1, line), x.index_select(1, column)
        west, east = (strip * w + place for place in beside(column, w))
        top = torch.lerp(upper.take(west), upper.take(east), right)
        bottom = torch.lerp(lower.take(west), lower.take(east), right)
        value = torch.lerp(top, bottom, below[:, None])  # (Ky,Kx,cells): long rows are quick
        on = (value > thresholds.take(owner)).flatten(0, 1).cpu()
        count = torch.bincount(owner.cpu(), on.sum(0, dtype=torch.int32), len(activation)).long()
        numbers = pixels.index_select(0, (line * (w + 1) + column).cpu())
        yield count, numbers.masked_select(on.T.contiguous())


def beside(cell: Tensor, places: int) -> tuple[Tensor, Tensor]:
    """The places on both sides of each cell of a line; at the border, the outermost place twice."""
    return (cell - 1).clamp(min=0), cell.clamp(max=places - 1)


def cells(over: Tensor) -> tuple[Tensor, Tensor]:
    """Places above T, in lines (N,n): the cells beside them, as number of the line and number from 0 to n in it.

    Cell i lies between the places i − 1 and i.
    """
    over = F.pad(over, (1, 1))
    line, number = (over[:, 1:] | over[:, :-1]).nonzero(as_tuple=True)
    return line, number


@lru_cache(maxsize=16)
def enlargement(h: int, w: int, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Each cell's pixels (cells,Ky·Kx), and the weights y (Ky,h+1) of lower and x (Kx,w+1) of right corners.

    Where a cell has fewer pixels than others, the weights of the missing ones are NaN, and NaN is never above T.
    """
    (rows, y), (columns, x) = _line(h, height), _line(w, width)
    pixels = rows[:, None, :, None] * width + columns[None, :, None, :]
    return pixels.flatten(2).flatten(0, 1), y.to(device), x.to(device)


def _line(small: int, large: int) -> tuple[Tensor, Tensor]:
    """In one dimension: the pixels of each cell (small+1,K), and their weights (K,small+1)."""
    middle = (2 * torch.arange(large) + 1) * small - large  # of pixels; neighbouring places are 2 large apart
    before, weight = middle.div(2 * large, rounding_mode="floor"), middle.remainder(2 * large) / (2 * large)
    number = torch.bincount(before + 1, minlength=small + 1)
    place = torch.arange(int(number.max()))
    missing = place >= number[:, None]
    pixels = ((number.cumsum(0) - number)[:, None] + place).masked_fill(missing, 0)
    return pixels, weight[pixels].masked_fill(missing, float("nan")).T.contiguous()
