"""Four layers of SqueezeNet on the 600 pictures of chapter 7: each unit's IoU with each concept, its thresholds, and
where it is strongest.

    python -m evidence dissected   # results/dissected.npz, one minute
"""

import io

import numpy as np
import torch

from evidence._plan import Plan
from u3course.lessons.dissection.kinds import LAYERS, PICTURES, SHARES
from u3course.worlds import concepts
from u3lab import dissection, nets
from u3lab.dissection import Dissection, Peaks

STRONGEST = 8  # so many pictures are named for each unit


def make(plan: Plan) -> None:
    """Dissect, and write the file."""
    data = concepts.load(count=12 if plan.short else PICTURES, least=1 if plan.short else 8)
    net, content = nets.load(), io.BytesIO()
    found = dissection.dissect_layers(net, LAYERS, data)
    np.savez_compressed(content, **arrays(found, dissection.peaks(net, LAYERS, data, count=STRONGEST)))
    plan.write("results", "dissected.npz", content=content.getvalue())


def arrays(found: dict[str, Dissection], tops: dict[str, Peaks]) -> dict[str, np.ndarray]:
    """What the file holds, of each layer and of what they share."""
    kept: dict[str, np.ndarray] = {"concepts": np.array(next(iter(found.values())).concepts)}
    for layer, one in found.items():
        thresholds = torch.stack([one.seen.upper(share) for share in SHARES])
        parts = {"iou": one.iou.float(), "thresholds": thresholds, "values": tops[layer].values,
                 "pictures": tops[layer].pictures.short()}
        kept |= {f"{layer} {name}": part.numpy() for name, part in parts.items()}
    return kept
