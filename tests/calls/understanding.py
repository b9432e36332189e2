"""Good calls: pictures and measures, networks, and the methods that look inside of them."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from tests.calls.making import (
    COUNT,
    NET,
    ONE,
    SEVERAL,
    SIDE,
    UNASKED,
    USUAL,
    active,
    draw,
    features,
    found,
    good,
    kept,
    method,
    moved,
    scenes,
    squeezenet,
    x,
)
from tests.hostile.wrong import (
    Values,
    flag,
    free,
    function,
    labels,
    layer,
    layers,
    masks,
    module,
    net,
    network,
    number,
    only,
    options,
    ours,
    picture,
    pictures,
    positive,
    some,
    target,
    tensor,
    text,
    texts,
    units,
    whole,
    wholes,
    word,
)
from tools.site.lists import ATTACKS
from u3lab import adversarial, descent, dissection, equivariance, inversion, measures, nets, prior, saliency
from u3lab.checks import STEPS
from u3lab.datasets.labelled import Labelled
from u3lab.equivariance import transport
from u3lab.saliency.backprop import BackpropPass
from u3lab.saliency.pointing import Mosaic

# Pictures, colours and measures

PLANES = tensor(x(2))  # (B,C,H,W) of any range: masks and maps are blurred and shifted as well
SPACES = tensor(x(2), thin=False)  # or (B,C,D,H,W)
DRAWN = tensor(x(), thin=False)  # with or without a batch axis, grey or not
MAP = tensor(draw(8, 8) - 0.5, thin=False)
TIMES = whole(20, 1, STEPS)
THREE = labels(torch.tensor([0, 1, 2, 0, 1, 2]))
good("images.load", size=whole(32), x=word("coffee").also({
    "sparse": x().to_sparse(), "with masked values": np.ma.masked_array(np.full((8, 8), 0.5), np.eye(8))}))
good("images.blur images.shift images.total_variation", images=SPACES, image=SPACES, sigma=number(1.5, 0, 10_000),
     reach=whole(2, 0), beta=positive(2.0))
good("images.check")
good("images.resize images.zoom", images=PLANES, size=whole(24), most=number(0.2, 0), sizes=whole(4))
good("images.caption images.label", name=word("coffee"))
good("images.names", group=word("everyday"))
good("images.crops", names=some(["dog"]), size=whole(24), count=COUNT)
good("pixels.heat pixels.overlay pixels.signed_rgb pixels.jpeg", map=MAP, image=DRAWN, scale=positive(1.0),
     opacity=number(0.5, 0, 1), quality=whole(80, 1, 95))
good("measures.correlation measures.rank_correlation", a=tensor(draw(4, 5), 0, thin=False),
     b=tensor(draw(4, 5), 0, thin=False))
good("measures.auc", y=tensor(draw(5), 0), x=tensor(torch.linspace(0, 1, 5), 0).also({
    "falling": torch.linspace(1, 0, 5)}))
good("measures.agreement", scores=tensor(draw(3, 8), 0, 1), reference=tensor(draw(3, 8), 0, 1))
good("measures.balanced_accuracy", scores=tensor(draw(4, 3), 0), labels=labels(torch.tensor([0, 1, 2, 0]), of=3),
     target=whole(1, 0, 2))
good("measures.bootstrap", groups=whole(5, 1, 10**8), times=TIMES, statistic=function(
    lambda often: often.mean(1)).also({"complex": lambda often: often.mean(1) + 1j}))
good("measures.mean", values=tensor(draw(5), thin=False), groups=texts(list("aabbc")))
good("measures.probe", features=tensor(draw(6, 3), 0), labels=THREE, C=positive(1.0))
good("measures.roc_auc", scores=tensor(draw(4), 0), marks=masks(torch.tensor([True, False, True, False]), 0),
     sources=some(["a", "b", "a", "c"]), times=TIMES)
method("scores accuracy", cache(lambda: measures.probe(draw(6, 3), torch.tensor([0, 1, 2, 0, 1, 2]))), measures.Probe,
       features=tensor(draw(6, 3), 1), labels=THREE)


def descended(parameters: Tensor, steps: int, lr: Callable[[], float], energy: Callable | None = None) -> object:
    def square() -> tuple[Tensor, dict[str, Tensor]]:
        return parameters.view(1, 1, 1, -1), {"far": parameters.square().sum()}

    return descent.descend(parameters, square if energy is None else energy, steps=steps, lr=lr)


good("descent.descend", descended, parameters=only(
    lambda: torch.ones(3, requires_grad=True), {"none": [], "no gradient": torch.ones(3)}),
    energy=function(None), steps=whole(2, 0), lr=function(lambda: 0.1))
good("descent.last", steps=only((1, 2), {}), total=whole(2, 0), title=free(""))
for name in ("table", "facts", "evidence", "chart"):
    good(f"results.{name}", name=word("variants"))

# Networks

good("nets.load nets.available nets.fetch", name=word("squeezenet1_1"), device=word("cpu"))
good("nets.before_relu")
good("nets.forward_from", net=UNASKED, features=tensor(features, 1))
good("nets.narrow", net=UNASKED, classes=some(["a", "c"]))
good("nets.extract_features", layers=layers("conv1", "conv2"))
good("nets.untrained nets.describe nets.ready saliency.defined", net=UNASKED)
good("nets.wrap", module=module(lambda: net().module), classes=texts(list("abcdefgh")), size=whole(32),
     channels=whole(3), name=text("mine"), sigmoid=flag(False))
good("Classifier()", lambda images: net()(images))
method("features logits probabilities top layer class_index", net, nets.Classifier, count=whole(3, 1, 8),
       name=layer("conv2"))

# Saliency

RULE = word("gradient").also({"of one argument": lambda p: p, "of another shape": lambda p, through: p[:, :1]})
GREY_TOO = pictures(partial(x, 2), channels=False)
HEAT = tensor(draw(2, 3, 8, 8), thin=False)
good("saliency.backprop saliency.modulated_gradient saliency.grad_cam saliency.guided_grad_cam saliency.smooth_grad "
     "saliency.excitation_backprop saliency.meaningful_perturbation saliency.pooled_mask", rule=RULE,
     noise=number(0.1, 0), samples=whole(2, 1, STEPS))
good("saliency.forward_pass", layers=only(("conv1",), {}))
method("backprop", kept, BackpropPass, rule=RULE)
good("saliency.integrated_gradients", baseline=number(0.0, 0, 1), steps=COUNT)
good("saliency.lrp", rule=word("alpha_beta"), epsilon=number(1e-6, 0), alpha=number(2.0), beta=number(1.0))
good("saliency.baseline_like", generator=free(None), images=GREY_TOO, spacing=positive(2.0))
good("saliency.perturb", images=ONE, baseline=ONE, mask=tensor(draw(1, 1, 8, 8), 1).also({
    "above 1": 2 * draw(1, 1, 8, 8), "below 0": draw(1, 1, 8, 8) - 0.5}))
good("saliency.deletion_curve", heat=tensor(draw(1, 1, 8, 8), 0, 1), steps=whole(3, 1, STEPS), sigma=number(2.0, 0))
good("saliency.randomise_downwards", net=UNASKED)
good("saliency.pointing_game", games=some([Mosaic(x(), ("p", "q", "r", "s"), (0, 1, 2, 3))]), method=word("gradient"))
good("saliency.mosaics saliency.known_pictures", net=network(squeezenet), count=whole(1), size=whole(96))
good("saliency.max_abs saliency.positive saliency.edges", saliency=HEAT, relevance=HEAT,
     images=GREY_TOO)
good("saliency.occlusion", side=positive(16), step=positive(8, high=16), baseline=number(0.5))
good("saliency.tile_shares", heat=tensor(draw(2, 1, 8, 8), 1))
good("saliency.strongest_channels saliency.channel_similarity", kept=ours(kept), y=whole(1, 0, 7), x=whole(1, 0, 7),
     count=COUNT, rule=RULE, back_to=layer("conv1"), channels=whole(2, 2))
for name, one in saliency.METHODS.items():
    if not one.optimises:
        of_class = "class" in one.takes
        good(f"METHODS[{name!r}]", one, net=NET if of_class else UNASKED, target=USUAL["target"] if of_class
             else free("c"), layer=USUAL["layer"] if "layer" in one.takes else free(None))

# Adversarial examples

for name, one in ATTACKS.items():
    good(f"ATTACKS[{name!r}]", one, eps=replace(number(0.01, 0), none=True) if "eps" in one.takes else free(None),
         steps=replace(COUNT, none=True) if "steps" in one.takes else free(None))
PATCH, HALVES = picture(x(1, 8)), torch.arange(6) < 3
PLACE = {"x": number(0.5, 0, 1), "y": number(0.5, 0, 1), "scale": positive(0.5, high=2), "shape": word("round")}
good("adversarial.fgsm adversarial.pgd adversarial.deepfool adversarial.fools", eps=number(0.01, 0, 1))
good("adversarial.quantise", image=GREY_TOO)
good("adversarial.quantise_near", original=ONE, eps=number(0.01, 0, 1), norm=word("linf"))
good("adversarial.adversarial_patch adversarial.layer_saliency")
good("adversarial.apply_patch adversarial.cut_out", images=pictures(x(3)), patch=PATCH, angle=number(10.0),
     size=whole(16), **PLACE)
good("adversarial.success_rate", patch=PATCH, turn=number(45.0, 0, 180), trials=whole(2, 1, STEPS), **PLACE)
good("adversarial.fit_detector", features=tensor(draw(6, 9), 0), adversarial=masks(HALVES, 0))
good("adversarial.evade", detector=ours(lambda: adversarial.fit_detector(draw(6, 9), HALVES)), level=COUNT,
     steps=COUNT, mu=number(0.3, 0))

# Inversion

INVERTERS = {"net": network(squeezenet), "inverter": module(inversion.learned_inverter),
             "steps": module(inversion.learned_steps), "images": pictures(x(1, 128))}
MATRIX = {"matrix": tensor(draw(4, 6), 0), "y": tensor(draw(4), 0), "lam": positive(0.5), "noise": positive(0.5)}
good("inversion.code", images=SEVERAL)
good("inversion.code_error", given=tensor(features, 1), wanted=tensor(features, 1))
good("inversion.excitation", code=tensor(partial(features, 1), 0), unit=whole(3, 0, 7))
for name, kind in inversion.PRIORS.items():
    good(f"inversion.invert, {name}", inversion.invert, prior=options(kind))
several = network(net).also(lambda: {"a list": [], "odd things": [net(), None]})
good("inversion.maximise", net=several, unit=target(3), prior=options(inversion.Pixels), size=whole(32))
good("inversion.dream inversion.sample")
good("inversion.learned_inverter inversion.learned_steps", which=word("fire9"), layer=word("fire9"))
good("inversion.decode inversion.unroll", **INVERTERS)
good("inversion.tikhonov inversion.gaussian_posterior", **MATRIX, mean=tensor(draw(6), 0), covariance=tensor(
    torch.eye(6), 0, 1).also({"negative": -torch.eye(6), "not symmetric": torch.ones(6, 6).triu()}))

# Deep image prior

new = partial(prior.generator, size=SIDE, depth=2)
FLAT = nets.Classifier(nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 4), nn.ReLU()).eval(), name="flat")
VISIBLE = tensor((draw(1, 1, SIDE, SIDE) > 0.2).float(), 1)
PAIR = tensor(x(), 0, 1, 2, 3)  # of two of one shape, any shape is good
TRUTH = PAIR.also({"0 to 255": 255 * x(), "bytes": (255 * x()).byte(), "below 0": x() - 1})
AT_EVERY_STEP = tensor(x(), 0, 1, 2, 3, finite=False)  # the run itself sees to what is not finite


def unfit() -> Values:
    """What is no generator for a picture of 32×32 pixels."""
    spoilt = new()
    spoilt.colour.weight.data[0] = float("nan")
    return {"NaN in its weights": spoilt, "for other pictures": prior.generator(size=24, depth=2),
            "held fixed": new().requires_grad_(False)}


good("prior.generator", kind=word("hourglass"), size=whole(32).also({
    "gigabytes": 10**5, "no height": (0, 32), "half a pixel": (32.5, 32), "too small": (32, 7)}),
    depth=COUNT, widths=wholes((4, 8)), skip=whole(0, 0),
    code=word("noise"), channels=whole(4), upsample=word("nearest"))
good("prior.fit", generator=ours(new).also(unfit), task=function(prior.reconstruct).also({
    "for another size": prior.inpaint(torch.ones(1, 1, 24, 24)), "of every pixel": lambda x, target: x - target,
    "of the target alone": lambda x, target: target.mean()}))
good("prior.inpaint", visible=VISIBLE)
good("Generator()", lambda code=None: new()(code), code=tensor(lambda: new().code + 0.1, 1, 2, finite=False))
good("prior.super_resolve", factor=whole(2, 2))
good("prior.lanczos", x=tensor(x), factor=whole(2, 2))
good("prior.psnr", x=tensor(0.9 * x(), 0, 1, 2, 3), truth=TRUTH)
good("prior.ssim", x=PAIR, truth=TRUTH)
good("prior.unexplained_variance", x=PAIR, target=PAIR)
good("prior.reconstruct", x=AT_EVERY_STEP, target=AT_EVERY_STEP)
good("inpaint()", lambda x, target: prior.inpaint(torch.ones(1, 1, SIDE, SIDE))(x, target), x=AT_EVERY_STEP,
     target=AT_EVERY_STEP)
good("prior.targets", strength=number(0.1, 0))
good("prior.first_step_below", curve=some([1.0, 0.5]), share=number(0.5, 0))
good("prior.disagreement", pictures=some([x(), 1 - x()]))
good("prior.biharmonic prior.tv_inpaint prior.convolutional_sparse_coding", visible=VISIBLE, price=number(0.001, 0),
     steps=whole(2, 1, STEPS), lam=number(0.02, 0), smooth=number(0.05, 0))
good("prior.dictionary", examples=SEVERAL, side=whole(8, 1, SIDE), atoms=whole(4))
good("prior.sparse_coding", visible=VISIBLE, used=COUNT, stride=whole(8, 1, 8), atoms=ours(np.eye(192)).also({
    "no square": np.eye(191), "with NaN": np.full((2, 192), np.nan), "too large": np.ones((2, 3 * 64**2))}))
good("prior.trained_inpaint", image=pictures(x(1, 64)), visible=tensor(torch.ones(1, 1, 64, 64), 1))

# Equivariance

STITCHED = network(lambda: equivariance.stitch(net(), "conv2", net(1), "conv2", x(4), sites=200))
FIT = {"images": pictures(x(4)), "strength": number(0.01, 0), "sites": whole(200), "g": ours(equivariance.HFLIP),
       "inputs": COUNT, "neighbourhood": whole(1), "net_a": NET, "net_b": NET, "layer_a": USUAL["layer"],
       "layer_b": USUAL["layer"]}
good("equivariance.rotation equivariance.scaling", degrees=number(20.0), factor=positive(0.8))
good("equivariance.Transform", partial(equivariance.Transform, "mine"), matrix=only(((1.0, 0.0), (0.0, 1.0)), {
    "flat": (1.0, 0.0, 0.0, 1.0), "three rows": ((1.0, 0.0),) * 3, "of words": (("a", "b"), ("c", "d")),
    "NaN": ((float("nan"), 0.0), (0.0, 1.0)), "singular": ((1.0, 1.0), (1.0, 1.0))}))
good("Transform()", lambda x: equivariance.HFLIP(x), x=tensor(x(), thin=False))
good("Transform.inside", lambda height, width: equivariance.HFLIP.inside(height, width), height=whole(3),
     width=whole(4))
good("Transform.in_cells", lambda spacing: equivariance.rotation(9).in_cells((spacing, 2.0)), spacing=positive(1.0))
method("map", moved, equivariance.Equivariance, features=tensor(features, 1))
good("equivariance.fit_equivariance equivariance.stitch", **FIT)
good("equivariance.errors equivariance.transported_scores", found=ours(moved))
good("equivariance.mirrored", net=UNASKED)
good("equivariance.centred_size", layer=layer("conv1"))
good("equivariance.identity_stitch equivariance.shuffled_stitch equivariance.distil", stitched=STITCHED)
good("equivariance.ridge", transport.ridge, x=free(draw(6, 3)), y=free(draw(6, 2)), strength=number(0.1, 0))
good("equivariance.cka", features_a=tensor(features, 0), features_b=tensor(features, 0))

# Dissection


class Own:
    """A data set of somebody's own; ``change`` is done to what it gives."""

    def __init__(self, change: Callable[[Labelled], object], names: object = ("one", "two"), length: int = 10) -> None:
        self.change, self.names, self.length = change, names, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, which: list[int]) -> object:
        return self.change(scenes()[which])


