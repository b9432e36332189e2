"""The exercise of chapter 7 that is the whole method: from activations and masks to every IoU."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous


def table(activations: Tensor, masks: Tensor, share: float) -> Tensor:
    """IoU (U,C) of units (N,U,h,w) with concepts (N,C,H,W): threshold each unit, enlarge, compare over all pictures."""
    thresholds = activations.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)
    enlarged = F.interpolate(activations, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    on = (enlarged > thresholds[:, None, None]).movedim(1, 0).flatten(1)  # (U, all places)
    shown = masks.movedim(1, 0).flatten(1)
    common = torch.stack([(unit & shown).sum(1) for unit in on])
    either = torch.stack([(unit | shown).sum(1) for unit in on])
    return common / either


def _cases(g: torch.Generator) -> Iterator[tuple]:
    """Units of different strength; concepts that some pictures do not show."""
    yield (torch.tensor([[[[0.0, 4.0], [1.0, 2.0]]], [[[6.0, 1.0], [0.0, 3.0]]]]),
           torch.tensor([[[[0, 1, 1], [0, 0, 1], [0, 0, 0]]], [[[1, 1, 0], [1, 0, 0], [0, 0, 0]]]]).bool(), 0.25)
    for (n, u, c, h, side), share, dtype in (((5, 3, 2, 6, 12), 0.1, torch.float32),
                                             ((4, 4, 3, 5, 11), 0.07, torch.float64)):
        strong = 1 + 3 * torch.rand(n, u, 1, 1, generator=g, dtype=dtype)
        values = strong * torch.randn(n, u, h, h, generator=g, dtype=dtype).abs()
        coarse = torch.rand(n, c, 3, 3, generator=g) < 0.4
        coarse[0, 0] = False
        masks = F.interpolate(coarse.float(), size=(side, side)) > 0.5
        yield not_contiguous(values), masks, share


LAYER = Exercise(
    id="7-layer", title="Dissect a layer", minutes=20, difficulty="hard", points=4,
    goal="Write the whole method. For each unit: find T_k, the value that a share of all its places in all pictures "
         "exceeds; enlarge its map to the size of the masks (bilinear, align_corners=False); M_k is where the enlarged "
         "map is above T_k. Return IoU_set of every unit with every concept.",
    signature="def my_dissection(activations, masks, share):   # (N,U,h,w), (N,C,H,W) bool, share as 0.005 → (U,C)",
    hints=(
        "Three steps in this order: thresholds from the small maps, then enlarge, then compare. If shapes do not fit, "
        "T has one number for each unit and needs two axes more: `T[:, None, None]`.",
        "`F.interpolate(activations, size=masks.shape[-2:], mode=\"bilinear\", align_corners=False)` enlarges all maps "
        "at once. Bring the axis of units to the front, `movedim(1, 0).flatten(1)`: then a unit is one row of places.",
        "With `on` (U, places) and `shown` (C, places), `(on[k] & shown).sum(1)` is a row of the intersections. With "
        "`|` it is one of the unions. Divide at the very end."),
    reference=table, judge=by_cases(table, _cases, (
        Mistake("common = torch.stack([(unit & shown).sum(1) → on = (enlarged > thresholds[:, None, None])"
                ".flatten(2).movedim(1, 0); shown = masks.flatten(2).movedim(1, 0); "
                "common = torch.stack([(unit & shown).sum(2) ;; (unit | shown).sum(1) → (unit | shown).sum(2) ;; "
                "common / either → (common / either.clamp(min=1)).mean(2)", "that is the mean of the pictures' IoUs; "
                "add up over all pictures, then divide"),
        Mistake("enlarged = F.interpolate(activations, → enlarged = F.interpolate((activations > "
                "thresholds[:, None, None]).to(activations), ;; enlarged > thresholds[:, None, None] → enlarged > 0.5",
                "you compared with T first and enlarged the result; enlarge the map, then compare"),
        Mistake(tuple(f"thresholds[:, None, None] → {other}" for other in (
                    "enlarged.movedim(1, 0).flatten(1).quantile(1 - share, dim=1)[:, None, None]",
                    "activations.flatten(2).quantile(1 - share, dim=2)[:, :, None, None]",
                    "activations.quantile(1 - share)")), "your T is another: there is one for each unit, over all "
                "pictures, and from the layer's own places, not from the enlarged maps"),
        Mistake('mode="bilinear", align_corners=False → mode="nearest"', "you enlarged to the nearest value; take "
                "mode=\"bilinear\""),
        Mistake("common / either → 2 * common / (common + either)", "that is Dice, 2|M ∩ L| / (|M| + |L|); divide the "
                "intersection by the union"),
    )))
