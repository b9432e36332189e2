"""A good call of every public function, with the kind of each of its arguments: what is spoilt, one at a time."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from tests.hostile.wrong import (
    Also,
    Choice,
    Flag,
    Free,
    Function,
    Kind,
    Labels,
    Layer,
    Layers,
    Masks,
    Module,
    Net,
    Number,
    Numbers,
    Options,
    Ours,
    Picture,
    Points,
    Returns,
    Shares,
    Some,
    Target,
    Text,
    Texts,
    These,
    Units,
    Whole,
    Wholes,
    Wrong,
    net,
    unplain,
)
from tools.site.attacks import ATTACKS
from u3course.worlds import concepts, faces, lights, mosaics
from u3lab import (
    adversarial,
    descent,
    dissection,
    equivariance,
    figures,
    inversion,
    landmarks,
    live,
    measures,
    nets,
    pixels,
    prior,
    saliency,
    selfsup,
    universal,
    warps,
)
from u3lab.checks import STEPS
from u3lab.datasets import clips as films
from u3lab.datasets import cutouts
from u3lab.datasets.labelled import Labelled, LabelledPictures, batches
from u3lab.equivariance import transport
from u3lab.saliency.pointing import Mosaic
from u3lab.selfsup import cielab
from u3lab.training.tasks import Joined, cross_entropy, share_right

SIDE = 32  # pixels


@dataclass(frozen=True)
class Call:
    """``kinds`` has the kind of each argument, ``arguments`` makes good ones anew."""

    function: Callable[..., object]
    kinds: dict[str, Kind]
    arguments: Callable[[], dict[str, object]]


CALLS: dict[str, Call] = {}
INNER = {"datasets": ("cutouts", "handwritten", "photos", "scans", "taxonomy"), "selfsup": (
    "cielab", "colour", "cross_pixel", "erasing", "matching", "scrambling", "views"), "worlds": (
    "clips", "concepts", "decathlon", "faces", "lights", "mosaics", "rendered", "turntable")}


def named(title: str) -> Callable[..., object]:
    """The function of a room, or of a file within a room, that a title begins with."""
    file, name = title.partition(",")[0].split(".")
    house = "u3course" if file in INNER["worlds"] else "u3lab"
    return getattr(import_module(".".join([house, *(room for room in INNER if file in INNER[room]), file])), name)


def good(title: str, function: Callable[..., object] | None = None, /, **given: tuple[Kind, object]) -> None:
    """Note a good call of what the title names, or of a function. An argument is its kind and its value, or a Made."""
    kinds = {name: kind for name, (kind, _) in given.items()}
    makers = {name: value for name, (_, value) in given.items()}
    CALLS[title] = Call(function or named(title), kinds, lambda: {name: value() if isinstance(value, Made) else value
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
def flat() -> nets.Classifier:
    """Without a layer that has places."""
    with torch.random.fork_rng(devices=[]):
        module = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 4), nn.ReLU(), nn.Linear(4, 8))
    return nets.Classifier(module.eval().requires_grad_(False), name="flat")


@cache
def x(count: int = 1, side: int = SIDE) -> Tensor:
    return draw(count, 3, side, side)


@cache
def features(layer: str = "conv2", count: int = 4) -> Tensor:
    return net().features(x(count), layer)


# Made once, when the first call asks for them.
scenes = cache(lambda: LabelledPictures(("one", "two"), x(10), draw(10, 2, 16, 16) > 0.5))
found = cache(lambda: dissection.dissect(net(), "relu2", scenes(), share=0.05))
active = cache(lambda: dissection.binarise(net(), "relu2", x(10), found().thresholds))
probed = cache(lambda: measures.probe(draw(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])))
stitched = cache(lambda: equivariance.stitch(net(), "conv2", net(1), "conv2", x(4), sites=200))
kept = cache(lambda: saliency.forward_pass(net(), x()))
moved = cache(lambda: equivariance.fit_equivariance(net(), "conv2", x(4), equivariance.HFLIP, sites=200))
adapted = cache(lambda: universal.adapt(net()).add_domain("new", ["p", "q"]))
jobs = cache(lambda: universal.Tasks(net(), ["conv1"], {"parts": universal.Task("segments", 2)}))
saved = cache(lambda: str(adapted().save_domain(Path(tempfile.mkdtemp()) / "new.safetensors", "new")))
bottleneck = cache(lambda: landmarks.KeypointAutoencoder(3, width=2))


def square(x: Tensor) -> Callable[[], tuple[Tensor, dict[str, Tensor]]]:
    return lambda: (x.view(1, 1, 1, -1), {"far": x.square().sum()})


def step() -> descent.Step:
    return descent.Step(0, 1.0, x(), {"far": 1.0})


class Own:
    """A data set of somebody's own; ``change`` is done to what it gives."""

    def __init__(self, change: Callable[[Labelled], object], names: object = ("one", "two"), length: int = 10) -> None:
        self.change, self.names, self.length = change, names, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, which: list[int]) -> object:
        return self.change(scenes()[which])


def own() -> dict[str, object]:
    """Data sets whose authors have slipped."""
    changes = {
        "nothing": lambda batch: None, "a tuple": tuple, "a dict": lambda batch: batch._asdict(),
        "grey pictures": lambda batch: batch._replace(images=batch.images[:, :1]),
        "one picture without a batch": lambda batch: batch._replace(images=batch.images[0]),
        "pictures of bytes": lambda batch: batch._replace(images=(batch.images * 255).byte()),
        "too few": lambda batch: Labelled(*(part[:-1] for part in batch)),
        "masks too few": lambda batch: batch._replace(masks=batch.masks[:-1]),
        "masks of another concept": lambda batch: batch._replace(masks=batch.masks[:, :1]),
        "masks as numbers": lambda batch: batch._replace(masks=batch.masks.float()),
        "masks of arrays": lambda batch: batch._replace(masks=batch.masks.numpy()),
        "masks without pixels": lambda batch: batch._replace(masks=batch.masks[..., :0]),
        "flat masks": lambda batch: batch._replace(masks=batch.masks[:, :, 0]),
        "no flags": lambda batch: batch._replace(labelled=None),
        "flags of one picture": lambda batch: batch._replace(labelled=batch.labelled[0])}
    same = {"no names": None, "names of numbers": (1, 2), "one text as names": "ab", "no concepts": (),
            "three names": ("a", "b", "c")}
    return {**{what: Own(change) for what, change in changes.items()},
            **{what: Own(lambda batch: batch, names) for what, names in same.items()},
            "no pictures": Own(lambda batch: batch, length=0), "no length": SimpleNamespace(names=("one", "two"))}


@cache
def folder() -> Path:
    """A Broden of one picture, as far as its index goes."""
    made = written("image,split,ih,iw,sh,sw,object\na.png,train,8,8,8,8,1\n", "number,name,category\n1,cat,object(1)\n"
                   "2,dog,object(1)\n")
    (made / "images").mkdir()
    (made / "images" / "a.png").write_bytes(pixels.png(x()))
    return made


def written(index: str | bytes, label: str) -> Path:
    made = Path(tempfile.mkdtemp())
    (made / "index.csv").write_bytes(index if isinstance(index, bytes) else index.encode())
    (made / "label.csv").write_text(label)
    return made


def folders() -> dict[str, object]:
    """Folders that are no Broden."""
    head = "image,split,ih,iw,sh,sw,object\n"
    return {"a number": 3, "bytes": b"x", "nowhere": "nowhere", "a file": folder() / "index.csv", "a list": ["x"],
            "a picture as its index": written(b"\x89PNG\x00\xff\xfe", ""), "an empty index": written("", ""),
            "no rows": written(head, ""), "words as numbers": written(head + "a.png,train,8,8,x,8,1\n", ""),
            "no labels": written(head + "a.png,train,8,8,8,8,1\n", "")}


UNASKED = (Net(asked=False), Made(net))
NET, ONE, SEVERAL = (Net(), Made(net)), (Picture(), Made(x)), (Picture(several=True), Made(lambda: x(2)))
LAYER, ANY_LAYER, TARGET, LABEL = (Layer(), "conv2"), (Layer(none=True), "conv2"), (Target(), "c"), (Target(), 2)
SEED, NAME = (Whole(0), 0), (Choice(), "coffee")
OTHER = (Target(none=True), "d")


def numbers(make: Callable[[], object], *fixed: int) -> tuple[Kind, Made]:
    """A tensor of which these axes have a length that is known from elsewhere."""
    return Numbers(fixed=fixed), Made(make)


def pictures(count: int, side: int = SIDE) -> tuple[Kind, Made]:
    return Picture(several=True), Made(lambda: x(count, side))


def classes(*each: int, of: int | None = None) -> tuple[Kind, Made]:
    return Labels(fixed=(0,), classes=of), Made(lambda: torch.tensor(each))


def ours(make: Callable[[], object]) -> tuple[Kind, Made]:
    return Ours(), Made(make)


def settings(kind: type) -> tuple[Kind, object]:
    return Options(none=True), Made(lambda: kind(**({"steps": 2} if hasattr(kind, "steps") else {})))


def number(value: float, low: float = -float("inf"), high: float = float("inf"), *,
           without_low: bool = False) -> tuple[Kind, object]:
    return Number(low, high, without_low), value


def whole(value: int, low: int = 1, high: int | None = None) -> tuple[Kind, object]:
    return Whole(low, high), value


# Pictures

good("images.load", x=(Also(Choice(), lambda: {
         "with masked values": np.ma.masked_array(np.full((8, 8), 0.5), np.eye(8)), **dict(unplain(x()))}), "coffee"),
     size=(Whole(none=True), 32))
PLANES = (Numbers(), Made(lambda: x(2)))  # (B,C,H,W) of any range: masks and maps are blurred and shifted as well
SPACES = (Numbers(thin=False), PLANES[1])  # or (B,C,D,H,W)
good("images.blur", images=SPACES, sigma=number(1.5, 0, 10_000))
good("images.check", images=SEVERAL)
good("images.resize", images=PLANES, size=whole(24))
good("images.caption", name=NAME)
good("images.label", name=NAME)
good("images.names", group=(Choice(none=True), "everyday"))
good("images.crops", names=(Some(), ["dog"]), size=whole(24), count=whole(2), seed=SEED)
good("images.shift", images=SPACES, reach=whole(2, 0), generator=ours(lambda: torch.Generator().manual_seed(0)))
good("images.zoom", images=PLANES, most=number(0.2, 0), generator=ours(lambda: torch.Generator().manual_seed(0)),
     sizes=whole(4))
good("images.total_variation", image=SPACES, beta=number(2.0, 0, without_low=True))