def slipped() -> Values:
    """Data sets whose authors have slipped."""
    parts: dict[str, tuple[str, Callable[[Tensor], object]]] = {
        "grey pictures": ("images", lambda x: x[:, :1]), "pictures of bytes": ("images", lambda x: (x * 255).byte()),
        "masks too few": ("masks", lambda m: m[:-1]), "masks of another concept": ("masks", lambda m: m[:, :1]),
        "masks as numbers": ("masks", lambda m: m.float()), "masks of arrays": ("masks", lambda m: m.numpy()),
        "masks without pixels": ("masks", lambda m: m[..., :0]), "no flags": ("labelled", lambda flags: None),
        "flags of one picture": ("labelled", lambda flags: flags[0])}

    def changed(part: str, change: Callable[[Tensor], object], batch: Labelled) -> Labelled:
        return batch._replace(**{part: change(getattr(batch, part))})

    names = {"no names": None, "names of numbers": (1, 2), "no concepts": (), "three names": ("a", "b", "c")}
    return {**{what: Own(partial(changed, *how)) for what, how in parts.items()},
            **{what: Own(Labelled._replace, how) for what, how in names.items()}, "nothing": Own(lambda batch: None),
            "no pictures": Own(Labelled._replace, length=0), "no length": SimpleNamespace(names=("a",))}


