"""A good call of every public function, each argument with its kind and range.

Hostile tests spoil one argument at a time, by its kind; other precisions and other devices are asked with the same
calls. What a name means everywhere (``net``, ``images``, ``target``, ``seed`` …) stands in ``USUAL`` alone; a yes or
no, settings, and whether None will do are known by their annotation.
"""

import inspect
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from tests.hostile.wrong import (
    Argument,
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
    points,
    positive,
    returns,
    shares,
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
from u3course.worlds import clips, concepts, faces
from u3lab import (
    adversarial,
    audit,
    descent,
    dissection,
    equivariance,
    figures,
    inversion,
    landmarks,
    live,
    measures,
    nets,
    prior,
    saliency,
    selfsup,
    universal,
    warps,
)
from u3lab.checks import STEPS
from u3lab.datasets import cutouts
from u3lab.datasets.labelled import Labelled, LabelledPictures
from u3lab.equivariance import transport
from u3lab.saliency.backprop import BackpropPass
from u3lab.saliency.pointing import Mosaic
from u3lab.selfsup import colour
from u3lab.training.tasks import Joined, cross_entropy, share_right

SIDE = 32  # pixels


@dataclass(frozen=True)
class Call:
    """A function, and its arguments by name."""

    function: Callable[..., object]
    kinds: dict[str, Argument]

    def arguments(self) -> dict[str, object]:
        """Good ones."""
        return {name: kind.make() for name, kind in self.kinds.items()}


CALLS: dict[str, Call] = {}
INNER = {"datasets": ("cutouts", "handwritten", "labelled", "photos", "scans", "taxonomy", "clips"), "selfsup": (
    "colour", "cross_pixel", "erasing", "matching", "scrambling", "views"), "worlds": (
    "concepts", "decathlon", "faces", "lights", "mosaics", "rendered", "turntable")}


def named(title: str) -> Callable[..., object]:
    """The function of a room, or of a file within a room, that a title begins with."""
    file, name = title.partition(",")[0].split(".")
    house = "u3course" if file in INNER["worlds"] else "u3lab"
    return getattr(import_module(".".join([house, *(room for room in INNER if file in INNER[room]), file])), name)


def good(titles: str, asked: Callable[..., object] | None = None, /, **given: Argument) -> None:
    """Note a good call of ``asked``, or of what each title names; of several, each takes the arguments that it has."""
    for title in titles.split() if asked is None else [titles]:
        note(title, asked or named(title), given)


def method(titles: str, owner: Callable[[], object], kind: type, /, **given: Argument) -> None:
    """Good calls of methods of what ``owner`` makes."""
    def asked(of: str) -> Callable[..., object]:
        return lambda **arguments: getattr(owner(), of)(**arguments)

    for title in titles.split():
        note(f"{kind.__name__}.{title}", asked(title), given, getattr(kind, title))


def note(title: str, asked: Callable[..., object], given: dict[str, Argument], form: Callable | None = None) -> None:
    """Enter a call; ``form`` has its signature."""
    form, kinds = form or asked, {}
    for name, known in inspect.signature(form).parameters.items():
        type_ = known.annotation
        if known.kind is known.VAR_POSITIONAL:
            continue
        if known.kind is known.VAR_KEYWORD:
            kinds |= given
        elif kind := given.get(name) or USUAL.get(name):
            kinds[name] = replace(kind, none=kind.none or "None" in str(type_) or known.default is None)
        elif name == "settings":
            kinds[name] = options((get_args(type_) or [type_])[0])
        elif type_ in (bool, "bool") and name not in UNCHECKED:
            kinds[name] = flag(known.default)
    assert title not in CALLS, f"two calls are titled {title!r}"
    CALLS[title] = Call(asked, kinds)


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [0,1)."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@cache
def x(count: int = 1, side: int = SIDE) -> Tensor:
    """Pictures."""
    return draw(count, 3, side, side)


def features(count: int = 4) -> Tensor:
    """What the small network makes of pictures at "conv2"."""
    return net().features(x(count), "conv2")


# Made once, when the first call asks for them.
squeezenet = cache(lambda: nets.load("squeezenet1_1", device="cpu"))
scenes = cache(lambda: LabelledPictures(("one", "two"), x(10), draw(10, 2, 16, 16) > 0.5))
found = cache(lambda: dissection.dissect(net(), "relu2", scenes(), share=0.05))
active = cache(lambda: dissection.binarise(net(), "relu2", x(10), found().thresholds))
kept = cache(lambda: saliency.forward_pass(net(), x()))
moved = cache(lambda: equivariance.fit_equivariance(net(), "conv2", x(4), equivariance.HFLIP, sites=200))
adapted = cache(lambda: universal.adapt(net()).add_domain("new", ["p", "q"]))
bottleneck = cache(lambda: landmarks.KeypointAutoencoder(3, width=2))

NET, UNASKED = network(net), network(net, asked=False)
ONE, SEVERAL = picture(x), pictures(partial(x, 2))
COUNT = whole(2)
USUAL = {"net": NET, "image": ONE, "images": SEVERAL, "layer": layer("conv2"), "target": target("c"),
         "label": target(3), "seed": whole(0, 0), "generator": ours(lambda: torch.Generator().manual_seed(0))}
UNCHECKED = {  # a yes or no that is taken as Python takes it
    "signed", "basic", "own", "contrastive", "insertion", "graph", "diagonal", "by_column", "one", "bounded"}

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
good("saliency.max_abs saliency.coherence saliency.positive saliency.edges", saliency=HEAT, relevance=HEAT,
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
good("Errors.invariant", lambda threshold: equivariance.errors(moved(), x(2)).invariant(threshold),
     threshold=number(0.5, 0))
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

# Universal representations

PARTS, DOMAIN, NEW = torch.zeros(2, 8, 8, dtype=torch.long), word("new"), network(adapted)
LEARNET = ours(lambda: universal.learnet(adapted(), "new", inputs=3))


def jobs() -> universal.Tasks:
    return universal.Tasks(net(), ["conv1"], {"parts": universal.Task("segments", 2)})


def fresh() -> universal.Adapted:
    return universal.adapt(net()).add_domain("new", 2)


@cache
def saved() -> str:
    return str(adapted().save_domain(Path(tempfile.mkdtemp()) / "new.safetensors", "new"))


good("universal.adapt", net=UNASKED, method=word("parallel"), share=positive(0.5, high=1), on=some(["dense"]),
     rank=COUNT)
method("add_domain", lambda: universal.adapt(net()), universal.Adapted, name=text("new"),
       classes=whole(3, 2, 100_000).also({"one": ["p"]}))
method("use remove_domain", fresh, universal.Adapted, names=some(["new"]), name=DOMAIN)
method("domain domain_parameters merge pooled", adapted, universal.Adapted, name=DOMAIN)
method("load_domain", lambda: universal.adapt(net()), universal.Adapted, path=word(saved))
method("save_domain", adapted, universal.Adapted, path=free(saved), name=DOMAIN)
for name in universal.METHODS:
    good(f"universal.adapt, {name}", lambda images, name=name: universal.adapt(net(), name).add_domain("new", 2).use(
        "new")(images), images=SEVERAL)
good("universal.train_domain", net=NEW, name=DOMAIN, labels=labels(torch.tensor([0, 1]), of=2))
good("universal.describe", net=NEW, layer=layer("conv1"))
good("universal.learnet", net=network(adapted, asked=False), name=DOMAIN, layer=layer("conv1"), inputs=whole(3),
     rank=COUNT)
good("Learnet()", lambda z: LEARNET.make()(z), z=tensor(draw(3), 0))
good("universal.put_adapters", net=network(fresh, asked=False), name=DOMAIN,
     predicted=ours(lambda: LEARNET.make()(draw(3))))
good("universal.train_learnet", net=NEW, learnet=ours(lambda: universal.learnet(adapted(), "new")), head=DOMAIN,
     data=ours({"new": (x(2), torch.tensor([0, 1]))}))
good("universal.train_tasks", tasks=ours(jobs), labels=ours({"parts": PARTS}), weights=only((), {}), present=only(
    {"parts": torch.tensor([True, True])}, {"shares": {"parts": torch.ones(2)}}))
good("train_tasks, labels", lambda y: list(universal.train_tasks(jobs(), x(2), {"parts": y}, settings=(
    universal.TasksSettings(steps=1)))), y=labels(PARTS))
good("universal.Tasks", net=UNASKED, layers=layers("conv1"), tasks=ours({"parts": universal.Task("segments", 2)}))
good("universal.Task",
     lambda kind, outputs, price: universal.Tasks(net(), ["conv1"], {"a": universal.Task(kind, outputs, price)}),
     kind=word("segments"), outputs=COUNT, price=number(1.0, 0))
good("universal.decathlon_score", errors=ours({"a": 0.1, "b": 0.0}), baseline=ours({"a": 0.2, "b": 0.1}))
good("decathlon_score, a share", lambda error: universal.decathlon_score({"a": error}, {"a": 0.1}),
     error=number(0.1, 0, 1))

# Self-supervision: ambiguity and correspondences

OVER = only("sign", {"another word": "turn", "no ways": [], "of another shape": [lambda y: y[:, :1]],
                     "of two arguments": [lambda y, eta: y]})
good("selfsup.aligned selfsup.marginal_loss selfsup.projected_loss", prediction=tensor(draw(3, 5), 0, 1),
     y=tensor(draw(3, 5, seed=1), 0, 1), over=OVER, project=function(torch.abs))
good("selfsup.draw_pairs selfsup.pmi", joint=tensor(torch.full((2, 3), 1 / 6)), count=whole(4))

# Pretext tasks and their training

PHI = {"net": network(lambda: selfsup.encoder(2)), "task": word("upright")}
pretrained = partial(selfsup.pretrain, settings=selfsup.PretextSettings(steps=1, batch_size=4))
ANSWERS = selfsup.Task(lambda raw, _: selfsup.Posed(raw[0][:, None], raw[1][:, 0]),
                       lambda channels: Joined(channels, 1, 3), raw="labelled")
good("selfsup.encoder", width=whole(2, 1, 256))
good("selfsup.head_of", **PHI)
good("selfsup.pretrain", **PHI, raw=SEVERAL)
good("selfsup.solve", **PHI, raw=SEVERAL, head=module(lambda: selfsup.head_of(selfsup.encoder(2), "upright")))
good("selfsup.pooled", net=PHI["net"], layer=layers("conv1", "conv5"))
good("selfsup.pretrain, a function", lambda raw: pretrained(selfsup.encoder(2), raw, "upright"),
     raw=returns(lambda count, generator: x(count)).also({"not square": draw(4, 3, 32, 24)}))
good("selfsup.pretrain, of two", lambda raw: pretrained(selfsup.encoder(2), raw, "correspondence"),
     raw=returns(lambda count, generator: (x(count), draw(count, 400))))
good("selfsup.pretrain, answers", lambda labels: pretrained(selfsup.encoder(2), (x(4), labels), ANSWERS),
     labels=labels(torch.tensor([[0], [1], [2], [0]]), of=3))
good("selfsup.Task", lambda pose, head, loss, score, raw: pretrained(
         selfsup.encoder(2), x(4), selfsup.Task(pose, head, loss, score, raw)),
     pose=function(lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(4).long())).also({
         "that gives nothing": lambda raw, draw: None,
         "that gives no answers": lambda raw, draw: selfsup.Posed(raw[:, None], None),
         "that gives too few": lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(3).long()),
         "that gives pictures alone": lambda raw, draw: selfsup.Posed(raw, torch.zeros(4).long())}),
     head=function(lambda channels: Joined(channels, 1, 3)).also({"that gives nothing": lambda channels: None}),
     loss=function(cross_entropy), score=function(share_right), raw=word("pictures"))