# Self-supervision: ambiguity and correspondences

PREDICTED = numbers(lambda: draw(3, 5), 0, 1)
TRUE = numbers(lambda: draw(3, 5, seed=1), 0, 1)
OVER = (These(make=lambda: {"another word": "turn", "no word": "", "a number": 3, "no ways": [],
                            "a function": torch.neg, "numbers": [1, 2], "of another shape": [lambda y: y[:, :1]],
                            "one that gives nothing": [lambda y: None], "one of two arguments": [lambda y, eta: y]}),
        "sign")
JOINT = numbers(lambda: torch.full((2, 3), 1 / 6))
GENERATOR = ours(lambda: torch.Generator().manual_seed(0))
good("selfsup.aligned", prediction=PREDICTED, y=TRUE, over=OVER)
good("selfsup.marginal_loss", prediction=PREDICTED, y=TRUE, over=OVER)
good("selfsup.projected_loss", prediction=PREDICTED, y=TRUE, project=(Function(), torch.abs))
good("selfsup.draw_pairs", joint=JOINT, count=whole(4), generator=GENERATOR)
good("selfsup.pmi", joint=JOINT)

# Colours and measures

DRAWN = (Numbers(thin=False), Made(x))  # with or without a batch axis, grey or not
MAP = (Numbers(thin=False), Made(lambda: draw(8, 8) - 0.5))
good("pixels.heat", map=MAP, scale=(Number(0, without_low=True, none=True), 1.0))
good("pixels.overlay", image=DRAWN, map=MAP, opacity=number(0.5, 0, 1),
     scale=(Number(0, without_low=True, none=True), 1.0))
good("pixels.signed_rgb", map=MAP)
good("pixels.jpeg", image=DRAWN, quality=whole(80, 1, 95))
PAIR = Numbers(fixed=(0,), thin=False)
for name in ("correlation", "rank_correlation"):
    good(f"measures.{name}", a=(PAIR, Made(lambda: draw(4, 5))), b=(PAIR, Made(lambda: draw(4, 5))))
FALLING = Also(Numbers(fixed=(0,)), lambda: {"falling": torch.linspace(1, 0, 5), "once falling": torch.tensor([
    0, 0.5, 0.4, 0.8, 1])})
good("measures.auc", x=(FALLING, Made(lambda: torch.linspace(0, 1, 5))), y=numbers(lambda: draw(5), 0))
good("measures.agreement", scores=numbers(lambda: draw(3, 8), 0, 1), reference=numbers(lambda: draw(3, 8), 0, 1))
good("measures.balanced_accuracy", scores=numbers(lambda: draw(4, 3), 0), labels=classes(0, 1, 2, 0, of=3),
     target=whole(1, 0, 2))
TIMES = whole(20, 1, STEPS)
good("measures.bootstrap", statistic=(Also(Function(), lambda: {"complex": lambda often: often.mean(1) + 1j,
                                                                "sparse": lambda often: often.mean(1).to_sparse()}),
                                      lambda often: often.mean(1)), groups=whole(5, 1, 10**8), times=TIMES, seed=SEED)
good("measures.mean", values=(Numbers(thin=False), Made(lambda: draw(5))), groups=(Texts(none=True), list("aabbc")),
     seed=SEED)
good("measures.probe", features=numbers(lambda: draw(6, 3), 0), labels=classes(0, 1, 2, 0, 1, 2),
     C=number(1.0, 0, without_low=True))
good("measures.roc_auc", scores=numbers(lambda: draw(4), 0),
     marks=(Masks(fixed=(0,)), Made(lambda: torch.tensor([True, False, True, False]))),
     sources=(Some(), ["a", "b", "a", "c"]), times=TIMES, seed=SEED)
good("Probe.scores", lambda features: probed().scores(features), features=numbers(lambda: draw(6, 3), 1))
good("Probe.accuracy", lambda features, labels: probed().accuracy(features, labels),
     features=numbers(lambda: draw(6, 3), 0, 1), labels=classes(0, 1, 2, 0, 1, 2))
good("descent.descend", lambda parameters, energy, steps, lr: descent.descend(
     parameters, square(parameters) if energy is None else energy, steps=steps, lr=lr),
     parameters=(These(make=lambda: {"no gradient": torch.ones(3), "none": [], "a number": 3, "texts": ["x"],
                                     "one without a gradient": [torch.ones(3)]}),
                 Made(lambda: torch.ones(3, requires_grad=True))),
     energy=(Function(none=True), None), steps=whole(2, 0), lr=(Function(), lambda: 0.1))
good("descent.last", steps=(Kind(), (1, 2)), total=(Whole(0, none=True), 2), title=(Free(), ""))

# Networks

good("nets.load", name=(Choice(), "squeezenet1_1"), device=(Choice(none=True), "cpu"), fold=(Flag(), True))
good("nets.available", name=(Choice(), "squeezenet1_1"))
good("nets.fetch", name=(Choice(), "squeezenet1_1"))
good("nets.before_relu", net=NET, layer=LAYER, images=SEVERAL)
good("nets.forward_from", net=UNASKED, layer=LAYER, features=numbers(features, 1))
good("nets.narrow", net=UNASKED, classes=(Some(), ["a", "c"]))
good("nets.extract_features", net=NET, layers=(Layers(), ["conv1", "conv2"]), images=SEVERAL)
good("nets.untrained", net=UNASKED, seed=SEED)
good("nets.ready", net=UNASKED)
good("nets.describe", net=UNASKED)
good("nets.wrap", module=(Module(), Made(lambda: net().module)), classes=(Texts(), list("abcdefgh")),
     size=(Whole(none=True), 32), channels=(Whole(none=True), 3), sigmoid=(Flag(none=True), False),
     pictures=(Flag(), True), name=(Text(none=True), "mine"))
good("Classifier()", lambda net, images: net(images), net=(Free("it is called"), Made(net)), images=SEVERAL)
good("Classifier.features", lambda images, layer: net().features(images, layer), images=SEVERAL, layer=LAYER)
good("Classifier.logits", lambda images: net().logits(images), images=SEVERAL)
good("Classifier.probabilities", lambda images: net().probabilities(images), images=SEVERAL)
good("Classifier.top", lambda image, count: net().top(image, count), image=ONE, count=whole(3, 1, 8))
good("Classifier.layer", lambda layer: net().layer(layer), layer=LAYER)
good("Classifier.class_index", lambda target: net().class_index(target), target=TARGET)

# Saliency

RULE = (Also(Choice(), lambda: {"of one argument": lambda p: p, "that gives nothing": lambda p, through: None,
                                "of another shape": lambda p, through: p[:, :1]}), "gradient")
good("saliency.backprop", net=NET, images=SEVERAL, target=TARGET, rule=RULE, layer=ANY_LAYER)
good("saliency.forward_pass", net=NET, images=SEVERAL, layers=(Kind(), ("conv1",)))
good("BackpropPass.backprop", lambda target, rule, layer: kept().backprop(target, rule=rule, layer=layer),
     target=TARGET, rule=RULE, layer=ANY_LAYER)
good("saliency.modulated_gradient", net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.grad_cam", net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.guided_grad_cam", net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.smooth_grad", net=NET, images=SEVERAL, target=TARGET, noise=number(0.1, 0), samples=whole(2, 1, STEPS),
     seed=SEED)
good("saliency.integrated_gradients", net=NET, images=SEVERAL, target=TARGET, baseline=number(0.0, 0, 1),
     steps=whole(2))
good("saliency.lrp", net=NET, images=SEVERAL, target=TARGET, rule=(Choice(), "alpha_beta"), layer=ANY_LAYER,
     epsilon=number(1e-6, 0), alpha=number(2.0), beta=number(1.0))
good("saliency.excitation_backprop", net=NET, images=SEVERAL, target=TARGET, layer=ANY_LAYER)
good("saliency.meaningful_perturbation", net=NET, image=ONE, target=TARGET, settings=settings(saliency.MaskSettings))
good("saliency.pooled_mask", net=NET, images=SEVERAL, target=TARGET, settings=settings(saliency.MaskSettings))
GREY_TOO = (Picture(several=True, also=("grey", "with five axes")), SEVERAL[1])
good("saliency.baseline_like", images=GREY_TOO, settings=settings(saliency.MaskSettings),
     spacing=(Number(0, none=True, without_low=True), 2.0))
good("saliency.perturb", images=ONE, baseline=ONE, mask=(
     Also(Numbers(fixed=(1,)), lambda: {"above 1": 2 * draw(1, 1, 8, 8), "below 0": draw(1, 1, 8, 8) - 0.5}),
     Made(lambda: draw(1, 1, 8, 8))))
good("saliency.deletion_curve", net=NET, image=ONE, target=TARGET, heat=numbers(lambda: draw(1, 1, 8, 8), 0, 1),
     steps=whole(3, 1, STEPS), sigma=number(2.0, 0))
good("saliency.randomise_downwards", net=UNASKED, seed=SEED)
GAMES = (Some(), Made(lambda: [Mosaic(x(), ("p", "q", "r", "s"), (0, 1, 2, 3))]))
good("saliency.pointing_game", net=NET, games=GAMES, method=(Choice(), "gradient"), seed=SEED)
good("saliency.mosaics", net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))), count=whole(1),
     size=whole(96), seed=SEED)
good("saliency.known_pictures", net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))), size=whole(96))
HEAT = (Numbers(thin=False), Made(lambda: draw(2, 3, 8, 8)))
good("saliency.max_abs", saliency=HEAT)
good("saliency.positive", relevance=HEAT)
good("saliency.coherence", saliency=HEAT)
good("saliency.edges", images=GREY_TOO)
good("saliency.occlusion", net=NET, images=SEVERAL, target=TARGET, side=(Number(0, none=True, without_low=True), 16),
     step=(Number(0, 16, none=True, without_low=True), 8), baseline=(Number(none=True), 0.5))
good("saliency.tile_shares", heat=numbers(lambda: draw(2, 1, 8, 8), 1))
good("saliency.strongest_channels", kept=ours(kept), layer=LAYER, y=whole(1, 0, 7), x=whole(1, 0, 7), count=whole(2))
good("saliency.channel_similarity", kept=ours(kept), layer=LAYER, y=whole(1, 0, 7), x=whole(1, 0, 7), rule=RULE,
     back_to=(Layer(none=True), "conv1"), channels=whole(2, 2))
for name, method in saliency.METHODS.items():
    more = {"layer": ANY_LAYER} if "layer" in method.takes else {}
    asked = {"target": TARGET} if "class" in method.takes else {"target": (Free("the class means nothing"), "c")}
    if not method.optimises:
        asks = NET if "class" in method.takes else UNASKED
        good(f"METHODS[{name!r}]", method, net=asks, images=SEVERAL, **asked, **more)

