"""Outputs of some sixty public calls, to hold two versions of the library against each other bit by bit.

    python tools/golden.py --save before.pt          # on the version that is known to be right
    python tools/golden.py --against before.pt       # on the changed one: prints what differs, exit code 1 if anything

A change of names and rooms may change no number. The calls below carry today's names; each has a title that stays.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

import u3lab  # noqa: F401 — before torch
from u3lab import adversarial, dissection, equivariance, figures, images, inversion, nets, pixels, prior, saliency
from u3lab.adversarial import placing, transfer
from u3lab.datasets import blobs, colours, concepts, patterns, taxonomy
from u3lab.datasets.labelled import LabelledPictures
from u3lab.descent import last
from u3lab.experiments import detection
from u3lab.images import cropping
from u3lab.lessons.adversarial import photos
from u3lab.lessons.saliency import riddles
from u3lab.measures import correlation
from u3lab.saliency import pointing

CALLS: dict[str, Callable[[], object]] = {}


def call(title: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Note a call under a title that outlives its name."""
    def note(function: Callable[[], object]) -> Callable[[], object]:
        CALLS[title] = function
        return function
    return note


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@cache
def squeezenet() -> nets.Classifier:
    return nets.load("squeezenet1_1", device="cpu")


@cache
def lite() -> nets.Classifier:
    return nets.load("efficientnet_lite0", device="cpu")


@cache
def photo(name: str = "coffee", size: int = 128) -> Tensor:
    return images.load(name, size=size)


@cache
def scenes() -> LabelledPictures:
    """Ten made pictures with two concepts."""
    masks = torch.stack([torch.cat([blobs.shape(32, draw(2 * n + k), area=0.2)[0] > 0.5 for k in (0, 1)])
                         for n in range(10)])
    pictures = torch.cat([patterns.paint(name, 64, draw(n)) for n, name in enumerate(patterns.PATTERNS)])
    return LabelledPictures(("one", "two"), pictures, masks)


@cache
def found() -> dict[str, dissection.Dissection]:
    return dissection.dissect_layers(squeezenet(), ("fire3", "fire9"), scenes())


@cache
def active() -> Tensor:
    one = found()["fire3"]
    return dissection.binarise(squeezenet(), "fire3", scenes().images, one.thresholds)


# Pictures, drawing and small tools

call("load, resize, blur")(lambda: [photo(), images.resize(photo(), 77), images.blur(photo(), 2.5)])
call("names, caption, label")(lambda: [images.names("everyday"), images.caption("dog"), images.label("dog")])
call("crops")(lambda: cropping.crops(["dog", "hens"], 48, count=2))
call("batches of crops")(lambda: next(cropping.batches(["dog", "hens"], 48, 3)))
call("total variation")(lambda: [images.total_variation(photo(), beta) for beta in (1.0, 2.0, 3.0)])
call("shift and zoom")(lambda: [images.shift(photo(), 5, draw()), images.zoom(photo(), 0.2, draw())])
call("heat map colours")(lambda: [pixels.heat(photo()[0, 0]), pixels.heat(photo()[0, 0] - 0.5, signed=True)])
call("overlay and relief")(lambda: [pixels.overlay(photo(), photo()[0, 0]), pixels.signed_rgb(photo() - 0.5)])
call("png and jpeg")(lambda: [pixels.png(photo()), pixels.jpeg(photo(), quality=80)])
call("a grid of pictures")(lambda: figures.grid([photo(), photo("dog")], titles=["a", "b"], alt="Two.").data)
call("curves")(lambda: figures.curves({"a": [1, 2, 3], "b": [3, 2, 5]}, "x", "y", alt="Two.").data)
call("bars")(lambda: figures.bars({"a": 0.3, "b": (0.5, 0.4, 0.7)}, "x", alt="Two.", chance=0.2).data)
call("classes")(lambda: figures.classes(squeezenet().classes, squeezenet()(photo())).data)
call("table")(lambda: figures.table([[1.0, 0.2], [0.2, 1.0]], ["a", "b"], ["a", "b"], alt="Two.").data)
call("matrix of named things")(lambda: figures.heatmap(
    torch.eye(3) + 0.1, ["a", "b", "c"], groups=["x", "x", "y"], alt="3.").data)