RAW = {"pictures": draw(4, 3, 64, 64), "clips": draw(4, 6, 3, 64, 64), "films": (draw(4, 3, 64, 64), draw(4, 4096)),
       "flows": (draw(4, 3, 64, 64), 3 * draw(4, 2, 64, 64))}
for name, task in selfsup.TASKS.items():
    good(f"selfsup.pretrain, {name}", lambda raw, name=name: pretrained(selfsup.encoder(2), raw, name),
         raw=only(RAW[task.raw], {}))
for part in range(2):
    good(f"selfsup.best_probe, {part}", lambda features, labels, part=part: selfsup.best_probe(*(
        (features, labels) if k == part else (draw(6, 4), THREE.make()) for k in range(2))),
        features=tensor(draw(6, 4), 0, 1), labels=THREE)

# Perturbed pictures

PATCHES = tensor(x(2, 24), 0, 1, 2, 3)
COLOUR = tensor(x(2), 1)
DROPPED, TAU = {"drop_colour": number(0.5, 0, 1)}, positive(0.2)
BINS = {"step": number(20.0, 4, 100), "gamma": number(0.5, 0, 1)}
good("colour.rgb_to_lab colour.lab_to_rgb colour.colours", images=COLOUR, lab=tensor(50 * x(2), 1))
good("colour.bins colour.prior colour.rebalancing selfsup.decolorise", **BINS, prior=tensor(torch.ones(5) / 5))
good("colour.soft_encode", ab=tensor(60 * draw(5, 2) - 30, 1), centres=tensor(colour.bins(20.0), 1),
     sigma=positive(5.0))
