"""The smallest mask of a picture of which it is known where its thing is, and which masks are cues."""

from __future__ import annotations

from torch import Tensor

from u3lab import saliency
from u3lab.descent import last
from u3lab.lessons.masked import Thing
from u3lab.nets import Classifier
from u3lab.saliency import MaskSettings

CUE, BROKEN = 0.5, 0.5  # a cue: that share of the mask is off the thing, and alone it takes this share of Φ_c away


def smallest(net: Classifier, thing: Thing, *, steps: int = 150, **changed: object) -> Tensor:
    """The mask (1,1,S,S) that the energy ends with."""
    settings = MaskSettings(steps=steps, **changed)
    return last(saliency.meaningful_perturbation(net, thing.image, thing.label, settings=settings)).value.cpu()


def cues(rows: dict[tuple, tuple]) -> list[tuple]:
    """The runs of the table removal with a cue: most of the mask is off the thing, and that part alone takes most of
    Φ_c away."""
    return [run for run, one in rows.items()
            if 1 - one.mask_share > CUE and one.off < (1 - BROKEN) * one.whole]
