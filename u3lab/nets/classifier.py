"""A network with its normalisation inside, its layers by human names and its classes by number."""

import difflib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from u3lab import images as _images
from u3lab._system.meanwhile import hook, meanwhile
from u3lab.checks import is_a, is_plain, shown, whole
from u3lab.errors import U3Error
from u3lab.nets.tokens import Grid, are_last, prefix_tokens, put_first, widths

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (torch.float16, torch.bfloat16)
LEAST, MOST = 64, 2**20  # pixels of a side that are enough for most networks; in all, what is tried after an error


class LayerReached(Exception):
    """Ends a forward pass at the layer that was asked for."""


class Classifier(nn.Module):
    """A network with its normalisation inside, its layers by human names and its classes by number.

    Args:
        module: Any torch network that maps normalised pictures (B,C,H,W) or volumes (B,C,D,H,W) to scores (B,K), or to
            a map of scores (B,K,…). It is used as it is; scores in half precision are handed on as float32.
        layers: Human name → path of a module inside, in the order of the computation. Without it: the paths themselves.
        classes: Name of each output.
        mean, std: Per-channel normalisation of pictures in [0,1]; the default leaves pictures as they are.
        size: Side in pixels of the pictures that the network was trained with; of a volume, one or three.
        name: What messages call it.
        memory_format: How pictures are laid out in memory before they go in.
        pictures: False: no classifier of pictures but any network, whose inputs are taken as they are.
        channels: Of the pictures; without it as many as ``mean`` has, or as the first convolution or linear layer
            takes.
        output: Key, position or attribute of the scores, if the module answers with a dict, a tuple or an object.
        sigmoid: Whether each class has a probability of its own, 1/(1 + exp(−score)); False is the softmax over
            classes.
        spacing: Millimetres from pixel to pixel along each axis, (y,x) or (z,y,x), in which windows are then given.
    """

    def __init__(self, module: nn.Module, *, layers: dict[str, str] | None = None, classes: Sequence[str] = (),
                 mean: Sequence[float] = (0.0,), std: Sequence[float] = (1.0,), size: int | Sequence[int] = 224,
                 name: str = "network", memory_format: torch.memory_format = torch.preserve_format,
                 pictures: bool = True, channels: int | None = None, output: str | int | None = None,
                 sigmoid: bool = False, spacing: Sequence[float] | None = None) -> None:
        super().__init__()
        module = uncompiled(module, name)
        self.module, self.name, self.size = module, name, size
        self.classes = tuple(classes)
        self.memory_format, self.pictures, self.output, self.sigmoid = memory_format, pictures, output, sigmoid
        self.axes, found = _looked_at(module, spacing)  # 3 axes are those of a volume
        self.prefix = prefix_tokens(module)  # None for all but transformers
        self._widths = widths(module)
        self.channels = channels or (len(mean) if len(mean) > 1 else found)
        self.spacing = None if spacing is None else tuple(spacing)
        self._paths = is_a("layers", layers or _paths(module), dict, "give a dict of names and paths in the module")
        shape = 1, -1, *[1] * self.axes
        self.register_buffer("mean", torch.tensor(mean, device=self.device).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(std, device=self.device).view(shape), persistent=False)
        self.training = module.training  # not .train(…), which would change the mode of what is wrapped

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers from input to output. A path inside the module ("features.3.squeeze") works as well."""
        return tuple(self._paths)

    @property
    def sides(self) -> list[int]:
        """The sides of the pictures that the network was trained with, one for each axis."""
        return [self.size] * self.axes if isinstance(self.size, int) else list(self.size)

    def facts(self) -> dict[str, Any]:
        """All that a classifier of other weights is made with, to be like this one: its layers, classes, size …"""
        return {"layers": dict(self._paths), "classes": self.classes, "mean": self.mean.flatten().tolist(),
                "std": self.std.flatten().tolist(), "size": self.size, "name": self.name,
                "memory_format": self.memory_format, "pictures": self.pictures, "channels": self.channels,
                "output": self.output, "sigmoid": self.sigmoid, "spacing": self.spacing}

    @property
    def device(self) -> torch.device:
        """Where the network computes; pictures are moved there."""
        return next((p.device for p in self.module.parameters()), torch.device("cpu"))

    def spacing_of(self, images: Tensor) -> tuple[float, ...]:
        """Millimetres from pixel to pixel along each axis of the pictures; 1 where that is not known: a pixel."""
        axes = images.ndim - 2
        if axes < 1 or len(self.spacing or [1] * axes) != axes:
            raise U3Error(f"{self.name} has a spacing for {len(self.spacing or ())} axes, the pictures are "
                          f"{tuple(images.shape)}")
        return self.spacing or (1.0,) * axes

    def check(self, images: Tensor) -> Tensor:
        """The pictures as they are, if they are what the network takes; U3Error says what is wrong with them."""
        return _images.check(images, self.channels, self.axes) if self.pictures else images

    def forward(self, images: Tensor) -> Tensor:
        """Class scores before the softmax: (B,3,H,W) in [0,1] → (B,K), with a graph if the pictures need a gradient."""
        return self.run(self.normalise(self.check(images)))

    def unchecked(self, images: Tensor) -> Tensor:
        """The same for a loop that has checked its pictures already, or lets them leave [0,1].

        Refused in training mode: somebody may have put the network into it in the midst of a run.
        """
        self.refuse_training()
        return self.run(self.normalise(images))

    def refuse_training(self) -> None:
        """Raise U3Error if a part of the network is in training mode, where dropout and batch norm are random."""
        if any(module.training for module in self.modules()):
            raise U3Error(f"{self.name} is in training mode, so its answer is random; call net.eval() first")

    def logits(self, images: Tensor) -> Tensor:
        """Class scores before the softmax, (B,3,H,W) in [0,1] → (B,K), without a graph; refused in training mode."""
        self.refuse_training()
        with meanwhile(grad=False):
            return self(images)

    def probabilities(self, images: Tensor) -> Tensor:
        """Φ(x), the softmax of the logits (or their sigmoid): (B,3,H,W) in [0,1] → (B,K), without a graph."""
        return self.as_probabilities(self.logits(images))

    def as_probabilities(self, scores: Tensor) -> Tensor:
        """Scores (B,K) or (B,K,…) as probabilities: their softmax over the classes, or each one's sigmoid."""
        return scores.sigmoid() if self.sigmoid else scores.softmax(1)

    def top(self, image: Tensor, count: int = 5) -> list[tuple[str, float]]:
        """The ``count`` most probable classes of one picture (1,3,H,W): names (or numbers as words), probabilities.

        Examples:
            >>> net = nets.load()
            >>> [name for name, probability in net.top(images.load("coffee", size=net.size), 2)]
            ['espresso', 'consomme']
        """
        shares = self.probabilities(one_picture(image))[0]
        if shares.ndim > 1:
            raise U3Error(f"{self.name} answers with maps, {tuple(shares.shape)}; look at net.probabilities(image)")
        share, index = shares.topk(whole("count", count, 1, len(shares)))
        names = [self.classes[k] if self.classes else str(k) for k in index.tolist()]
        return list(zip(names, share.tolist(), strict=True))

    def normalise(self, images: Tensor) -> Tensor:
        """(images − mean) / std on the network's device: what the module itself takes. Unchecked."""
        dtype = next((p.dtype for p in self.module.parameters() if p.is_floating_point()), images.dtype)
        wide = images.dtype if dtype in HALF else dtype  # half precision: normalised before it is rounded
        images = images.to(self.device, wide)
        images = (images - self.mean.to(wide)) / self.std.to(wide) if self.pictures else images.clone()
        return images.to(dtype, memory_format=self.memory_format)

    def run(self, normalised: Tensor) -> Tensor:
        """The module on normalised pictures, (B,3,H,W) → (B,K).

        An error inside the module is raised as it is, with a sentence beneath it; if the pictures were wrong, that is
        told in its place.
        """
        try:
            return finite(self.scores_in(self.module(normalised)), self.name)
        except (U3Error, LayerReached):
            raise
        except Exception as error:
            if wrong := "" if "memory" in str(error) else self._misfit(normalised):
                raise U3Error(wrong) from error
            error.add_note(f"This happened inside {self.name}, which was given {tuple(normalised.shape)} of "
                           f"{normalised.dtype}; it is shown as the network raised it.")
            raise

    def scores_in(self, answer: Any) -> Tensor:
        """The scores (B,K,…) in what the module answers, as float32 if they are in half precision."""
        whole = answer
        if self.output is not None:
            with suppress(LookupError, AttributeError, TypeError):
                answer = None if isinstance(whole, Tensor) else (
                    whole[self.output] if hasattr(whole, "__getitem__") else getattr(whole, self.output))
        if not isinstance(answer, Tensor):
            parts = f" of {', '.join(map(repr, whole))}" if isinstance(whole, Mapping) else ""
            raise U3Error(f"{self.name} answers with a {type(whole).__name__}{parts}, and no tensor of scores is at "
                          f"output={self.output!r}; say where they are: nets.wrap(module, output=…)")
        answer = answer.float() if answer.dtype in HALF else answer
        return answer[:, None] if answer.ndim == 1 else answer

    def _misfit(self, given: Tensor) -> str:
        """Why the module cannot take such pictures: their channels, or their size if it takes another; "" otherwise."""
        if given.ndim != 2 + self.axes or any(module.training for module in self.modules()):
            return ""
        channels, *sides = given.shape[1:]

        def takes(channels: int, sides: Sequence[int]) -> bool:
            try:
                with torch.no_grad():
                    return self.module(given.new_zeros(len(given), channels, *sides)) is not None
            except Exception as error:
                return isinstance(error, LayerReached)

        tried = [one for one in sorted([[LEAST] * self.axes, self.sides]) if math.prod(one) <= MOST]
        fits = next((one for one in (sides, *tried) if takes(self.channels, one)), None)
        if fits and channels != self.channels:
            return (f"{self.name} takes {self.channels} channels, but the picture has {channels}; give "
                    f"(B,{self.channels},{'H,W' if self.axes == 2 else 'D,H,W'})")
        had, least, most = ("×".join(map(str, one)) for one in (sides, fits or sides, self.sides))
        return "" if fits in (None, sides) else (  # neither is to blame
            f"{had} pixels are {'too few' if min(sides) < fits[0] else 'not what will do'} for {self.name}; resize the "
            f"picture to at least {least}, best {most}")

    def features(self, images: Tensor, layer: str) -> Tensor:
        """Activations of one layer, (B,C,h,w) or (B,C); the pass stops there.

        Examples:
            >>> net = nets.load()
            >>> net.features(images.load("coffee", size=net.size), "fire5").shape
            torch.Size([1, 256, 28, 28])
        """
        self.path(layer)  # says so if it is no name
        found = self.until((layer,), lambda: self(images))
        if not found:
            raise U3Error(f"{self.name} never computes {layer!r} on its way, or not as one tensor; choose one of "
                          f"{', '.join(self.layers)}")
        return found[layer]

    def until(self, layers: Sequence[str], passing: Callable[[], object]) -> dict[str, Tensor]:
        """Layer → its output in a pass that stops at the last of them; those that it never computes are missing."""
        found: dict[str, Tensor] = {}

        def note(layer: str, output: Tensor) -> None:
            found[layer] = finite(output, self.name)
            if len(found) == len(set(layers)):
                raise LayerReached
            found[layer] = output.clone()  # a ReLU that follows may write over it

        with self.watch({layer: partial(note, layer) for layer in layers}), suppress(LayerReached):
            passing()
        return found

    def watch(self, callbacks: dict[str, Callable[[Tensor], None]], *, grad: bool | None = None) -> meanwhile:
        """While open, each layer's output is handed to its callback; afterwards the network is as before.

        Tokens are handed on as maps, see :mod:`u3lab.nets.tokens`. ``grad`` turns gradients on or off meanwhile.
        """
        grid = None if self.prefix is None else Grid(self.prefix)
        show = grid.show if grid else self._show

        def handing(callback: Callable[[Tensor], None]) -> Callable:
            def see(module: nn.Module, inputs: object, output: object) -> Tensor | None:
                # A dict or a tuple is no activation.
                return show(output, callback) if isinstance(output, Tensor) else None
            return see

        hooks = [hook(part, grid.see) for part in self.module.modules() if isinstance(part, nn.Conv2d)] if grid else []
        hooks += [hook(self.layer(layer), handing(callback)) for layer, callback in callbacks.items()]
        return meanwhile(*hooks, grad=grad)

    def channels_last(self, output: Tensor) -> bool:
        """Whether a layer gives (B,h,w,C), which :meth:`watch` hands on as (B,C,h,w)."""
        return self.prefix is None and are_last(output, self._widths)

    def _show(self, output: Tensor, callback: Callable[[Tensor], None]) -> Tensor | None:
        """Hand an output to the callback; returns what the network is to go on with, if not None."""
        if self.channels_last(output):
            return put_first(output, callback)
        callback(output.dequantize() if output.is_quantized else output)
        return None

    def path(self, layer: str) -> str:
        """Where a layer lies inside the module: "fire5" → "features.7"."""
        if not isinstance(layer, str):
            raise U3Error(f"{self.name} has no layer {shown(layer)}; its layers are {', '.join(self.layers)}")
        return self._paths.get(layer, layer)

    def layer(self, layer: str) -> nn.Module:
        """The module of a layer.

        Raises:
            U3Error: If the network has no such layer; names the nearest.
        """
        path = self.path(layer)
        try:
            return self.module.get_submodule(path or "no name")
        except AttributeError:
            if layer in self._paths:
                raise U3Error(f"{self.name} calls {path!r} its layer {layer!r}, but its module has nothing at this "
                              "path; give layers= paths that module.named_modules() has") from None
            near = difflib.get_close_matches(layer, self.layers, n=1)
            hint = f"did you mean {near[0]!r}? Its" if near else "its"
            raise U3Error(f"{self.name} has no layer {layer!r}; {hint} layers are "
                          f"{', '.join(self.layers)}") from None

    def class_index(self, target: int | str) -> int:
        """Number of a class that is given by its number or by its name; case matters only where two names need it."""
        if isinstance(target, str):
            # Spelled exactly first: ImageNet has a Cardigan (a dog) and a cardigan.
            matches = [k for k, name in enumerate(self.classes) if name == target] or [
                k for k, name in enumerate(self.classes) if name.lower() == target.lower()]
            if not matches:
                near = difflib.get_close_matches(target, self.classes, n=3, cutoff=0.4)
                raise U3Error(f"{self.name} has no class {target!r}"
                              + (f"; near it: {', '.join(near)}" if near else "; see net.classes"))
            if len(matches) > 1:
                raise U3Error(f"{self.name} has {len(matches)} classes {target!r}; give the number: "
                              f"{' or '.join(map(str, matches))}")
            return matches[0]
        try:
            number = operator.index(None if isinstance(target, bool) else target)
        except TypeError:  # a tensor has __index__ whatever it holds
            raise U3Error(f"{shown(target)} is not a class; give its number or its name") from None
        if self.classes and not 0 <= number < len(self.classes):
            raise U3Error(f"class {number} does not exist; {self.name} has the classes 0 to {len(self.classes) - 1}")
        return number


