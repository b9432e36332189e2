"""Two ways to doubt a map: does it depend on the network at all, and does removing what it marks matter?"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.checks import STEPS, is_plain, shown, whole
from u3lab.errors import U3Error
from u3lab.nets import Classifier, Region, ready
from u3lab.nets.gate import asked
from u3lab.saliency.perturbation import MaskSettings, baseline_like, enlarge, perturb


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