# Adversarial examples

for name, attack in ATTACKS.items():
    more = {"eps": (Number(0, none=True), 0.01)} if "eps" in attack.takes else {}
    more |= {"steps": (Whole(none=True), 2)} if "steps" in attack.takes else {}
    good(f"ATTACKS[{name!r}]", attack, net=NET, image=ONE, label=LABEL, target=OTHER, **more)
good("adversarial.fgsm", net=NET, image=ONE, label=LABEL, eps=number(0.01, 0, 1), target=OTHER)
good("adversarial.pgd", net=NET, image=ONE, label=LABEL, target=OTHER, settings=settings(adversarial.AttackSettings))
good("adversarial.deepfool", net=NET, image=ONE, label=LABEL, target=OTHER,
     settings=settings(adversarial.DeepFoolSettings))
good("adversarial.fools", net=NET, image=ONE, label=LABEL, target=OTHER)
good("adversarial.quantise", image=GREY_TOO)
good("adversarial.quantise_near", image=ONE, original=ONE, eps=number(0.01, 0, 1), norm=(Choice(), "linf"))
good("adversarial.adversarial_patch", net=NET, images=SEVERAL, target=TARGET,
     settings=settings(adversarial.PatchSettings))
PATCH = (Picture(), Made(lambda: x(1, 8)))
PLACE = {"x": number(0.5, 0, 1), "y": number(0.5, 0, 1), "scale": number(0.5, 0, 2, without_low=True)}
good("adversarial.apply_patch", images=pictures(3), patch=PATCH, **PLACE, angle=number(10.0), shape=(Choice(), "round"))
good("adversarial.cut_out", patch=PATCH, shape=(Choice(), "round"), size=(Whole(none=True), 16))
good("adversarial.success_rate", net=NET, images=SEVERAL, target=TARGET, patch=PATCH,
     scale=number(0.3, 0, 2, without_low=True), turn=number(45.0, 0, 180), trials=whole(2, 1, STEPS),
     shape=(Choice(), "round"), seed=SEED)
good("adversarial.layer_saliency", net=NET, images=SEVERAL)
DETECTOR = ours(lambda: adversarial.fit_detector(draw(6, 9), torch.arange(6) < 3))
good("adversarial.fit_detector", features=numbers(lambda: draw(6, 9), 0),
     adversarial=(Masks(fixed=(0,)), Made(lambda: torch.arange(6) < 3)))
good("adversarial.evade", net=NET, image=ONE, label=LABEL, detector=DETECTOR, level=whole(2), steps=whole(2),
     mu=number(0.3, 0))

# Shipped tables
good("results.table", name=(Choice(), "variants"))
good("results.facts", name=(Choice(), "variants"))
good("results.evidence", name=(Choice(), "variants"))
good("results.chart", name=(Choice(), "variants"))

# Inversion


@dataclass(frozen=True)
class OneOrMore(Net):
    """A network, or a list of some."""

    def more(self, good: object) -> Wrong:
        yield from ((what, value) for what, value in super().more(good) if what != "a list")
        yield from {"an empty list": [], "a list of names": ["squeezenet1_1"], "odd things": [good, None],
                    "one in training mode": [good, *(value for what, value in super().more(good)
                                                     if what == "in training mode")]}.items()


good("inversion.code", net=NET, layer=LAYER, images=SEVERAL)
CODE = numbers(features, 1)
good("inversion.code_error", given=CODE, wanted=CODE)
good("inversion.excitation", code=numbers(lambda: features(count=1), 0), unit=whole(3, 0, 7))
for name, kind in inversion.PRIORS.items():
    good(f"inversion.invert, {name}", inversion.invert, net=NET, layer=LAYER, image=ONE,
         prior=(Options(none=True), Made(kind)), settings=settings(inversion.InversionSettings))
good("inversion.maximise", net=(OneOrMore(), Made(net)), layer=LAYER, unit=(Target(), 3),
     prior=(Options(none=True), Made(inversion.Pixels)), size=whole(32), settings=settings(inversion.MaximiseSettings))
good("inversion.dream", net=NET, layer=LAYER, image=ONE, settings=settings(inversion.DreamSettings))
good("inversion.learned_inverter", which=(Choice(), "fire9"))
good("inversion.decode", net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))),
     inverter=(Module(), Made(inversion.learned_inverter)), images=pictures(1, 128))
good("inversion.learned_steps", layer=(Choice(), "fire9"))
good("inversion.unroll", net=(Net(), Made(lambda: nets.load("squeezenet1_1", device="cpu"))),
     inverter=(Module(), Made(inversion.learned_inverter)), steps=(Module(), Made(inversion.learned_steps)),
     images=pictures(1, 128))
good("inversion.tikhonov", matrix=numbers(lambda: draw(4, 6), 0), y=numbers(lambda: draw(4), 0),
     lam=number(0.5, 0, without_low=True))
good("inversion.gaussian_posterior", matrix=numbers(lambda: draw(4, 6), 0), y=numbers(lambda: draw(4), 0),
     mean=numbers(lambda: draw(6), 0), covariance=(
         Also(Numbers(fixed=(0, 1)), lambda: {"negative": -torch.eye(6), "not symmetric": torch.ones(6, 6).triu()}),
         Made(lambda: torch.eye(6))),
     noise=number(0.5, 0, without_low=True))
good("inversion.sample", net=NET, layer=LAYER, image=ONE, settings=settings(inversion.SampleSettings))

# Deep image prior


# A side in pixels, or (height, width).
Sides = partial(Also, Whole(), lambda: {
    "gigabytes": 10**5, "no height": (0, 32), "a height alone": (32,), "three": (32, 32, 32),
    "half a pixel": (32.5, 32), "a word in it": ("32", 32), "too small": (32, 7)})


def unfit() -> dict[str, object]:
    """What is no generator for a picture of 32×32 pixels."""
    spoilt = prior.generator(size=SIDE, depth=2)
    spoilt.colour.weight.data[0] = float("nan")
    return {"NaN in its weights": spoilt, "for other pictures": prior.generator(size=24, depth=2),
            "held fixed": prior.generator(size=SIDE, depth=2).requires_grad_(False),
            "the function": prior.generator, "the class": prior.Generator}


ToFit = partial(Also, Ours(), unfit)
# A data term for pictures of 32×32 pixels.
Task = partial(Also, Function(), lambda: {
    "for another size": prior.inpaint(torch.ones(1, 1, 24, 24)), "that enlarges": prior.super_resolve(2),
    "that says nothing": lambda x, target: None, "of every pixel": lambda x, target: x - target,
    "of the target alone": lambda x, target: target.mean(), "the maker of one": prior.inpaint})
# A picture in [0,1] to compare with.
TRUTH = Also(Numbers(fixed=(0, 1, 2, 3)), lambda: {
    "0 to 255": 255 * x(), "bytes": (255 * x()).byte(), "below 0": x() - 1, "complex": x() + 0j})
# Pictures of 32×32 pixels by name.
ByName = partial(These, lambda: {"none": {}, "no pictures": {"x": 3}, "a name for a picture": {"x": "coffee"},
                                 "a picture alone": x(), "two in one": {"x": x(2)}, "one colour": {"x": x() * 0}})
# A dictionary of patches of 8×8 pixels.
Atoms = partial(Also, Ours(), lambda: {
    "no square": np.eye(191), "an axis less": np.ones(192), "none": np.ones((0, 192)),
    "with NaN": np.full((2, 192), np.nan), "larger than the picture": np.ones((2, 3 * 64**2)),
    "as a tensor": torch.eye(192)})
SMALL = prior.generator(size=SIDE, depth=2)
VISIBLE = numbers(lambda: (draw(1, 1, SIDE, SIDE) > 0.2).float(), 1)
good("prior.generator", kind=(Choice(), "hourglass"), size=(Sides(), 32), depth=whole(2), widths=(Wholes(), (4, 8)),
     skip=whole(0, 0), code=(Choice(), "noise"), channels=whole(4), upsample=(Choice(), "nearest"), seed=SEED)
good("prior.fit", generator=(ToFit(), SMALL), image=ONE, task=(Task(), prior.reconstruct),
     settings=settings(prior.PriorSettings))
good("prior.inpaint", visible=VISIBLE)
good("Generator()", lambda code: SMALL(code),
     code=(Numbers(fixed=(1, 2), finite=False, none=True), Made(lambda: SMALL.code + 0.1)))
good("prior.super_resolve", factor=whole(2, 2))
# Of two tensors of one shape, any shape is good.
OF_ONE_SHAPE = Numbers(fixed=(0, 1, 2, 3))
good("prior.lanczos", x=numbers(x), factor=whole(2, 2))
good("prior.psnr", x=(OF_ONE_SHAPE, Made(lambda: 0.9 * x())), truth=(TRUTH, Made(x)))
good("prior.ssim", x=(OF_ONE_SHAPE, Made(x)), truth=(TRUTH, Made(x)))
good("prior.perceptual_distance", net=(Also(Net(), lambda: {"without places": flat()}), Made(net)),
     x=(OF_ONE_SHAPE, Made(x)), truth=(TRUTH, Made(x)), where=(Numbers(fixed=(1,), none=True), VISIBLE[1]))
good("prior.unexplained_variance", x=(OF_ONE_SHAPE, Made(x)), target=(OF_ONE_SHAPE, Made(x)))
# Called at every step: the run itself sees to what is not finite.
AT_EVERY_STEP = (Numbers(fixed=(0, 1, 2, 3), finite=False), Made(x))
good("prior.reconstruct", x=AT_EVERY_STEP, target=AT_EVERY_STEP)
good("inpaint()", lambda x, target: prior.inpaint(torch.ones(1, 1, SIDE, SIDE))(x, target), x=AT_EVERY_STEP,
     target=AT_EVERY_STEP)
good("prior.targets", image=ONE, strength=number(0.1, 0), seed=SEED)
good("prior.first_step_below", curve=(Some(), [1.0, 0.5]), share=number(0.5, 0))
good("prior.disagreement", pictures=(Some(), Made(lambda: [x(), 1 - x()])))
good("prior.biharmonic", image=ONE, visible=VISIBLE)
good("prior.tv_inpaint", image=ONE, visible=VISIBLE, price=number(0.001, 0), steps=whole(2, 1, STEPS))
ATOMS = np.eye(192)
good("prior.dictionary", examples=SEVERAL, side=whole(8, 1, SIDE), atoms=whole(4), seed=SEED)
good("prior.sparse_coding", image=ONE, visible=VISIBLE, atoms=(Atoms(), ATOMS), used=whole(2), stride=whole(8, 1, 8))
good("prior.convolutional_sparse_coding", image=ONE, visible=VISIBLE, lam=number(0.02, 0), smooth=number(0.05, 0),
     steps=whole(2, 1, STEPS))