call("bars in a frame")(lambda: figures.frame_bars({"hen": 0.7, "cock": 0.3}, 120))

# Networks

call("scores of both networks")(lambda: [squeezenet()(photo()), lite()(photo())])
call("features")(lambda: [squeezenet().features(photo(), layer) for layer in ("conv1", "fire5", "fire9")])
call("several layers at once")(lambda: nets.several(lite(), ("stage3", "stage7"), photo()))
call("an untrained copy")(lambda: nets.untrained(squeezenet())(photo()))

# Saliency


def maps(net: nets.Classifier, layer: str) -> list[Tensor]:
    x = photo("dog")
    return [saliency.backprop(net, x, 235, rule=rule) for rule in saliency.RULES] + [
        saliency.backprop(net, x, (layer, 3, 2, 2)), saliency.modulated_gradient(net, x, 235, layer=layer),
        saliency.grad_cam(net, x, 235), saliency.smooth_grad(net, x, 235, samples=3),
        saliency.integrated_gradients(net, x, 235, steps=3), saliency.lrp(net, x, 235, rule="epsilon"),
        saliency.lrp(net, x, 235, rule="alpha_beta"), saliency.lrp(net, x, 235, rule="z_plus"),
        saliency.excitation_backprop(net, x, 235, layer=layer),
        saliency.excitation_backprop(net, x, 235, layer=layer, contrastive=True)]


call("maps of SqueezeNet")(lambda: maps(squeezenet(), "fire5"))
call("maps of EfficientNet-Lite0")(lambda: maps(lite(), "stage4"))


@call("mask of the smallest perturbation")
def _mask() -> object:
    settings = saliency.MaskSettings(steps=12)
    step = last(saliency.meaningful_perturbation(squeezenet(), photo(), "espresso", settings=settings))
    return [step.value, step.loss, step.terms]


@call("mask with noise")
def _noisy_mask() -> object:
    settings = saliency.MaskSettings(steps=6, noise=0.1, baseline="noise")
    step = last(saliency.meaningful_perturbation(squeezenet(), photo(), "espresso", settings=settings))
    return [step.value, step.loss, step.terms]


@call("what stands for nothing")
def _nothing() -> object:
    kinds = [saliency.baseline_like(photo(), generator=draw(), settings=saliency.MaskSettings(baseline=kind))
             for kind in ("blur", "grey", "noise")]
    return [*kinds, saliency.perturb(photo(), torch.rand(1, 1, 8, 8, generator=draw()), kinds[0])]


@call("metrics of maps")
def _metrics() -> object:
    trace = saliency.trace(squeezenet(), photo())
    w = trace.backprop("espresso")
    return [saliency.max_abs(w), correlation(w, photo()), saliency.coherence(w), saliency.edges(photo()),
            saliency.edge_agreement(w, photo()), saliency.strongest_channels(trace, "fire5", 3, 3, 4),
            saliency.channel_similarity(trace, "fire5", 3, 3, rule="guided", channels=4)]


@call("sanity checks")
def _sanity() -> object:
    heat = saliency.grad_cam(squeezenet(), photo(), 505)
    curve = saliency.deletion_curve(squeezenet(), photo(), "espresso", heat, steps=5)
    return [[name for name, _ in saliency.randomisation_check(squeezenet(), photo(), 505, "Grad-CAM")], curve[1],
            saliency.auc(*curve)]


@call("pointing game")
def _pointing() -> object:
    games = pointing.mosaics(squeezenet(), 2, size=96)
    methods = ("gradient", "Grad-CAM", "edges (no network)")
    scores = [(*pointing.pointing_game(squeezenet(), games, name), torch.tensor(
        sum(pointing.target_shares(squeezenet(), games, name).values(), []))) for name in methods]
    return [[game.names for game in games], scores]


call("riddle of a mask")(lambda: riddles.iconic(photo(), torch.rand(1, 1, 8, 8, generator=draw())))

# Adversarial examples


