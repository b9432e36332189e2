"""Perturbation: what happens to the score where parts of the picture are taken away, by masks or by windows?

Meaningful perturbation is the smallest part whose removal makes a class disappear. The lecture's polarity: m = 1
perturbs (the authors' own code has m = 1 keep). With Φ_c the probability of the class,

    x̃ = (1 − m) ⊙ x + m ⊙ (g_σ ∗ x)
    E(m) = Φ_c(x̃) + λ‖m‖₁ + γ Σ‖∇m‖^β,    0 ≤ m ≤ 1

after Fong & Vedaldi, Interpretable explanations of black boxes by meaningful perturbation, ICCV 2017, equation 4.

Occlusion hides one window after the other, and sees how far the score falls,

    r(u) = mean of S(x) − S(x with a window hidden) over the windows that cover the pixel u

after Zeiler & Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2. It asks for answers
alone, so it is defined for any network, and for volumes. Windows are given in pixels; in millimetres if the network
knows its ``spacing``, so that a window is as thick as it is wide where slices are thick.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab import images as _images
from u3lab.checks import each, is_plain, number, shown, tensors
from u3lab.descent import Step, clamp, descend
from u3lab.errors import U3Error
from u3lab.images.blurring import total_variation
from u3lab.images.cropping import shift
from u3lab.images.loading import SLACK
from u3lab.nets import Classifier, Region, ready
from u3lab.nets.gate import asked
from u3lab.saliency._forward_pass import Target, one_each
from u3lab.settings import or_default, setting, settings

AT_ONCE = 2**20  # values of all pictures that one pass takes: six of 3×224×224, eight volumes of 32×64×64


@settings
class MaskSettings:
    """Settings of :func:`meaningful_perturbation`.

    ‖m‖₁ and the variation are means over the mask, so that λ and γ keep their meaning when the mask's resolution
    changes; the paper's sums on 28×28 are 784 times larger.
    """

    lam: float = setting(0.5, 0.0, 5.0, symbol="λ", help="price of a large mask")
    tv: float = setting(10.0, 0.0, 50.0, symbol="γ", help="price of a rough mask (total variation)")
    beta: float = setting(3.0, 1.0, 3.0, symbol="β", help="power of the variation; 3 allows soft edges")
    sigma: float = setting(10.0, 0.5, 30.0, scale="log", symbol="σ", help="blur of the perturbed parts, in pixels")
    baseline: str = setting("blur", choices=("blur", "grey", "noise"), help="what perturbed parts are replaced with")
    mask_size: int = setting(28, 2, 512, symbol="side", once=True,
                          help="side of the mask before it is enlarged; the picture's own side removes this "
                          "restriction")
    jitter: int = setting(4, 0, 16, symbol="j", help="the picture is shifted at random by up to this many pixels")
    noise: float = setting(0.0, 0.0, 0.5, symbol="σ_m", help="Gaussian noise on the mask at each step")
    start: float = setting(0.75, 0.0, 1.0, symbol="m₀", once=True, help="value of the mask at the start")
    lr: float = setting(0.1, 0.001, 1.0, scale="log", symbol="η", help="learning rate of Adam")
    steps: int = setting(150, 1, 1000, once=True, help="number of steps")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of jitter and noise")


def perturb(images: Tensor, mask: Tensor, baseline: Tensor) -> Tensor:
    """x̃ = (1 − m) ⊙ x + m ⊙ baseline: where m = 1 the picture is gone. Mask (B,1,h,w) or (B,1,d,h,w), enlarged."""
    tensors(mask=(mask, "B1hw" if _images.check(images, None, None).ndim == 4 else "B1dhw"))
    if mask.min() < -SLACK or mask.max() > 1 + SLACK:
        raise U3Error(f"the mask goes from {mask.min():.3g} to {mask.max():.3g}; give values in [0,1], 1 where the "
                      "picture is to be gone")
    if not is_plain(baseline) or baseline.shape != images.shape or len(mask) not in (1, len(images)):
        raise U3Error(f"{len(images)} pictures {tuple(images.shape)}, a mask {tuple(mask.shape)} and as baseline "
                      f"{shown(baseline)} do not fit; baseline_like(images) makes one, a mask is (1 or B,1,h,w)")
    return blend(images, mask, _images.check(baseline, None, None))


def blend(images: Tensor, mask: Tensor, baseline: Tensor) -> Tensor:
    """As :func:`perturb`, unchecked, for a loop."""
    m = enlarge(mask.to(images), images)
    return (1 - m) * images + m * baseline


def enlarge(mask: Tensor, images: Tensor) -> Tensor:
    """The mask at the resolution of the pictures or volumes ((bi- or tri-)linear, ``align_corners=False``)."""
    if mask.shape[2:] == images.shape[2:]:
        return mask
    return F.interpolate(mask, images.shape[2:], mode="bilinear" if mask.ndim == 4 else "trilinear",
                         align_corners=False)


def baseline_like(images: Tensor, *, generator: torch.Generator | None = None, settings: MaskSettings | None = None,
                  spacing: Sequence[float] | None = None) -> Tensor:
    """What stands in the perturbed parts: g_σ ∗ x, the picture's mean colour, or noise about it with its own spread.

    With a ``spacing``, millimetres from pixel to pixel along each axis, σ is in millimetres.
    """
    settings, images = or_default(settings, MaskSettings), _images.check(images, None, None)
    places = tuple(range(2, images.ndim))
    if settings.baseline == "blur":
        apart = each("spacing", 1.0 if spacing is None else spacing, len(places), low=0, without_low=True)
        return _images.blur(images, [settings.sigma / mm for mm in apart])
    mean = images.mean(places, keepdim=True)
    if settings.baseline == "grey":
        return mean.expand_as(images)
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    return (mean + images.std(places, keepdim=True) * noise).clamp(0, 1)  # the paper's noise stays a picture


def price(mask: Tensor, lam: float, tv: float, beta: float) -> tuple[Tensor, Tensor]:
    """What a mask (1,1,h,w) costs: its size λ‖m‖₁ and its variation γ‖∇m‖^β, both as means over its cells.

    m ≥ 0, so the mean of m is ‖m‖₁. The derivative of |m| itself is 0 at m = 0 and would let the mask flicker there.
    """
    return lam * mask.mean(), tv * total_variation(mask, beta)


def meaningful_perturbation(net: Classifier, image: Tensor, target: int | str | Region, *,
                            settings: MaskSettings | None = None) -> Iterator[Step]:
    """Find the smallest perturbation, step by step.

    Args:
        net: A classifier.
        image: One picture (1,C,H,W) or volume (1,C,D,H,W) in [0,1].
        target: The class to remove, by number or name, or a :class:`~u3lab.nets.Region`, whose mean probability is Φ_c.
        settings: Read at every step: change them while the iterator runs. Blur and jitter are in millimetres if the
            network has a ``spacing``. The cells of the mask of a volume, or of millimetres, are cubes: ``mask_size`` of
            them along its longest side.

    Yields:
        Step: ``value`` is the mask m (1,1,H,W) at the picture's resolution; ``terms`` are "probability" (Φ_c), "size"
            (λ‖m‖₁) and "variation". See the perturbed picture with
            ``perturb(image, step.value, baseline_like(image, settings=settings))``. A mask may stay empty: look whether
            the probability has fallen.

    Raises:
        U3Error: A network or picture that :func:`~u3lab.nets.ready` refuses, or a class that does not exist.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> settings = saliency.MaskSettings(steps=2)
        >>> last(saliency.meaningful_perturbation(net, x, "espresso", settings=settings)).value.shape
        torch.Size([1, 1, 96, 96])
    """
    settings = or_default(settings, MaskSettings)
    return _search(ready(net, image, one=True, bounded=True), image, target, settings)


def pooled_mask(net: Classifier, images: Tensor, target: int | str | Region, *,
                settings: MaskSettings | None = None) -> Iterator[Step]:
    """Find one mask for many pictures, step by step: what they have in common at a fixed place, and nothing else.

        E(m) = mean over n of Φ_c(x̃_n) + λ‖m‖₁ + γ Σ‖∇m‖^β

    A finding is at another place in each picture, so no cheap mask removes it from all; a mark that is always at the
    same place goes with a small one. Judge it on pictures that it was not made on.

    Args:
        net: A classifier.
        images: (B,C,H,W) or (B,C,D,H,W) in [0,1], all with the class.
        target: The class to remove, by number or name, or a :class:`~u3lab.nets.Region` of one mask, or of B.
        settings: As of :func:`meaningful_perturbation`; ``jitter`` moves all pictures alike, mask and all.

    Yields:
        Step: ``value`` is m (1,1,H,W); ``terms`` are as there, with the mean probability.

    Raises:
        U3Error: A network or pictures that :func:`~u3lab.nets.ready` refuses, a class that does not exist, or a region
            that does not fit.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96).expand(2, -1, -1, -1)
        >>> last(saliency.pooled_mask(net, x, "espresso", settings=saliency.MaskSettings(steps=2))).value.shape
        torch.Size([1, 1, 96, 96])
    """
    settings = or_default(settings, MaskSettings)
    return _search(ready(net, images, bounded=True), images, target, settings)


def _search(net: Classifier, images: Tensor, target: int | str | Region, settings: MaskSettings) -> Iterator[Step]:
    """The mask that takes the target from all of these pictures."""
    spacing = net.spacing_of(images)
    wanted = target.each(len(images)) if isinstance(target, Region) else [net.class_index(target)] * len(images)
    x = images.detach().to(net.device, copy=True)  # of one's own: the run goes on if theirs change
    generator = torch.Generator().manual_seed(settings.seed)
    made: dict[tuple[str, float], Tensor] = {}
    m = _start(x, settings, net.spacing).requires_grad_()

    def baseline() -> Tensor:
        kind = settings.baseline, settings.sigma
        if kind not in made or kind[0] == "noise":  # blurred anew where a setting has changed; noise at each step
            made.clear()
            made[kind] = baseline_like(x, generator=generator, settings=settings, spacing=spacing)
        return made[kind]

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        now = m  # in [0,1], since each step ends with a projection
        if settings.noise > 0:
            now = clamp(m + settings.noise * torch.randn(m.shape, generator=generator).to(x.device), 0, 1)
        perturbed = shift(blend(x, now, baseline()), [round(settings.jitter / mm) for mm in spacing], generator)
        scores = net.unchecked(perturbed)
        probability = asked(net, net.as_probabilities(scores), wanted, mean=True).mean()
        size, rough = price(m, settings.lam, settings.tv, settings.beta)
        return enlarge(m, x), {"probability": probability, "size": size, "variation": rough}

    return descend(m, energy, steps=settings.steps, lr=lambda: settings.lr, project=lambda mask: mask.clamp_(0, 1))


def _start(image: Tensor, settings: MaskSettings, spacing: Sequence[float] | None) -> Tensor:
    """A flat mask of side×side cells, or of cubes, or with the picture's own pixels if these are no more."""
    shape, side = image.shape[2:], settings.mask_size
    if spacing is None and len(shape) == 2:
        cells = (side, side) if side < min(shape) else shape
    else:
        extents = [n * mm for n, mm in zip(shape, spacing or (1.0,) * len(shape), strict=True)]
        cells = [min(n, max(1, round(side * mm / max(extents)))) for n, mm in zip(shape, extents, strict=True)]
    return image.new_full((1, 1, *cells), settings.start)