DATA, FOUND, RELU, RELUS = ours(scenes), ours(found), layer("relu2"), layers("relu2")
SHARE, LEAST, CLASS = positive(0.05, high=1), number(0.04, 0, 1), whole(1, 0, 7)
MASKS = {"active": masks(active, 0), "masks": masks(lambda: scenes().masks[:, 0], 0)}
KERNEL = tensor(dissection.concept_kernel(draw(4, 6)), 0, 1)
UPPER = {"net": UNASKED, "features": tensor(features, 1), "labels": labels(torch.tensor([0, 1, 2, 0]), of=8),
         "target": CLASS}  # what lies below the layer has no say
good("dissection.dissect dissection.dissect_layers", layer=RELU, layers=RELUS, data=DATA, share=SHARE,
     batch_size=whole(4))
good("Quantiles", dissection.dissecting.Quantiles, units=whole(4))
good("Quantiles.add", lambda activations: (known := dissection.dissecting.Quantiles(8)).add(activations) or known,
     activations=tensor(features, 1))
method("upper", lambda: found().seen, dissection.dissecting.Quantiles, share=SHARE)
method("weighted detectors labels", found, dissection.Dissection, least=LEAST, often=tensor(
    draw(10).double(), 0, finite=False))
good("dissection.unique_detectors dissection.concepts_per_unit dissection.units_per_concept dissection.by_category",
     found=FOUND, least=LEAST, category=ours({"one": "object", "two": "part"}))
