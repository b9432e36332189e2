"""The saliency methods by name: what figures, the pointing game, sanity checks, tests and the bench read.

    METHODS["Grad-CAM"](net, images, "espresso")         # heat ≥ 0, (B,1,h,w)
    METHODS["LRP z⁺"].map(net, images, "espresso")       # the map itself, signed

A new method is one function, one line here, and one test of its numbers. The line declares what the function takes and
gives; ``tests/u3lab/saliency/test_contract.py`` holds every line to its word.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from u3lab.checks import shown
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.nets.wrapping import look
from u3lab.saliency import relevance
from u3lab.saliency._forward_pass import Target, is_neuron, one_each
from u3lab.saliency.backprop import backprop
from u3lab.saliency.metrics import edges, max_abs, positive
from u3lab.saliency.perturbation import MaskSettings, meaningful_perturbation, occlusion
from u3lab.saliency.relevance_rules import excitation_backprop, lrp

Asked = Callable[[Classifier, Tensor, Target], Tensor]  # (net, images (B,3,H,W), target) → heat ≥ 0 (B,1,h,w)

CLASS, NEURON, LAYER = "class", "neuron", "layer"
ALL = frozenset({CLASS, NEURON, LAYER})


def identity(map: Tensor) -> Tensor:
    """For maps that are heat already, (B,1,h,w) ≥ 0."""
    return map


@dataclass(frozen=True)
class Method:
    """One saliency method. Called with (net, images, target), it gives heat ≥ 0 of one channel, (B,1,h,w).

    Of volumes it is (B,1,d,h,w), where the method is defined for them: ``saliency.defined(net)`` says so.

    Attributes:
        map: The method itself: (net, images, target) → (B,C,h,w), signed where the method is; with ``layer=`` if it
            takes one.
        heat: What makes heat of the map: ``max_abs`` where its sign means nothing, ``positive`` where it tells for from
            against, ``identity`` where the map is heat.
        takes: Of "class", "neuron" (targets) and "layer" (where the way back stops, or which features are weighed). A
            method without "class" gives every class the same map.
        grid: Whether the map has the cells of a layer; if not, those of the picture.
        relus: Whether the method is made for networks of ReLUs, and refuses others.
        optimises: Whether it searches, one picture at a time: seconds a map, not milliseconds.
        slope: Whether it is a slope alone: what a small change would do. Of a network without ReLUs it is the same for
            every picture.
    """

    map: Callable[..., Tensor]
    heat: Callable[[Tensor], Tensor]
    takes: frozenset[str] = ALL
    grid: bool = False
    relus: bool = False
    optimises: bool = False
    slope: bool = False

    def __call__(self, net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None) -> Tensor:
        """The heat for a target. A map that is 0 everywhere is called empty, in a warning.

        Raises:
            U3Error: A neuron or a layer for a method that takes none; all else as the method itself.
        """
        for given, part in ((is_neuron(target), NEURON), (layer is not None, LAYER)):
            if given and part not in self.takes:
                takers = ", ".join(name for name, method in METHODS.items() if part in method.takes)
                raise U3Error(f"this method takes no {part}; those that do are {takers}")
        heat = self.heat(self.map(net, images, target, **({} if layer is None else {LAYER: layer}))).detach()
        if not self.optimises and (empty := [n for n, one in enumerate(heat) if not one.any()]):
            warnings.warn(f"the maps {empty} of this batch are empty: 0 everywhere", stacklevel=2)
        return heat


def named(method: str | Asked) -> Asked:
    """The method of that name; a function of one's own is left as it is."""
    if not callable(method) and not (isinstance(method, str) and method in METHODS):
        raise U3Error(f"there is no method {shown(method)}; choose one of {', '.join(METHODS)}, or give a function of "
                      "(net, images, target)")
    return METHODS[method] if isinstance(method, str) else method


