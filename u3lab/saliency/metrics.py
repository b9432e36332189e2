"""What maps are worth, as numbers: the lecture's findings about backpropagation maps, and two ways to doubt a map.

Does it depend on the network at all, and does removing what it marks matter? After Mahendran & Vedaldi, Salient
deconvolutional networks, ECCV 2016, who show the findings as pictures.
"""

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images as _images
from u3lab.checks import STEPS, is_a, is_plain, shown, tensors, whole
from u3lab.errors import U3Error
from u3lab.nets import Classifier, Region, ready
from u3lab.nets.gate import asked
from u3lab.saliency._forward_pass import ForwardPass
from u3lab.saliency.backprop import BackpropPass
from u3lab.saliency.perturbation import MaskSettings, baseline_like, enlarge, perturb


def max_abs(saliency: Tensor) -> Tensor:
    """max_c |r|: a signed map (B,C,h,w) as one strength a pixel (B,1,h,w) (Simonyan et al. 2014, section 3.1)."""
    tensors(saliency=(saliency, "BCDHW" if getattr(saliency, "ndim", 4) == 5 else "BCHW"))
    return saliency.abs().amax(1, keepdim=True)


def positive(relevance: Tensor) -> Tensor:
    """Evidence for the class: relevance (B,C,h,w) summed over channels, its negative part left out: (B,1,h,w) ≥ 0."""
    tensors(relevance=(relevance, "BCDHW" if getattr(relevance, "ndim", 4) == 5 else "BCHW"))
    return relevance.sum(1, keepdim=True).clamp(min=0)


def strongest_channels(kept: BackpropPass, layer: str, y: int, x: int, count: int) -> list[int]:
    """The channels that answer most at one place of a layer, strongest first, for the first picture."""
    whole("count", count)
    activation = is_a("kept", kept, ForwardPass, "make one with saliency.forward_pass(net, images)")[layer]
    if activation.ndim != 4:
        raise U3Error(f"layer {layer!r} gives {tuple(activation.shape)}, which has no places; choose a convolution")
    whole("y", y, 0, activation.shape[2] - 1)
    whole("x", x, 0, activation.shape[3] - 1)
    return activation[0, :, y, x].topk(min(count, activation.shape[1])).indices.tolist()


def channel_similarity(kept: BackpropPass, layer: str, y: int, x: int, *, rule: str = "gradient",
                       back_to: str | None = None, channels: int = 8) -> float:
    """How alike are the saliencies of different neurons at one place? 1: the same, 0: no more than by chance.

    Takes the channels that answer most at (y, x) of ``layer``, sends each one back to the layer ``back_to`` (None: to
    the picture) and returns the mean correlation of the strengths |r| over all pairs, within the pixels and channels
    that any of them reaches.
    """
    whole("channels", channels)
    chosen = strongest_channels(kept, layer, y, x, channels)
    if len(chosen) < 2:
        raise U3Error(f"channels = {channels}, and layer {layer!r} has {kept[layer].shape[1]}; "
                      "two or more are needed to compare")
    strengths = torch.stack([kept.backprop((layer, c, y, x), rule=rule,
                                            layer=back_to)[0].abs().flatten() for c in chosen])
    reached = strengths[:, (strengths > 0).any(0)]
    pairs = torch.corrcoef(reached).nan_to_num()[tuple(torch.triu_indices(len(chosen), len(chosen), 1))]
    return float(pairs.mean())


def edges(images: Tensor) -> Tensor:
    """‖∇x‖ of the grey picture, (B,1,H,W) or (B,1,D,H,W): what a map would look like that knows of no network."""
    axes = max(2, getattr(images, "ndim", 4) - 2)
    grey = _images.check(images, None, axes).mean(1, keepdim=True)
    slopes = [F.pad(grey.diff(dim=-n), (0, 0) * (n - 1) + (0, 1)) for n in range(1, axes + 1)]  # along x, y, and z
    return sum(slope**2 for slope in slopes).sqrt()


def randomise_downwards(net: Classifier, *, seed: int = 0) -> Iterator[tuple[str, Classifier]]:
    """Destroy a copy of the network from the classes down, one layer more each time.

    The weights of each filter bank are shuffled, so that their distribution stays and only what was learnt goes
    (the cascade of Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, section 3.1). A map that stays the
    same to the end, by :func:`u3lab.measures.rank_correlation`, shows the picture, not the network.

    Yields:
        (str, Classifier): The layer that was reached, and the copy; the caller's network is not touched. The copy is
            the same object each time.
    """
    return _shuffled(copy.deepcopy(ready(net)), torch.Generator().manual_seed(whole("seed", seed, 0)))


def _shuffled(broken: Classifier, generator: torch.Generator) -> Iterator[tuple[str, Classifier]]:
    for name, module in reversed(list(broken.module.named_modules())):
        banks = [weight for weight in module.parameters(recurse=False) if weight.ndim > 1]
        for bank in banks:
            order = torch.randperm(bank.numel(), generator=generator).to(bank.device)
            bank.data.copy_(bank.data.flatten()[order].view_as(bank))
        if banks:
            yield name or broken.name, broken


def deletion_curve(net: Classifier, image: Tensor, target: int | str | Region, heat: Tensor, *, steps: int = 20,
                   insertion: bool = False, sigma: float = 10.0) -> tuple[Tensor, Tensor]:
    """Probability of a class while the pixels that a map marks most are blurred away (or, inserted, come back first).

    Args:
        image, heat: One picture (1,C,H,W) or volume and a map (1,1,h,w) or (1,1,d,h,w); the map is enlarged to the
            picture.
        insertion: Start from the blurred picture and bring the marked pixels back.
        sigma: Blur in pixels; in millimetres if the network has a ``spacing``.

    Returns:
        (Tensor, Tensor): Fraction of pixels (steps + 1,) from 0 to 1, and the probability at each. Deletion should fall
            early, insertion rise early (Petsiuk et al., RISE, BMVC 2018, section 4.3).

    Raises:
        U3Error: More than one picture, a map that is not of one channel or not finite, or a class that does not exist.
    """
    whole("steps", steps, 1, STEPS)
    net = ready(net, image)
    if len(image) != 1 or not is_plain(heat) or heat.ndim != image.ndim or heat.shape[:2] != (1, 1):
        raise U3Error(f"one picture and its map (1,1,h,w) at a time: got {shown(image)} and {shown(heat)}; "
                      "max_abs(saliency) or positive(saliency) makes a map one channel")
    if not heat.isfinite().all():
        raise U3Error("the heat has values that are NaN or infinite; look for a division by zero before this line")
    wanted = [target if isinstance(target, Region) else net.class_index(target)]
    baseline = baseline_like(image, settings=MaskSettings(sigma=sigma), spacing=net.spacing_of(image))
    order = enlarge(heat.detach().to(image.device), image).flatten().argsort(descending=True, stable=True)
    fractions = torch.linspace(0, 1, steps + 1)
    probabilities = []
    for fraction in fractions.tolist():
        mask = torch.zeros_like(image[:, :1]).flatten()
        mask[order[: round(fraction * len(order))]] = 1
        mask = mask.view(1, 1, *image.shape[2:])
        changed = perturb(image, 1 - mask if insertion else mask, baseline)
        with torch.no_grad():
            probability = net.as_probabilities(net.unchecked(changed.clamp(0, 1)))
            probabilities.append(float(asked(net, probability, wanted, mean=True)))
    return fractions, torch.tensor(probabilities)