@call("attacks")
def _attacks() -> object:
    net, x = squeezenet(), adversarial.quantise(photo("dog"))
    linf, l2 = (last(adversarial.pgd(net, x, 235, settings=adversarial.AttackSettings(
        steps=4, norm=norm, random=norm == "l2"))).value
                for norm in ("linf", "l2"))
    return [adversarial.fgsm(net, x, 235, 0.01), adversarial.fgsm(net, x, 235, 0.01, target="toaster"), linf, l2,
            adversarial.quantise_near(linf, x, 0.016), adversarial.quantise_near(l2, x, 0.016, norm="l2"),
            adversarial.fools(net, linf, 235)]


@call("smallest change that fools")
def _deepfool() -> object:
    return last(adversarial.deepfool(squeezenet(), photo("dog"), 235,
                                     settings=adversarial.DeepFoolSettings(steps=3))).value


@call("a patch")
def _patch() -> object:
    settings = adversarial.PatchSettings(steps=3, side=32)
    both = torch.cat([photo("dog"), photo()])
    patch = last(adversarial.adversarial_patch(squeezenet(), both, "bubble", settings=settings)).value
    return [patch, adversarial.apply_patch(photo(), patch, 0.3, 0.4, 0.3, angle=20.0),
            adversarial.cut_out(patch, size=64),
            adversarial.success_rate(squeezenet(), photo("dog"), "bubble", patch, trials=2),
            placing.placements(3, 0.2, 0.4, 45.0, draw()), photos.shuffled(patch)]


@call("saliency at every layer, and its detector")
def _detector() -> object:
    net = squeezenet()
    h = adversarial.layer_saliency(net, torch.cat([photo("dog"), photo()]))
    marks = torch.tensor([True, False, True, False])
    detector = adversarial.fit_detector(torch.cat([h, h * 1.1]), marks)
    return [h, detector.weight, detector.bias, adversarial.evade(net, photo("dog"), 235, detector, steps=2)]


@call("trial of the detector")
def _trial() -> object:
    samples = detection.samples(squeezenet(), names=["dog", "coffee", "hens"], steps=2, size=96)
    tried = detection.trial(squeezenet(), samples, folds=3)
    return [samples[3].image, tried.scores, tried.auc]


call("table of fooled pictures")(lambda: [list(row) for row in transfer.fooling_table(
    [squeezenet()], levels=(2,), count=2, steps=2)])

# Equivariance and equivalence


@call("transforms")
def _transforms() -> object:
    x = photo()
    turns = (equivariance.HFLIP, equivariance.VFLIP, equivariance.rotation(20), equivariance.scaling(0.8))
    return [g(x) for g in turns]


@call("a map between features")
def _equivariance() -> object:
    x = cropping.crops(["dog", "hens"], 95, count=1)
    dense = equivariance.fit_equivariance(squeezenet(), "fire3", x, equivariance.HFLIP, sites=300)
    few = equivariance.fit_equivariance(squeezenet(), "conv1", x, equivariance.HFLIP, inputs=2, sites=200)
    answers = equivariance.answers(dense, x)
    return [dense.weight, dense.bias, few.weight, equivariance.errors(dense, x).overall(), answers,
            nets.agreement(answers["mapped"], answers["recomputed"])]


@call("two networks stitched")
def _stitch() -> object:
    x = cropping.crops(["dog", "hens"], 112, count=2)
    stitched = equivariance.stitch(squeezenet(), "fire9", lite(), "stage5", x, sites=300)
    settings = equivariance.StitchSettings(steps=2, batch_size=2)
    return [stitched(x), equivariance.identity_stitch(stitched)(x), equivariance.shuffled_stitch(stitched)(x),
            last(equivariance.distil(stitched, x, settings=settings)).value]


@call("features before the ReLU, and on from there")
def _cut() -> object:
    before, rectify = nets.before_relu(squeezenet(), "fire5", photo())
    return [before, nets.forward_from(squeezenet(), "fire5", rectify(before)),
            equivariance.mirrored(squeezenet())(photo()), equivariance.centred_size(squeezenet(), "conv1")]


call("CKA")(lambda: equivariance.cka(squeezenet().features(photo(), "fire5"), lite().features(photo(), "stage4")))

# Deep image prior

call("generators")(lambda: [prior.generator(kind, size=64, depth=2)().detach() for kind in ("hourglass", "unet",
                                                                                            "resnet")])


