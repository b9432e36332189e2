"""Four layers of SqueezeNet on the 600 pictures of chapter 7: each unit's IoU with each concept, its thresholds, and
where it is strongest.

    python -m u3lab.experiments dissected   # data/results/dissected.npz, one minute
"""

from __future__ import annotations

import argparse
import io

import numpy as np

from u3lab import dissection, nets
from u3lab.experiments import _writing
from u3lab.lessons.dissection import beforehand
from u3lab.lessons.dissection.beforehand import LAYERS, PICTURES, STRONGEST
from u3lab.worlds import concepts


def main(arguments: list[str] | None = None) -> None:
    """Dissect, and write the file."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "results")
    net, data = nets.load(), concepts.load(count=12 if chosen.short else PICTURES, least=1 if chosen.short else 8)
    found = dissection.dissect_layers(net, LAYERS, data)
    tops = dissection.peaks(net, LAYERS, data, count=STRONGEST)
    content = io.BytesIO()
    np.savez_compressed(content, **beforehand.arrays(found, tops))
    _writing.write(chosen.out / "dissected.npz", content.getvalue())
