"""Network dissection the way of NetDissect-Lite (Bau et al., CVPR 2017), written anew with numpy and Pillow.

The layer's activations on all pictures go to a file of float64. Thresholds are numpy's percentiles over that file. Then
each unit of each picture is enlarged and counted by itself. That is the paper's way; NetDissect-Lite takes a shortcut,
and leaves out the units of a picture that nowhere exceed their threshold. Differences, all in favour of speed: the
labels lie in memory, not in PNG files, and a unit's pixels count where the picture is labelled for the concept (the
paper's words), which needs no product with a matrix of categories.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from u3lab.datasets.labelled import ConceptData, batches
from u3lab.nets import Classifier


class Segments(NamedTuple):
    """One picture's labels as maps of numbers: ``maps`` (n,H,W) with 0 for nothing and c + 1 for concept c.

    There are as many maps as concepts lie over each other; ``labelled`` (C) says which concepts were looked at.
    """

    maps: np.ndarray
    labelled: np.ndarray


class Found(NamedTuple):
    """IoU of units and concepts (U,C), and the seconds that the pass, the thresholds and the counting took."""

    iou: Tensor
    seconds: tuple[float, float, float]


def segments(masks: Tensor, labelled: Tensor) -> Segments:
    """Masks (C,H,W) as maps: each concept goes to the first map that is free where it lies."""
    maps: list[np.ndarray] = []
    for c, mask in enumerate(masks.numpy()):
        if not mask.any():
            continue
        free = next((one for one in maps if not one[mask].any()), None)
        if free is None:
            free = np.zeros(mask.shape, np.int64)
            maps.append(free)
        free[mask] = c + 1
    return Segments(np.stack(maps) if maps else np.zeros((0, *masks.shape[1:]), np.int64), labelled.numpy())


def dissect(net: Classifier, layer: str, data: ConceptData, labels: Sequence[Segments], share: float,
            skip: bool = True) -> Found:
    """The three steps, with the shortcut or not. ``labels`` are the data's :func:`segments`, made off the clock."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps a mapped file
        clock = [time.perf_counter()]
        features = extract(net, layer, data, Path(folder) / "features")
        clock.append(time.perf_counter())
        thresholds = np.percentile(features, 100 * (1 - share), axis=(0, 2, 3))
        clock.append(time.perf_counter())
        iou = torch.from_numpy(tally(features, thresholds, labels, len(data.names), skip))
        clock.append(time.perf_counter())
        del features
    passes, sorting, counting = (after - before for before, after in zip(clock, clock[1:], strict=False))
    return Found(iou, (passes, sorting, counting))


def extract(net: Classifier, layer: str, data: ConceptData, file: Path) -> np.ndarray:
    """Activations of all pictures, (N,U,h,w) in a file."""
    features, done = None, 0
    for batch in batches(data):
        with torch.no_grad():
            maps = net.features(batch.images, layer).numpy()
        if features is None:
            features = np.memmap(file, np.float64, "w+", shape=(len(data), *maps.shape[1:]))
        features[done : done + len(maps)] = maps
        done += len(maps)
    assert features is not None, "there are no pictures"
    return features


def enlarge(activation: np.ndarray, height: int, width: int) -> np.ndarray:
    """One map (h,w) at the labels' size, as scipy's imresize did it in mode F."""
    return np.asarray(Image.fromarray(activation.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))


def tally(features: np.ndarray, thresholds: np.ndarray, labels: Sequence[Segments], concepts: int,
          skip: bool) -> np.ndarray:
    """IoU (U,C), counted picture by picture and unit by unit, with the shortcut or not."""
    units = features.shape[1]
    both, active, truth = np.zeros((units, concepts)), np.zeros((units, concepts)), np.zeros(concepts)
    for picture, (maps, labelled) in enumerate(labels):
        truth += np.bincount(maps.ravel(), minlength=concepts + 1)[1:] * labelled
        for unit, activation in enumerate(np.asarray(features[picture])):
            if not skip or activation.max() > thresholds[unit]:
                rows, columns = np.nonzero(enlarge(activation, *maps.shape[1:]) > thresholds[unit])
                both[unit] += np.bincount(maps[:, rows, columns].ravel(), minlength=concepts + 1)[1:] * labelled
                active[unit] += len(rows) * labelled
    return both / np.maximum(active + truth - both, 1)
