"""An adversarial patch: one printed picture that makes a network see a class of our choice, wherever it is put.

With A(p, x, t) the picture x with the patch p pasted at the placement t (centre, size, angle), the patch minimises

    E(p) = 𝔼_{x,t} [ −log Φ_target(A(p, x, t)) ],    0 ≤ p ≤ 1

over pictures and placements drawn anew at each step. That is expectation over transformations (Athalye et al.,
Synthesizing robust adversarial examples, ICML 2018, section 3.1), for a patch (Brown et al., Adversarial patch, 2017).

The patch that ships was trained by ``evidence.adversarial_patch``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab import images as _images
from u3lab._system import paths
from u3lab.adversarial.placing import SHAPES, apply_patch, placements
from u3lab.adversarial.quantisation import quantise
from u3lab.checks import STEPS, number, whole
from u3lab.descent import Step, descend
from u3lab.nets import Classifier, check_classes, ready
from u3lab.settings import or_default, setting, settings

SHIPPED = "bubble"  # what the patch in data/patches is taken for


@settings
class PatchSettings:
    """Settings of :func:`adversarial_patch`. Sizes are shares of the picture's shorter side."""

    shape: str = setting("round", choices=SHAPES, once=True, help="the patch's outline")
    side: int = setting(64, 8, 256, symbol="side", once=True, help="resolution of the patch in pixels")
    smallest: float = setting(0.25, 0.05, 1.0, symbol="s₀", help="the smallest patch that is trained")
    largest: float = setting(0.5, 0.05, 1.0, symbol="s₁", help="the largest one")
    turn: float = setting(45.0, 0.0, 180.0, symbol="θ", help="turned at random by up to so many degrees each way")
    batch_size: int = setting(4, 1, 64, symbol="B", help="pictures in each step")
    lr: float = setting(0.05, 0.001, 1.0, scale="log", symbol="η", help="learning rate of Adam")
    steps: int = setting(60, 1, 5000, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of pictures and placements")


def adversarial_patch(net: Classifier, images: Tensor, target: int | str, *,
                      settings: PatchSettings | None = None) -> Iterator[Step]:
    """Train a patch, step by step.

    Args:
        net: A classifier.
        images: Pictures to train on, (B,3,H,W) in [0,1]; keep some for :func:`success_rate`.
        target: The class to be seen, by number or name.
        settings: Read at every step: change them while the iterator runs.

    Yields:
        Step: ``value`` is the patch (1,3,side,side) in [0,1]; :func:`cut_out` shows it as it would be printed. The loss
            has one term, "−log p(target)", the mean over the batch.

    Raises:
        U3Error: A network or pictures that :func:`~u3lab.nets.ready` refuses, or a class that does not exist.
    """
    settings, net = or_default(settings, PatchSettings), ready(net, images)
    x = images.detach().to(net.device, copy=True)  # of one's own: the run goes on if theirs change
    k, shape = net.class_index(target), settings.shape
    generator = torch.Generator().manual_seed(settings.seed)
    patch = torch.full((1, 3, settings.side, settings.side), 0.5, device=x.device).requires_grad_()

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        chosen = x[torch.randint(len(x), (settings.batch_size,), generator=generator).to(x.device)]
        place = placements(settings.batch_size, settings.smallest, settings.largest, settings.turn, generator)
        scores = net.unchecked(apply_patch(chosen, patch, **place._asdict(), shape=shape))
        check_classes(scores, k)
        return patch, {"−log p(target)": -scores.log_softmax(1)[:, k].mean()}

    return descend(patch, energy, steps=settings.steps, lr=lambda: settings.lr, project=lambda p: p.clamp_(0, 1))


def success_rate(net: Classifier, images: Tensor, target: int | str, patch: Tensor, *, scale: float = 0.3,
                 turn: float = 45.0, trials: int = 28, shape: str = "round", seed: int = 0) -> float:
    """Share of ``trials`` in which the network names the target first, with patches put down at random.

    Args:
        images: Pictures (B,3,H,W) in [0,1] that the patch was not trained on, taken in turn, and none of which shows
            the target: a picture that is named so without a patch would count for it.
        target: The class, by number or name.
        patch, shape: The patch (1,3,h,w) in [0,1]; each trial is shown to the network on whole levels.
        scale, turn: Its size as a share of the picture, and the largest angle each way in degrees.
        seed: Of the places and angles.
    """
    whole("trials", trials, 1, STEPS)
    net = ready(net, images)
    k, hits = net.class_index(target), 0
    number("scale", scale, 0, 2, without_low=True)
    number("turn", turn, 0, 180)
    place = placements(trials, scale, scale, turn, torch.Generator().manual_seed(whole("seed", seed, 0)))
    images = images.to(net.device)
    for trial in range(trials):
        image, at = images[trial % len(images)][None], {name: value[trial] for name, value in place._asdict().items()}
        with torch.no_grad():
            scores = net(quantise(apply_patch(image, patch, **at, shape=shape)))
        check_classes(scores, k)
        hits += int(scores.argmax()) == k
    return hits / trials


def shipped_patch() -> Tensor:
    """The patch that ships, (1,3,256,256) in [0,1]: round, on white paper, made for SqueezeNet to see a bubble."""
    return _images.load(paths.data("patches", f"{SHIPPED}.png"))
