"""The rows of the table: what ours does, what each peer does for the same map, and how much faster ours should be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import torch
from torch import Tensor, nn

from evidence.bench import peers as by
from evidence.bench.peers import Run
from evidence.bench.scene import Scene, top
from u3lab import adversarial, inversion, saliency
from u3lab.descent import Step

NOISE, SAMPLES, STEPS = 0.15, 4, 4  # SmoothGrad and integrated gradients: few, to keep the run short
MASK_STEPS = 3

View = Callable[[Scene, list[Tensor]], list[Tensor]]


@dataclass(frozen=True)
class Peer:
    """One library's way to do a row."""

    name: str  # in the table
    build: Callable[[Scene], Run]  # makes the closure to time
    view: View | None  # how our maps look in this peer's convention; None: another quantity, which is not compared
    library: str = ""  # the package that must be installed for it
    check: Callable[[Scene], Run] | None = None  # its result is compared instead: of a peer that draws its own noise
    note: str = ""  # where the peer's convention differs from ours


@dataclass(frozen=True)
class Row:
    """Ours against the peers; ``target`` is the greatest ratio ours/fastest peer that will do, None for "no target".

    ``of`` are the methods that it times, as "registry/name": the site shows the row with them.
    """

    name: str
    ours: Callable[[Scene], Run]
    peers: Sequence[Peer]
    target: float | None = 0.8
    scale: int = 1  # calls in one closure: times are divided by it
    of: tuple[str, ...] = ()


def same(scene: Scene, maps: list[Tensor]) -> list[Tensor]:
    return maps


def normalised(scene: Scene, maps: list[Tensor]) -> list[Tensor]:
    """A gradient by the picture as one by the normalised picture."""
    return [m * scene.net.std for m in maps]


def summed(scene: Scene, maps: list[Tensor]) -> list[Tensor]:
    return [m.sum(1, keepdim=True) for m in maps]


def joined(*builds: Callable[[Scene], Run]) -> Callable[[Scene], Run]:
    def build(scene: Scene) -> Run:
        runs = [one(scene) for one in builds]
        return lambda: [m for run in runs for m in run()]
    return build


def ours(name: str, layer: bool = False, **options: object) -> Callable[[Scene], Run]:
    """The method of that name in ``saliency.METHODS``, at the layer half way down if asked."""
    map = saliency.METHODS[name].map

    def build(scene: Scene) -> Run:
        where = {"layer": scene.middle} if layer else {}
        return lambda: [map(scene.net, scene.picture, scene.target, **where, **options)]
    return build


def modulated_at_the_picture(scene: Scene) -> Run:
    """The registry's line stops half way up; this goes all the way."""
    return lambda: [saliency.modulated_gradient(scene.net, scene.picture, scene.target)]


def panel(scene: Scene) -> Run:
    """One forward pass, three rules."""
    def run() -> list[Tensor]:
        kept = saliency.forward_pass(scene.net, scene.picture)
        return [kept.backprop(scene.target, rule=rule) for rule in saliency.RULES]
    return run


def again(neuron: bool) -> Callable[[Scene], Run]:
    """Another class or another neuron at a forward pass that is kept."""
    def build(scene: Scene) -> Run:
        kept = saliency.forward_pass(scene.net, scene.picture)
        target = scene.neuron if neuron else scene.other
        return lambda: [kept.backprop(target)]
    return build


def mask_steps(scene: Scene) -> Run:
    def run() -> list[Tensor]:
        steps = saliency.meaningful_perturbation(scene.net, scene.picture, scene.target)
        return [next(steps).value for _ in range(MASK_STEPS)]
    return run


def endless(begin: Callable[[], Iterator[Step]]) -> Run:
    """Steps of runs that begin again: none is the last of all, so each has its forward and its backward pass."""
    steps = (step for _ in count() for step in begin())
    return lambda: [next(steps).value for _ in range(MASK_STEPS)]


def attack_steps(scene: Scene) -> Run:
    settings = adversarial.AttackSettings(steps=1000)
    return endless(lambda: adversarial.pgd(scene.net, scene.picture, scene.target, settings=settings))


def inversion_steps(scene: Scene) -> Run:
    """Steps of an inversion of the scores with total variation in its default settings."""
    settings = inversion.InversionSettings(steps=1000)
    return endless(lambda: inversion.invert(scene.net, "logits", scene.picture, prior=inversion.TV(),
                                            settings=settings))


def bare_steps(scene: Scene) -> Run:
    step = by.bare(scene, ours=True)
    return lambda: [m for _ in range(MASK_STEPS) for m in step()]