def finite(answer: Tensor, name: str) -> Tensor:
    """What a network has computed, unless it is NaN or infinite somewhere."""
    if not math.isfinite(answer.detach().float().sum().item()):  # one pass, without a copy
        raise U3Error(f"{name} answers with NaN or infinite numbers; look for such among its weights, or load it anew")
    return answer


def uncompiled(module: nn.Module, name: str) -> nn.Module:
    """The network that torch.compile has wrapped. What no Python runs in cannot be watched, and is refused."""
    module = getattr(module, "_orig_mod", module)
    if any(isinstance(part, torch.jit.ScriptModule) or hasattr(part, "_orig_mod") or part._compiled_call_impl
           for part in module.modules()):
        raise U3Error(f"{name} is compiled, by torch.jit or in parts, so that nobody can look inside; give the network "
                      "that it was made from")
    return module


def one_picture(images: Tensor) -> Tensor:
    """The picture, if it is one: (1,C,H,W)."""
    if not is_plain(images):
        raise U3Error(f"{shown(images)} is no picture; make one with images.load(…)")
    if len(images) != 1:
        raise U3Error(f"one picture at a time: got {len(images)}; use images[:1]")
    return images


def _paths(module: nn.Module) -> dict[str, str]:
    """Layer names for a network nobody has named: its children, with sequences opened one level."""
    paths = {}
    for name, child in module.named_children():
        inner = [f"{name}.{key}" for key, _ in child.named_children()] if isinstance(child, nn.Sequential) else []
        paths.update({path: path for path in inner or [name]})
    return paths


def _looked_at(module: nn.Module, spacing: Sequence[float] | None) -> tuple[int, int]:
    """Axes (2, or 3 for volumes) and channels of the pictures that a network takes, by its first convolution.

    Without any, by its first linear layer: that takes squares of c·p² numbers; three spacings are those of volumes.
    """
    parts = list(module.modules())
    for first in parts:
        if isinstance(first, (nn.Conv2d, nn.Conv3d)):
            return 3 if isinstance(first, nn.Conv3d) else 2, first.in_channels
    inputs = next((part.in_features for part in parts if isinstance(part, nn.Linear)), 3)
    channels = next((c for c in (3, 1) if inputs % c == 0 and math.isqrt(inputs // c) ** 2 == inputs // c), 3)
    return 3 if spacing is not None and len(spacing) == 3 else 2, channels