@call("fitting a generator")
def _fit() -> object:
    x, visible = photo("macaw", 48), torch.ones(1, 1, 48, 48)
    visible[..., 10:20, 10:20] = 0
    runs = {"plain": (x, 48, prior.reconstruct), "hole": (x * visible, 48, prior.inpaint(visible)),
            "small": (photo("macaw", 24), 48, prior.super_resolve(2))}
    return [last(prior.fit(prior.generator(size=size, depth=2), target, task=task,
                           settings=prior.PriorSettings(steps=4,
                                                        average=0.5))).value for target, size, task in runs.values()]


@call("a run that diverges")
def _wild() -> object:
    settings = prior.PriorSettings(steps=60, lr=0.1, noise=0)
    run = prior.fit(prior.generator(size=32, depth=2), photo("coffee", 32), settings=settings)
    return [(step.loss, step.rollbacks) for step in run]


@call("impedance and quality")
def _impedance() -> object:
    x = photo("macaw", 32)
    wanted = prior.targets(x)
    curves = prior.impedance(wanted, lambda: prior.generator(size=32, depth=2), settings=prior.PriorSettings(steps=3))
    return [wanted, curves, prior.psnr(wanted["picture + noise"], x), prior.ssim(wanted["picture + noise"], x),
            prior.disagreement(list(wanted.values())), prior.lanczos(x, 4), prior.reached(curves["picture"], 0.9)]


@call("rivals and trained restorers")
def _rivals() -> object:
    x, visible = photo("macaw", 96), torch.ones(1, 1, 96, 96)
    visible[..., 10:20, 10:20] = 0
    atoms = prior.dictionary(photo("dog", 96), atoms=16)
    return [prior.biharmonic(x * visible, visible), prior.tv_inpaint(x * visible, visible, steps=5),
            prior.sparse_coding(x * visible, visible, atoms, stride=8), prior.trained_inpaint(x * visible, visible),
            prior.trained_denoise(x)]


# Inversion


@call("inversion under four priors")
def _invert() -> object:
    priors = (inversion.Pixels(), inversion.TV(lam=3.0), inversion.DeepImagePrior(noise=0.02, lam=0.1, colour=0.5),
              inversion.TrainedGenerator())
    settings = inversion.InversionSettings(steps=4, jitter=3)
    return [last(inversion.invert(squeezenet(), "fire5", photo("chelsea", 64), prior=one,
                                  settings=settings)).value for one in priors]


@call("iconic examples")
def _iconic() -> object:
    settings = inversion.MaximiseSettings(steps=3)
    two = last(inversion.maximise([squeezenet(), lite()], "logits", "zebra", size=64, settings=settings)).value
    one = last(inversion.maximise(squeezenet(), "fire5", 7, prior=inversion.Pixels(), size=64, settings=settings)).value
    dreaming = inversion.DreamSettings(steps=2, octaves=2)
    return [two, one, inversion.top_patches(squeezenet(), "fire5", [photo(), photo("dog")], 7, count=2, size=48),
            last(inversion.dream(squeezenet(), "fire5", photo("castle", 96), settings=dreaming)).value]


@call("codes, learned inverters, Tikhonov")
def _codes() -> object:
    net, x = squeezenet(), photo("dog")
    a, b = inversion.code(net, "fire9", x), inversion.code(net, "logits", photo())
    decoded = [inversion.decode(net, inversion.learned_inverter(which), x)
               for which in ("fire5", "fire9", "fire9-perceptual")]
    steps = inversion.unroll(net, inversion.learned_inverter("fire5-perceptual"), inversion.learned_steps("fire5"), x)
    matrix = torch.randn(4, 6, generator=draw(), dtype=torch.float64)
    return [a, b, inversion.code_error(a, a + 1), decoded, list(steps), inversion.tikhonov(matrix, matrix[:, 0], 0.5),
            inversion.excitation(a, 3)]


# Dissection



@call("a pocket Broden")
def _broden() -> object:
    data = concepts.load("validation", count=4, least=1)
    return [data[[0, 3]], data.pixels]