def contrastive(scene: Scene) -> Run:
    """TorchRay's contrastive excitation; the contrast is taken at the input of the last layer with weights."""
    last = [name for name, part in scene.canonical.named_modules() if isinstance(part, (nn.Dropout, nn.Flatten))][-1]
    return by.torchray(scene, "contrastive_excitation_backprop", canonical=True, saliency_layer="middle",
                       contrast_layer=last)


def contrastive_by_channel(scene: Scene) -> Run:
    """The same, with negative values dropped in every channel and not after the sum over channels."""
    from unittest.mock import patch

    run = contrastive(scene)

    def patched() -> list[Tensor]:
        with patch("torchray.attribution.excitation_backprop.gradient_to_contrastive_excitation_backprop_saliency",
                   lambda x: x.grad.clamp(min=0)):
            return run()
    return patched


NO_RELU6 = "captum and TorchRay leave ReLU6 alone: on EfficientNet-Lite0 they give the gradient"
NEGATIVE = ("behind linear bottlenecks inputs are negative: ours sends nothing there, zennit takes (−x)(−w) for "
            "excitation, TorchRay divides by sums of either sign")
SUMMED = ("TorchRay sums over channels and then drops negative values; for the comparison it drops them first, "
          "as ours; ")
OWN_NOISE = "NoiseTunnel draws its own noise: compared is captum's Saliency on our noisy copies"
CAPTUM, TORCHRAY, ZENNIT = "captum", "torchray", "zennit"
BARE = Peer("bare forward + backward", bare_steps, None)
GRADIENT = (partial(by.captum, method="Saliency", abs=False), partial(by.zennit, composite=None),
            partial(by.torchray, method="gradient"))
DECONVNET = (partial(by.captum, method="Deconvolution", hooks=True),
             partial(by.zennit, composite=by.zennit_relu("deconvnet")), partial(by.torchray, method="deconvnet"))
GUIDED = (partial(by.captum, method="GuidedBackprop", hooks=True),
          partial(by.zennit, composite=by.zennit_relu("guided_backprop")),
          partial(by.torchray, method="guided_backprop"))


def zennit_lrp(rule: str, stabilizer: float = 1e-6, **options: float) -> Peer:
    """LRP with one rule of zennit for every layer with weights."""
    composite = by.zennit_rule(rule, stabilizer, **options)
    return Peer("zennit", partial(by.zennit, composite=composite, score=True, canonical=True), same, ZENNIT)


def three(builds: Sequence[Callable[[Scene], Run]], note: str = "") -> list[Peer]:
    """The same request to all three libraries."""
    return [Peer("captum", builds[0], normalised, CAPTUM, note=note), Peer("zennit", builds[1], normalised, ZENNIT),
            Peer("TorchRay", builds[2], lambda scene, maps: [top(m) for m in normalised(scene, maps)], TORCHRAY,
                 note=note)]