good("colour.explained erasing.reconstruction", output=PATCHES, target=PATCHES, patch=PATCHES, true=PATCHES)
good("erasing.hole", images=PLANES)
good("selfsup.erase", adversary=number(0.01, 0, 100))
good("scrambling.permutations", count=whole(6, 2, 24), tiles=whole(4, 2, 9))
good("selfsup.aberrated", images=COLOUR, strength=number(0.02, 0, 0.5))
good("selfsup.jigsaw", count=whole(6, 2, 2000), tile=whole(16, 8, 512), gap=whole(5, 0, 512), **DROPPED)
good("selfsup.relative_position", tile=whole(24, 8, 512), gap=whole(8, 0, 512), jitter=whole(4, 0, 8), **DROPPED)
good("selfsup.nt_xent selfsup.contrastive", z=tensor(draw(3, 2, 5), 1), tau=TAU)
good("views.crop", images=PLANES, least=positive(0.3, high=1), stretch=number(1.3, 1, 10))
good("views.recolour views.grey_some", images=COLOUR, strength=number(0.4, 0, 1), share=number(0.2, 0, 1))

# Mutual information

LITTLE = {"steps": 1, "batch_size": 4, "heads": 2}
CLUSTERING = {"settings": options(selfsup.ClusterSettings, **LITTLE), "k": whole(3, 2, 1000)}
SEGMENTING = {"settings": options(selfsup.SegmentSettings, **LITTLE, reach=1), "k": whole(3, 2, 100)}
LAM, REACH = number(1.0, 0), whole(1, 0, 5)
WIDTH = whole(2, 1, 128)
sorter, dense = partial(selfsup.digit_encoder, 2), partial(selfsup.pixel_encoder, 2)
heads, dense_heads = partial(selfsup.sub_heads, sorter()), partial(selfsup.dense_heads, dense())
SORTING = {"net": network(sorter), "head": module(partial(heads, 3)), "views": returns(selfsup.digit_views)}
PLACING = {"net": network(dense), "head": module(partial(dense_heads, 3)), "light": returns(selfsup.relit)}
TRAINED = ours(partial(heads, 3)).also(lambda: {"of two classes": heads(2)})
TRAINED_DENSE = ours(partial(dense_heads, 3)).also(lambda: {"of two classes": dense_heads(2)})
good("selfsup.joint selfsup.iic_loss", z=shares(draw(6, 3).softmax(1), 0, 1), lam=LAM,
     z_moved=shares(draw(6, 3).softmax(1), 0, 1))