good("dissection.interval", found=FOUND, times=whole(5, 1, STEPS), statistic=function(
    dissection.unique_detectors).also({"that gives a word": lambda one: "x"}))
good("dissection.binarise", layer=RELU, thresholds=tensor(lambda: found().thresholds, 0))
good("dissection.net2vec dissection.best_filter", **MASKS, filters=whole(2, 1, 8))
good("dissection.filter_curve", lambda active, masks, counts, settings: dissection.filter_curve(
    (active, masks), (active, masks), counts, settings=settings), **MASKS, counts=wholes((2, 4)),
     settings=options(dissection.Net2VecSettings))
good("dissection.segment", weight=tensor(draw(8), 0), active=masks(active, 1), size=wholes((16, 16)))
good("dissection.iou_set", predicted=MASKS["masks"], masks=MASKS["masks"])
good("dissection.direction", features=tensor(draw(6, 3), 0), shown=masks(HALVES, 0), C=positive(1.0))
good("dissection.concept_kernel", vectors=tensor(draw(4, 6)))
good("dissection.kernel_similarity dissection.chance_similarity", first=KERNEL, second=KERNEL, times=whole(3, 1, STEPS))
good("dissection.peaks dissection.patches", layer=RELU, layers=RELUS, data=DATA, count=COUNT, unit=whole(3, 0, 7),
     size=whole(16), found=ours(lambda: dissection.peaks(net(), ["relu2"], scenes(), count=2)["relu2"]))
good("dissection.pooled", layers=RELUS, pictures=some([x(2)]))
good("dissection.rotation", units=whole(5, 2), share=number(0.5, 0, 1))
good("dissection.Rotated", net=UNASKED, turn=tensor(dissection.rotation(8).float(), 0).also({
    "no rotation": 3 * torch.eye(8)}))  # made here, asked later
good("dissection.Rotated, asked",
     lambda units: dissection.Rotated(net(), dissection.rotation(units).float()).features(x(), "conv2"),
     units=only(8, {"too few": 5}))
good("dissection.ablate dissection.accuracy_drop dissection.ablation_curve", **UPPER, units=units([1, 2]),
     order=units([3, 1, 2]), counts=wholes((0, 2), 0))
for name, asked in {"dissect": dissection.dissect, "peaks": lambda net, layer, data: dissection.peaks(
        net, [layer], data)}.items():
    good(f"dissection.{name}, data of one's own", asked, net=free(net), layer=free("relu2"),
         data=only(Own(Labelled._replace), slipped))
