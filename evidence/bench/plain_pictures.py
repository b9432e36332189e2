"""Plain versions of chapters 4 to 6b: drawings, inversions and attacks, as the papers' code goes step by step."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from evidence.bench.plain import Race, Run
from evidence.bench.scene import Scene
from tests.inversion.test_contract import plain_steps
from tests.prior.test_contract import plain_prior, plain_variation
from tools.site.lists import PATCHES
from u3lab import adversarial, images, inversion, prior
from u3lab.descent import last
from u3lab.nets import checkpoints
from u3lab.prior import trained

NETWORK, LAYER, SIDE = "squeezenet1_1", "fire5", 128
STEPS, TV_STEPS = 3, 10  # few, since Adam makes much of rounding: both sides shall end with the same numbers
DRAWN = 96  # pixels
PLAIN = "plain torch"


# ---- chapter 4 -------------------------------------------------------------------------------------------------------

def holed(side: int = DRAWN) -> tuple[Tensor, Tensor]:
    """A cup of coffee, and m, which hides half of its pixels."""
    generator = torch.Generator().manual_seed(0)
    return images.load("coffee", size=side), (torch.rand(1, 1, side, side, generator=generator) > 0.5).float()


def filled(name: str, steps: int | None = None) -> Run:
    image, visible = holed()
    return lambda: [prior.FILLERS[name](image, visible, steps=steps)]


def tv_in_plain_torch() -> Run:
    image, visible = holed()
    return lambda: [plain_variation(image, visible, 1e-3, TV_STEPS)]


def dip_in_plain_torch() -> Run:
    """The same network in PyTorch's own format, Adam as it comes."""
    image, visible = holed()
    return lambda: [plain_prior(image, visible, prior.generator(size=DRAWN).to(memory_format=torch.contiguous_format),
                                STEPS)]


def bare_inpainter() -> Run:
    """The network's pass alone, with a filling of the hole that is there already."""
    image, visible = holed()
    net, given = checkpoints.restore(trained.inpainter(), "inpainter"), torch.cat([image, visible], 1)

    def run() -> list[Tensor]:
        with torch.no_grad():
            return [net.colour(net.body(given))]
    return run


# ---- chapter 5 -------------------------------------------------------------------------------------------------------

def scene() -> Scene:
    return Scene.load(NETWORK)


def inverted(name: str) -> Run:
    net, image = scene().net, images.load("coffee", size=SIDE)

    def run() -> list[Tensor]:
        steps = inversion.invert(net, LAYER, image, prior=inversion.PRIORS[name](),
                                 settings=inversion.InversionSettings(steps=STEPS))
        return [torch.tensor([step.loss for step in steps])]
    return run


def inverted_plainly(name: str) -> Run:
    """On torchvision's module: its first layers, cut off behind the one that is inverted."""
    given, image = scene(), images.load("coffee", size=SIDE)
    below = given.module.features[:8]
    mean, std = given.net.mean, given.net.std

    def run() -> list[Tensor]:
        with torch.no_grad():
            wanted = below((image - mean) / std)
        return [torch.tensor(plain_steps(name, SIDE, lambda x: below((x - mean) / std), wanted, STEPS))]
    return run


# ---- chapter 6b ------------------------------------------------------------------------------------------------------

def fast_gradient() -> Run:
    given = scene()
    return lambda: [adversarial.fgsm(given.net, given.picture, given.target, 4 / 255)]


def fast_gradient_of_captum() -> Run:
    from captum.robust import FGSM

    given = scene()
    attack = FGSM(given.module, nn.CrossEntropyLoss(reduction="none"))
    label = torch.tensor([given.target])
    return lambda: [attack.perturb(given.normalised, 4 / 255, label).detach()]


def nearest() -> Run:
    given = scene()
    return lambda: [last(adversarial.deepfool(given.net, given.picture, given.target)).value]


def deepfool_of_its_authors(most: int = 50, rivals: int = 10, overshoot: float = 0.02) -> Run:
    """Their loop: the label and ten rivals, a backward pass for each at every step, nothing kept within [0,1]."""
    given = scene()
    mean, std = given.net.mean, given.net.std

    def run() -> list[Tensor]:
        x, total = given.picture.clone(), torch.zeros_like(given.picture)
        order = given.module((x - mean) / std)[0].argsort(descending=True)[: rivals + 1]
        label = order[0]
        for _ in range(most):
            x.requires_grad_()
            scores = given.module((x - mean) / std)[0]
            if scores.argmax() != label:
                break
            own, = torch.autograd.grad(scores[label], x, retain_graph=True)
            length, way = float("inf"), None
            for k in order[1:]:
                slope = torch.autograd.grad(scores[k], x, retain_graph=True)[0] - own
                away = (scores[k] - scores[label]).abs() / slope.norm()
                if away < length:
                    length, way = away, slope
            total += (length * way / way.norm()).detach()
            x = given.picture + (1 + overshoot) * total
        return [x.detach()]
    return run


def patched(name: str) -> Run:
    given = scene()
    photos = given.picture.repeat(4, 1, 1, 1)
    steps = adversarial.adversarial_patch(given.net, photos, "bubble", settings=adversarial.PatchSettings(
        shape=PATCHES[name].shape, steps=5000))
    return lambda: [next(steps).value]


def bare_batch() -> Run:
    given = scene()
    x = given.normalised.repeat(4, 1, 1, 1)

    def run() -> list[Tensor]:
        leaf = x.clone().requires_grad_()
        return list(torch.autograd.grad(given.module(leaf)[:, given.target].sum(), leaf))
    return run


HALF, ON = f"half of {DRAWN}×{DRAWN} pixels", f"{NETWORK}, {LAYER}, {SIDE} pixels"
FIRST = "ours checks picture and mask, and fills the hole harmonically before the pass"
FILL: tuple[tuple[str, str, int | None, str, Callable[[], Run], bool, str], ...] = (
    ("total variation", f"{TV_STEPS} steps", TV_STEPS, PLAIN, tv_in_plain_torch, True, ""),
    ("deep image prior", f"{STEPS} steps", STEPS, "plain torch in its own format", dip_in_plain_torch, True, ""),
    ("trained inpainter", "a filling", None, "a bare pass of the same network", bare_inpainter, False, FIRST))
RACES = [
    *[Race((f"prior/{name}",), work, HALF, partial(filled, name, steps), peer, theirs, same, why)
      for name, work, steps, peer, theirs, same, why in FILL],
    *[Race((f"inversion/{name}",), f"{STEPS} steps", ON, partial(inverted, name), "plain torch on torchvision's layers",
           partial(inverted_plainly, name)) for name in ("none", "deep image prior", "trained generator")],
    Race(("adversarial/fgsm",), "an attack", NETWORK, fast_gradient, "captum", fast_gradient_of_captum, same=False),
    Race(("adversarial/deepfool",), "an attack", NETWORK, nearest, "its authors' loop", deepfool_of_its_authors),
    *[Race((f"adversarial/{name}",), "a step on four pictures", NETWORK, partial(patched, name),
           "bare forward + backward", bare_batch, same=False) for name in PATCHES],
]
