"""The kinds of arguments: what is wrong with one whatever the function, and what lies at the edge of what makes sense.

A kind is a function: it takes a good value, or what makes one, and perhaps a range, and gives an ``Argument``.
"""

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from u3lab import nets, settings

Values = dict[str, object]  # what it is, and the value
SAME = "the same in another precision"
NAN, ENDLESS = float("nan"), float("inf")


class Odd:
    """Something that nobody asked for."""

    def __repr__(self) -> str:
        return "Odd()"


@dataclass(frozen=True)
class Argument:
    """A good value, made when it is needed, and how it is spoilt. ``none`` says that None is good as well.

    To what is at the edge the answer is one sentence, or finite.
    """

    make: Callable[[], object]
    spoil: Callable[[Any], Values] | None = None
    edges: Callable[[Any], Values] | None = None
    none: bool = False

    def wrong(self, good: object) -> Values:
        """Wrong values, made anew, given a good one."""
        if self.spoil is None:
            return {}
        return ({} if self.none else {"None": None}) | {"an odd object": Odd()} | self.spoil(good)

    def also(self, more: Values | Callable[[], Values]) -> "Argument":
        """The same with wrong values of its own."""
        return replace(self, spoil=lambda good: self.spoil(good) | (more() if callable(more) else more))


def argument(good: object, spoil: Callable[[Any], Values] | None = None,
             edges: Callable[[Any], Values] | None = None) -> Argument:
    """``good`` is the value, or a function that makes it."""
    lazy = isinstance(good, FunctionType | partial) or hasattr(good, "cache_clear")
    return Argument(good if lazy else lambda: good, spoil, edges)


def free(good: object) -> Argument:
    """Of whatever value nothing can be said beforehand, or it is spoilt elsewhere."""
    return argument(good)


def only(good: object, wrong: Values | Callable[[], Values]) -> Argument:
    """An argument of a form of its own."""
    return argument(good, lambda good: {}).also(wrong)


def not_a(*kinds: str) -> Values:
    """Things of other kinds."""
    things = {"a number": 3, "a word": "nope", "a list": ["x"], "a dict": {}, "bytes": b"x", "a tensor": torch.ones(2),
              "True": True, "numbers": [3, 4], "odd things": [Odd()], "nothing in it": [None], "none": []}
    return {kind: things[kind] for kind in kinds}


# Numbers

def whole(good: int | None, low: int = 1, high: int | None = None) -> Argument:
    """A whole number from ``low`` to ``high``."""
    above = {} if high is None else {"above": high + 1}
    return only(good, {"below": low - 1, "far below": -10**6, "half": low + 0.5, "a word": "3", "NaN": NAN,
                       "infinite": ENDLESS, "True": True, "a list": [1], "endless": 10**30, "empty": (),
                       "two numbers": torch.ones(2), **above})


def number(good: float, low: float = -ENDLESS, high: float = ENDLESS, *, without_low: bool = False) -> Argument:
    """A finite number in [low, high], or in (low, high]."""
    ends = {"below": low - 0.5, "above": high + 0.5, **({"at the low end": low} if without_low else {})}
    return only(good, {"a word": "0.5", "NaN": NAN, "infinite": ENDLESS, "infinitely small": -ENDLESS, "True": True,
                       "a list": [0.5], "complex": 1j, "two numbers": torch.ones(2), "an array": np.ones(2),
                       **{what: end for what, end in ends.items() if abs(end) < ENDLESS}})


positive = partial(number, low=0, without_low=True)


def wholes(good: object, low: int = 1) -> Argument:
    """Several whole numbers from ``low`` on."""
    return only(good, {**not_a("a word", "a number", "nothing in it"), "1.7": [1.7], "words": ["a"],
                       "below": [low - 1], "NaN": [NAN], "True": [True]})


def units(good: object) -> Argument:
    """Numbers of units."""
    return only(good, {"a mask": [True, False], "a mask as a tensor": torch.tensor([True, False]), "1.7": [1.7],
                       "1.7 in a tensor": torch.tensor([1.7]), "words": ["a"], "below": [-1], "far above": [10**6],
                       "a word": "1", "NaN": [NAN], "lists": [[1, 2], [3]]})


# Words

def word(good: object) -> Argument:
    """One of a few."""
    return only(good, {"another word": "nope", "no word": "", **not_a("a number", "a list", "bytes", "a tensor")})


def flag(good: bool) -> Argument:
    """Yes or no."""
    return only(good, {"one": 1, "two": torch.tensor([True, False]), **not_a("a word", "a list")})


def text(good: str) -> Argument:
    """Whatever it says."""
    return only(good, not_a("a number", "a list", "a tensor"))