good("selfsup.displaced_joints selfsup.segmentation_loss", z=shares(draw(2, 3, 6, 6).softmax(1), 0, 1), lam=LAM,
     z_moved=shares(draw(2, 3, 6, 6).softmax(1), 0, 1), reach=REACH)
good("selfsup.mutual_information", P=tensor(torch.full((3, 3), 1 / 9), 0, thin=False), lam=LAM)
good("selfsup.bias", k=whole(3), n=whole(100))
for name, most in {"unet": 128, "digit_encoder": 1024, "texture_encoder": 256, "pixel_encoder": 256}.items():
    good(f"selfsup.{name}", width=whole(2, 1, most))
good("selfsup.clustering", views=function(selfsup.relit), **CLUSTERING)
good("selfsup.segmenting", light=function(selfsup.relit), **SEGMENTING)
good("selfsup.sub_heads selfsup.cluster", **CLUSTERING, **SORTING | {"net": network(sorter, asked=False),
                                                                    "head": TRAINED})
good("selfsup.dense_heads selfsup.segment", **SEGMENTING, **PLACING | {"net": network(dense, asked=False),
                                                                      "head": TRAINED_DENSE})
good("selfsup.cluster_probabilities selfsup.best_head", **SORTING)
good("selfsup.segments selfsup.best_dense_head", **PLACING, settings=SEGMENTING["settings"])
good("selfsup.pseudo_labels", net=SORTING["net"], k=whole(2, 2))
good("selfsup.transfer_knowledge", teacher=SORTING["net"], student=network(sorter, asked=False), k=whole(2, 2))
good("selfsup.digit_views selfsup.relit", images=PLANES, most=number(0.3, 0, 1))
good("selfsup.bias_field", images=PLANES, most=number(0.3, 0, 2))
good("matching.hungarian_accuracy matching.match matching.contingency", clusters=THREE, labels=THREE)

# Pretext tasks from time, sound and motion


@cache
def learner(task: str) -> tuple[nets.Classifier, nn.Module]:
    """An encoder and a head, both small and fresh."""
    encoder = selfsup.unet(2) if task == "moved" else selfsup.encoder(2)
    return encoder, selfsup.head_of(encoder, selfsup.MOVED if task == "moved" else task)


