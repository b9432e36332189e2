"""Calls of the deep image prior, inversion and dissection."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, lite, photo, squeezenet, uniform
from u3course.worlds import composing, concepts, patterns
from u3lab import dissection, inversion, nets, prior
from u3lab.datasets import taxonomy
from u3lab.datasets.labelled import LabelledPictures
from u3lab.descent import last


@cache
def scenes() -> LabelledPictures:
    """Ten made pictures with two concepts."""
    masks = torch.stack([torch.cat([patterns.shape(32, draw(2 * n + k), area=0.2)[0] > 0.5 for k in (0, 1)])
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
    curves = {name: [float(prior.unexplained_variance(step.value, target)) for step in prior.fit(
        prior.generator(size=32, depth=2), target, settings=prior.PriorSettings(steps=3))]
        for name, target in wanted.items()}
    return [wanted, curves, prior.psnr(wanted["picture + noise"], x), prior.ssim(wanted["picture + noise"], x),
            prior.disagreement(list(wanted.values())), prior.lanczos(x, 4),
            prior.first_step_below(curves["picture"], 0.9)]


@call("rivals and trained restorers")
def _rivals() -> object:
    x, visible = photo("macaw", 96), torch.ones(1, 1, 96, 96)
    visible[..., 10:20, 10:20] = 0
    atoms = prior.dictionary(photo("dog", 96), atoms=16)
    return [prior.biharmonic(x * visible, visible), prior.tv_inpaint(x * visible, visible, steps=5),
            prior.sparse_coding(x * visible, visible, atoms, stride=8), prior.trained_inpaint(x * visible, visible)]


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
    return [two, one, last(inversion.dream(squeezenet(), "fire5", photo("castle", 96), settings=dreaming)).value]


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
call("names of colours")(lambda: composing.colour_of(photo()))
call("is-a tree")(lambda: [taxonomy.ancestors("cat"), taxonomy.tree_similarity(("cat", "dog", "cup"))])
call("thresholds and overlaps")(lambda: [[one.thresholds, one.iou, one.seen.counts.sum(1)] for one in found().values()])
call("labels and counts")(lambda: [found()["fire9"].labels(), found()["fire9"].detectors(),
                                   dissection.unique_detectors(found()["fire9"]),
                                   dissection.concepts_per_unit(found()["fire9"])])
call("interval of a count")(lambda: tuple(dissection.interval(found()["fire9"], dissection.unique_detectors, times=20)))
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


@call("posteriors: of a linear map, and samples of a network's")
def _posterior() -> object:
    matrix = torch.randn(4, 6, generator=draw(), dtype=torch.float64)
    settings = inversion.SampleSettings(steps=2)
    return [inversion.gaussian_posterior(matrix, matrix[:, 0], torch.zeros(6).double(), torch.eye(6).double(), 0.5),
            list(inversion.sample(squeezenet(), "fire5", photo("dog", 64), settings=settings))]


@call("further fillers and measures")
def _fillers() -> object:
    x, visible = photo("macaw", 48), torch.ones(1, 1, 48, 48)
    visible[..., 10:20, 10:20] = 0
    return [prior.convolutional_sparse_coding(x * visible, visible, steps=2),
            prior.unexplained_variance(x * visible, x),
            prior.perceptual_distance(squeezenet(), x * visible, x, where=1 - visible)]


@call("concepts by unit and by category")
def _by_category() -> object:
    one = found()["fire9"]
    return [dissection.units_per_concept(one), dissection.by_category(one, {"one": "object", "two": "part"}),
            dissection.direction(uniform(12, 5), torch.arange(12) < 6, seed=1)]


@call("a trunk for other domains, steps unrolled")
def _trunk() -> object:
    net, x = nets.load("resnet26_half", device="cpu"), photo("dog", 64)
    steps = inversion.unroll(squeezenet(), inversion.learned_inverter("fire9"), inversion.learned_steps("fire9"),
                             photo("dog"))
    return [net(x), list(net.layers), sealed(list(steps))]