def texts(good: object) -> Argument:
    """Several."""
    return only(good, {**not_a("a number", "a word", "numbers", "odd things", "nothing in it", "a tensor"),
                       "bytes": [b"x"]})


def layer(good: str) -> Argument:
    """The name of a layer."""
    return word(good).also({"a tuple": ("conv1", 1), "a module": nn.ReLU()})


def layers(*good: str) -> Argument:
    """Several."""
    return only(good, {**not_a("none", "a list", "a number", "numbers", "a tensor"), "a list in a list": [["conv1"]]})


def target(good: int | str) -> Argument:
    """A class, by number or name."""
    return only(good, {"another word": "nope", "no word": "", "below": -1, "far above": 10**6, "504.0": 504.0,
                       "half": 1.5, "NaN": NAN, "a tensor of shares": torch.tensor(1.5), "endless": 10**30,
                       **not_a("True", "a dict", "bytes", "none")})


# Tensors

def unplain(x: Tensor) -> Values:
    """The same numbers in tensors that are not rows of numbers, and one without numbers."""
    with warnings.catch_warnings(action="ignore"):  # that torch may change them
        nested = torch.nested.nested_tensor(list(x.detach().double()))
    return {"sparse": x.detach().to_sparse(), "without numbers": x.detach().to("meta"), "nested": nested}


def begins_with(x: Tensor, value: float) -> Tensor:
    """The same, but for its first number."""
    return torch.cat([torch.full_like(x.flatten()[:1], value), x.flatten()[1:]]).view(x.shape)


def tensor(good: object, *fixed: int, finite: bool = True, thin: bool = True, lists: bool = False) -> Argument:
    """A tensor whose axes have a meaning; ``fixed`` are those whose length is known from elsewhere.

    ``thin``: an axis more or less is wrong. ``lists``: a list of the numbers is as good.
    """
    def spoil(good: Tensor) -> Values:
        x = good.detach()
        found = unplain(x) | not_a("a word", "a number", "a dict") | {"none": x[:0]}
        found |= {f"axis {axis} longer": torch.cat([x, x.narrow(axis, 0, 1)], axis) for axis in fixed}
        if not lists:
            found["a list"] = x.tolist()
        if thin:
            found |= {"an axis less": x[0], "an axis more": x[None]}
        if finite and x.is_floating_point():
            found |= {"with NaN": begins_with(x, NAN), "with something infinite": begins_with(x, ENDLESS)}
        return found

    def edges(good: Tensor) -> Values:
        x = good.detach()
        if not x.is_floating_point():
            return {}
        found = {SAME: x.float() if x.dtype == torch.float64 else x.double(), "half precision": x.half()}
        if finite:
            found |= {"zeros": 0 * x, "all the same": 0 * x + 0.5, "tiny": 1e-30 * x, "upside down": -x,
                      "huge": x / x.abs().max().clamp(min=1e-9) * 1e30}
        return found

    return argument(good, spoil, edges)


def more(kind: Argument, spoil: Callable[[Any], Values]) -> Argument:
    """Another kind of tensor: wrong values that are made of the good one."""
    return replace(kind, spoil=lambda good: kind.spoil(good) | spoil(good))


def shares(good: object, *fixed: int, axis: int = 1) -> Argument:
    """Sums along an axis are 1, as a softmax makes them."""
    return more(tensor(good, *fixed), lambda x: {
        "logits": 5 * x.log(), "below 0": 9 * x - 8 * x.mean(axis, keepdim=True), "no sum": 0 * x, "of ones": 0 * x + 1,
        "in per cent": 100 * x})


def points(good: object, *fixed: int) -> Argument:
    """Points (x, y) in [−1,1]."""
    return more(tensor(good, *fixed), lambda x: {
        "in pixels": 100 + 10 * x, "infinitely far": x * 1e30, "just outside": begins_with(x, 1.2)})


def labels(good: Tensor, of: int | None = None) -> Argument:
    """Numbers of classes, of which there are ``of``, if that is known from elsewhere."""
    known = {} if of is None else {"one too many": begins_with(good, of), "that PyTorch passes over": begins_with(
        good, -100)}
    return tensor(good, 0).also({"below 0": good - 1 - good.max(), "far above": good + 10**6, "halves": good + 0.5,
                                 **known})


def masks(good: object, *fixed: int) -> Argument:
    """Yes and no."""
    return more(tensor(good, *fixed), lambda x: {"shares": x.float() * 0.7})


