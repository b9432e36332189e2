"""Your own network: wrap any module once, and see what was found and what can be asked of it.

    net = nets.wrap(module.eval(), classes=("healthy", "lesion"), mean=(0.5,), std=(0.25,))
    print(nets.describe(net))

One pass over a grey picture shows the size that the network takes, what it answers, and its layers in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from u3lab._system.meanwhile import meanwhile, mode
from u3lab.checks import is_a, listed, number, one_of, shown, whole, wholes, words
from u3lab.errors import U3Error
from u3lab.nets.classifier import HALF, Classifier, finite
from u3lab.nets.gate import ready
from u3lab.nets.surgery import relu_ceiling
from u3lab.nets.tokens import counts

SIDES = {2: (224, 384, 96, 64, 32, 28), 3: (64, 32, 96)}  # tried in turn where no size is given
IDLE = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.Dropout3d)  # layers that do nothing in evaluation mode
USUAL = "out", "logits"  # what torchvision and transformers call the scores
MOST = 0.9  # of all weights: a part that has more wraps the network
SAME = "View", "UnsafeView", "Reshape", "Squeeze", "Unsqueeze", "Select", "Slice", "ToCopy", "Alias", "Clone"  # steps


def wrap(module: nn.Module, *, classes: Sequence[str] = (), mean: Sequence[float] = (0.0,),
         std: Sequence[float] = (1.0,), layers: dict[str, str] | None = None, size: int | Sequence[int] | None = None,
         spacing: Sequence[float] | None = None, output: str | int | None = None, sigmoid: bool | None = None,
         channels: int | None = None, name: str | None = None, pictures: bool = True) -> Classifier:
    """Make a classifier of the course out of any network, which is used as it is, by one pass over a grey picture.

    Args:
        module: In evaluation mode: pictures (B,C,H,W) or volumes (B,C,D,H,W) → scores (B,K) or maps of scores (B,K,…).
        classes, mean, std, spacing, channels, pictures: As for :class:`Classifier`. Pictures are in [0,1] unless
            ``pictures`` is False.
        layers: Name → path in the module; without it the blocks that it computes, in that order.
        size: Side of the pictures, or one side for each axis; without it the first of ``SIDES`` at which the module
            answers.
        output: Where the scores are in a dict or a tuple; without it "out", "logits" or the only tensor.
        sigmoid: Whether classes do not exclude each other; without it True for a single score.

    Raises:
        U3Error: No module, one in training mode, numbers of channels or classes that do not fit, scores that are not
            found, not finite, or probabilities already.

    Examples:
        >>> net = nets.wrap(torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(1)).eval(), size=8)
        >>> net.channels, net.layers
        (1, ('0', '1'))
    """
    is_a("module", module, nn.Module, "give a torch network")
    facts = {"classes": words("classes", classes, none=True), "mean": _numbers("mean", mean),
             "std": _numbers("std", std, low=0, without_low=True),
             "spacing": None if spacing is None else _numbers("spacing", spacing, low=0, without_low=True),
             "output": output, "channels": None if channels is None else whole("channels", channels),
             "name": type(module).__name__ if name is None else is_a("name", name, str, "give a text"),
             "pictures": one_of("pictures", pictures, (True, False))}
    net = Classifier(module, **facts)
    net.refuse_training()
    if {len(facts["mean"]), len(facts["std"])} - {1, net.channels}:
        raise U3Error(f"{net.name} takes {net.channels} channels; give mean and std as many numbers, or one")
    if spacing is not None and len(spacing) != net.axes:
        raise U3Error(f"spacing = {shown(spacing)}; give {net.axes} numbers in millimetres, one for each axis")
    seen, facts["size"] = _seen_at(net, size)
    facts["output"] = net.output = _where(seen.answer) if output is None else output
    scores = finite(net.scores_in(seen.answer), net.name)
    if last := _squashed(scores):
        raise U3Error(f"{net.name} ends with a {last}, so its answers are probabilities; return logits, what goes into "
                      f"the {last}")
    if classes and scores.shape[1] != len(classes):
        raise U3Error(f"{net.name} answers with {scores.shape[1]} scores, and classes has {len(classes)} names")
    single = scores.shape[1] == 1 if one_of("sigmoid", sigmoid, (None, True, False)) is None else sigmoid
    return Classifier(module, **facts, sigmoid=single, layers=layers or _blocks(net.module, seen.leading_to(scores)))


def describe(net: nn.Module) -> str:
    """What a network takes and answers, and its layers: a few lines.

    It costs one pass over a grey picture of the network's size. ``saliency.defined(net)`` says which maps it has.
    """
    net = ready(net)
    seen = look(net)
    scores, shapes = seen.scores, seen.shapes
    layers = [f"{layer} ({'×'.join(map(str, size[1:]))})" for layer, size in shapes.items()]
    takes, gives = (",".join(map(str, ("B", *one))) for one in ((net.channels, *net.sides), scores.shape[1:]))
    half = next((f", {p.dtype}" for p in net.module.parameters() if p.dtype in HALF), "")
    sums_to_1 = scores.min() >= 0 and torch.allclose(scores.sum(1), torch.ones(()).to(scores))
    last = _squashed(scores)
    lines = {
        f"{net.name}: {'volumes' if net.axes == 3 else 'pictures'} ({takes}) "
        f"{'in [0,1]' if net.pictures else 'as they are'}{half} → scores ({gives}), "
        f"{'each with a sigmoid' if net.sigmoid else 'a softmax over them'}"
        + ("" if net.output is None else f", in {net.output!r} of what it returns"): True,
        f"windows, blurs, shifts and turns are in millimetres: {net.spacing} from cell to cell": net.spacing,
        "a target is a region: nets.Region(class, mask), nets.Region.predicted(net, images, class)": scores.ndim > 2,
        "the scores sum to 1, as after a softmax: give the network without it, or slopes fade": sums_to_1,
        f"it ends with a {last}: give the network without it, or slopes fade": last and not sums_to_1,
        f"{len(layers)} layers: " + ", ".join([*layers[:5], "…", *layers[-5:]] if len(layers) > 10 else layers): True}
    return "\n".join(line for line, holds in lines.items() if holds)


@dataclass(eq=False)
class Seen(TorchFunctionMode):
    """What one pass shows: the answer, path → output of each module in order, and whether there are ReLUs."""

    net: Classifier
    answer: Any = None
    outputs: dict[str, Tensor] = field(default_factory=dict)
    relus: bool = False

    @property
    def scores(self) -> Tensor:
        """The scores in the answer, (1,K,…)."""
        return self.net.scores_in(self.answer)

    @property
    def shapes(self) -> dict[str, torch.Size]:
        """Layer → the shape of its output, of those that were computed."""
        paths = {layer: self.net.path(layer) for layer in self.net.layers}
        return {layer: self.outputs[path].shape for layer, path in paths.items() if path in self.outputs}

    def grids(self) -> list[str]:
        """The layers with a grid of places that the scores depend on: of a transformer's, behind its last attention
        only the class token may count.
        """
        return [layer for layer, size in self.shapes.items() if len(size) > 3 and size[2:].numel() > 1
                and (not self.net.prefix or counts(self.scores, self.outputs[self.net.path(layer)]))]

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        self.relus |= relu_ceiling(func, args, kwargs or {}) is not None
        return func(*args, **(kwargs or {}))

    def leading_to(self, scores: Tensor) -> list[str]:
        """The paths whose outputs the scores depend on: not those of an auxiliary head."""
        paths, slopes = [path for path, output in self.outputs.items() if output.requires_grad], ()
        with suppress(RuntimeError):  # a function without a derivative: all are taken
            slopes = torch.autograd.grad(scores.sum(), [self.outputs[path] for path in paths], allow_unused=True)
        aside = [path for path, slope in zip(paths, slopes, strict=False) if slope is None]
        return [path for path in self.outputs if path not in aside]


def look(net: Classifier, sides: Sequence[int] | None = None) -> Seen:
    """One pass over a grey picture of these sides, by default the network's own."""
    seen = Seen(net)
    paths = [path for path, _ in net.module.named_modules() if path]
    with net.watch({path: partial(seen.outputs.setdefault, path) for path in paths}, grad=True):
        grey = net.normalise(torch.full((1, net.channels, *(sides or net.sides)), 0.5, requires_grad=True))
        with meanwhile(mode(seen)):
            seen.answer = net.module(grey)
    return seen


