"""What has a pretext task taught? A linear probe at every depth, and fine-tuning, with few labels of another task.

The protocol of the papers (Zhang, Isola & Efros, ECCV 2016; Goyal et al., ICCV 2019) in small: maps are pooled so that
every layer gives about as many numbers, and only then is a linear classifier fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import listed, shown, whole
from u3lab.descent import Step, descend
from u3lab.errors import U3Error
from u3lab.measures import Probe, probe
from u3lab.measures import classes as checked
from u3lab.nets import Classifier, several
from u3lab.nets.gate import ready
from u3lab.settings import or_default, settings
from u3lab.training import loop
from u3lab.training.batches import Batches

NUMBERS = 512  # of each layer, about
PRICES = (0.001, 0.01, 0.1, 1.0)  # C of the probe, chosen on validation pictures
PART = 200  # pictures at a time


def pooled(net: nn.Module, images: Tensor, layer: str | Sequence[str]) -> dict[str, Tensor]:
    """Layer → its maps averaged over g×g parts, (N,C·g²) with C·g² near 512; pictures (N,3,H,W) in [0,1]."""
    net = ready(net, images)
    layers = [layer] if isinstance(layer, str) else listed("layer", layer, str, "names of layers")
    parts = [several(net, layers, x) for x in images.split(PART)]
    return {name: torch.cat([_few(part[name]) for part in parts]) for name in layers}


def _few(maps: Tensor) -> Tensor:
    if maps.ndim != 4:
        raise U3Error(f"a layer with numbers {tuple(maps.shape)} has no maps; give a convolution's")
    grid = max(1, round((NUMBERS / maps.shape[1]) ** 0.5))
    return F.adaptive_avg_pool2d(maps, grid).flatten(1)


def best_probe(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Probe:
    """The linear probe whose C was best on the validation features, of the best the smallest.

    Each is a tuple of features (N,U) and labels (N).
    """
    return max((probe(*train, C=C) for C in PRICES), key=lambda one: one.accuracy(*val))


def probed(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> float:
    """Accuracy on the test of :func:`best_probe`; each is a tuple of features (N,U) and labels (N)."""
    return best_probe(train, val).accuracy(*test)


@settings
class TuneSettings:
    """Settings of :func:`fine_tune`."""

    lr: float = loop.rate(0.001)
    steps: int = loop.steps(150)
    batch_size: int = loop.batch_size(32, 4096, "pictures at each step", slide_to=128)
    seed: int = loop.seed("the order of the pictures and of the head")


def classifier(net: nn.Module, classes: int, *, seed: int = 0) -> Classifier:
    """An encoder with a linear classifier behind its averaged maps: pictures (B,3,H,W) → scores (B,K).

    The encoder's weights are its own, not copies; its layers keep their names.
    """
    net = ready(net)
    maps = several(net, net.layers[-1:], torch.zeros(1, 3, net.size, net.size))[net.layers[-1]]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(whole("seed", seed, 0))
        head = nn.Linear(maps.shape[1], whole("classes", classes, 2, 100_000)).to(net.device)
    joined = nn.Sequential(net.module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()
    return Classifier(joined, layers={name: f"0.{net.path(name)}" for name in net.layers}, size=net.size,
                      mean=net.mean.flatten().tolist(), std=net.std.flatten().tolist(), name=net.name,
                      memory_format=net.memory_format)


def fine_tune(net: Classifier, images: Tensor, labels: Tensor, *, settings: TuneSettings | None = None
              ) -> Iterator[Step]:
    """Train all weights of a classifier on labelled pictures, step by step; between the steps it is ready for use.

    Parameters
    ----------
    net
        From :func:`classifier`; changed in place.
    images, labels
        (N,3,H,W) in [0,1], and (N) whole numbers 0 … K−1.

    Yields
    ------
    Step
        ``value`` is the share of the batch that is right.
    """
    net, settings = ready(net, images), or_default(settings, TuneSettings)
    if len(checked(labels)) != len(images) or len(images) < 2:
        raise U3Error(f"{shown(labels)} for {len(images)} pictures; give one label for each of two pictures or more")
    batches = Batches(len(images), settings.batch_size, settings.seed)
    done = iter(range(settings.steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        chosen = batches.at(next(done))
        y = labels[chosen].to(net.device)
        try:
            scores = net.train().unchecked(images[chosen])
        finally:
            net.eval()
        return (scores.argmax(1) == y).double().mean(), {"cross-entropy": F.cross_entropy(scores, y)}

    return descend(net.parameters(), energy, steps=settings.steps, lr=lambda: settings.lr)