good("prior.trained_inpaint", image=pictures(1, 64), visible=(VISIBLE[0], Made(lambda: torch.ones(1, 1, 64, 64))))

# Equivariance

G = (Ours(), equivariance.HFLIP)
good("equivariance.rotation", degrees=number(20.0))
good("Transform.in_cells", lambda spacing: equivariance.rotation(9).in_cells((spacing, 2.0)),
     spacing=number(1.0, 0, without_low=True))
good("equivariance.scaling", factor=number(0.8, 0, without_low=True))


# ((a, b), (c, d)) that can be inverted.
Matrix = partial(These, lambda: {
    "a word": "nope", "a number": 3, "flat": (1.0, 0.0, 0.0, 1.0), "three rows": ((1.0, 0.0),) * 3,
    "long rows": ((1.0, 0.0, 0.0), (0.0,)), "of words": (("a", "b"), ("c", "d")),
    "NaN": ((float("nan"), 0.0), (0.0, 1.0)), "singular": ((1.0, 1.0), (1.0, 1.0))})
good("equivariance.Transform", lambda matrix: equivariance.Transform("mine", matrix),
     matrix=(Matrix(), ((1.0, 0.0), (0.0, 1.0))))
good("Transform.inside", lambda height, width: equivariance.HFLIP.inside(height, width), height=whole(3),
     width=whole(4))
good("Equivariance.map", lambda features: moved().map(features), features=numbers(features, 1))
good("Errors.invariant", lambda threshold: equivariance.errors(moved(), x(2)).invariant(threshold),
     threshold=number(0.5, 0))
good("equivariance.ridge", transport.ridge, x=(Free("samples that the room made"), Made(lambda: draw(6, 3))),
     y=(Free("samples that the room made"), Made(lambda: draw(6, 2))), strength=number(0.1, 0))
good("Transform()", lambda x: equivariance.HFLIP(x), x=(Numbers(thin=False), Made(x)))
good("equivariance.fit_equivariance", net=NET, layer=LAYER, images=pictures(4), g=G, inputs=(Whole(none=True), 2),
     neighbourhood=whole(1), strength=number(0.01, 0), sites=whole(200), seed=SEED)
good("equivariance.errors", found=ours(moved), images=SEVERAL)
good("equivariance.transported_scores", found=ours(moved), images=SEVERAL)
good("equivariance.mirrored", net=UNASKED)
good("equivariance.centred_size", net=NET, layer=(Layer(), "conv1"))
good("equivariance.stitch", net_a=NET, layer_a=LAYER, net_b=NET, layer_b=LAYER, images=pictures(4),
     strength=number(0.01, 0), sites=whole(200), seed=SEED)
STITCHED = (Net(), Made(stitched))
good("equivariance.identity_stitch", stitched=STITCHED)
good("equivariance.shuffled_stitch", stitched=STITCHED, seed=SEED)
good("equivariance.distil", stitched=STITCHED, images=SEVERAL, settings=settings(equivariance.StitchSettings))
good("equivariance.cka", features_a=numbers(features, 0), features_b=numbers(features, 0))

# Dissection

DATA = ours(scenes)
good("dissection.dissect", net=NET, layer=(Layer(), "relu2"), data=DATA, share=number(0.05, 0, 1, without_low=True),
     batch_size=whole(4))
good("dissection.dissect_layers", net=NET, layers=(Layers(), ["relu2"]), data=DATA,
     share=number(0.05, 0, 1, without_low=True), batch_size=whole(4))
good("Quantiles", dissection.dissecting.Quantiles, units=whole(4))
good("Quantiles.add", lambda activations: (known := dissection.dissecting.Quantiles(8)).add(activations) or known,
     activations=numbers(features, 1))
good("Dissection.weighted", lambda often: found().weighted(often),
     often=(Numbers(fixed=(0,), finite=False), Made(lambda: draw(10).double())))
good("Dissection.detectors", lambda least: found().detectors(least), least=number(0.04, 0, 1))
good("dissection.interval, a statistic", lambda gives: dissection.interval(found(), lambda one: gives, times=5),
     gives=(These(make=lambda: {"a text": "x", "a tensor": torch.ones(2), "a list": [1, 2]}), 1.0))
good("Quantiles.upper", lambda share: found().seen.upper(share), share=number(0.05, 0, 1, without_low=True))
FOUND = ours(found)
for name in ("unique_detectors", "concepts_per_unit", "units_per_concept"):
    good(f"dissection.{name}", getattr(dissection, name), found=FOUND, least=number(0.04, 0, 1))
good("Dissection.labels", lambda least: found().labels(least), least=number(0.04, 0, 1))
good("dissection.by_category", found=FOUND, category=(Ours(), {"one": "object", "two": "part"}),
     least=number(0.04, 0, 1))
good("dissection.interval", found=FOUND, statistic=(Function(), dissection.unique_detectors),
     times=whole(5, 1, STEPS), seed=SEED)
good("dissection.binarise", net=NET, layer=(Layer(), "relu2"), images=SEVERAL,
     thresholds=numbers(lambda: found().thresholds, 0))
ACTIVE, MASKS = Masks(fixed=(0,)), (Masks(fixed=(0,)), Made(lambda: scenes().masks[:, 0]))
good("dissection.net2vec", active=(ACTIVE, Made(active)), masks=MASKS, filters=(Whole(1, 8, none=True), 2),
     settings=settings(dissection.Net2VecSettings))
good("dissection.filter_curve", lambda active, masks, counts, settings: dissection.filter_curve(
     (active, masks), (active, masks), counts, settings=settings), active=(ACTIVE, Made(active)), masks=MASKS,
     counts=(Wholes(), (2, 4)), settings=settings(dissection.Net2VecSettings))
good("dissection.best_filter", active=(ACTIVE, Made(active)), masks=MASKS)
good("dissection.segment", weight=numbers(lambda: draw(8), 0), active=(Masks(fixed=(1,)), Made(active)),
     size=(Wholes(), (16, 16)))
good("dissection.iou_set", predicted=MASKS, masks=MASKS)
good("dissection.direction", features=numbers(lambda: draw(6, 3), 0),
     shown=(Masks(fixed=(0,)), Made(lambda: torch.arange(6) < 3)), C=number(1.0, 0, without_low=True), seed=SEED)
good("dissection.concept_kernel", vectors=numbers(lambda: draw(4, 6)))
KERNEL = numbers(lambda: dissection.concept_kernel(draw(4, 6)), 0, 1)
good("dissection.kernel_similarity", first=KERNEL, second=KERNEL)
good("dissection.chance_similarity", first=KERNEL, second=KERNEL, times=whole(3, 1, STEPS), seed=SEED)
good("dissection.peaks", net=NET, layers=(Layers(), ["relu2"]), data=DATA, count=whole(2))
good("dissection.patches", net=NET, layer=(Layer(), "relu2"), data=DATA, unit=whole(3, 0, 7),
     found=ours(lambda: dissection.peaks(net(), ["relu2"], scenes(), count=2)["relu2"]), size=whole(16))
good("dissection.pooled", net=NET, layers=(Layers(), ["relu2"]), pictures=(Some(), Made(lambda: [x(2)])))
good("dissection.rotation", units=whole(5, 2), share=number(0.5, 0, 1), seed=SEED)
good("dissection.Rotated", dissection.Rotated, net=(Net(asked=False), Made(net)),  # made here, asked later
     turn=(Also(Numbers(fixed=(0,)), lambda: {"no rotation": 3 * torch.eye(8), "a projection": torch.ones(8, 8) / 8}),
           Made(lambda: dissection.rotation(8).float())))
FEATURES = numbers(features, 1)
LABELS = classes(0, 1, 2, 0, of=8)
UPPER = (Net(asked=False), Made(net))  # what lies below the layer has no say
good("dissection.Rotated, asked",
     lambda units: dissection.Rotated(net(), dissection.rotation(units).float()).features(x(), "conv2"),
     units=(These(make=lambda: {"too few": 5, "too many": 9}), 8))
good("dissection.ablate", net=UPPER, layer=LAYER, features=FEATURES, units=(Units(), [1, 2]))
good("dissection.accuracy_drop", net=UPPER, layer=LAYER, features=FEATURES, labels=LABELS, target=whole(1, 0, 7))
good("dissection.ablation_curve", net=UPPER, layer=LAYER, features=FEATURES, labels=LABELS, target=whole(1, 0, 7),
     order=(Units(), [3, 1, 2]), counts=(Wholes(0), (0, 2)))

# Universal representations

good("universal.adapt", net=UNASKED, method=(Choice(), "parallel"), share=number(0.5, 0, 1, without_low=True),
     on=(Some(none=True), ["dense"]), rank=whole(2), seed=SEED)
NEW, DOMAIN = Made(adapted), (Choice(), "new")
good("Adapted.add_domain", lambda name, classes: universal.adapt(net()).add_domain(name, classes), name=(Text(), "new"),
     classes=(Whole(2, 100_000), 3))
good("Adapted.add_domain, names", lambda classes: universal.adapt(net()).add_domain("new", classes),
     classes=(These(make=lambda: {"one": ["p"], "none": [], "numbers": [1, 2], "half": 2.5}), ["p", "q"]))
good("Adapted.use", lambda names: universal.adapt(net()).add_domain("new", 2).use(names), names=(Some(), ["new"]))
for name in ("domain", "domain_parameters", "merge"):
    good(f"Adapted.{name}", lambda name, ask=name: getattr(adapted(), ask)(name), name=DOMAIN)
good("Adapted.remove_domain", lambda name: universal.adapt(net()).add_domain("new", 2).remove_domain(name), name=DOMAIN)
good("Adapted.pooled", lambda images: adapted().pooled(images), images=SEVERAL)
good("Adapted.load_domain", lambda path: universal.adapt(net()).load_domain(path), path=(Choice(), Made(saved)))
good("Adapted.save_domain", lambda name, images: adapted().save_domain(saved(), name, images=images), name=DOMAIN,
     images=(Picture(several=True, none=True), Made(lambda: x(2))))
good("universal.train_domain", net=(Net(), NEW), name=DOMAIN, images=SEVERAL, labels=classes(0, 1, of=2),
     settings=settings(universal.UniversalSettings))
good("universal.describe", net=(Net(), NEW), images=SEVERAL, layer=(Layer(none=True), "conv1"))
good("universal.learnet", net=(Net(asked=False), NEW), name=DOMAIN, layer=(Layer(none=True), "conv1"),
     inputs=(Whole(none=True), 3), rank=whole(2), seed=SEED)