for name, task, more in (("sound_map", "correspondence", {"sounds": tensor(draw(2, 300), 0)}),
                         ("pixel_codes", "moving", {}), ("moves", "moved", {})):
    good(f"selfsup.{name}", net=network(lambda task=task: learner(task)[0], asked=False), pictures=SEVERAL, **more,
         head=only(lambda task=task: learner(task)[1], lambda: {"of another task": learner("order")[1]}))
good("selfsup.audiovisual_clustering", sound_encoder=function(selfsup.SoundEncoder), **CLUSTERING)
good("cross_pixel.moving", pixels=whole(20, 3, 1024), sigma=positive(0.1), kappa=positive(1.0))
good("selfsup.three_frame_difference selfsup.estimated_flow", frames=tensor(draw(3, 3, 16, 16), 1), gap=whole(1, 1),
     sigma=number(0.7, 0), clips=tensor(draw(1, 2, 3, 16, 16)))

# Data

WHICH, SPLIT, SIZE, KIND = wholes([0, 3], 0), word("test"), whole(16, 16), word("cat")
AZIMUTH, ELEVATION = tensor(360 * draw(2), 0), tensor(90 * draw(2), 0)
few = cache(lambda: concepts.load("train", count=4, least=1))
good("handwritten.load", each=whole(2, 1, 500))
good("mosaics.textures mosaics.satellite", count=COUNT, size=whole(16, 8, 160))
good("concepts.load", split=word("train"), count=whole(4), least=whole(1))
method("masks showing only", few, concepts.Concepts, name=word(lambda: few().names[0]), which=WHICH, least=whole(1),
       names=texts(lambda: few().names[:2]))
good("Concepts[]", lambda which: few()[which], which=WHICH)
good("LabelledPictures[]", lambda which: scenes()[which], which=WHICH)
good("labelled.batches", data=DATA, batch_size=whole(4), which=WHICH)
good("labelled.LabelledPictures", names=texts(("one", "two")), images=pictures(x(4)),
     masks=masks(draw(4, 2, 8, 8) > 0.5, 0, 1), labelled=masks(draw(4, 2) > 0.5, 0, 1))
good("photos.names cutouts.names", group=word("nature"), kind=word("bird"), split=word("train"))
good("photos.load photos.about", name=word("stream"), size=whole(32, 1, 4096))
good("cutouts.load cutouts.about", name=word("zebra"), size=whole(32, 1, 4096))
good("cutouts.paste", thing=word("zebra"), background=SEVERAL, size=positive(0.8, high=4), x=number(0.5, 0, 1),
     y=number(0.5, 0, 1))
good("cutouts.paste, a pair", lambda thing: cutouts.paste(thing, x()),
     thing=ours(lambda: cutouts.load("zebra", size=20)))
good("scans.load", name=word("lung1"), window=word("soft"))
good("decathlon.load", name=word("people"), split=word("val"), each=whole(2, 1, 30))
good("lights.light")
good("lights.scenes rendered.scenes", count=whole(1), split=word("val"), size=SIZE, colour=tensor(draw(3), 0))
good("faces.draw faces.layers", count=whole(1), split=SPLIT, size=SIZE, each=whole(1), margin=whole(1, 0, 2048),
     kind=KIND, yaw=number(30.0, 0, 45))
good("faces.hard_examples faces.fronts", made=ours(lambda: faces.draw(1, size=16)), kind=word("person"),
     each=whole(1), size=whole(16, 16, 2048), margin=whole(1, 0, 2048), yaw=number(30.0, 0, 45))
good("turntable.draw", kind=word("chair"), count=whole(1), size=SIZE, split=SPLIT, each=whole(1),
     things=whole(30, 1, 4000))
good("turntable.views turntable.rotation", kind=word("chair"), instance=whole(23, 0, 9999), azimuth=AZIMUTH,
     elevation=ELEVATION, size=SIZE)
CLIPS = {"count": whole(1), "length": whole(2, 2), "size": SIZE, "split": SPLIT,
         "colours": word("glass")}
for name in ("moving", "bouncing"):
    good(f"clips.{name}", getattr(clips, name), **CLIPS | ({"length": whole(2)} if name == "bouncing" else {}))
good("clips.street clips.street_frames", split=SPLIT, length=whole(2, 2, 103), count=whole(1),
     size=whole(16, 16, 192), least=number(0.01, 0, 1))
good("taxonomy.ancestors taxonomy.tree_similarity", name=word("cat"), names=some(("cat", "dog")))

# Figures and live forms: their words, and numbers in a dict