def half_way(method: Callable[..., Tensor], **options: object) -> Callable[..., Tensor]:
    """The method, which stops half way up the network if no layer is named, where excitation is usually shown."""
    def map(net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None) -> Tensor:
        net = ready(net)
        layer = net.layers[len(net.layers) // 2] if layer is None else layer
        return method(net, images, target, layer=layer, **options)
    return map


def outlines(net: nn.Module, images: Tensor, target: Target) -> Tensor:
    """The picture's edges, which know of no network and no class: the floor for all others."""
    ready(net, images)
    return edges(images)


def masks(net: nn.Module, images: Tensor, target: int | str | Sequence[int | str]) -> Tensor:
    """Meaningful perturbation of each picture in turn, 100 steps: masks (B,1,H,W) in [0,1], 1 where it perturbs.

    One that is nowhere above ½ is called empty, in a warning that says what the probability is with it.
    """
    net, settings, found = ready(net, images), MaskSettings(steps=100), []
    for n, (image, one) in enumerate(zip(images, one_each(target, len(images)), strict=True)):
        step = last(meaningful_perturbation(net, image[None], one, settings=settings))
        found.append(step.value)
        if step.value.max() < 0.5:
            warnings.warn(f"the mask of picture {n} is empty, nowhere above ½; the class's probability with it is "
                          f"{step.terms['probability']:.2g}", stacklevel=3)
    return torch.cat(found)


METHODS: dict[str, Method] = {
    "edges (no network)": Method(outlines, identity, takes=frozenset()),
    "gradient": Method(partial(backprop, rule="gradient"), max_abs, slope=True),
    "deconvnet": Method(partial(backprop, rule="deconvnet"), max_abs, relus=True),
    "guided": Method(partial(backprop, rule="guided"), max_abs, relus=True),
    "smooth grad": Method(partial(relevance.smooth_grad, samples=8), max_abs, ALL - {LAYER}, slope=True),
    "gradient × input": Method(relevance.gradient_times_input, positive, ALL - {LAYER}),
    "integrated gradients": Method(partial(relevance.integrated_gradients, steps=8), positive, ALL - {LAYER}),
    "modulated gradient": Method(half_way(relevance.modulated_gradient), positive, grid=True),
    "LRP ε": Method(partial(lrp, rule="epsilon"), positive, relus=True),
    "LRP z⁺": Method(partial(lrp, rule="z_plus"), positive, relus=True),
    "LRP α2β1": Method(partial(lrp, rule="alpha_beta"), positive, relus=True),
    "excitation": Method(half_way(excitation_backprop), positive, grid=True, relus=True),
    "contrastive excitation": Method(half_way(excitation_backprop, contrastive=True), positive, ALL - {NEURON},
                                     grid=True, relus=True),
    "Grad-CAM": Method(relevance.grad_cam, identity, grid=True),
    "guided Grad-CAM": Method(relevance.guided_grad_cam, max_abs, relus=True),
    "occlusion": Method(occlusion, positive, frozenset({CLASS})),
    "mask": Method(masks, identity, frozenset({CLASS}), optimises=True),
}


BY_RULES = ("LRP z⁺", "excitation")  # what is told of them holds for their variants, too
LEFT_OUT = ("edges (no network)", "LRP ε", "LRP α2β1", "contrastive excitation")


def defined(net: nn.Module) -> str:
    """The maps that are defined for a network, and those that are not, each with its reason: a line of either.

    It costs one pass over a grey picture of the network's size.
    """
    net = ready(net)
    seen = look(net)
    shapes, grids = seen.shapes, seen.grids()
    deep = [layer for layer in grids if shapes[layer][1] != seen.scores.shape[1]]
    middle = net.layers[len(net.layers) // 2] if net.layers else "it"
    reasons = {}
    for name in (name for name in METHODS if name not in LEFT_OUT):
        reasons[name] = next((why for why, holds in {
            "no ReLU; a GELU or PReLU is none": METHODS[name].relus and not seen.relus,
            "for pictures only": name in BY_RULES and net.axes == 3,
            "no layer has a grid": "Grad-CAM" in name and not deep,
            f"{middle} has no grid that counts": name == "modulated gradient" and middle not in grids,
            "for values in [0,1] only": name == "mask" and not net.pictures}.items() if holds), "")
    notes = dict.fromkeys(BY_RULES, " (if each function has a rule)")
    if deep:
        notes["Grad-CAM"] = f" (at {deep[-1]})"
    there = [name + notes.get(name, "") for name, reason in reasons.items() if not reason]
    refused = [f"{name} ({reason})" for name, reason in reasons.items() if reason]
    return "\n".join(f"{what}: {', '.join(names)}" for what, names in (("defined", there), ("not defined", refused))
                     if names)