good("Learnet()", lambda z: universal.learnet(adapted(), "new", inputs=3)(z), z=numbers(lambda: draw(3), 0))
good("universal.put_adapters", lambda net, name, predicted: universal.put_adapters(net, name, predicted),
     net=(Net(asked=False), Made(lambda: universal.adapt(net()).add_domain("new", 2))), name=DOMAIN,
     predicted=ours(lambda: universal.learnet(adapted(), "new", inputs=3)(draw(3))))
PAIRS = {"new": (x(2), torch.tensor([0, 1]))}
good("universal.train_learnet", net=(Net(), NEW), learnet=ours(lambda: universal.learnet(adapted(), "new")),
     data=(Ours(), PAIRS), head=(Choice(none=True), "new"), settings=settings(universal.LearnetSettings))
PARTS = {"parts": torch.zeros(2, 8, 8, dtype=torch.long)}
good("universal.train_tasks", universal.train_tasks, tasks=(Ours(), Made(jobs)), images=SEVERAL, labels=(Ours(), PARTS),
     present=(These(none=True, make=lambda: {
         "a number": 3, "a tensor": torch.ones(2), "a mask of another length": {"parts": torch.ones(3).bool()},
         "shares": {"parts": torch.ones(2)}}), {"parts": torch.tensor([True, True])}), weights=(Kind(), ()),
     settings=settings(universal.TasksSettings))
good("train_tasks, labels",
     lambda y: list(universal.train_tasks(jobs(), x(2), {"parts": y}, settings=(universal.TasksSettings(steps=1)))),
     y=(Labels(fixed=(0,)), PARTS["parts"]))
good("universal.Tasks", net=UNASKED, layers=(Layers(), ["conv1"]),
     tasks=(Ours(), {"parts": universal.Task("segments", 2)}))
good("universal.Task",
     lambda kind, outputs, price: universal.Tasks(net(), ["conv1"], {"a": universal.Task(kind, outputs, price)}),
     kind=(Choice(), "segments"), outputs=whole(2), price=number(1.0, 0))
good("universal.decathlon_score", errors=(Ours(), {"a": 0.1, "b": 0.0}), baseline=(Ours(), {"a": 0.2, "b": 0.1}))
good("decathlon_score, a share", lambda error: universal.decathlon_score({"a": error}, {"a": 0.1}),
     error=number(0.1, 0, 1))

# What pictures teach without labels

PHI = Made(lambda: selfsup.encoder(2))
good("selfsup.encoder", width=whole(2, 1, 256), seed=SEED)
good("selfsup.head_of", net=(Net(), PHI), task=(Choice(), "upright"), seed=SEED)
good("selfsup.pretrain", net=(Net(), PHI), raw=SEVERAL, task=(Choice(), "upright"),
     settings=settings(selfsup.PretextSettings))
good("selfsup.pretrain, a function", lambda raw: selfsup.pretrain(
         PHI(), raw, "upright", settings=selfsup.PretextSettings(steps=1, batch_size=4)),
     raw=(Returns(), lambda count, generator: x(count)))
good("selfsup.pretrain, of two", lambda raw: selfsup.pretrain(
         PHI(), raw, "correspondence", settings=selfsup.PretextSettings(steps=1, batch_size=4)),
     raw=(Returns(), lambda count, generator: (x(count), draw(count, 400))))
ANSWERS = selfsup.Task(lambda raw, _: selfsup.Posed(raw[0][:, None], raw[1][:, 0]),
                       lambda channels: Joined(channels, 1, 3), raw="labelled")
good("selfsup.pretrain, answers", lambda labels: selfsup.pretrain(
         PHI(), (x(4), labels), ANSWERS, settings=selfsup.PretextSettings(steps=1, batch_size=4)),
     labels=(Labels(fixed=(0,), classes=3), Made(lambda: torch.tensor([[0], [1], [2], [0]]))))
good("selfsup.Task", lambda pose, head, loss, score, raw: selfsup.pretrain(
         PHI(), x(4), selfsup.Task(pose, head, loss, score, raw),
         settings=selfsup.PretextSettings(steps=1, batch_size=4)),
     pose=(Also(Function(), lambda: {
         "of nothing": lambda: None, "that gives nothing": lambda raw, draw: None,
         "that gives a tuple": lambda raw, draw: (raw[:, None], torch.zeros(4).long()),
         "that gives no answers": lambda raw, draw: selfsup.Posed(raw[:, None], None),
         "that gives too few": lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(3).long()),
         "that gives pictures alone": lambda raw, draw: selfsup.Posed(raw, torch.zeros(4).long())}),
           lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(4).long())),
     head=(Also(Function(), lambda: {"that gives nothing": lambda channels: None}),
           lambda channels: Joined(channels, 1, 3)),
     loss=(Function(), cross_entropy), score=(Function(), share_right), raw=(Choice(), "pictures"))
for side in ((32, 24), (1, 32)):
    good(f"selfsup.pretrain, upright {side}", lambda raw: selfsup.pretrain(
             PHI(), raw, "upright", settings=selfsup.PretextSettings(steps=1, batch_size=4)),
         raw=(These(make=lambda side=side: {"not square": draw(4, 3, *side)}), Made(lambda: x(4))))
good("selfsup.solve", net=(Net(), PHI), head=(Module(), Made(lambda: selfsup.head_of(PHI(), "upright"))), raw=SEVERAL,
     task=(Choice(), "upright"), seed=SEED)
good("selfsup.pooled", net=(Net(), PHI), images=SEVERAL, layer=(Layers(), ["conv1", "conv5"]))
THREE = (draw(6, 4), torch.tensor([0, 1, 2, 0, 1, 2]))

for part in range(2):
    good(f"selfsup.best_probe, {part}", lambda features, labels, part=part: selfsup.best_probe(*(
        (features, labels) if k == part else THREE for k in range(2))), features=(Numbers(fixed=(0, 1)), THREE[0]),
         labels=(Labels(fixed=(0,)), THREE[1]))

# Self-supervision: perturbed pictures

COLOURS = numbers(lambda: 60 * draw(5, 2) - 30, 1)
CENTRES = numbers(lambda: cielab.bins(20.0), 1)
PATCHES = numbers(lambda: x(2, 24), 0, 1, 2, 3)
DROPPED = {"drop_colour": number(0.5, 0, 1), "normalise": (Flag(), True)}
good("cielab.rgb_to_lab", images=numbers(lambda: x(2), 1))
good("cielab.lab_to_rgb", lab=numbers(lambda: 50 * x(2), 1))
good("cielab.bins", step=number(20.0, 4, 100))
good("cielab.colours", images=numbers(lambda: x(2), 1))
good("colour.soft_encode", ab=COLOURS, centres=CENTRES, sigma=number(5.0, 0, without_low=True), nearest=whole(5, 1, 77))
good("colour.rebalancing", prior=numbers(lambda: torch.ones(5) / 5), gamma=number(0.5, 0, 1), alpha=number(1.0, 0, 4))
good("colour.prior", step=number(20.0, 4, 100))
good("selfsup.decolorise", step=number(20.0, 4, 100), gamma=number(0.5, 0, 1), alpha=number(1.0, 0, 4))
good("colour.explained", output=PATCHES, target=PATCHES)
good("erasing.reconstruction", patch=PATCHES, true=PATCHES, border=whole(4, 0, 11), heavier=number(10.0, 0))
good("erasing.hole", images=PLANES, border=whole(4, 0, 6))
good("selfsup.erase", adversary=number(0.01, 0, 100))
good("scrambling.permutations", count=whole(6, 2, 24), tiles=whole(4, 2, 9), seed=SEED)
good("selfsup.aberrated", images=numbers(lambda: x(2), 1), strength=number(0.02, 0, 0.5))
good("selfsup.jigsaw", count=whole(6, 2, 2000), tile=whole(16, 8, 512), gap=whole(5, 0, 512), seed=SEED, **DROPPED)
good("selfsup.relative_position", tile=whole(24, 8, 512), gap=whole(8, 0, 512), jitter=whole(4, 0, 8), **DROPPED)
good("selfsup.nt_xent", z=numbers(lambda: draw(3, 2, 5), 1), tau=number(0.2, 0, without_low=True))
good("selfsup.contrastive", tau=number(0.2, 0, without_low=True))
good("views.crop", images=PLANES, generator=GENERATOR, least=number(0.3, 0, 1, without_low=True),
     stretch=number(1.3, 1, 10), mirror=(Flag(), True))
good("views.recolour", images=numbers(lambda: x(2), 1), generator=GENERATOR, strength=number(0.4, 0, 1))
good("views.grey_some", images=numbers(lambda: x(2), 1), generator=GENERATOR, share=number(0.2, 0, 1))
CORNERS = numbers(lambda: torch.tensor([[1, 2], [3, 4]]), 0, 1)
good("views.tiles", images=PLANES, top=CORNERS, left=CORNERS, side=whole(8, 1, 28))

# Self-supervision: mutual information

SHARES = (Shares(fixed=(0, 1)), Made(lambda: draw(6, 3).softmax(1)))
MAPS = (Shares(fixed=(0, 1)), Made(lambda: draw(2, 3, 6, 6).softmax(1)))
DRAWN_BY = ours(lambda: torch.Generator().manual_seed(0))
LITTLE = {"steps": 1, "batch_size": 4, "heads": 2}
CLUSTERING = (Options(none=True), Made(lambda: selfsup.ClusterSettings(**LITTLE)))
SEGMENTING = (Options(none=True), Made(lambda: selfsup.SegmentSettings(**LITTLE, reach=1)))
SORTER, DENSE = Made(lambda: selfsup.digit_encoder(2)), Made(lambda: selfsup.pixel_encoder(2))
HEAD = (Module(), Made(lambda: selfsup.sub_heads(selfsup.digit_encoder(2), 3)))
DENSE_HEAD = (Module(), Made(lambda: selfsup.dense_heads(selfsup.pixel_encoder(2), 3)))


def sub_heads(k: int) -> nn.Module:
    return selfsup.sub_heads(selfsup.digit_encoder(2), k)


def dense_heads(k: int) -> nn.Module:
    return selfsup.dense_heads(selfsup.pixel_encoder(2), k)


# Heads that are trained, for three classes.
TRAINED = partial(Also, Ours(none=True), lambda: {"of two classes": sub_heads(2), "of four classes": sub_heads(4),
                                                  "of places": dense_heads(3)})
