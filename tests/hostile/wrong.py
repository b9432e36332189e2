"""What a hostile day brings: for each kind of argument, values that are wrong whatever the function."""

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from u3lab import nets, settings

Wrong = Iterator[tuple[str, object]]  # what it is, and the value
SAME = "the same in another precision"


class Odd:
    """Something that nobody asked for."""

    def __repr__(self) -> str:
        return "Odd()"


@dataclass(frozen=True)
class Kind:
    """A kind of argument. ``none`` says that None is a good value."""

    none: bool = field(default=False, kw_only=True)

    def wrong(self, good: Any) -> Wrong:
        """Wrong values, made anew, given a good one."""
        if not self.none:
            yield "None", None
        yield "an odd object", Odd()
        yield from self.more(good)

    def more(self, good: Any) -> Wrong:
        return iter(())

    def degenerate(self, good: Any) -> Wrong:
        """Values at the edge of what makes sense, made anew: the answer to them is one sentence, or finite."""
        return iter(())

    @property
    def has_edges(self) -> bool:
        """Whether there are such values."""
        return type(self).degenerate is not Kind.degenerate


@dataclass(frozen=True)
class Also(Kind):
    """A kind that has wrong values of its own, by what they are, beside those of another kind."""

    kind: Kind = Kind()
    make: Callable[[], dict[str, object]] = dict

    def more(self, good: Any) -> Wrong:
        yield from self.kind.more(good)
        yield from self.make().items()

    def degenerate(self, good: Any) -> Wrong:
        yield from self.kind.degenerate(good)

    @property
    def has_edges(self) -> bool:
        return self.kind.has_edges


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from ``low`` to ``high``."""

    low: int = 1
    high: int | None = None

    def more(self, good: Any) -> Wrong:
        yield from {"below": self.low - 1, "far below": -10**6, "half": self.low + 0.5, "a word": "3",
                    "NaN": float("nan"), "infinite": float("inf"), "True": True, "a list": [1],
                    "endless": 10**30, "empty": (),
                    "two numbers": torch.ones(2)}.items()
        if self.high is not None:
            yield "above", self.high + 1


@dataclass(frozen=True)
class Number(Kind):
    """A finite number in [low, high], or in (low, high]."""

    low: float = -float("inf")
    high: float = float("inf")
    without_low: bool = False

    def more(self, good: Any) -> Wrong:
        yield from {"a word": "0.5", "NaN": float("nan"), "infinite": float("inf"), "infinitely small": -float("inf"),
                    "True": True, "a list": [0.5], "complex": 1j, "two numbers": torch.ones(2),
                    "an array": np.ones(2)}.items()
        if self.low > -float("inf"):
            yield "below", self.low - 0.5
        if self.high < float("inf"):
            yield "above", self.high + 0.5
        if self.without_low:
            yield "at the low end", self.low


def unplain(x: Tensor) -> Wrong:
    """The same numbers in tensors that are not rows of numbers, and one without numbers."""
    with warnings.catch_warnings(action="ignore"):  # that torch may change them
        nested = torch.nested.nested_tensor(list(x.detach().double()))
    yield from {"sparse": x.detach().to_sparse(), "without numbers": x.detach().to("meta"), "nested": nested}.items()


# One of a few words.
Choice = partial(Also, Kind(), lambda: {
    "another word": "nope", "no word": "", "a number": 3, "a list": ["x"], "bytes": b"x", "a tensor": torch.ones(2)})
# Yes or no.
Flag = partial(Also, Kind(), lambda: {
    "one": 1, "a word": "yes", "a list": [True], "a tensor": torch.tensor([True, False])})
# Any text.
Text = partial(Also, Kind(), lambda: {"a number": 3, "a list": ["x"], "a tensor": torch.ones(2)})
# The name of a layer.
Layer = partial(Also, Choice(), lambda: {"a tuple": ("conv1", 1), "a module": nn.ReLU()})
# Several names of layers.
Layers = partial(Also, Kind(), lambda: {
    "no layer": [], "one that is not there": ["nope"], "a number": 3, "numbers": [3, 4], "a tensor": torch.ones(2),
    "a list in a list": [["conv1"]]})
# A class, by number or name.
Target = partial(Also, Kind(), lambda: {
    "another word": "nope", "no word": "", "below": -1, "far above": 10**6, "504.0": 504.0, "half": 1.5,
    "NaN": float("nan"), "True": True, "a dict": {}, "bytes": b"a", "a tensor of shares": torch.tensor(1.5),
    "endless": 10**30, "nothing in a list": []})


@dataclass(frozen=True)
class Net(Kind):
    """A network that is ready to answer; of one that is not asked, the weights do not matter."""

    asked: bool = True

    def more(self, good: Any) -> Wrong:
        yield from {"a name": "squeezenet1_1", "a number": 3, "a function": lambda x: x, "a list": [good],
                    "a class": nn.ReLU, "in training mode": training()}.items()
        if self.asked:
            yield "NaN in its weights", spoilt(float("nan"))
            yield "infinite weights", spoilt(float("inf"))


@dataclass(frozen=True)
class Picture(Kind):
    """Pictures (B,3,H,W) in [0,1]; one of them, unless there may be ``several``. ``also`` are those that will do."""

    several: bool = False
    also: tuple[str, ...] = ()

    def more(self, good: Any) -> Wrong:
        x = good.detach()
        yield from unplain(x)
        yield from ((what, value) for what, value in {
            "a name": "coffee", "a number": 3, "a list": x.tolist(), "an array": x.numpy(),
            "of bytes": (x * 255).byte(), "half precision": x.half(), "bfloat16": x.bfloat16(),
            "complex": x.to(torch.complex64), "of bools": x > 0.5,
            "with NaN": x.clone().index_fill_(-1, torch.tensor(0), float("nan")),
            "infinite": x.clone().index_fill_(-1, torch.tensor(0), float("inf")),
            "0 to 255": 255 * x + 1, "below 0": x - 1, "no batch": x[0], "none": x[:0], "no pixels": x[..., :0],
            "grey": x[:, :1], "with five axes": x[None]}.items() if what not in self.also)
        if not self.several:
            yield "two of them", torch.cat([x[:1], x[:1]])

    def degenerate(self, good: Any) -> Wrong:
        yield from {"double precision": good.double(), "black": 0 * good, "white": torch.ones_like(good),
                    "of one colour": 0 * good + 0.3}.items()


@dataclass(frozen=True)
class Numbers(Kind):
    """A tensor whose axes have a meaning; ``fixed`` are those whose length is known from elsewhere."""

    fixed: tuple[int, ...] = ()
    finite: bool = True
    thin: bool = True  # whether an axis more or less is wrong
    lists: bool = False  # whether a list of the numbers is as good

    def more(self, good: Any) -> Wrong:
        x = good.detach()
        yield from unplain(x)
        yield from {"a word": "x", "a number": 3, "none": x[:0], "a dict": {}}.items()
        if not self.lists:
            yield "a list", x.tolist()
        if self.thin:
            yield "an axis less", x[0]
            yield "an axis more", x[None]
        for axis in self.fixed:
            yield f"axis {axis} longer", torch.cat([x, x.narrow(axis, 0, 1)], axis)
        if self.finite and x.is_floating_point():
            for what, value in (("NaN", float("nan")), ("infinite", float("inf"))):
                y = x.clone()
                y.view(-1)[0] = value
                yield f"with {what}", y

    def degenerate(self, good: Any) -> Wrong:
        x = good.detach()
        if x.is_floating_point():
            yield SAME, x.float() if x.dtype == torch.float64 else x.double()
            yield "half precision", x.half()
        if x.is_floating_point() and self.finite:
            yield from {"zeros": 0 * x, "all the same": 0 * x + 0.5, "huge": x / x.abs().max().clamp(min=1e-9) * 1e30,
                        "tiny": 1e-30 * x, "upside down": -x}.items()


@dataclass(frozen=True)
class Shares(Numbers):
    """Tensors whose sums along an axis are 1, as a softmax makes them."""

    axis: int = 1

    def more(self, good: Any) -> Wrong:
        yield from super().more(good)
        yield from {"logits": 5 * good.log(), "below 0": 9 * good - 8 * good.mean(self.axis, keepdim=True),
                    "no sum": 0 * good, "of ones": 0 * good + 1, "in per cent": 100 * good}.items()


@dataclass(frozen=True)
class Points(Numbers):
    """Points (x, y) in [−1,1]."""

    def more(self, good: Any) -> Wrong:
        yield from super().more(good)
        yield from {"in pixels": 100 + 10 * good, "just outside": good.clone().index_fill_(-1, torch.tensor(0), 1.2),
                    "infinitely far": good * 1e30}.items()


@dataclass(frozen=True)
class Labels(Numbers):
    """(N) numbers of classes; ``known`` says that there are only so many, and ``classes`` how many."""

    known: bool = True
    classes: int | None = None

    def more(self, good: Any) -> Wrong:
        yield from super().more(good)
        yield "below 0", good - 1 - good.max()
        if self.known:
            yield "far above", good + 10**6
        if self.classes is not None:
            yield "one too many", good.clone().index_fill_(0, torch.tensor(len(good) - 1), self.classes)
            yield "that PyTorch passes over", good.clone().index_fill_(0, torch.tensor(0), -100)
        yield "halves", good + 0.5


@dataclass(frozen=True)
class Masks(Numbers):
    """Tensors of yes and no."""

    def more(self, good: Any) -> Wrong:
        yield from super().more(good)
        yield "shares", good.float() * 0.7


# Numbers of units.
Units = partial(Also, Kind(), lambda: {
    "a mask": [True, False], "a mask as a tensor": torch.tensor([True, False]), "1.7": [1.7],
    "1.7 in a tensor": torch.tensor([1.7]), "words": ["a"], "below": [-1], "far above": [10**6], "a word": "1",
    "NaN": [float("nan")], "lists": [[1, 2], [3]]})


@dataclass(frozen=True)
class Wholes(Kind):
    """Several whole numbers from ``low`` on."""

    low: int = 1

    def more(self, good: Any) -> Wrong:
        yield from {"1.7": [1.7], "words": ["a"], "below": [self.low - 1], "a word": "nope", "NaN": [float("nan")],
                    "None in a list": [None], "a number": 3, "True": [True]}.items()


# Something to call.
Function = partial(Also, Kind(), lambda: {"a number": 3, "a word": "nope", "a list": []})


@dataclass(frozen=True)
class Options(Kind):
    """A settings object."""

    def more(self, good: Any) -> Wrong:
        yield from {"of another method": Other(), "a dict": {"steps": 3}, "a number": 3, "a word": "fast",
                    "the class itself": type(good), "True": True}.items()


# A list of good things.
Some = partial(Also, Kind(), lambda: {"none": [], "a number": 3, "odd things": [Odd()], "nothing in it": [None]})
# Several texts.
Texts = partial(Also, Kind(), lambda: {
    "a number": 3, "numbers": [3, 4], "one text": "nope", "odd things": [Odd()], "nothing": [None], "bytes": [b"x"],
    "a tensor": torch.ones(2)})
# An argument of a form of its own.
These = partial(Also, Kind())
# An object that another function of the library makes.
Ours = partial(Also, Kind(), lambda: {
    "a number": 3, "a word": "nope", "a tensor": torch.ones(2, 2), "a dict": {}, "a list": []})



@dataclass(frozen=True)
class Module(Kind):
    """A module of ours that is asked, not trained: in training mode it would change, and answer by the batch."""

    def more(self, good: Any) -> Wrong:
        yield from Ours().more(good)
        yield from {"in training mode": copy.deepcopy(good).train(), "another module": nn.ReLU(),
                    "the class": type(good)}.items()


@dataclass(frozen=True)
class Returns(Kind):
    """A function of the reader's: what it gives is spoilt. ``pictures`` is where in its answer the pictures are."""

    pictures: int = 0
    count: bool = True  # whether it has to give as many as it was asked for

    def more(self, good: Any) -> Wrong:
        yield from {"a number": 3, "a word": "nope", "of nothing": lambda: None}.items()
        changes = {"nothing": lambda x: None, "a word": lambda x: "nope", "0 to 255": lambda x: 255 * x + 1,
                   "below 0": lambda x: x - 1, "bytes": lambda x: (255 * x).byte(), "NaN": lambda x: x * float("nan"),
                   "half precision": lambda x: x.half(), "grey": lambda x: x[:, :1], "no batch": lambda x: x[0],
                   "arrays": lambda x: x.numpy()}
        if self.count:
            changes |= {"one less": lambda x: x[:-1], "one more": lambda x: torch.cat([x, x[:1]])}
        for what, change in changes.items():
            yield f"that gives {what}", partial(self._changed, good, change)

    def _changed(self, good: Callable[..., object], change: Callable[[Tensor], object], *given: object) -> object:
        made = good(*given)
        if not isinstance(made, tuple):
            return change(made)
        return tuple(change(one) if n == self.pictures else one for n, one in enumerate(made))


@dataclass(frozen=True)
class Free(Kind):
    """Anything goes, or nothing can be said beforehand; ``why`` tells."""

    why: str = ""

    def wrong(self, good: Any) -> Wrong:
        return iter(())


@settings.settings
class Other:
    """Settings of a method that does not exist."""

    far: float = settings.setting(0.5, 0.0, 1.0, help="nothing")


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
