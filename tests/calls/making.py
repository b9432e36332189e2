"""How a good call is told, what its arguments' names mean everywhere, and what calls share."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from typing import get_args

import torch
from torch import Tensor

from tests.hostile.wrong import Argument, flag, layer, net, network, options, ours, picture, pictures, target, whole
from u3lab import dissection, equivariance, landmarks, nets, saliency, universal
from u3lab.datasets.labelled import LabelledPictures

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