TRAINED_DENSE = partial(Also, Ours(none=True), lambda: {"of two classes": dense_heads(2), "of pictures": sub_heads(3)})
VIEWS, LIGHT = (Returns(), selfsup.digit_views), (Returns(), selfsup.relit)
good("selfsup.joint", z=SHARES, z_moved=SHARES)
good("selfsup.mutual_information", P=(Numbers(fixed=(0,), thin=False), Made(lambda: torch.full((3, 3), 1 / 9))),
     lam=number(1.0, 0))
good("selfsup.iic_loss", z=SHARES, z_moved=SHARES, lam=number(1.0, 0))
good("selfsup.bias", k=whole(3), n=whole(100), symmetric=(Flag(), False))
good("selfsup.unet", width=whole(2, 1, 128), seed=SEED)
good("selfsup.digit_encoder", width=whole(2, 1, 1024), seed=SEED)
good("selfsup.texture_encoder", width=whole(2, 1, 256), window=whole(3, 1, 63), colour=(Flag(), True), seed=SEED)
good("selfsup.pixel_encoder", width=whole(2, 1, 256), seed=SEED)
ASKED_LATER = Also(Function(), lambda: {"of nothing": lambda: None})
good("selfsup.clustering", k=whole(3, 2, 1000), views=(ASKED_LATER, selfsup.digit_views), settings=CLUSTERING)
good("selfsup.sub_heads", net=(Net(asked=False), SORTER), k=whole(3, 2, 1000), settings=CLUSTERING)
good("selfsup.cluster", net=(Net(asked=False), SORTER), images=SEVERAL, k=whole(3, 2, 1000),
     head=(TRAINED(none=True), HEAD[1]), views=VIEWS, settings=CLUSTERING)
good("selfsup.cluster_probabilities", net=(Net(), SORTER), head=HEAD, images=SEVERAL)
good("selfsup.best_head", net=(Net(), SORTER), head=HEAD, images=SEVERAL, views=VIEWS, seed=SEED)
good("selfsup.pseudo_labels", net=(Net(), SORTER), layer=(Layer(), "conv2"), images=SEVERAL, k=whole(2, 2), seed=SEED)
good("selfsup.transfer_knowledge", teacher=(Net(), SORTER), layer=(Layer(), "conv2"),
     student=(Net(asked=False), SORTER), images=SEVERAL, k=whole(2, 2), settings=settings(selfsup.PretextSettings))
for name in ("digit_views", "relit", "bias_field"):
    good(f"selfsup.{name}", getattr(selfsup, name), images=PLANES, generator=DRAWN_BY)
good("selfsup.relit, most", lambda most: selfsup.relit(x(), torch.Generator(), most=most), most=number(0.3, 0, 1))
good("selfsup.bias_field, most", lambda most: selfsup.bias_field(x(), torch.Generator(), most=most),
     most=number(0.3, 0, 2))
good("selfsup.displaced_joints", z=MAPS, z_moved=MAPS, reach=whole(1, 0, 5))
good("selfsup.segmentation_loss", z=MAPS, z_moved=MAPS, reach=whole(1, 0, 5), pooled=(Flag(), True), lam=number(1.0, 0))
good("selfsup.segmenting", k=whole(3, 2, 100), light=(ASKED_LATER, selfsup.relit), settings=SEGMENTING)
good("selfsup.dense_heads", net=(Net(asked=False), DENSE), k=whole(3, 2, 100), settings=SEGMENTING)
good("selfsup.segment", net=(Net(asked=False), DENSE), images=SEVERAL, k=whole(3, 2, 100),
     head=(TRAINED_DENSE(none=True), DENSE_HEAD[1]), light=LIGHT, settings=SEGMENTING)
good("selfsup.segments", net=(Net(), DENSE), head=DENSE_HEAD, images=SEVERAL)
good("selfsup.best_dense_head", net=(Net(), DENSE), head=DENSE_HEAD, images=SEVERAL, light=LIGHT, seed=SEED,
     settings=SEGMENTING)
SORTED = classes(0, 1, 2, 0)
good("matching.hungarian_accuracy", clusters=SORTED, labels=SORTED)
good("matching.match", clusters=SORTED, labels=SORTED)
good("matching.contingency", clusters=SORTED, labels=SORTED)

# Data

good("handwritten.load", each=whole(2, 1, 500))
for made in (mosaics.textures, mosaics.satellite):
    good(f"mosaics.{made.__name__}", made, count=whole(2), size=whole(16, 8, 160), seed=SEED)
good("concepts.load", split=(Choice(), "train"), count=whole(4), seed=SEED, least=whole(1))
few = Made(lambda: concepts.load("train", count=4, least=1))
good("Concepts[]", lambda data, which: data[which], data=(Free("it is asked"), few), which=(Wholes(0), [0, 3]))
good("Concepts.masks", lambda name, which: few().masks(name, which), name=(Choice(), Made(lambda: few().names[0])),
     which=(Wholes(0), [0]))
good("Concepts.showing", lambda name, least: few().showing(name, least=least),
     name=(Choice(), Made(lambda: few().names[0])), least=whole(1))
good("Concepts.only", lambda names: few().only(names), names=(Texts(), Made(lambda: few().names[:2])))
for function in (dissection.dissect, lambda net, layer, data: dissection.peaks(net, [layer], data)):
    good(f"dissection.{'dissect' if function is dissection.dissect else 'peaks'}, data of one's own", function,
         net=(Free("asked above"), Made(net)), layer=(Free("asked above"), "relu2"),
         data=(These(make=own), Made(lambda: Own(lambda batch: batch))))
good("labelled.batches", batches, data=DATA, batch_size=whole(4), which=(Wholes(0, none=True), [0, 3]))
good("LabelledPictures", LabelledPictures, names=(Texts(), ("one", "two")), images=pictures(4),
     masks=(Masks(fixed=(0, 1)), Made(lambda: draw(4, 2, 8, 8) > 0.5)),
     labelled=(Masks(fixed=(0, 1), none=True), Made(lambda: draw(4, 2) > 0.5)))
good("concepts.broden", path=(These(make=folders), Made(lambda: str(folder()))),
     categories=(Texts(none=True), ["object"]), split=(Choice(none=True), "train"), size=whole(8))
good("Broden[]", lambda which: concepts.broden(folder())[which], which=(Wholes(0), [0]))
good("Broden.without", lambda names: concepts.broden(folder()).without(names), names=(Texts(), ["dog"]))
good("LabelledPictures[]", lambda which: scenes()[which], which=(Wholes(0), [0, 3]))
SPLIT = (Choice(none=True), "train")
good("photos.names", group=(Choice(none=True), "nature"), split=SPLIT)
good("photos.load", name=(Choice(), "stream"), size=(Whole(1, 4096, none=True), 32))
good("photos.about", name=(Choice(), "stream"))
good("cutouts.names", kind=(Choice(none=True), "bird"), split=SPLIT, known=(Flag(), True))
good("cutouts.load", name=(Choice(), "zebra"), size=(Whole(1, 4096, none=True), 32))
good("cutouts.about", name=(Choice(), "zebra"))
good("cutouts.paste", thing=(Choice(), "zebra"), background=SEVERAL, size=number(0.8, 0, 4, without_low=True),
     x=number(0.5, 0, 1), y=number(0.5, 0, 1), mirror=(Flag(), False))
good("cutouts.paste, a pair", thing=ours(lambda: cutouts.load("zebra", size=20)), background=SEVERAL)
good("scans.load", name=(Choice(), "lung1"), window=(Choice(none=True), "soft"))
good("decathlon.load", name=(Choice(), "people"), split=(Choice(), "val"), each=(Whole(1, 30, none=True), 2))
good("lights.light", seed=SEED)
good("lights.scenes", count=whole(2), colour=(Numbers(fixed=(0,), none=True), Made(lambda: lights.light(0))),
     split=(Choice(), "val"), close=(Flag(), True), seed=SEED)
good("rendered.scenes", count=whole(1), size=whole(16, 16), split=(Choice(), "val"), seed=SEED)
good("faces.draw", count=whole(1), split=(Choice(), "test"), seed=SEED, size=whole(16, 16), each=whole(1),
     kind=(Choice(), "cat"), yaw=number(30.0, 0, 45))
good("faces.layers", count=whole(1), split=(Choice(), "test"), seed=SEED, size=whole(16, 16), each=whole(1),
     margin=whole(1, 0, 2048), kind=(Choice(), "cat"), yaw=number(30.0, 0, 45))
good("faces.hard_examples", made=ours(lambda: faces.draw(1, size=16)), kind=(Choice(), "person"))
good("faces.fronts", made=ours(lambda: faces.draw(1, size=16)), each=whole(1), size=whole(16, 16, 2048),
     margin=whole(1, 0, 2048), kind=(Choice(), "person"), yaw=number(30.0, 0, 45))
good("turntable.draw", kind=(Choice(), "car"), count=whole(1), size=whole(16, 16), split=(Choice(), "test"), seed=SEED,
     each=whole(1), photos=(Flag(), True), things=(Whole(1, 4000, none=True), 30))
good("turntable.views", kind=(Choice(), "chair"), instance=whole(23, 0, 9999),
     azimuth=numbers(lambda: 360 * draw(2), 0), elevation=numbers(lambda: 90 * draw(2), 0), size=whole(16, 16),
     seed=SEED, photos=(Flag(), True))
good("turntable.rotation", azimuth=numbers(lambda: draw(2), 0), elevation=numbers(lambda: draw(2), 0))
good("clips.moving", count=whole(1), length=whole(2, 2), size=whole(16, 16), split=(Choice(), "test"), seed=SEED)
good("clips.bouncing", count=whole(1), length=whole(2), size=whole(16, 16), split=(Choice(), "test"), seed=SEED,
     damping=number(0.1, 0, 0.9), colours=(Choice(none=True), "glass"))
good("clips.street", films.street, split=(Choice(), "test"), length=whole(2, 2, 103), count=whole(1),
     size=whole(16, 16, 192), seed=SEED, least=number(0.01, 0, 1))
good("clips.street_frames", films.street_frames, split=(Choice(), "test"))
good("taxonomy.ancestors", name=(Choice(), "cat"))
good("taxonomy.tree_similarity", names=(Some(), ("cat", "dog")))

# Pretext tasks from time, sound and motion


@cache
def learner(task: str) -> tuple[nets.Classifier, nn.Module]:
    """An encoder and a head, both small and fresh."""
    fresh = selfsup.encoder(2)
    return fresh, selfsup.head_of(fresh, task)


def other_head() -> dict[str, object]:
    return {"of another task": learner("order")[1], "a name": "moving", "a number": 3}