ROWS = [
    Row("panel: gradient, deconvnet, guided", panel,
        three([joined(*each) for each in zip(GRADIENT, DECONVNET, GUIDED, strict=True)], NO_RELU6), target=0.5,
        of=("saliency/gradient", "saliency/deconvnet", "saliency/guided")),
    Row("another class, pass kept", again(neuron=False), [
        Peer("captum", lambda s: by.captum(s, "Saliency", target=s.other, abs=False), normalised, CAPTUM),
        Peer("zennit", lambda s: by.zennit(s, None, target=s.other), normalised, ZENNIT)], target=0.5),
    Row("another neuron, pass kept", again(neuron=True),
        [Peer("captum", by.captum_neuron, normalised, CAPTUM)], target=0.5),
    Row("gradient", ours("gradient"), three(GRADIENT), of=("saliency/gradient",)),
    Row("deconvnet", ours("deconvnet"), three(DECONVNET, NO_RELU6), of=("saliency/deconvnet",)),
    Row("guided", ours("guided"), three(GUIDED, NO_RELU6), of=("saliency/guided",)),
    Row("modulated gradient, input", modulated_at_the_picture, [
        Peer("captum", partial(by.captum, method="InputXGradient"), same, CAPTUM),
        Peer("TorchRay", partial(by.torchray, method="linear_approx"), summed, TORCHRAY)],
        of=("saliency/modulated gradient",)),
    Row("modulated gradient, half way", ours("modulated gradient", layer=True), [
        Peer("captum", lambda s: by.captum(s, "LayerGradientXActivation", s.middle_module), same, CAPTUM),
        Peer("TorchRay", partial(by.torchray, method="linear_approx", saliency_layer="middle"), summed, TORCHRAY)],
        of=("saliency/modulated gradient",)),
    Row("Grad-CAM, half way", ours("Grad-CAM", layer=True), [
        Peer("captum", lambda s: by.captum(s, "LayerGradCam", s.middle_module, relu_attributions=True), same, CAPTUM),
        Peer("TorchRay", partial(by.torchray, method="grad_cam", saliency_layer="middle"), same, TORCHRAY)],
        of=("saliency/Grad-CAM",)),
    Row("guided Grad-CAM, half way", ours("guided Grad-CAM", layer=True), [
        Peer("captum", by.captum_guided_cam, normalised, CAPTUM, note=NO_RELU6)],
        of=("saliency/guided Grad-CAM",)),
    Row("excitation, half way", ours("excitation", layer=True), [
        Peer("zennit", partial(by.zennit_at_middle, composite=by.zennit_excitation), same, ZENNIT, note=NEGATIVE),
        Peer("TorchRay", partial(by.torchray, method="excitation_backprop", canonical=True, saliency_layer="middle"),
             summed, TORCHRAY, note=NEGATIVE)], of=("saliency/excitation",)),
    Row("contrastive excitation, half way", ours("contrastive excitation", layer=True), [
        Peer("TorchRay", contrastive, same, TORCHRAY, check=contrastive_by_channel, note=SUMMED + NEGATIVE)],
        of=("saliency/contrastive excitation",)),
    Row("LRP ε", ours("LRP ε", epsilon=1e-9), [
        Peer("captum", by.captum_lrp, same, CAPTUM, note="captum's LRP has no rule for ReLU6 and no sums"),
        zennit_lrp("Epsilon", 1e-9, epsilon=1e-9)], of=("saliency/LRP ε",)),
    Row("LRP z⁺", ours("LRP z⁺"), [zennit_lrp("ZPlus")], of=("saliency/LRP z⁺",)),
    Row("LRP α=2 β=1", ours("LRP α2β1"), [zennit_lrp("AlphaBeta")], of=("saliency/LRP α2β1",)),
    Row(f"SmoothGrad, {SAMPLES} samples", ours("smooth grad", noise=NOISE, samples=SAMPLES), [
        Peer(f"captum, {at_once or SAMPLES} at once",
             partial(by.captum_smooth, noise=NOISE, samples=SAMPLES, at_once=at_once), normalised, CAPTUM,
             check=partial(by.captum_same_noise, noise=NOISE, samples=SAMPLES), note=OWN_NOISE)
        for at_once in (None, 1)], of=("saliency/smooth grad",)),
    Row(f"integrated gradients, {STEPS} steps", ours("integrated gradients", steps=STEPS), [
        Peer(f"captum, {at_once or STEPS} at once", partial(by.captum_integrated, steps=STEPS, at_once=at_once),
             same, CAPTUM)
        for at_once in (None, 1)], of=("saliency/integrated gradients",)),
    Row("mask, one step", mask_steps, [
        BARE, Peer("TorchRay extremal", partial(by.torchray_perturbation, steps=MASK_STEPS), None, TORCHRAY,
             note="extremal perturbation is another energy, with its pyramid of blurs made once for all steps")],
        target=None, scale=MASK_STEPS, of=("saliency/mask",)),
    Row("attack (FGSM)", lambda scene: lambda: [adversarial.fgsm(scene.net, scene.picture, scene.target, 4 / 255)], [
        Peer("captum", by.captum_fgsm, None, CAPTUM)], target=None,
        of=("adversarial/fgsm",)),
    Row("attack (PGD), one step", attack_steps, [
        BARE, Peer("captum PGD", partial(by.captum_attack, steps=MASK_STEPS), None, CAPTUM,
             note="captum's PGD is asked in terms of the normalised picture; equal paths are shown in tests/oracles")],
        target=1.1, scale=MASK_STEPS, of=("adversarial/pgd",)),
    Row("inversion (TV), one step", inversion_steps, [BARE], target=1.15, scale=MASK_STEPS,
        of=("inversion/total variation",)),
]


def difference(a: list[Tensor], b: list[Tensor]) -> float:
    """Greatest difference relative to the greatest value, over all maps; infinite if the shapes differ."""
    if [m.shape for m in a] != [m.shape for m in b]:
        return float("inf")
    return max(float((x - y).abs().max() / y.abs().max().clamp(min=torch.finfo(y.dtype).tiny))
               for x, y in zip(a, b, strict=True))
