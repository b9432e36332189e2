"""An adversarial patch: one printed picture that makes a network see a class of our choice, wherever it is put.

With A(p, x, t) the picture x with the patch p pasted at the placement t (centre, size, angle), the patch minimises

    E(p) = 𝔼_{x,t} [ −log Φ_target(A(p, x, t)) ],    0 ≤ p ≤ 1

over pictures and placements drawn anew at each step. That is expectation over transformations (Athalye et al.,
Synthesizing robust adversarial examples, ICML 2018, section 3.1), for a patch (Brown et al., Adversarial patch, 2017).

The patch that ships was trained by ``evidence.adversarial_patch``.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab._system import paths
from u3lab.adversarial.quantisation import quantise
from u3lab.checks import SIDE, STEPS, is_plain, number, one_of, whole
from u3lab.descent import Step, descend
from u3lab.errors import U3Error
from u3lab.nets import Classifier, check_classes, ready
from u3lab.settings import or_default, setting, settings

SHAPES = ("round", "square")


class Placement(NamedTuple):
    """Where a patch goes on each of B pictures: centre as shares of width and height, size, degrees; each (B,)."""

    x: Tensor
    y: Tensor
    scale: Tensor
    angle: Tensor


def apply_patch(images: Tensor, patch: Tensor, x: float | Tensor, y: float | Tensor, scale: float | Tensor, *,
                angle: float | Tensor = 0.0, shape: str = "round") -> Tensor:
    """A(p, x, t): pictures with the patch on them; differentiable in both.

    Args:
        images: (B,3,H,W) in [0,1].
        patch: (1,3,h,w) in [0,1], seen as a square whatever h and w; of a "round" one only the disc in it is used.
        x, y: Centre of the patch as shares of the width from the left and of the height from the top, in [0,1].
        scale: Its side or diameter as a share of the picture's shorter side, over 0 and up to 2.
        angle: Degrees, counter-clockwise.
        shape: "round" or "square".
        x, y, scale and angle are numbers, or tensors (B,) with one for each picture.
    """
    one_of("shape", shape, SHAPES)
    if len(_images.check(patch)) != 1:
        raise U3Error(f"one patch at a time: got {len(patch)}; use patch[:1]")
    count, _, height, width = _images.check(images).shape
    x, y = _numbers("x", x, count, 0, 1), _numbers("y", y, count, 0, 1)
    radius = _numbers("scale", scale, count, 1e-3, 2) * min(height, width) / 2
    turn = _numbers("angle", angle, count, -360, 360).deg2rad()
    # Each pixel's middle in the frame of the patch: (0,0) is its centre, ±1 are its edges.
    across = (torch.arange(width) + 0.5 - x * width) / radius
    down = (torch.arange(height)[:, None] + 0.5 - y * height) / radius
    u = across * turn.cos() - down * turn.sin()
    v = across * turn.sin() + down * turn.cos()
    away = (u**2 + v**2).sqrt() if shape == "round" else torch.maximum(u.abs(), v.abs())
    cover = ((1 - away) * radius + 0.5).clamp(0, 1)[:, None].to(images)  # the edge is one pixel wide
    grid = torch.stack([u, v], -1).to(images)
    patch = patch.to(images).expand(count, -1, -1, -1)
    return (1 - cover) * images + cover * F.grid_sample(patch, grid, padding_mode="border", align_corners=False)


def _numbers(name: str, value: float | Tensor, count: int, low: float, high: float) -> Tensor:
    """One number, or one a picture, as (count,1,1), checked against its range."""
    if not is_plain(value):
        value = torch.tensor(number(name, value, low, high), dtype=torch.float64)
    values = value.detach().double().cpu().flatten()
    if len(values) not in (1, count):
        raise U3Error(f"{name} has {len(values)} values for {count} pictures; give one number, or one for each")
    if not ((values >= low) & (values <= high)).all():
        raise U3Error(f"{name} = {value}; give numbers from {low} to {high}")
    return values.expand(count).view(-1, 1, 1)


def placements(count: int, smallest: float, largest: float, turn: float, generator: torch.Generator) -> Placement:
    """Placements drawn at random: size in [smallest, largest], angle within ±turn, the whole patch on the picture.

    Centres are drawn for square pictures; a turned square's corners may stick out.
    """
    if smallest > largest:
        raise U3Error(f"the smallest size {smallest} is over the largest {largest}; turn one of the two")
    x, y, scale, angle = torch.rand(4, count, generator=generator, dtype=torch.float64)
    scale = smallest + (largest - smallest) * scale
    return Placement(scale / 2 + (1 - scale) * x, scale / 2 + (1 - scale) * y, scale, turn * (2 * angle - 1))


def cut_out(patch: Tensor, *, shape: str = "round", size: int | None = None) -> Tensor:
    """The patch (1,3,size,size) as it is printed: on whole levels, on white paper. ``size`` in pixels, up to 2048."""
    side = _images.check(patch).shape[-1]
    size = whole("size", side if size is None else size, 1, SIDE)
    return quantise(apply_patch(torch.ones(1, 3, size, size, device=patch.device), patch, 0.5, 0.5, 1.0, shape=shape))


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
