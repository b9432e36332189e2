"""How each peer library is asked for a map, the way its documentation does it. Functions return closures to time.

Peers answer in terms of the normalised picture, ours of the picture in [0,1]; :mod:`rows` converts before comparing.
A peer that cannot do something raises :class:`Unsupported` when it is built, with the reason.
"""

import copy
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from captum import attr, robust
from torch import Tensor, nn

from evidence.bench.scene import Scene, noisy

Run = Callable[[], list[Tensor]]


class Unsupported(Exception):
    """A peer cannot do a row; the message says why."""


def installed(library: str) -> bool:
    """Whether a peer can be imported. TorchRay and zennit are optional because of their licences."""
    return find_spec(library) is not None


def path(module: nn.Module, part: nn.Module) -> str:
    return next(name for name, one in module.named_modules() if one is part)


# captum -----------------------------------------------------------------------------------------------------------

def captum(scene: Scene, method: str, *of: nn.Module, target: int | None = None, hooks: bool = False,
           **options: Any) -> Run:
    """``captum.attr.<method>(module, *of).attribute(x, target)``; ``hooks``: it needs ReLUs that are not in place."""
    module = scene.without_inplace if hooks else scene.module
    x, k = scene.normalised, scene.target if target is None else target
    return lambda: [getattr(attr, method)(module, *of).attribute(x, target=k, **options).detach()]


def captum_guided_cam(scene: Scene) -> Run:
    """Guided Grad-CAM of the layer half way down; its guided half needs ReLUs that are not in place."""
    layer = scene.without_inplace.get_submodule(path(scene.module, scene.middle_module))
    return captum(scene, "GuidedGradCam", layer, hooks=True, interpolate_mode="bilinear")


def captum_integrated(scene: Scene, steps: int, at_once: int | None) -> Run:
    """Integrated gradients from black, Gauss–Legendre as by default."""
    black = scene.net.normalise(torch.zeros_like(scene.picture)).contiguous()
    return captum(scene, "IntegratedGradients", baselines=black, n_steps=steps, internal_batch_size=at_once)


def captum_neuron(scene: Scene) -> Run:
    place = scene.neuron[1:]
    return lambda: [attr.NeuronGradient(scene.module, scene.neuron_module).attribute(scene.normalised, place).detach()]


def captum_attack(scene: Scene, steps: int) -> Run:
    """PGD for a number of steps, with cross-entropy as its loss."""
    attack = robust.PGD(scene.module, nn.CrossEntropyLoss(reduction="none"))
    label = torch.tensor([scene.target])
    return lambda: [attack.perturb(scene.normalised, 0.07, 0.02, steps, label)]


def captum_fgsm(scene: Scene) -> Run:
    """One step of 4/255, with cross-entropy as its loss."""
    attack = robust.FGSM(scene.module, nn.CrossEntropyLoss(reduction="none"))
    label = torch.tensor([scene.target])
    return lambda: [attack.perturb(scene.normalised, 4 / 255, label).detach()]


def captum_lrp(scene: Scene) -> Run:
    """LRP with captum's default, the ε-rule with ε = 1e-9, for all layers."""
    if any(isinstance(part, nn.ReLU6) for part in scene.module.modules()):
        raise Unsupported("captum's LRP has no rule for ReLU6")
    return lambda: [attr.LRP(scene.canonical).attribute(scene.normalised, target=scene.target).detach()]


def captum_smooth(scene: Scene, noise: float, samples: int, at_once: int | None) -> Run:
    """NoiseTunnel over Saliency. It draws its own noise, of the same spread in units of the picture."""
    x = scene.normalised
    spread = noise * float(scene.picture.amax() - scene.picture.amin()) / float(scene.net.std.mean())
    return lambda: [attr.NoiseTunnel(attr.Saliency(scene.module)).attribute(
        x, target=scene.target, nt_samples=samples, nt_samples_batch_size=at_once, stdevs=spread, abs=False).detach()]


def captum_same_noise(scene: Scene, noise: float, samples: int) -> Run:
    """Saliency on our own noisy copies: what NoiseTunnel computes, with equal noise."""
    copies = noisy(scene, noise, samples)
    return lambda: [attr.Saliency(scene.module).attribute(copies, target=scene.target, abs=False).mean(0, keepdim=True)]


# zennit -----------------------------------------------------------------------------------------------------------