WORDS = {"title": text("a title"), "alt": text("What it shows."), "xlabel": text("x"), "ylabel": text("y"),
         "xscale": word("linear"), "yscale": word("linear"), "columns": COUNT, "width": whole(200)}
VALUES = tensor(draw(2, 2), 0, 1, lists=True)
NO_BAR = {"NaN": float("nan"), "two": (1, 2), "turned round": (1.0, 2.0, 0.0), "endless": 10**400}
NO_POINT = {"NaN": (1, float("nan"), 0, 0), "two": (1, 2), "turned round": (1.0, 1.0, 2.0, 0.0), "a word": "x"}
good("figures.grid figures.answered", **WORDS | {"width": replace(whole(200), none=True)},
     pictures=some([x()[0], x()[0]]), titles=texts(["a", "b"]),
     rows=texts(["one row"]), words=texts(["a", "b"]), right=some((True, False)))
good("figures.curves", **WORDS, lines=ours({"a": [1.0, 2.0, 3.0]}))
good("figures.curves, y", lambda y: figures.curves({"a": y}, "x", "y", alt="One."),
     y=tensor(draw(5), thin=False, lists=True, finite=False))  # one NaN is a gap
good("figures.curves, parts", lambda parts: figures.curves({"a": parts}, "x", "y", alt="One."), parts=only(
    ([1, 2], [3, 4]), {"all NaN": draw(5) * float("nan"), "infinite": draw(5) / 0, "three": ([1], [2], [3]),
                       "other lengths": ([1, 2], [1, 2, 3])}))
good("figures.bars", **WORDS, values=ours({"a": 0.3}), chance=number(0.2))
good("figures.bars, a value", lambda value: figures.bars({"a": value}, "x", alt="One."), value=only(0.3, NO_BAR))
good("figures.points", **WORDS | {"xscale": word("log")}, values=ours({"a": (1.0, 0.3, 0.2, 0.4)}))
good("figures.points, a point", lambda value: figures.points({"a": value}, "x", "y", alt="One."),
     value=only((1.0, 0.3, 0.2, 0.4), NO_POINT))
good("figures.classes", names=texts(tuple("abcd")), logits=tensor(draw(4), 0, thin=False, lists=True),
     top=whole(2, 1, 4))
good("figures.table figures.heatmap", values=VALUES, names=texts(["a", "b"]),
     **WORDS | {"rows": texts(["a", "b"]), "columns": texts(["c", "d"])})
good("figures.frame_bars figures.scale_bar", shares=ours({"a": 0.3}), height=whole(120), width=whole(80),
     scale=positive(0.3))
good("figures.frame_bars, a share", lambda share: figures.frame_bars({"a": share}, 60), share=number(0.3, 0, 1))
good("figures.frame_bars, a name", lambda name: figures.frame_bars({name: 0.5}, 60), name=only("a", {}))
STEP = descent.Step(0, 1.0, x(), {"far": 1.0})
CONTROL = only((0.0, 1.0), {"turned round": (1.0, 0.0), "no choices": [], "a button": ipywidgets.Button()})
good("live.PictureBox", names=some(("coffee",)))
good("live.Click", x=number(0.5, 0, 1), y=number(0.5, 0, 1), panels=whole(1))
good("live.explore", fn=function(lambda a: x()), a=CONTROL)
good("live.play", lambda solver, first, at: live.play(solver, saliency.MaskSettings(), first=first, at=at),
     solver=function(lambda settings, at: iter([STEP])), first=whole(0, 0), at=CONTROL)
good("live.controls", lambda kind, name: live.controls(kind, name), name=word("lam"),
     kind=only(partial(saliency.MaskSettings), {"the class": saliency.MaskSettings, "no settings": STEP}))

# Warps

RANDOM = USUAL["generator"].make
BOTH = cache(lambda: warps.thin_plate_spline(2, RANDOM()).after(warps.affine(2, RANDOM())))
MAPS = tensor(draw(2, 2, 12, 9), 0)  # pictures, masks or features
SIX = only(6, {"0": 0, "half": 2.5, "three": (1, 2, 3), "endless": 10**9, "no height": (0, 4)})
WARPED = {"points": tensor(draw(2, 5, 2), 0, 2), "w": ours(BOTH)}
good("warps.thin_plate_spline warps.affine", count=whole(2, 1, 4096), strength=number(0.1, 0, 0.5),
     points=whole(4, 2, 12), shift=number(0.1, 0, 1), scale=number(1.1, 1, 4), turn=number(10, 0, 180))