PLACES = Made(lambda: torch.arange(256).view(1, 16, 16) // 128)
good("selfsup.audiovisual_clustering", k=whole(3, 2, 1000), sound_encoder=(Function(), selfsup.SoundEncoder),
     settings=CLUSTERING)
good("selfsup.sound_map",
     lambda head, pictures, sounds: selfsup.sound_map(learner("correspondence")[0], head, pictures, sounds),
     head=(These(make=other_head), Made(lambda: learner("correspondence")[1])), pictures=SEVERAL,
     sounds=numbers(lambda: draw(2, 300), 0))
good("selfsup.sound_map, net", lambda net: selfsup.sound_map(net, learner("correspondence")[1], x(), draw(1, 300)),
     net=(Net(asked=False), Made(lambda: learner("correspondence")[0])))
good("selfsup.pixel_codes", lambda head, pictures: selfsup.pixel_codes(learner("moving")[0], head, pictures),
     head=(These(make=other_head), Made(lambda: learner("moving")[1])), pictures=SEVERAL)
good("selfsup.pixel_codes, net", lambda net: selfsup.pixel_codes(net, learner("moving")[1], x()),
     net=(Net(asked=False), Made(lambda: learner("moving")[0])))
good("cross_pixel.moving", pixels=whole(20, 3, 1024), sigma=(Number(0, without_low=True), 0.1),
     kappa=(Number(0, without_low=True), 1.0))
WATCHER = Made(lambda: selfsup.unet(2))
good("selfsup.moves", lambda head, pictures: selfsup.moves(WATCHER(), head, pictures),
     head=(These(make=other_head), Made(lambda: selfsup.head_of(WATCHER(), selfsup.MOVED))), pictures=SEVERAL)
good("selfsup.moves, net", lambda net: selfsup.moves(net, selfsup.head_of(WATCHER(), selfsup.MOVED), x()),
     net=(Net(asked=False), WATCHER))
good("selfsup.three_frame_difference", frames=numbers(lambda: draw(3, 3, 16, 16), 1), gap=whole(1, 1),
     sigma=number(0.7, 0))
good("selfsup.estimated_flow", clips=numbers(lambda: draw(1, 2, 3, 16, 16)))

# Figures and live forms

ALT = (Choice(), "What it shows.")
good("figures.grid", pictures=(Some(), Made(lambda: [x(), x()])), titles=(Texts(none=True), ["a", "b"]),
     columns=(Whole(none=True), 2), rows=(Texts(none=True), ["c"]), alt=(Text(), "Two."), width=(Whole(none=True), 200))
TITLE = (Text(), "a title")
good("figures.curves", lines=(Ours(), {"a": [1.0, 2.0, 3.0]}), xlabel=(Text(), "x"), ylabel=(Text(), "y"), title=TITLE,
     alt=(Text(), "One."))
good("figures.curves, y", lambda y: figures.curves({"a": y}, "x", "y", alt="One."),  # one NaN is a gap
     y=(Numbers(thin=False, lists=True, finite=False), Made(lambda: draw(5))))
good("figures.curves, parts", lambda parts: figures.curves({"a": parts}, "x", "y", alt="One."),
     parts=(These(make=lambda: {"all NaN": draw(5) * float("nan"), "infinite": draw(5) / 0, "three": ([1], [2], [3]),
                                "texts": ["a", "b"], "two axes": draw(2, 2), "other lengths": ([1, 2], [1, 2, 3]),
                                "an interval of NaN": ([1], [1], [float("nan")], [1])}), ([1, 2], [3, 4])))
good("figures.bars", values=(Ours(), {"a": 0.3}), xlabel=(Text(), "x"), title=TITLE, alt=(Text(), "One."),
     chance=(Number(none=True), 0.2))
good("figures.bars, a value", lambda value: figures.bars({"a": value}, "x", alt="One."),
     value=(These(make=lambda: {"NaN": float("nan"), "a text": "x", "two": (1, 2), "a dict in a dict": {"b": {"c": 1}},
                                "turned round": (1.0, 2.0, 0.0), "no bars": {}, "endless": 10**400}), 0.3))
good("figures.answered", pictures=(Some(), Made(lambda: [x()[0], x()[0]])), right=(Some(), (True, False)),
     words=(Texts(none=True), ["a", "b"]), columns=(Whole(none=True), 2), rows=(Texts(none=True), ["one row"]),
     width=(Whole(none=True), 200))
good("figures.points", values=(Ours(), {"a": (1.0, 0.3, 0.2, 0.4)}), xlabel=(Text(), "x"), ylabel=(Text(), "y"),
     title=TITLE, alt=(Text(), "One."), xscale=(Choice(), "log"))
good("figures.points, a point", lambda value: figures.points({"a": value}, "x", "y", alt="One."),
     value=(These(make=lambda: {"NaN": (1, float("nan"), 0, 0), "a text": "x", "two": (1, 2), "a number": 0.3,
                                "turned round": (1.0, 1.0, 2.0, 0.0)}), (1.0, 0.3, 0.2, 0.4)))
good("figures.classes", names=(Texts(), tuple("abcd")),
     logits=(Numbers(fixed=(0,), thin=False, lists=True), Made(lambda: draw(4))), top=whole(2, 1, 4))
good("figures.table", values=(Numbers(fixed=(0, 1), lists=True), Made(lambda: draw(2, 2))), rows=(Texts(), ["a", "b"]),
     columns=(Texts(), ["c", "d"]), title=TITLE, alt=(Text(), "Four."))
good("figures.heatmap", values=(Numbers(fixed=(0, 1), lists=True), Made(lambda: draw(2, 2))),
     names=(Texts(), ["a", "b"]), groups=(Texts(), ["c", "c"]), title=TITLE, alt=(Text(), "Four."))
good("figures.frame_bars", shares=(Ours(), {"a": 0.3}), height=whole(60), width=whole(100))
good("figures.frame_bars, a share", lambda share: figures.frame_bars({"a": share}, 60), share=number(0.3, 0, 1))
good("figures.frame_bars, a name", lambda name: figures.frame_bars({name: 0.5}, 60),
     name=(These(make=lambda: {"a number": 3, "bytes": b"x"}), "a"))
good("figures.scale_bar", scale=number(0.3, 0, without_low=True), height=whole(120), width=whole(80))
good("live.PictureBox", names=(Some(none=True), ("coffee",)))
good("live.Click", x=number(0.5, 0, 1), y=number(0.5, 0, 1), panels=whole(1), follow=(Flag(), True))
CONTROL = (These(make=lambda: {"turned round": (1.0, 0.0), "no choices": [], "no dict": {}, "a function": len,
                               "a button": ipywidgets.Button(), "a class": ipywidgets.IntSlider,
                               "texts": ("a", "b", "c", 1j)}), (0.0, 1.0))
good("live.explore", fn=(Function(), lambda a: x()), a=CONTROL)
good("live.play", lambda solver, first, at: live.play(solver, saliency.MaskSettings(), first=first, at=at),
     solver=(Function(), lambda settings, at: iter([step()])), first=whole(0, 0), at=CONTROL)
good("live.controls", lambda settings, name: live.controls(settings, name),
     settings=(These(make=lambda: {"the class": saliency.MaskSettings, "no settings": step(), "a number": 3,
                                   "a dict": {"lam": 1.0}, "a tensor": torch.ones(2, 2)}), Made(saliency.MaskSettings)),
     name=(Choice(), "lam"))

# Warps

PLACES_2 = numbers(lambda: draw(2, 5, 2), 0, 2)
TOLERANCE = number(1e-4, 0, 1, without_low=True)
BOTH = Made(lambda: warps.thin_plate_spline(2, GENERATOR[1]()).after(warps.affine(2, GENERATOR[1]())))
MAPS = (Numbers(fixed=(0,)), Made(lambda: draw(2, 2, 12, 9)))  # pictures, masks or features
MATRIX = Made(lambda: warps.affine(2, GENERATOR[1]()).matrix)
good("warps.thin_plate_spline", count=whole(2, 1, 4096), generator=GENERATOR, strength=number(0.1, 0, 0.5),
     points=whole(4, 2, 12))
good("warps.affine", count=whole(2, 1, 4096), generator=GENERATOR, shift=number(0.1, 0, 1), scale=number(1.1, 1, 4),
     turn=number(10, 0, 180))
good("warps.warp", warps.warp, images=MAPS, w=(Ours(), BOTH), padding=(Choice(), "border"),
     size=(These(none=True, make=lambda: {"0": 0, "half": 2.5, "three": (1, 2, 3), "a list": [4, 5], "a word": "4",
                                          "True": True, "no height": (0, 4), "endless": 10**9}), (6, 5)))
good("warps.warp, a grid", lambda images, w: warps.warp(images, w), images=MAPS,
     w=numbers(lambda: draw(2, 4, 4, 2), 0, 3))
good("warps.warp_points", points=PLACES_2, w=(Ours(), BOTH), tolerance=TOLERANCE)
good("warps.grid", images=numbers(lambda: draw(2, 2, 12, 9)),
     size=(These(none=True, make=lambda: {"0": 0, "half": 2.5, "three": (1, 2, 3), "endless": 10**9}), 6))
good("warps.Affine", matrix=(Numbers(fixed=(1, 2)), MATRIX))
good("warps.Affine, inverse", lambda tolerance: warps.Affine(MATRIX()).inverse(tolerance), tolerance=TOLERANCE)
good("warps.Spline", controls=numbers(lambda: draw(2, 5, 2), 0, 1, 2), weights=numbers(lambda: draw(2, 5, 2), 0, 1, 2),
     plane=numbers(lambda: draw(2, 3, 2), 0, 1, 2))
good("warps.Warp", lambda points, tolerance, first: BOTH().after(first).inverse(tolerance)(points), points=PLACES_2,
     tolerance=TOLERANCE, first=(Ours(), BOTH))
good("warps.Warp, jacobian", lambda points: BOTH().jacobian(points), points=PLACES_2)

# Chapter 3: dense labelling and sparse landmarks

CODES = numbers(lambda: draw(2, 3, 4, 4), 0, 1)
CODES_MOVED = numbers(lambda: draw(2, 3, 4, 5, seed=1), 0, 1)
GONE = numbers(lambda: draw(2, 6, 2) - 0.5, 0, 1, 2)
ASKED = numbers(lambda: draw(2, 6, 2, seed=1) - 0.5, 0, 1, 2)
MARKED = numbers(lambda: draw(5, 3, 2), 0, 1, 2)
EYES = (These(make=lambda: {"one": (0,), "three": (0, 1, 2), "the same twice": (1, 1), "no landmark": (0, 3),
                            "below 0": (-1, 0), "halves": (0.5, 1), "a word": "01", "a number": 1}), (0, 1))


def moved_pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return draw(count, 3, 32, 32), draw(count, 3, 32, 32, seed=1), draw(count, 6, 2), draw(count, 6, 2, seed=1)


good("landmarks.codes_at", codes=(Numbers(fixed=(0,)), CODES[1]), points=(Numbers(fixed=(0, 2)), GONE[1]))
good("landmarks.dense_labelling_loss", codes=CODES, codes_moved=CODES_MOVED, gu=GONE, u=ASKED,
     gamma=number(0.5, 0, 10, without_low=True), through=(Numbers(fixed=(0, 1), none=True), CODES[1]),
     at_once=whole(99))
good("landmarks.dense_labelling_loss, of all cells", codes=CODES, codes_moved=CODES_MOVED,
     gu=numbers(lambda: draw(2, 16, 2) - 0.5, 0, 1, 2))
good("landmarks.invariance_loss", codes=CODES, codes_moved=CODES_MOVED, gu=GONE, u=ASKED)
good("landmarks.heat_map", code=numbers(lambda: draw(6, 3), 1), codes=(Numbers(fixed=(1,)), CODES[1]))
good("landmarks.match", codes=CODES, codes_moved=CODES_MOVED, points=(Points(fixed=(0, 2)), GONE[1]))
good("landmarks.virtual_landmarks", codes=(Numbers(fixed=(1,)), CODES[1]), filters=numbers(lambda: draw(6, 3), 1))
good("landmarks.sphere", count=whole(5, 1, 10_000), length=number(1.0, 0, 1e6, without_low=True))
good("landmarks.exchange_descriptors", code=numbers(lambda: draw(2, 5, 3), 0, 2), through=CODES)
good("landmarks.soft_argmax", maps=(Numbers(), CODES[1]))
good("landmarks.equivariance_loss", maps=CODES, maps_moved=CODES_MOVED, gu=GONE, u=ASKED)
good("landmarks.diversity_loss", maps=(Numbers(), CODES[1]), window=whole(2, 1, 4))
good("landmarks.landmark_error", found=MARKED, true=MARKED, eyes=EYES)
good("landmarks.share_within", found=MARKED, true=MARKED, eyes=EYES, part=number(0.25, 0, 100, without_low=True))
good("landmarks.fit_landmarks", z=(Numbers(fixed=(0,), thin=False), MARKED[1]), true=(Numbers(fixed=(0, 2)), MARKED[1]),
     ridge=number(0.1, 0, 1e9))
good("Regressor.landmarks", lambda z: landmarks.fit_landmarks(draw(5, 3, 2), draw(5, 3, 2)).landmarks(z),
     z=(Numbers(fixed=(1,), thin=False), MARKED[1]))
good("landmarks.labeller", width=whole(2, 2, 256), dimensions=whole(3, 1, 256),
     longest=(Number(0, 1e6, True, none=True), 4.0), seed=SEED)
good("landmarks.train_labeller", net=(Net(), Made(lambda: landmarks.labeller(2))), pairs=(Function(), moved_pairs),
     loss=(Choice(), "labelling"), settings=settings(landmarks.LabelSettings))
for n in range(2):
    good(f"landmarks.train_labeller, pictures {n}", lambda pairs: landmarks.train_labeller(
             landmarks.labeller(2), pairs, settings=landmarks.LabelSettings(steps=1, batch_size=2)),
         pairs=(Returns(pictures=n), moved_pairs))

# Landmarks: how things are turned


def turns(count: int = 4, seed: int = 0) -> Tensor:
    return landmarks.as_rotation(draw(count, 6, seed=seed) - 0.5)


def no_turns() -> dict[str, object]:
    return {"mirrors": -turns(), "stretched": 2 * turns(), "whole numbers": torch.eye(3).long().expand(4, 3, 3),
            "of four axes": torch.eye(4).expand(4, 4, 4), "flat": draw(4, 3, 2)}


TURNS = numbers(turns, 0, 1, 2)
ODD_TURNS = (These(make=no_turns), Made(turns))
NO_TURN = {"zeros": torch.zeros(3, 6), "one row of zeros": draw(3, 6) * torch.tensor([[1.0], [0.0], [1.0]]),
           "parallel columns": draw(3, 3).repeat(1, 2), "no second column": draw(3, 6) * (torch.arange(6) < 3),
           "opposite columns": torch.cat([draw(3, 3), -2 * draw(3, 3)], 1), "no direction": torch.zeros(3, 2)}
good("landmarks.as_rotation", code=(Also(Numbers(fixed=(1,)), lambda: dict(NO_TURN)), Made(lambda: draw(3, 6))))
for kind in (TURNS, ODD_TURNS):
    more = "" if kind is TURNS else ", no turns"
    good(f"landmarks.factorise{more}", landmarks.factorise, found=kind, found_moved=kind, g=kind,
         distance=(Choice(), "geodesic"))
    good(f"landmarks.align{more}", landmarks.align, found=kind, true=kind)
    good(f"landmarks.pose_error{more}", landmarks.pose_error, found=kind, true=kind,
         h=(Numbers(fixed=(0, 1), none=True), Made(lambda: turns()[0])))
good("landmarks.pose_encoder", width=whole(2, 1, 256), dimensions=(Choice(), "2d"), seed=SEED)
good("landmarks.poses", net=(Net(), Made(lambda: landmarks.pose_encoder(2))), images=SEVERAL)
good("landmarks.rotated", images=SEVERAL, degrees=numbers(lambda: 360 * draw(2), 0))
good("landmarks.rotated_pairs", images=SEVERAL)
good("landmarks.pairs_of", images=pictures(4), rotations=TURNS,
     instances=numbers(lambda: torch.tensor([0, 0, 1, 1]), 0))


def odd_pairs() -> dict[str, object]:
    return {"two of three": (x(4), x(4)), "other counts": (x(4), x(3), turns()),
            "other sizes": (x(4), x(4, 16), turns()),
            "no turns": (x(4), x(4), -turns()), "angles": (x(4), x(4), draw(4)), "beyond 1": (x(4), 2 * x(4), turns()),
            "turns of the plane": (x(4), x(4), turns()[:, :2, :2]), "a picture": x(4),
            "a function of nothing": lambda: None, "a function of a word": lambda count, generator: "nope"}


good("landmarks.learn_pose", net=(Net(), Made(lambda: landmarks.pose_encoder(2))),
     pairs=(These(make=odd_pairs), Made(lambda: (x(4), x(4), turns()))),
     settings=(Options(none=True), Made(lambda: landmarks.PoseSettings(steps=2, batch_size=2))))


for n in range(2):
    good(f"landmarks.learn_pose, pictures {n}", lambda pairs: landmarks.learn_pose(
             landmarks.pose_encoder(2), pairs, settings=landmarks.PoseSettings(steps=1, batch_size=2)),
         pairs=(Returns(pictures=n), lambda count, generator: (x(count), x(count), turns(count))))
    good(f"landmarks.autoencode, pictures {n}", lambda pairs: landmarks.autoencode(
             landmarks.KeypointAutoencoder(3, width=2), pairs,
             settings=landmarks.AutoencodeSettings(steps=1, batch_size=2)),
         pairs=(Returns(pictures=n), lambda count, generator: (x(count), x(count))))

# Keypoints as a bottleneck

PAIRS = (These(make=lambda: {"None": None, "a number": 3, "a word": "nope", "one alone": (x(2),), "three": 3 * (x(2),),
                             "one pair": (x(1), x(1)), "other counts": (x(2), x(3)), "other sides": (x(2), x(2, 36)),
                             "no pictures": (x(2), 3), "odd sides": (x(2, 30), x(2, 30)), "below 0": (x(2) - 1, x(2)),
                             "of one argument": lambda count: (x(2), x(2)), "a tensor": x(2),
                             "that makes one": lambda count, generator: x(2),
                             "that makes too few": lambda count, generator: (x(3), x(3))}), Made(lambda: (x(2), x(2))))
POINTS = numbers(lambda: draw(2, 3, 2), 1, 2)


def wrong_bottlenecks() -> dict[str, object]:
    nan = landmarks.KeypointAutoencoder(3, width=2)
    for weight in nan.parameters():
        weight.data.fill_(float("nan"))
    return {"a network": net(), "a name": "model", "the class": landmarks.KeypointAutoencoder, "NaN in it": nan}


good("landmarks.KeypointAutoencoder", count=whole(3, 1, 64), width=whole(2, 1, 128),
     sigma=(Number(0, 2, without_low=True), 0.1), deep=(Flag(), False), seed=SEED)
good("landmarks.KeypointAutoencoder.keypoints", lambda images: bottleneck().keypoints(images), images=SEVERAL)
good("landmarks.KeypointAutoencoder.appearance", lambda images: bottleneck().appearance(images), images=SEVERAL)
good("landmarks.KeypointAutoencoder.reconstruct", lambda source, target: bottleneck().reconstruct(source, target),
     source=SEVERAL, target=SEVERAL)
good("landmarks.KeypointAutoencoder.draw", lambda of, points: bottleneck().draw(of, points), of=SEVERAL, points=POINTS)
good("landmarks.marginal_soft_argmax", maps=numbers(lambda: draw(1, 3, 4, 5)))
good("landmarks.gaussian_maps", landmarks.gaussian_maps, points=(Numbers(fixed=(2,)), Made(lambda: draw(2, 3, 2))),
     size=(These(make=lambda: {"None": None, "a number": 16, "three": (1, 2, 3), "halves": (1.5, 2), "none": (),
                               "no cells": (0, 4), "a word": "ab", "endless": (10**9, 10**9)}), (4, 5)),
     sigma=(Number(0, 2, without_low=True), 0.1))
LEARNT = (Options(none=True), Made(lambda: landmarks.AutoencodeSettings(steps=1, batch_size=2)))
good("landmarks.autoencode", lambda pairs, net, layers, half, settings: landmarks.autoencode(
         landmarks.KeypointAutoencoder(3, width=2), pairs, net=net, layers=layers, half=half, settings=settings),
     pairs=PAIRS, net=(Net(), Made(net)), layers=(Layers(), ["conv1"]), half=(Flag(), False),
     settings=LEARNT)
good("landmarks.autoencode, model", lambda model: landmarks.autoencode(model, (x(2), x(2)), settings=LEARNT[1]()),
     model=(These(make=wrong_bottlenecks), Made(lambda: landmarks.KeypointAutoencoder(3, width=2))))


def spoilt(title: str, name: str, arguments: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every bad call of a function by one argument: what is wrong, and all arguments with it in place."""
    for what, value in CALLS[title].kinds[name].wrong(arguments[name]):
        yield what, arguments | {name: value}