call("patterns and shapes")(lambda: [scenes().images, scenes().masks])
call("names of colours")(lambda: colours.colour_of(photo()))
call("is-a tree")(lambda: [taxonomy.ancestors("cat"), taxonomy.tree_similarity(("cat", "dog", "cup"))])
call("thresholds and overlaps")(lambda: [[one.thresholds, one.iou, one.seen.counts.sum(1)] for one in found().values()])
call("labels and counts")(lambda: [found()["fire9"].labels(), found()["fire9"].detectors(),
                                   dissection.unique(found()["fire9"]), dissection.concepts_per_unit(found()["fire9"])])
call("interval of a count")(lambda: tuple(dissection.interval(found()["fire9"], dissection.unique, times=20)))
call("turned axes")(lambda: [dissection.rotation(12, share=0.5), dissection.Rotated(
    squeezenet(), dissection.rotation(128)).features(photo(), "fire3")])


@call("concept vectors")
def _vectors() -> object:
    masks = scenes().masks[:, 0]
    settings = dissection.Net2VecSettings(steps=5)
    w = dissection.net2vec(active(), masks, settings=settings)
    return [w, dissection.net2vec(active(), masks, filters=5, settings=settings),
            dissection.segment(w, active(), (32, 32)),
            dissection.best_filter(active(), masks),
            list(dissection.filter_curve((active(), masks), (active(), masks), (2, 8), settings=settings)),
            dissection.iou_set(active()[:, 0, :16, :16], active()[:, 1, :16, :16])]


@call("concept kernels")
def _kernels() -> object:
    vectors = torch.randn(6, 9, generator=draw())
    a, b = dissection.concept_kernel(vectors), dissection.concept_kernel(vectors[:, :4])
    return [a, dissection.kernel_similarity(a, b), dissection.chance_similarity(a, b, times=5)]


@call("peaks and pooled features")
def _peaks() -> object:
    top = dissection.peaks(squeezenet(), ("fire3",), scenes(), count=3)["fire3"]
    return [top, dissection.patches(squeezenet(), "fire3", scenes(), 5, top, size=48),
            dissection.pooled(squeezenet(), ("fire3",), [scenes().images])]


@call("ablation")
def _ablation() -> object:
    net = nets.narrow(squeezenet(), ["espresso", "German shepherd"])
    features = net.features(torch.cat([photo(), photo("dog")]), "fire9")
    labels = torch.tensor([0, 1])
    return [dissection.ablate(net, "fire9", features, [1, 2]),
            dissection.accuracy_drop(net, "fire9", features, labels, 0)[:4],
            list(dissection.ablation_curve(net, "fire9", features, labels, 0, range(512), (0, 300)))]


def parts(value: object, at: str = "") -> Iterable[tuple[str, object]]:
    """Every tensor, number and word in nested lists, tuples and dicts, with its place."""
    if isinstance(value, dict):
        value = [item for pair in value.items() for item in pair]
    if isinstance(value, (list, tuple)):
        for n, item in enumerate(value):
            yield from parts(item, f"{at}.{n}")
    else:
        yield at, value.detach().contiguous() if isinstance(value, Tensor) else value


def same(a: object, b: object) -> bool:
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and a.shape == b.shape and bool(
            torch.isclose(a, b, rtol=0, atol=0, equal_nan=True).all())
    return type(a) is type(b) and a == b


def told(a: object, b: object) -> str:
    if isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape and a.is_floating_point():
        return f"differs by at most {float((a.double() - b.double()).abs().max()):.2e} of {float(a.abs().max()):.2e}"
    return f"was {str(a)[:60]!r}, is {str(b)[:60]!r}"


def main() -> int:
    """Make the outputs; keep them, or compare them with those that were kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--only", default="", help="titles that contain this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    before = torch.load(options.against, weights_only=True) if options.against else {}
    made, wrong = {}, 0
    for title, function in CALLS.items():
        if options.only not in title:
            continue
        made[title] = dict(parts(function()))
        if options.against:
            old = before.get(title, {})
            differing = [f"{title} at {place}: {told(old.get(place), made[title].get(place))}"
                         for place in sorted(old.keys() | made[title].keys())
                         if not same(old.get(place), made[title].get(place))]
            print(*differing or [f"the same: {title}"], sep="\n", flush=True)
            wrong += bool(differing)
    if options.save:
        torch.save(made, options.save)
    print(f"{len(made)} calls, {sum(map(len, made.values()))} outputs" + (f", {wrong} calls differ" if before else ""))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
