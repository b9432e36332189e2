"""What a layer keeps: the photos, layers and priors of chapter 5's tables, and their shipped pictures."""

import torch
from torch import Tensor

from u3lab import images, results
from u3lab._system import paths
from u3lab.inversion.codes import LOGITS, code, code_error
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier

SIDE, WIDE = 128, 192  # pixels
# Photo → its class, which both judges name first at this size. (Of the 38 pictures that ship, 15 have such a class.)
PHOTOS = {"dog": "German shepherd", "hens": "hen", "bison": "bison", "palace": "palace", "clownfish": "anemone fish",
          "polar_bear": "ice bear"}
DEEP = ("dog", "palace", "clownfish")
UNSEEN = ("dog", "bison", "palace", "clownfish", "polar_bear")  # by inverters and generators
NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
LAYERS = {"squeezenet1_1": ("conv1", "fire3", "fire5", "fire7", "fire9", "conv10", LOGITS),
          "efficientnet_lite0": ("stem", "stage2", "stage4", "stage5", "stage6", "stage7", "head", LOGITS)}
PRIORS, FLOORS = ("none", "total variation", "deep image prior"), ("grey", "same class", "another photo")
# From model to prior: ever more is asked of the picture, and ever less comes from the code.
KINDS = (*PRIORS, "trained generator", "posterior sample", "learned steps", "trained, perceptual", "trained, L2",
         "nearest photo")
JITTER = 4  # pixels, for total variation and the deep image prior
MOVED = 5  # pixels down and right, before the codes are compared once more


def photo_of(name: str) -> Tensor:
    """A photo of the table, (1,3,128,128)."""
    return images.load(name, size=SIDE)


def judge(net: Classifier, layer: str, x: Tensor, photo: Tensor) -> tuple[float, float, float]:
    """The errors of x as an inversion of a photo's code at a layer: code, code when moved, pixels."""
    def error(shift: int) -> float:
        with torch.no_grad():
            a, b = (code(net, layer, y.roll((shift, shift), (2, 3))) for y in (x, photo))
        return float(code_error(a, b))

    return error(0), error(MOVED), float((x - photo).square().mean())


def over_photos(rows: dict[tuple, tuple], network: str, layer: str, kind: str, what: str) -> Interval:
    """The mean of one number over the photos, with its interval."""
    found = [getattr(row, what) for run, row in rows.items() if run[1:] == (network, layer, kind)]
    return mean(torch.tensor(found).double())


def pictures(network: str, photo: str) -> dict[str, list[Tensor]]:
    """The shipped inversions of a photo: prior → (1,3,128,128), layer by layer."""
    whole = images.load(paths.data("results", f"inversion-{network}.jpg"))
    strip = whole.split(len(PRIORS) * SIDE, 2)[list(PHOTOS).index(photo)]
    return {kind: list(row.split(SIDE, 3)) for kind, row in zip(PRIORS, strip.split(SIDE, 2), strict=True)}


def deep_pictures() -> dict[tuple, Tensor]:
    """The shipped pictures of the last layers: (1,3,192,192) of SqueezeNet, (1,3,128,128) of EfficientNet-Lite0."""
    found: dict[tuple, Tensor] = {}
    for file, side in (("deep.jpg", WIDE), ("deep-starts.jpg", SIDE)):
        for name, strip in zip(DEEP, images.load(paths.data("results", file)).split(side, 2), strict=True):
            runs = [run for run in results.table("deep") if (run.photo, run.side) == (name, side)]
            found |= dict(zip(runs, strip.split(side, 3), strict=True))
    return found


def prior_pictures() -> dict[tuple[str, str], Tensor]:
    """The shipped pictures of one code under many priors: (photo, prior) → (1,3,128,128)."""
    rows = images.load(paths.data("results", "priors.jpg")).split(SIDE, 2)
    return {(photo, kind): x for photo, row in zip(UNSEEN, rows, strict=True)
            for kind, x in zip(KINDS, row.split(SIDE, 3), strict=True)}