@torch.no_grad()
def occlusion(net: nn.Module, images: Tensor, target: Target, *, side: float | None = None, step: float | None = None,
              baseline: Tensor | float | None = None) -> Tensor:
    """How far the score falls where a window is hidden, signed: the mean over all windows that cover a pixel.

    Args:
        net, images: A network, and pictures (B,C,H,W) or volumes (B,C,D,H,W) that it takes.
        target: A class (number or name), a :class:`~u3lab.nets.Region`, or a list with one for each picture.
        side, step: Of the windows, and from one to the next: in millimetres if the network has a ``spacing``, else in
            pixels. Without them a quarter of the shortest extent, and half of that: 49 passes for a square, 343 for a
            cube.
        baseline: What a window is filled with: a number, pictures of the same shape, or None for the mean of each
            channel.

    Returns:
        Tensor: (B,1,H,W) or (B,1,D,H,W) in units of the score.

    Raises:
        U3Error: A network or pictures that :func:`~u3lab.nets.ready` refuses, a class that does not exist, a side or a
            step that is not above 0, a step longer than the side, a spacing for other pictures.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> saliency.occlusion(net, x, "espresso", side=48, step=48).shape
        torch.Size([1, 1, 96, 96])
    """
    net = ready(net, images)
    images = images.detach().to(net.device)
    sizes, targets, spacing = images.shape[2:], one_each(target, len(images)), net.spacing_of(images)
    side = number("side", min(n * mm for n, mm in zip(sizes, spacing, strict=True)) / 4 if side is None else side, 0,
                  without_low=True)
    step = number("step", side / 2 if step is None else step, 0, side, without_low=True)
    window = [min(n, max(1, round(side / mm))) for n, mm in zip(sizes, spacing, strict=True)]
    stride = [min(w, max(1, round(step / mm))) for w, mm in zip(window, spacing, strict=True)]
    # The last window of each axis reaches over the border, or ends there
    corners = list(product(*(range(0, max(n - w + s, 1), s) for n, w, s in zip(sizes, window, stride, strict=True))))
    fill = images.mean(tuple(range(2, images.ndim)), keepdim=True).expand_as(images) if baseline is None else (
        as_pictures(baseline, images))
    at_once, maps = max(1, AT_ONCE // images[0].numel()), []
    for image, hidden, one in zip(images.split(1), fill.split(1), targets, strict=True):
        whole, falls, covered = asked(net, net.unchecked(image), [one]), 0.0, 0
        for first in range(0, len(corners), at_once):
            some = corners[first : first + at_once]
            windows = torch.zeros(len(some), 1, *sizes, dtype=torch.bool, device=image.device)
            for inside, corner in zip(windows, some, strict=True):
                inside[(0, *(slice(at, at + w) for at, w in zip(corner, window, strict=True)))] = True
            scores = asked(net, net.unchecked(torch.where(windows, hidden, image)), [one] * len(some))
            falls = falls + ((whole - scores).view(-1, *[1] * (1 + len(sizes))) * windows).sum(0, keepdim=True)
            covered = covered + windows.sum(0, keepdim=True)
        maps.append(falls / covered)
    return torch.cat(maps)


def as_pictures(baseline: Tensor | float, images: Tensor) -> Tensor:
    """A baseline, that is a number or a picture, as one for each of the pictures."""
    if not isinstance(baseline, Tensor):
        number("baseline", baseline)
    elif baseline.ndim and baseline.shape[1 - images.ndim:] != images.shape[1:]:
        raise U3Error(f"the baseline has the shape {tuple(baseline.shape)}, the pictures {tuple(images.shape)}; "
                      "give a number or a picture of the same size")
    return torch.as_tensor(baseline, dtype=images.dtype, device=images.device).expand_as(images)
