"""A good call of every public function, with the kind of each of its arguments: what is spoilt, one at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tests.helpers import write_benchmark
from tests.hostile.wrong import (
    Choice,
    Flag,
    Free,
    Function,
    Kind,
    Labels,
    Layer,
    Layers,
    Masks,
    Net,
    Number,
    Numbers,
    Options,
    Ours,
    Picture,
    Some,
    Target,
    Units,
    Whole,
    Wholes,
    net,
)
from u3lab import (
    adversarial,
    descent,
    dissection,
    equivariance,
    figures,
    images,
    inversion,
    live,
    measures,
    nets,
    pixels,
    prior,
    saliency,
)
from u3lab.adversarial import trials
from u3lab.datasets import concepts, cutouts, decathlon, photos, scans, taxonomy
from u3lab.datasets.labelled import LabelledPictures
from u3lab.saliency.pointing import Mosaic

SIDE = 32  # pixels


@dataclass(frozen=True)
class Call:
    """``kinds`` has the kind of each argument, ``arguments`` makes good ones anew."""

    function: Callable[..., object]
    kinds: dict[str, Kind]
    arguments: Callable[[], dict[str, object]]


CALLS: dict[str, Call] = {}


def good(title: str, function: Callable[..., object], /, **given: tuple[Kind, object]) -> None:
    """Note a good call. An argument is its kind and its value; a function without a name of its own makes it anew."""
    kinds = {name: kind for name, (kind, _) in given.items()}
    makers = {name: value for name, (_, value) in given.items()}
    CALLS[title] = Call(function, kinds, lambda: {name: value() if isinstance(value, Made) else value
                                                  for name, value in makers.items()})


@dataclass(frozen=True)
class Made:
    """A value that is made when it is needed, and then kept."""

    make: Callable[[], object]

    def __call__(self) -> object:
        return self.make()


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@cache
def x(count: int = 1, side: int = SIDE) -> Tensor:
    return draw(count, 3, side, side)


@cache
def features(layer: str = "conv2", count: int = 4) -> Tensor:
    return net().features(x(count), layer)


@cache
def scenes() -> LabelledPictures:
    return LabelledPictures(("one", "two"), x(10), draw(10, 2, 16, 16) > 0.5)


@cache
def found() -> dissection.Dissection:
    return dissection.dissect(net(), "relu2", scenes(), share=0.05)


@cache
def active() -> Tensor:
    return dissection.binarise(net(), "relu2", x(10), found().thresholds)


@cache
def stitched() -> nets.Classifier:
    return equivariance.stitch(net(), "conv2", net(1), "conv2", x(4), sites=200)


@cache
def trace() -> saliency.BackpropTrace:
    return saliency.trace(net(), x())


@cache
def moved() -> equivariance.Equivariance:
    return equivariance.fit_equivariance(net(), "conv2", x(4), equivariance.HFLIP, sites=200)


@cache
def tried() -> list[trials.Sample]:
    return trials.samples(net(), names=["dog", "coffee", "hens"], steps=1, size=SIDE)


@cache
def tiny_benchmark() -> Path:
    return write_benchmark(Path(tempfile.mkdtemp()))


UNASKED = (Net(asked=False), Made(net))
NET, ONE, SEVERAL = (Net(), Made(net)), (Picture(), Made(x)), (Picture(several=True), Made(lambda: x(2)))
LAYER, ANY_LAYER, TARGET, LABEL = (Layer(), "conv2"), (Layer(none=True), "conv2"), (Target(), "c"), (Target(), 2)
SEED, NAME = (Whole(0), 0), (Choice(), "coffee")
OTHER = (Target(none=True), "d")


def settings(kind: type) -> tuple[Kind, object]:
    return Options(none=True), Made(lambda: kind(**({"steps": 2} if hasattr(kind, "steps") else {})))


def number(value: float, low: float = -float("inf"), high: float = float("inf"), *,
           without_low: bool = False) -> tuple[Kind, object]:
    return Number(low, high, without_low), value


def whole(value: int, low: int = 1, high: int | None = None) -> tuple[Kind, object]:
    return Whole(low, high), value


# Pictures

good("images.load", images.load, x=(Choice(), "coffee"), size=(Whole(none=True), 32))
good("images.blur", images.blur, images=SEVERAL, sigma=number(1.5, 0))
good("images.check", images.check, images=SEVERAL)
good("images.resize", images.resize, images=SEVERAL, size=whole(24))
good("images.caption", images.caption, name=NAME)
good("images.label", images.label, name=NAME)
good("images.names", images.names, group=(Choice(none=True), "everyday"))
good("images.crops", images.crops, names=(Some(), ["dog"]), size=whole(24), count=whole(2), seed=SEED)
good("images.shift", images.shift, images=SEVERAL, reach=whole(2, 0),
     generator=(Ours(), Made(lambda: torch.Generator().manual_seed(0))))
good("images.zoom", images.zoom, images=SEVERAL, most=number(0.2, 0),
     generator=(Ours(), Made(lambda: torch.Generator().manual_seed(0))), sizes=whole(4))
good("images.total_variation", images.total_variation, image=SEVERAL, beta=number(2.0, 0, without_low=True))

# Colours and measures

MAP = (Numbers(thin=False), Made(lambda: draw(8, 8) - 0.5))
good("pixels.heat", pixels.heat, map=MAP, scale=(Number(0, without_low=True, none=True), 1.0))
good("pixels.overlay", pixels.overlay, image=(Picture(several=False), Made(x)), map=MAP, opacity=number(0.5, 0, 1),
     scale=(Number(0, without_low=True, none=True), 1.0))
good("pixels.signed_rgb", pixels.signed_rgb, map=MAP)
good("pixels.jpeg", pixels.jpeg, image=ONE, quality=whole(80, 1, 95))
PAIR = Numbers(fixed=(0,), thin=False)
good("measures.correlation", measures.correlation, a=(PAIR, Made(lambda: draw(4, 5))),
     b=(PAIR, Made(lambda: draw(4, 5))))
good("measures.rank_correlation", measures.rank_correlation, a=(PAIR, Made(lambda: draw(4, 5))),
     b=(PAIR, Made(lambda: draw(4, 5))))
good("measures.auc", measures.auc, x=(Numbers(fixed=(0,)), Made(lambda: torch.linspace(0, 1, 5))),
     y=(Numbers(fixed=(0,)), Made(lambda: draw(5))))
good("measures.agreement", measures.agreement, scores=(Numbers(fixed=(0, 1)), Made(lambda: draw(3, 8))),
     reference=(Numbers(fixed=(0, 1)), Made(lambda: draw(3, 8))))
good("measures.balanced_accuracy", measures.balanced_accuracy, scores=(Numbers(fixed=(0,)), Made(lambda: draw(4, 3))),
     labels=(Labels(fixed=(0,)), Made(lambda: torch.tensor([0, 1, 2, 0]))), target=whole(1, 0, 2))
good("measures.bootstrap", measures.bootstrap, statistic=(Function(), lambda often: often.mean(1)), groups=whole(5),
     times=whole(20), seed=SEED)
good("measures.probe", measures.probe, features=(Numbers(fixed=(0,)), Made(lambda: draw(6, 3))),
     labels=(Labels(fixed=(0,)), Made(lambda: torch.tensor([0, 1, 2, 0, 1, 2]))), C=number(1.0, 0, without_low=True))
good("measures.roc_auc", measures.roc_auc, scores=(Numbers(fixed=(0,)), Made(lambda: draw(4))),
     marks=(Masks(fixed=(0,)), Made(lambda: torch.tensor([True, False, True, False]))),
     sources=(Some(), ["a", "b", "a", "c"]), times=whole(20), seed=SEED)
good("descent.last", descent.last, steps=(Kind(), (1, 2)), total=(Whole(0, none=True), 2), title=(Free(), ""))

# Networks

good("nets.load", nets.load, name=(Choice(), "squeezenet1_1"), device=(Choice(none=True), "cpu"))
good("nets.available", nets.available, name=(Choice(), "squeezenet1_1"))
good("nets.fetch", nets.fetch, name=(Choice(), "squeezenet1_1"))
good("nets.before_relu", nets.before_relu, net=NET, layer=LAYER, images=SEVERAL)
good("nets.forward_from", nets.forward_from, net=UNASKED, layer=LAYER,
     features=(Numbers(fixed=(1,)), Made(features)))
good("nets.narrow", nets.narrow, net=UNASKED, classes=(Some(), ["a", "c"]))
good("nets.several", nets.several, net=NET, layers=(Layers(), ["conv1", "conv2"]), images=SEVERAL)
good("nets.untrained", nets.untrained, net=UNASKED, seed=SEED)
good("nets.ready", nets.ready, net=UNASKED)
good("Classifier()", lambda net, images: net(images), net=(Free("it is called"), Made(net)), images=SEVERAL)
good("Classifier.features", lambda images, layer: net().features(images, layer), images=SEVERAL, layer=LAYER)
good("Classifier.logits", lambda images: net().logits(images), images=SEVERAL)
good("Classifier.probabilities", lambda images: net().probabilities(images), images=SEVERAL)
good("Classifier.top", lambda image, count: net().top(image, count), image=ONE, count=whole(3, 1, 8))
good("Classifier.layer", lambda layer: net().layer(layer), layer=LAYER)
good("Classifier.class_index", lambda target: net().class_index(target), target=TARGET)

# Saliency

RULE = (Choice(), "gradient")
good("saliency.backprop", saliency.backprop, net=NET, images=SEVERAL, target=TARGET, rule=RULE, layer=ANY_LAYER)
good("saliency.trace", saliency.trace, net=NET, images=SEVERAL, layers=(Kind(), ("conv1",)))
good("Trace.backprop", lambda target, rule, layer: trace().backprop(target, rule=rule, layer=layer), target=TARGET,
     rule=RULE, layer=ANY_LAYER)
good("saliency.linear_approximation", saliency.linear_approximation, net=NET, images=SEVERAL, target=TARGET,
     layer=ANY_LAYER)
good("saliency.grad_cam", saliency.grad_cam, net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.guided_grad_cam", saliency.guided_grad_cam, net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.smooth_grad", saliency.smooth_grad, net=NET, images=SEVERAL, target=TARGET, noise=number(0.1, 0),
     samples=whole(2), rule=RULE, seed=SEED)
good("saliency.integrated_gradients", saliency.integrated_gradients, net=NET, images=SEVERAL, target=TARGET,
     baseline=number(0.0, 0, 1), steps=whole(2))
good("saliency.lrp", saliency.lrp, net=NET, images=SEVERAL, target=TARGET, rule=(Choice(), "alpha_beta"),
     layer=ANY_LAYER, epsilon=number(1e-6, 0), alpha=number(2.0), beta=number(1.0))
good("saliency.excitation_backprop", saliency.excitation_backprop, net=NET, images=SEVERAL, target=TARGET,
     layer=ANY_LAYER)
good("saliency.meaningful_perturbation", saliency.meaningful_perturbation, net=NET, image=ONE, target=TARGET,
     settings=settings(saliency.MaskSettings))
good("saliency.baseline_like", saliency.baseline_like, images=SEVERAL, settings=settings(saliency.MaskSettings))
good("saliency.perturb", saliency.perturb, images=ONE, mask=(Numbers(fixed=(1,)), Made(lambda: draw(1, 1, 8, 8))),
     baseline=ONE)
good("saliency.deletion_curve", saliency.deletion_curve, net=NET, image=ONE, target=TARGET,
     heat=(Numbers(fixed=(0, 1)), Made(lambda: draw(1, 1, 8, 8))), steps=whole(3), sigma=number(2.0, 0))
good("saliency.randomisation_check", saliency.randomisation_check, net=NET, images=SEVERAL, target=TARGET,
     method=(Choice(), "gradient"), seed=SEED)
good("saliency.randomise_downwards", saliency.randomise_downwards, net=UNASKED, seed=SEED)
GAMES = (Some(), Made(lambda: [Mosaic(x(), ("p", "q", "r", "s"), (0, 1, 2, 3))]))
good("saliency.pointing_game", saliency.pointing_game, net=NET, games=GAMES, method=(Choice(), "gradient"), seed=SEED)
good("saliency.mosaics", saliency.mosaics, net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))),
     count=whole(1), size=whole(96), seed=SEED)
good("saliency.known_pictures", saliency.known_pictures,
     net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))), size=whole(96))
HEAT = (Numbers(thin=False), Made(lambda: draw(2, 3, 8, 8)))
good("saliency.max_abs", saliency.max_abs, saliency=HEAT)
good("saliency.positive", saliency.positive, relevance=HEAT)
good("saliency.coherence", saliency.coherence, saliency=HEAT)
good("saliency.edges", saliency.edges, images=SEVERAL)
good("saliency.edge_agreement", saliency.edge_agreement, saliency=(Numbers(), Made(lambda: draw(2, 3, SIDE, SIDE))),
     images=SEVERAL)
good("saliency.tile_shares", saliency.tile_shares, heat=(Numbers(fixed=(1,)), Made(lambda: draw(2, 1, 8, 8))))
good("saliency.strongest_channels", saliency.strongest_channels, trace=(Ours(), Made(trace)), layer=LAYER,
     y=whole(1, 0, 7), x=whole(1, 0, 7), count=whole(2))
good("saliency.channel_similarity", saliency.channel_similarity, trace=(Ours(), Made(trace)), layer=LAYER,
     y=whole(1, 0, 7), x=whole(1, 0, 7), rule=RULE, back_to=(Layer(none=True), "conv1"),
     channels=whole(2, 2))
for name, method in saliency.METHODS.items():
    more = {"layer": ANY_LAYER} if "layer" in method.takes else {}
    asked = {"target": TARGET} if "class" in method.takes else {"target": (Free("the class means nothing"), "c")}
    if not method.optimises:
        asks = NET if "class" in method.takes else UNASKED
        good(f"METHODS[{name!r}]", method, net=asks, images=SEVERAL, **asked, **more)

# Adversarial examples

for name, attack in adversarial.ATTACKS.items():
    more = {"eps": (Number(0, none=True), 0.01)} if "eps" in attack.takes else {}
    more |= {"steps": (Whole(none=True), 2)} if "steps" in attack.takes else {}
    good(f"ATTACKS[{name!r}]", attack, net=NET, image=ONE, label=LABEL, target=OTHER, **more)
good("adversarial.fgsm", adversarial.fgsm, net=NET, image=ONE, label=LABEL, eps=number(0.01, 0, 1), target=OTHER)
good("adversarial.pgd", adversarial.pgd, net=NET, image=ONE, label=LABEL, target=OTHER,
     settings=settings(adversarial.AttackSettings))
good("adversarial.deepfool", adversarial.deepfool, net=NET, image=ONE, label=LABEL, target=OTHER,
     settings=settings(adversarial.DeepFoolSettings))
good("adversarial.fools", adversarial.fools, net=NET, image=ONE, label=LABEL, target=OTHER)
good("adversarial.quantise", adversarial.quantise, image=SEVERAL)
good("adversarial.quantise_near", adversarial.quantise_near, image=ONE, original=ONE, eps=number(0.01, 0, 1),
     norm=(Choice(), "linf"))
good("adversarial.adversarial_patch", adversarial.adversarial_patch, net=NET, images=SEVERAL, target=TARGET,
     settings=settings(adversarial.PatchSettings))
PATCH = (Picture(), Made(lambda: x(1, 8)))
PLACE = {"x": number(0.5, 0, 1), "y": number(0.5, 0, 1), "scale": number(0.5, 0, 2, without_low=True)}
good("adversarial.apply_patch", adversarial.apply_patch, images=(Picture(several=True), Made(lambda: x(3))),
     patch=PATCH, **PLACE, angle=number(10.0), shape=(Choice(), "round"))
good("adversarial.cut_out", adversarial.cut_out, patch=PATCH, shape=(Choice(), "round"), size=(Whole(none=True), 16))
good("adversarial.success_rate", adversarial.success_rate, net=NET, images=SEVERAL, target=TARGET, patch=PATCH,
     scale=number(0.3, 0, 2, without_low=True), turn=number(45.0, 0, 180), trials=whole(2),
     shape=(Choice(), "round"), seed=SEED)
good("adversarial.layer_saliency", adversarial.layer_saliency, net=NET, images=SEVERAL)
DETECTOR = (Ours(), Made(lambda: adversarial.fit_detector(draw(6, 9), torch.arange(6) < 3)))
good("adversarial.fit_detector", adversarial.fit_detector, features=(Numbers(fixed=(0,)), Made(lambda: draw(6, 9))),
     adversarial=(Masks(fixed=(0,)), Made(lambda: torch.arange(6) < 3)))
good("adversarial.evade", adversarial.evade, net=NET, image=ONE, label=LABEL, detector=DETECTOR, level=whole(2),
     steps=whole(2), mu=number(0.3, 0))
good("adversarial.fooling_table", adversarial.fooling_table,
     nets=(Some(), Made(lambda: [nets.load("squeezenet1_1", device="cpu")])), levels=(Wholes(), (2,)),
     count=(Whole(none=True), 1), steps=whole(1))
good("trials.samples", trials.samples, net=NET, names=(Some(none=True), ["dog", "coffee", "hens"]), crops=whole(1),
     level=whole(2), steps=whole(1), seed=SEED, size=whole(32))
good("trials.trial", trials.trial, net=NET, samples=(Some(), Made(tried)), folds=whole(2, 2))

# Inversion

good("inversion.code", inversion.code, net=NET, layer=LAYER, images=SEVERAL)
CODE = (Numbers(fixed=(1,)), Made(features))
good("inversion.code_error", inversion.code_error, given=CODE, wanted=CODE)
good("inversion.excitation", inversion.excitation, code=(Numbers(), Made(features)), unit=whole(3, 0, 7))
for name, kind in inversion.PRIORS.items():
    good(f"inversion.invert, {name}", inversion.invert, net=NET, layer=LAYER, image=ONE,
         prior=(Options(none=True), Made(kind)), settings=settings(inversion.InversionSettings))
good("inversion.maximise", inversion.maximise, net=NET, layer=LAYER, unit=(Target(), 3),
     prior=(Options(none=True), Made(inversion.Pixels)), size=whole(32),
     settings=settings(inversion.MaximiseSettings))
good("inversion.dream", inversion.dream, net=NET, layer=LAYER, image=ONE, settings=settings(inversion.DreamSettings))
good("inversion.learned_inverter", inversion.learned_inverter, which=(Choice(), "fire9"))
good("inversion.decode", inversion.decode, net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))),
     inverter=(Ours(), Made(inversion.learned_inverter)), images=(Picture(several=True), Made(lambda: x(1, 128))))
good("inversion.tikhonov", inversion.tikhonov, matrix=(Numbers(fixed=(0,)), Made(lambda: draw(4, 6))),
     y=(Numbers(fixed=(0,)), Made(lambda: draw(4))), lam=number(0.5, 0))
good("inversion.top_patches", inversion.top_patches, net=NET, layer=LAYER, pictures=(Some(), Made(lambda: [x()])),
     unit=(Target(), 3), count=whole(1), size=whole(16))

# Deep image prior

SMALL = prior.generator(size=SIDE, depth=2)
VISIBLE = (Numbers(fixed=(1,)), Made(lambda: (draw(1, 1, SIDE, SIDE) > 0.2).float()))
good("prior.generator", prior.generator, kind=(Choice(), "hourglass"), size=whole(32), depth=whole(2),
     widths=(Wholes(), (4, 8)), skip=whole(0, 0), code=(Choice(), "noise"), channels=whole(4),
     upsample=(Choice(), "nearest"), seed=SEED)
good("prior.fit", prior.fit, generator=(Ours(), SMALL), image=ONE, task=(Function(), prior.reconstruct),
     settings=settings(prior.PriorSettings))
good("prior.inpaint", prior.inpaint, visible=VISIBLE)
good("prior.super_resolve", prior.super_resolve, factor=whole(2))
good("prior.lanczos", prior.lanczos, x=ONE, factor=whole(2))
good("prior.psnr", prior.psnr, x=ONE, truth=ONE)
good("prior.ssim", prior.ssim, x=ONE, truth=ONE)
good("prior.missing", prior.missing, x=ONE, target=ONE)
good("prior.reconstruct", prior.reconstruct, x=ONE, target=ONE)
good("prior.targets", prior.targets, image=ONE, strength=number(0.1, 0), seed=SEED)
good("prior.impedance", prior.impedance, wanted=(Kind(), {"x": x()}),
     make=(Function(), lambda: prior.generator(size=SIDE, depth=2)), until=number(0.0, 0),
     settings=settings(prior.PriorSettings))
good("prior.reached", prior.reached, curve=(Some(), [1.0, 0.5]), share=number(0.5, 0))
good("prior.disagreement", prior.disagreement, pictures=(Some(), Made(lambda: [x(), 1 - x()])))
good("prior.biharmonic", prior.biharmonic, image=ONE, visible=VISIBLE)
good("prior.tv_inpaint", prior.tv_inpaint, image=ONE, visible=VISIBLE, price=number(0.001, 0), steps=whole(2))
ATOMS = np.eye(64)
good("prior.dictionary", prior.dictionary, examples=SEVERAL, side=whole(8), atoms=whole(4), seed=SEED)
good("prior.sparse_coding", prior.sparse_coding, image=ONE, visible=VISIBLE, atoms=(Ours(), ATOMS), used=whole(2),
     stride=whole(8))
good("prior.trained_inpaint", prior.trained_inpaint, image=ONE, visible=VISIBLE)
good("prior.trained_denoise", prior.trained_denoise, images=SEVERAL)

# Equivariance

G = (Ours(), equivariance.HFLIP)
good("equivariance.rotation", equivariance.rotation, degrees=number(20.0))
good("equivariance.scaling", equivariance.scaling, factor=number(0.8, 0, without_low=True))
good("Transform()", lambda x: equivariance.HFLIP(x), x=(Numbers(), Made(x)))
good("equivariance.fit_equivariance", equivariance.fit_equivariance, net=NET, layer=LAYER,
     images=(Picture(several=True), Made(lambda: x(4))), g=G, inputs=(Whole(none=True), 2), neighbourhood=whole(1),
     strength=number(0.01, 0), sites=whole(200), seed=SEED)
good("equivariance.errors", equivariance.errors, found=(Ours(), Made(moved)), images=SEVERAL)
good("equivariance.answers", equivariance.answers, found=(Ours(), Made(moved)), images=SEVERAL)
good("equivariance.mirrored", equivariance.mirrored, net=UNASKED)
good("equivariance.centred", equivariance.centred, net=NET, layer=LAYER, size=whole(32))
good("equivariance.centred_size", equivariance.centred_size, net=NET, layer=(Layer(), "conv1"))
good("equivariance.stitch", equivariance.stitch, net_a=NET, layer_a=LAYER, net_b=NET, layer_b=LAYER,
     images=(Picture(several=True), Made(lambda: x(4))), strength=number(0.01, 0), sites=whole(200), seed=SEED)
STITCHED = (Net(), Made(stitched))
good("equivariance.identity_stitch", equivariance.identity_stitch, stitched=STITCHED)
good("equivariance.shuffled_stitch", equivariance.shuffled_stitch, stitched=STITCHED, seed=SEED)
good("equivariance.distil", equivariance.distil, stitched=STITCHED, images=SEVERAL,
     settings=settings(equivariance.StitchSettings))
good("equivariance.cka", equivariance.cka, features_a=(Numbers(fixed=(0,)), Made(features)),
     features_b=(Numbers(fixed=(0,)), Made(features)))

# Dissection

DATA = (Ours(), Made(scenes))
good("dissection.dissect", dissection.dissect, net=NET, layer=(Layer(), "relu2"), data=DATA,
     share=number(0.05, 0, 1, without_low=True), batch_size=whole(4))
good("dissection.dissect_layers", dissection.dissect_layers, net=NET, layers=(Layers(), ["relu2"]), data=DATA,
     share=number(0.05, 0, 1, without_low=True), batch_size=whole(4))
good("dissection.quantiles", dissection.quantiles, net=NET, layer=LAYER, images=(Some(), Made(lambda: [x()])))
good("Quantiles.upper", lambda share: found().seen.upper(share), share=number(0.05, 0, 1, without_low=True))
FOUND = (Ours(), Made(found))
for name in ("unique", "concepts_per_unit", "units_per_concept"):
    good(f"dissection.{name}", getattr(dissection, name), found=FOUND, least=number(0.04, 0, 1))
good("Dissection.labels", lambda least: found().labels(least), least=number(0.04, 0, 1))
good("dissection.by_category", dissection.by_category, found=FOUND,
     category=(Ours(), {"one": "object", "two": "part"}), least=number(0.04, 0, 1))
good("dissection.interval", dissection.interval, found=FOUND, statistic=(Function(), dissection.unique),
     times=whole(5), seed=SEED)
good("dissection.binarise", dissection.binarise, net=NET, layer=(Layer(), "relu2"), images=SEVERAL,
     thresholds=(Numbers(fixed=(0,)), Made(lambda: found().thresholds)))
ACTIVE, MASKS = Masks(fixed=(0,)), (Masks(fixed=(0,)), Made(lambda: scenes().masks[:, 0]))
good("dissection.net2vec", dissection.net2vec, active=(ACTIVE, Made(active)), masks=MASKS,
     filters=(Whole(1, 8, none=True), 2), settings=settings(dissection.Net2VecSettings))
good("dissection.filter_curve", lambda active, masks, counts, settings: dissection.filter_curve(
     (active, masks), (active, masks), counts, settings=settings), active=(ACTIVE, Made(active)), masks=MASKS,
     counts=(Wholes(), (2, 4)), settings=settings(dissection.Net2VecSettings))
good("dissection.best_filter", dissection.best_filter, active=(ACTIVE, Made(active)), masks=MASKS)
good("dissection.segment", dissection.segment, weight=(Numbers(fixed=(0,)), Made(lambda: draw(8))),
     active=(Masks(fixed=(1,)), Made(active)), size=(Wholes(), (16, 16)))
good("dissection.iou_set", dissection.iou_set, predicted=MASKS, masks=MASKS)
good("dissection.direction", dissection.direction, features=(Numbers(fixed=(0,)), Made(lambda: draw(6, 3))),
     shown=(Masks(fixed=(0,)), Made(lambda: torch.arange(6) < 3)), C=number(1.0, 0, without_low=True), seed=SEED)
good("dissection.concept_kernel", dissection.concept_kernel, vectors=(Numbers(), Made(lambda: draw(4, 6))))
KERNEL = (Numbers(fixed=(0, 1)), Made(lambda: dissection.concept_kernel(draw(4, 6))))
good("dissection.kernel_similarity", dissection.kernel_similarity, first=KERNEL, second=KERNEL)
good("dissection.chance_similarity", dissection.chance_similarity, first=KERNEL, second=KERNEL, times=whole(3),
     seed=SEED)
good("dissection.peaks", dissection.peaks, net=NET, layers=(Layers(), ["relu2"]), data=DATA, count=whole(2))
good("dissection.patches", dissection.patches, net=NET, layer=(Layer(), "relu2"), data=DATA, unit=whole(3, 0, 7),
     found=(Ours(), Made(lambda: dissection.peaks(net(), ["relu2"], scenes(), count=2)["relu2"])), size=whole(16))
good("dissection.pooled", dissection.pooled, net=NET, layers=(Layers(), ["relu2"]),
     pictures=(Some(), Made(lambda: [x(2)])))
good("dissection.rotation", dissection.rotation, units=whole(5, 2), share=number(0.5, 0, 1), seed=SEED)
good("dissection.Rotated", dissection.Rotated, net=NET,
     turn=(Numbers(), Made(lambda: dissection.rotation(8).float())))
FEATURES = (Numbers(fixed=(1,)), Made(features))
LABELS = (Labels(fixed=(0,)), Made(lambda: torch.tensor([0, 1, 2, 0])))
good("dissection.ablate", dissection.ablate, net=NET, layer=LAYER, features=FEATURES, units=(Units(), [1, 2]))
good("dissection.accuracy_drop", dissection.accuracy_drop, net=NET, layer=LAYER, features=FEATURES, labels=LABELS,
     target=whole(1, 0, 7))
good("dissection.ablation_curve", dissection.ablation_curve, net=NET, layer=LAYER, features=FEATURES, labels=LABELS,
     target=whole(1, 0, 7), order=(Units(), [3, 1, 2]), counts=(Wholes(0), (0, 2)))

# Data

good("concepts.load", concepts.load, split=(Choice(), "train"), count=whole(4), seed=SEED, least=whole(1))
few = Made(lambda: concepts.load("train", count=4, least=1))
good("Concepts[]", lambda data, which: data[which], data=(Free("it is asked"), few), which=(Wholes(0), [0, 3]))
good("Concepts.masks", lambda name, which: few().masks(name, which),
     name=(Choice(), Made(lambda: few().names[0])), which=(Wholes(0), [0]))
good("Concepts.showing", lambda name, least: few().showing(name, least=least),
     name=(Choice(), Made(lambda: few().names[0])), least=whole(1))
good("LabelledPictures[]", lambda which: scenes()[which], which=(Wholes(0), [0, 3]))
SPLIT = (Choice(none=True), "train")
good("photos.names", photos.names, group=(Choice(none=True), "nature"), split=SPLIT)
good("photos.load", photos.load, name=(Choice(), "stream"), size=(Whole(1, 4096, none=True), 32))
good("photos.about", photos.about, name=(Choice(), "stream"))
good("cutouts.names", cutouts.names, kind=(Choice(none=True), "bird"), split=SPLIT, known=(Flag(), True))
good("cutouts.load", cutouts.load, name=(Choice(), "zebra"), size=(Whole(1, 4096, none=True), 32))
good("cutouts.about", cutouts.about, name=(Choice(), "zebra"))
good("cutouts.paste", cutouts.paste, thing=(Choice(), "zebra"), background=SEVERAL,
     size=number(0.8, 0, 4, without_low=True), x=number(0.5, 0, 1), y=number(0.5, 0, 1), mirror=(Flag(), False))
good("cutouts.paste, a pair", cutouts.paste, thing=(Ours(), Made(lambda: cutouts.load("zebra", size=20))),
     background=SEVERAL)
good("scans.load", scans.load, name=(Choice(), "lung1"), window=(Choice(none=True), "soft"))
good("decathlon.load", decathlon.load, name=(Choice(), "people"), split=(Choice(), "val"),
     each=(Whole(1, 30, none=True), 2))
good("decathlon.real", decathlon.real, root=(Choice(), Made(lambda: str(tiny_benchmark()))))
good("RealDomain.load", lambda split, each: decathlon.real(tiny_benchmark())["svhn"].load(split, each=each),
     split=(Choice(), "train"), each=(Whole(none=True), 1))
good("taxonomy.ancestors", taxonomy.ancestors, name=(Choice(), "cat"))
good("taxonomy.tree_similarity", taxonomy.tree_similarity, names=(Some(), ("cat", "dog")))

# Figures and live forms

ALT = (Choice(), "What it shows.")
good("figures.grid", figures.grid, pictures=(Some(), Made(lambda: [x(), x()])),
     titles=(Some(none=True), ["a", "b"]), columns=(Whole(none=True), 2), alt=(Kind(), "Two."),
     width=(Whole(none=True), 200))
good("figures.curves", figures.curves, lines=(Ours(), {"a": [1.0, 2.0, 3.0]}), xlabel=(Kind(), "x"),
     ylabel=(Kind(), "y"), alt=(Kind(), "One."))
good("figures.curves, y", lambda y: figures.curves({"a": y}, "x", "y", alt="One."),
     y=(Numbers(thin=False), Made(lambda: draw(5))))
good("figures.bars", figures.bars, values=(Ours(), {"a": 0.3}), xlabel=(Kind(), "x"), alt=(Kind(), "One."),
     chance=(Number(none=True), 0.2))
good("figures.classes", figures.classes, names=(Kind(), tuple("abcd")),
     logits=(Numbers(fixed=(0,), thin=False), Made(lambda: draw(4))), top=whole(2, 1, 4))
good("figures.table", figures.table, values=(Numbers(fixed=(0, 1)), Made(lambda: draw(2, 2))),
     rows=(Some(), ["a", "b"]), columns=(Some(), ["c", "d"]), alt=(Kind(), "Four."))
good("figures.heatmap", figures.heatmap, values=(Numbers(fixed=(0, 1)), Made(lambda: draw(2, 2))),
     names=(Some(), ["a", "b"]), alt=(Kind(), "Four."))
good("figures.frame_bars", figures.frame_bars, shares=(Ours(), {"a": 0.3}), height=whole(60), width=whole(100))
good("live.PictureBox", live.PictureBox, names=(Some(none=True), ("coffee",)))
good("live.Click", live.Click, x=number(0.5, 0, 1), y=number(0.5, 0, 1), panels=whole(1))
good("live.explore", live.explore, fn=(Function(), lambda a: x()), a=(Kind(), (0.0, 1.0)))
good("live.controls", lambda settings, name: live.controls(settings, name),
     settings=(Kind(), saliency.MaskSettings()), name=(Choice(), "lam"))


def spoilt(title: str, name: str, arguments: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every bad call of a function by one argument: what is wrong, and all arguments with it in place."""
    for what, value in CALLS[title].kinds[name].wrong(arguments[name]):
        yield what, arguments | {name: value}