def pictures(good: object, *, channels: bool = True) -> Argument:
    """Pictures (B,3,H,W) in [0,1], or of another number of channels."""
    def spoil(good: Tensor) -> Values:
        x = good.detach()
        found = {} if not channels else {"grey": x[:, :1], "with five axes": x[None]}
        return found | unplain(x) | {
            "a name": "coffee", "a number": 3, "a list": x.tolist(), "an array": x.numpy(),
            "of bytes": (x * 255).byte(), "half precision": x.half(), "bfloat16": x.bfloat16(),
            "complex": x.to(torch.complex64), "of bools": x > 0.5, "with NaN": begins_with(x, NAN),
            "infinite": begins_with(x, ENDLESS), "0 to 255": 255 * x + 1, "below 0": x - 1, "no batch": x[0],
            "none": x[:0], "no pixels": x[..., :0]}

    return argument(good, spoil, lambda x: {SAME: x.double(), "black": 0 * x, "white": 0 * x + 1,
                                            "of one colour": 0 * x + 0.3})


def picture(good: object) -> Argument:
    """One picture (1,3,H,W) in [0,1]."""
    return more(pictures(good), lambda x: {"two of them": torch.cat([x, x])})


# What is called, and what is made of other things

def function(good: Callable[..., object]) -> Argument:
    """Something to call."""
    return only(lambda: good, not_a("a number", "a word", "none"))


def returns(good: Callable[..., object], pictures: int = 0) -> Argument:
    """A function of the reader's: what it gives is spoilt. ``pictures`` is where in its answer the pictures are."""
    changes = {"nothing": lambda x: None, "a word": lambda x: "nope", "0 to 255": lambda x: 255 * x + 1,
               "below 0": lambda x: x - 1, "bytes": lambda x: (255 * x).byte(), "NaN": lambda x: x * NAN,
               "half precision": lambda x: x.half(), "grey": lambda x: x[:, :1], "no batch": lambda x: x[0],
               "arrays": lambda x: x.numpy(), "one less": lambda x: x[:-1], "one more": lambda x: torch.cat([x, x[:1]])}

    def changed(change: Callable[[Tensor], object], *given: object) -> object:
        made = good(*given)
        if not isinstance(made, tuple):
            return change(made)
        return tuple(change(one) if n == pictures else one for n, one in enumerate(made))

    return only(lambda: good, {**not_a("a number", "a word"), "of nothing": lambda: None,
                               **{f"gives {what}": partial(changed, change) for what, change in changes.items()}})


def some(good: object) -> Argument:
    """A list of good things."""
    return only(good, not_a("none", "a number", "odd things", "nothing in it"))


def ours(good: object) -> Argument:
    """An object that another function of the library makes."""
    return only(good, not_a("a number", "a word", "a tensor", "a dict", "none"))


def module(good: object) -> Argument:
    """A module of ours that is asked, not trained: in training mode it would change, and answer by the batch."""
    return more(ours(good), lambda net: {"in training mode": copy.deepcopy(net).train(), "another module": nn.ReLU(),
                                         "the class": type(net)})


def network(good: object, *, asked: bool = True) -> Argument:
    """A network that is ready to answer; of one that is not asked, the weights do not matter."""
    def spoil(net: nn.Module) -> Values:
        weights = {"NaN in its weights": spoilt(NAN), "infinite weights": spoilt(ENDLESS)} if asked else {}
        return weights | {"a name": "squeezenet1_1", "a number": 3, "a function": lambda x: x, "a list": [net],
                          "a class": nn.ReLU, "in training mode": training()}

    return argument(good, spoil)


def options(kind: type, **given: object) -> Argument:
    """A settings object."""
    short = {"steps": 2} if hasattr(kind, "steps") else {}
    return replace(only(lambda: kind(**short | given), {
        **not_a("a number", "a word", "True"), "of another method": Other(), "a dict": {"steps": 3},
        "the class": kind}), none=True)


@settings.settings
class Other:
    """Settings of a method that does not exist."""

    far: float = settings.setting(0.5, 0.0, 1.0, help="nothing")


# Networks

CLASSES = tuple("abcdefgh")


def small(seed: int = 0) -> nets.Classifier:
    """A network that answers in a millisecond: three convolutions, eight classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential()
        for n, (inputs, outputs) in enumerate(((3, 6), (6, 8), (8, 8)), 1):
            module.add_module(f"conv{n}", nn.Conv2d(inputs, outputs, 3, 2 if n < 3 else 1, 1))
            module.add_module(f"relu{n}", nn.ReLU())
        module.add_module("conv4", nn.Conv2d(8, 8, 1))
        module.add_module("pool", nn.AdaptiveAvgPool2d(1))
        module.add_module("flat", nn.Flatten())
    module.eval().requires_grad_(False)
    return nets.Classifier(module, classes=CLASSES, mean=nets.IMAGENET_MEAN, std=nets.IMAGENET_STD, size=32,
                           name="small")


net = cache(small)
training = cache(lambda: small().train())


@cache
def spoilt(value: float) -> nets.Classifier:
    made = small()
    made.module.conv1.weight[0, 0, 0, 0] = value
    return made
