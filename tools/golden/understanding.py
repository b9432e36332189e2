"""Calls of saliency, adversarial examples and equivariance."""

from __future__ import annotations

import torch
from torch import Tensor

from evidence import adversarial_patch, mask_riddles
from tools.golden.kept import call, draw, lite, photo, squeezenet
from u3course.lessons.adversarial import detecting as trials
from u3lab import adversarial, equivariance, nets, saliency
from u3lab.adversarial.patch import placements
from u3lab.descent import last
from u3lab.images import cropping
from u3lab.measures import correlation
from u3lab.saliency import pointing

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
    kept = saliency.forward_pass(squeezenet(), photo())
    w = kept.backprop("espresso")
    return [saliency.max_abs(w), correlation(w, photo()), saliency.coherence(w), saliency.edges(photo()),
            saliency.strongest_channels(kept, "fire5", 3, 3, 4),
            saliency.channel_similarity(kept, "fire5", 3, 3, rule="guided", channels=4)]


@call("sanity checks")
def _sanity() -> object:
    heat = saliency.grad_cam(squeezenet(), photo(), 505)
    curve = saliency.deletion_curve(squeezenet(), photo(), "espresso", heat, steps=5)
    return [curve[1], saliency.auc(*curve)]


@call("pointing game")
def _pointing() -> object:
    games = pointing.mosaics(squeezenet(), 2, size=96)
    methods = ("gradient", "Grad-CAM", "edges (no network)")
    scores = [(*pointing.pointing_game(squeezenet(), games, name), torch.tensor(
        sum(pointing.target_shares(squeezenet(), games, name).values(), []))) for name in methods]
    return [[game.names for game in games], scores]


call("riddle of a mask")(lambda: mask_riddles.iconic(photo(), torch.rand(1, 1, 8, 8, generator=draw())))

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
            placements(3, 0.2, 0.4, 45.0, draw()), adversarial_patch.shuffled(patch)]


@call("saliency at every layer, and its detector")
def _detector() -> object:
    net = squeezenet()
    h = adversarial.layer_saliency(net, torch.cat([photo("dog"), photo()]))
    marks = torch.tensor([True, False, True, False])
    detector = adversarial.fit_detector(torch.cat([h, h * 1.1]), marks)
    return [h, detector.weight, detector.bias, adversarial.evade(net, photo("dog"), 235, detector, steps=2)]


@call("trial of the detector")
def _trial() -> object:
    samples = trials.samples(squeezenet(), names=["dog", "coffee", "hens"], steps=2, size=96)
    tried = trials.trial(squeezenet(), samples, folds=3)
    return [samples[3].image, tried.scores, tried.auc]


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
    answers = equivariance.transported_scores(dense, x)
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


call("guided Grad-CAM, and what is positive")(lambda: [saliency.guided_grad_cam(squeezenet(), photo("dog"), 235),
                                                      saliency.positive(photo() - 0.5)])