def _sides(net: Classifier, size: int | Sequence[int]) -> list[int]:
    """One side for each axis."""
    sides = wholes("size", size) if isinstance(size, Sequence) else [whole("size", size)] * net.axes
    if len(sides) != net.axes:
        raise U3Error(f"size = {shown(size)}; give one side, or {net.axes} of them")
    return sides


def _seen_at(net: Classifier, size: int | Sequence[int] | None) -> tuple[Seen, int | Sequence[int]]:
    """A pass at this size, or at the first of ``SIDES`` that works; an error of the module is shown as it is."""
    tried, errors = SIDES[net.axes] if size is None else (size,), []
    for one in tried:
        try:
            return look(net, _sides(net, one)), one
        except Exception as error:
            errors.append(error)
    errors[0].add_note(f"This happened inside {net.name}, which was tried with {net.channels} channels and sides of "
                       f"{', '.join(map(str, tried))}; if it takes others, give size= or channels=.")
    raise errors[0]


def _squashed(scores: Tensor) -> str:
    """"sigmoid" or "softmax" if scores come from one and have only been laid out anew since; else ""."""
    step = scores.grad_fn
    while step is not None and step.name().startswith(SAME):
        step = step.next_functions[0][0]
    return next((name.lower() for name in ("Sigmoid", "Softmax") if step and step.name().startswith(name)), "")


def _where(answer: Any) -> str | int | None:
    """Where the scores are in an answer: "out", "logits", or what is its only tensor. None if that is not clear,
    and of a tensor itself.
    """
    parts = (dict(answer) if isinstance(answer, Mapping) else dict(enumerate(answer)) if isinstance(answer, Sequence)
             else getattr(answer, "__dict__", {}))
    tensors = [key for key, value in parts.items() if isinstance(value, Tensor)]
    return next((key for key in USUAL if key in tensors), tensors[0] if len(tensors) == 1 else None)


def _blocks(module: nn.Module, computed: list[str]) -> dict[str, str]:
    """The blocks that a network computes, in order: its children, and what is inside those that say too little.

    Opened are sequences that are in no other, what gives no tensor, and what has nearly all of the weights.
    """
    def inside(part: nn.Module, before: str) -> Iterator[str]:
        for path, child in ((before + key, child) for key, child in part.named_children()):
            row = isinstance(child, nn.Sequential) and not isinstance(part, (nn.Sequential, nn.ModuleDict))
            opened = row or path not in computed or sum(p.numel() for p in child.parameters()) > MOST * total
            yield from inside(child, f"{path}.") if opened and list(child.children()) else [path]

    total, parts = sum(p.numel() for p in module.parameters()), dict(module.named_modules())
    found = {path for path in inside(module, "") if not isinstance(parts[path], IDLE)}
    return {path: path for path in computed if path in found}


def _numbers(name: str, values: Sequence[float], **within: Any) -> tuple[float, ...]:
    """Several numbers, in a list."""
    return tuple(number(f"{name}[{n}]", one, **within) for n, one in enumerate(listed(name, values, what="numbers")))