def zennit(scene: Scene, composite: Callable[[], Any] | None, *, target: int | None = None, score: bool = False,
           canonical: bool = False) -> Run:
    """``with Gradient(model, composite) as attributor``; ``score``: start with the score itself (LRP) instead of 1."""
    from zennit.attribution import Gradient

    module = scene.canonical if canonical else scene.without_inplace
    k = scene.target if target is None else target
    one = torch.eye(1000, dtype=scene.normalised.dtype)[[k]]

    def run() -> list[Tensor]:
        with Gradient(model=module, composite=composite() if composite else None) as attributor:
            return [attributor(scene.normalised.clone().requires_grad_(), (lambda y: y * one) if score else one)[1]]
    return run


def zennit_at_middle(scene: Scene, composite: Callable[[], Any]) -> Run:
    """Relevance of the layer half way down: its output is kept by a hook, as in zennit's tutorial."""
    one = torch.eye(1000, dtype=scene.normalised.dtype)[[scene.target]]

    def run() -> list[Tensor]:
        kept: list[Tensor] = []
        hook = scene.canonical_middle.register_forward_hook(lambda module, inputs, output: kept.append(output))
        try:
            with composite().context(scene.canonical) as module:
                out = module(scene.normalised.clone().requires_grad_())
                return list(torch.autograd.grad(out, kept[:1], one))
        finally:
            hook.remove()
    return run


def zennit_rule(rule: str, stabilizer: float = 1e-6, **options: Any) -> Callable[[], Any]:
    """One rule for every layer with weights, sums and averages in proportion, activations passed through."""
    def composite() -> Any:
        from zennit import rules
        from zennit.composites import LayerMapComposite, layer_map_base
        from zennit.types import Linear

        return LayerMapComposite(layer_map_base(stabilizer) + [(Linear, getattr(rules, rule)(**options))])
    return composite


def zennit_relu(name: str) -> Callable[[], Any]:
    """zennit's "deconvnet" or "guided_backprop", with ReLU6 added to the layers that it applies to."""
    def composite() -> Any:
        from zennit import rules
        from zennit.composites import COMPOSITES

        rule = {"deconvnet": rules.ReLUDeconvNet, "guided_backprop": rules.ReLUGuidedBackprop}[name]
        return COMPOSITES[name](layer_map=[(nn.ReLU6, rule())])
    return composite


def zennit_excitation() -> Any:
    """zennit's excitation backpropagation without biases, as in the paper."""
    from zennit.composites import ExcitationBackprop

    return ExcitationBackprop(zero_params=["bias"])


# TorchRay ---------------------------------------------------------------------------------------------------------

def torchray(scene: Scene, method: str, *, canonical: bool = False, **options: Any) -> Run:
    """``torchray.attribution.<method>(module, x, target)``. ``saliency_layer="middle"`` is the layer half way down.

    TorchRay replaces ``torch.relu``, so that it knows nothing of ReLU6.
    """
    module = copy.deepcopy(scene.canonical if canonical else scene.module)  # it leaves parameters frozen
    if options.get("saliency_layer") == "middle":
        options["saliency_layer"] = path(*((scene.canonical, scene.canonical_middle) if canonical else
                                           (scene.module, scene.middle_module)))
    file = "excitation_backprop" if "excitation" in method else method
    function = getattr(import_module(f"torchray.attribution.{file}"), method)
    return lambda: [function(module, scene.normalised.clone(), scene.target, **options).detach()]


def torchray_perturbation(scene: Scene, steps: int) -> Run:
    """Extremal perturbation, with the defaults of its example, for a number of steps."""
    from torchray.attribution.extremal_perturbation import extremal_perturbation

    module = copy.deepcopy(scene.module)
    return lambda: [extremal_perturbation(module, scene.normalised, scene.target, areas=[0.12], max_iter=steps)[0]]


# No library -------------------------------------------------------------------------------------------------------

def bare(scene: Scene, ours: bool) -> Run:
    """Forward and backward of the network by itself, in our memory format or in the default one."""
    module = scene.net.module if ours else scene.module
    x = scene.net.normalise(scene.picture) if ours else scene.normalised

    def run() -> list[Tensor]:
        leaf = x.detach().requires_grad_()
        return list(torch.autograd.grad(module(leaf)[0, scene.target], leaf))
    return run