good("warps.warp", images=MAPS, w=WARPED["w"], padding=word("border"), size=SIX)
good("warps.warp, a grid", lambda images, w: warps.warp(images, w), images=MAPS, w=tensor(draw(2, 4, 4, 2), 0, 3))
good("warps.warp_points", **WARPED)
good("warps.grid", images=tensor(draw(2, 2, 12, 9)), size=SIX)
good("warps.Affine", matrix=tensor(warps.affine(2, RANDOM()).matrix, 1, 2))
good("warps.Spline", controls=tensor(draw(2, 5, 2), 0, 1, 2), weights=tensor(draw(2, 5, 2), 0, 1, 2),
     plane=tensor(draw(2, 3, 2), 0, 1, 2))
good("warps.Warp", lambda points, w: BOTH().after(w).inverse()(points), **WARPED)

# Dense labelling and sparse landmarks

CODES = {"codes": tensor(draw(2, 3, 4, 4), 0, 1), "codes_moved": tensor(draw(2, 3, 4, 5, seed=1), 0, 1),
         "gu": tensor(draw(2, 6, 2) - 0.5, 0, 1, 2), "u": tensor(draw(2, 6, 2, seed=1) - 0.5, 0, 1, 2)}
OF_MAPS = CODES | {"maps": CODES["codes"], "maps_moved": CODES["codes_moved"]}
MARKED = tensor(draw(5, 3, 2), 0, 1, 2)
EYES = only((0, 1), {"one": (0,), "the same twice": (1, 1), "no landmark": (0, 3), "halves": (0.5, 1)})


def moved_pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return draw(count, 3, 32, 32), draw(count, 3, 32, 32, seed=1), draw(count, 6, 2), draw(count, 6, 2, seed=1)


good("landmarks.codes_at", codes=tensor(draw(2, 3, 4, 4), 0), points=tensor(draw(2, 6, 2) - 0.5, 0, 2))
good("landmarks.dense_labelling_loss landmarks.invariance_loss", **CODES, gamma=positive(0.5, high=10),
     through=CODES["codes"], queries=whole(4), at_once=whole(99))
good("landmarks.dense_labelling_loss, of all cells", landmarks.dense_labelling_loss, **CODES | {
    "gu": tensor(draw(2, 16, 2) - 0.5, 0, 1, 2), "u": free(None)}, gamma=free(0.5), generator=free(None))
good("landmarks.heat_map", code=tensor(draw(6, 3), 1), codes=tensor(draw(2, 3, 4, 4), 1))
good("landmarks.match", **CODES, points=points(draw(2, 6, 2) - 0.5, 0, 2))
good("landmarks.virtual_landmarks", codes=tensor(draw(2, 3, 4, 4), 1), filters=tensor(draw(6, 3), 1))
good("landmarks.sphere", count=whole(5, 1, 10_000), length=positive(1.0, high=1e6))
good("landmarks.exchange_descriptors", code=tensor(draw(2, 5, 3), 0, 2), through=CODES["codes"])
good("landmarks.soft_argmax landmarks.diversity_loss", maps=tensor(draw(2, 3, 4, 4)), window=whole(2, 1, 4))
good("landmarks.equivariance_loss", **OF_MAPS)
good("landmarks.landmark_error", found=MARKED, true=MARKED, eyes=EYES)
good("landmarks.labeller", width=whole(2, 2, 256), dimensions=whole(3, 1, 256), longest=positive(4.0, high=1e6))
good("landmarks.train_labeller", net=network(lambda: landmarks.labeller(2)), pairs=function(moved_pairs),
     loss=word("labelling"))

# How things are turned, and keypoints as a bottleneck


def turns(count: int = 4, seed: int = 0) -> Tensor:
    """Rotations (N,3,3)."""
    return landmarks.as_rotation(draw(count, 6, seed=seed) - 0.5)


def pairs_of_two(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return x(count), x(count)


def pairs_of_three(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    return x(count), x(count), turns(count)


def no_bottlenecks() -> Values:
    nan = landmarks.KeypointAutoencoder(3, width=2)
    for weight in nan.parameters():
        weight.data.fill_(float("nan"))
    return {"a network": net(), "NaN in it": nan}


TURNS = tensor(turns, 0, 1, 2).also({"mirrors": -turns(), "stretched": 2 * turns(),
                                     "whole numbers": torch.eye(3).long().expand(4, 3, 3)})
NO_PAIR = {"one alone": (x(2),), "one pair": (x(1), x(1)), "other counts": (x(2), x(3)), "no pictures": (x(2), 3),
           "other sides": (x(2), x(2, 36)), "of one argument": lambda count: (x(2), x(2)), "below 0": (x(2) - 1, x(2))}
NO_TURN = {"mirrored": (x(4), x(4), -turns()), "angles": (x(4), x(4), draw(4))}
POSED = options(landmarks.PoseSettings, batch_size=2)
LEARNT = options(landmarks.AutoencodeSettings, steps=1, batch_size=2)
POSER, BOTTLENECK = network(lambda: landmarks.pose_encoder(2)), ours(lambda: landmarks.KeypointAutoencoder(3, width=2))
good("landmarks.as_rotation", code=tensor(draw(3, 6), 1).also({
    "zeros": torch.zeros(3, 6), "parallel columns": draw(3, 3).repeat(1, 2), "no direction": torch.zeros(3, 2)}))
good("landmarks.factorise landmarks.align landmarks.pose_error", found=TURNS, found_moved=TURNS, g=TURNS, true=TURNS,
     distance=word("geodesic"), h=tensor(turns()[0], 0, 1))
good("landmarks.pose_encoder", width=whole(2, 1, 256), dimensions=word("2d"))
good("landmarks.poses", net=POSER)
good("landmarks.rotated landmarks.rotated_pairs", degrees=tensor(360 * draw(2), 0))
good("landmarks.pairs_of", images=pictures(x(4)), rotations=TURNS, instances=tensor(torch.tensor([0, 0, 1, 1]), 0))
good("landmarks.learn_pose", net=POSER, loss=function(landmarks.factorise), settings=POSED,
     pairs=only((x(4), x(4), turns()), NO_PAIR | NO_TURN))
good("landmarks.autoencode", lambda pairs, net, layers, half, settings: landmarks.autoencode(
    BOTTLENECK.make(), pairs, net=net, layers=layers, half=half, settings=settings), pairs=only(
    (x(2), x(2)), NO_PAIR), layers=layers("conv1"), half=flag(False), settings=LEARNT)
good("landmarks.autoencode, model", lambda model: landmarks.autoencode(model, (x(2), x(2)), settings=LEARNT.make()),
     model=BOTTLENECK.also(no_bottlenecks))
for n in range(2):
    good(f"landmarks.learn_pose, pictures {n}", landmarks.learn_pose, net=free(POSER.make), loss=free(None),
         settings=replace(POSED, spoil=None), pairs=returns(pairs_of_three, n))
    good(f"landmarks.autoencode, pictures {n}", lambda pairs: landmarks.autoencode(
        BOTTLENECK.make(), pairs, settings=LEARNT.make()), pairs=returns(pairs_of_two, n))
    good(f"landmarks.train_labeller, pictures {n}", lambda pairs: landmarks.train_labeller(
        landmarks.labeller(2), pairs, settings=landmarks.LabelSettings(steps=1, batch_size=2)),
        pairs=returns(moved_pairs, n))
good("landmarks.KeypointAutoencoder", count=whole(3, 1, 64), width=WIDTH, sigma=positive(0.1, high=2))
method("keypoints appearance reconstruct draw", bottleneck, landmarks.KeypointAutoencoder, source=SEVERAL,
       target=SEVERAL, appearance_of=SEVERAL, points=tensor(draw(2, 3, 2), 1, 2))
good("landmarks.marginal_soft_argmax", maps=tensor(draw(1, 3, 4, 5)))
good("landmarks.gaussian_maps", points=tensor(draw(2, 3, 2), 2), sigma=positive(0.1, high=2), size=only((4, 5), {
    "three": (1, 2, 3), "halves": (1.5, 2), "no cells": (0, 4), "endless": (10**9, 10**9)}))

# An audit

POSITIVE = torch.arange(8) % 2 == 1
OUTLINES = nn.functional.pad(torch.ones(8, 1, 6, 6), (8, 18, 8, 18)) > 0
CASES = cache(lambda: audit.Cases(0.4 * x(8) + 0.5 * POSITIVE[:, None, None, None], POSITIVE, outlines=OUTLINES))


@cache
def bright() -> nets.Classifier:
    """Says 1 of a bright picture."""
    inside = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    inside[2].weight.data, inside[2].bias.data = torch.tensor([[-9.0] * 3, [9.0] * 3]), torch.tensor([12.0, -12.0])
    return nets.Classifier(inside.eval().requires_grad_(False), name="bright")


good("audit.accuracy audit.flips audit.lesion_removed audit.where_it_looks audit.fixed_place", net=network(bright),
     cases=ours(CASES), positive=target(1), margin=whole(2, 0), windows=COUNT, most=COUNT, cells=COUNT, pairs=COUNT)
good("audit.score", images=free(x), positive=target(1))
