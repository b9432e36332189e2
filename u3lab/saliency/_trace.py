"""One forward pass, kept: ask it for the saliency of as many neurons as you like without another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from u3lab.checks import shown, whole
from u3lab.errors import U3Error
from u3lab.nets import check_classes, ready
from u3lab.nets.classifier import finite

Target = int | str | Sequence[int] | tuple[str, int, int, int]

RELU = {F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
# In-place sums would overwrite activations that are kept here; under a mode they become ordinary sums.
IN_PLACE = {torch.Tensor.add_: torch.add, torch.Tensor.__iadd__: torch.add, torch.Tensor.mul_: torch.mul,
            torch.Tensor.__imul__: torch.mul}


def is_neuron(target: Target) -> bool:
    """Whether a target is ``(layer, channel, y, x)`` rather than a class; a tuple of words names classes."""
    return isinstance(target, tuple) and len(target) > 1 and isinstance(target[0], str) and not any(
        isinstance(place, str) for place in target[1:])


def one_each(target: Target, count: int) -> list[int | str]:
    """A class for each of ``count`` pictures, from one for all of them or a list."""
    if hasattr(target, "tolist"):  # a tensor or a NumPy number, such as net(images).argmax()
        target = target.tolist()
    targets = list(target) if isinstance(target, (list, tuple)) else [target] * count
    if len(targets) != count:
        raise U3Error(f"{len(targets)} targets for {count} pictures; give one class, or one a picture")
    return targets


def named_layers(target: Target, layer: str | None) -> list[str]:
    """The layers that a question names: they have to be kept in the forward pass."""
    return ([] if layer is None else [layer]) + ([target[0]] if is_neuron(target) else [])


def relu_ceiling(func: Any, args: tuple, kwargs: dict) -> float | None:
    """If a call is a ReLU or a ReLU6 in any of torch's spellings, the value it saturates at; else None."""
    if func in RELU:
        return float("inf")
    if func is F.relu6:
        return 6.0
    if func in (F.hardtanh, F.hardtanh_):  # nn.ReLU6 calls hardtanh(x, 0, 6)
        low = args[1] if len(args) > 1 else kwargs.get("min_val", -1.0)
        return (args[2] if len(args) > 2 else kwargs.get("max_val", 1.0)) if low == 0 else None
    return None


class Kept(TorchFunctionMode):
    """While active, a ReLU or sum that would overwrite one of these activations leaves it as it is."""

    def __init__(self, activations: dict[str, Tensor]) -> None:
        super().__init__()
        self.activations = activations

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if (ceiling is None and func not in IN_PLACE) or all(args[0] is not kept for kept in self.activations.values()):
            return func(*args, **kwargs)
        if ceiling is None:
            return IN_PLACE[func](*args, **kwargs)
        return F.relu(args[0]) if ceiling == float("inf") else F.hardtanh(args[0], 0, ceiling)


class Trace:
    """A forward pass of a network over pictures, with the activations of its layers and the graph behind them.

    Attributes
    ----------
    images
        The pictures (B,3,H,W) in [0,1], a leaf of the graph.
    inputs
        The same after normalisation: what the network itself sees.
    logits
        Class scores (B,K).
    activations
        Layer name → output (B,C,h,w) or (B,C).
    """

    def __init__(self, net: nn.Module, images: Tensor, layers: Iterable[str] = (),
                 mode: TorchFunctionMode | None = None, check: bool = True, start: str | None = None) -> None:
        """Run the network once. ``layers`` are kept besides ``net.layers``; ``mode`` redefines functions on the way;
        ``check`` False admits values outside [0,1] (noise was added); ``start`` is a layer below which nothing will be
        asked, so that nothing needs to be kept there.

        Raises
        ------
        U3Error
            If the network is in training mode, a layer does not exist or the pictures are not pictures.
        """
        self.net, layers = ready(net, images) if check else ready(net), list(layers)
        for layer in layers:
            self.net.path(layer)  # says so if it is no name
        self.images = images.detach().to(self.net.device).clone().requires_grad_(start is None)
        self.activations: dict[str, Tensor] = {}
        keep = {layer: self._keeper(layer, layer == start) for layer in dict.fromkeys((*self.net.layers, *layers))}
        with torch.enable_grad(), self.net.watch(keep):
            self.inputs = self.net.normalise(self.images)
            with mode or Kept(self.activations):
                self.logits = self.net.run(self.inputs)

    def _keeper(self, layer: str, start: bool) -> Any:
        def keep(output: Tensor) -> None:
            self.activations[layer] = output.requires_grad_() if start else output
        return keep

    def __getitem__(self, layer: str) -> Tensor:
        """Activation of a layer.

        Raises
        ------
        U3Error
            If the layer was not computed in this pass.
        """
        if not isinstance(layer, str) or layer not in self.activations:
            raise U3Error(f"layer {shown(layer)} was not kept in this pass; kept are {', '.join(self.activations)}")
        return self.activations[layer]

    @torch.enable_grad()  # the caller may be under no_grad
    def scores(self, target: Target) -> Tensor:
        """The numbers to be explained, one for each picture: (B,).

        ``target`` is a class (number or name; one for all pictures or a list with one for each) or a neuron
        ``(layer, channel, y, x)`` with y and x in cells of that layer's grid.
        """
        if is_neuron(target):
            return self._neuron(target)
        index = [self.net.class_index(one) for one in one_each(target, len(self.logits))]
        check_classes(self.logits, *index)
        return self.logits[range(len(index)), index]

    def _neuron(self, target: tuple) -> Tensor:
        layer, *place = target
        activation = self[layer]
        sizes = activation.shape[1:]
        if len(place) != len(sizes):
            wanted = "channel, y, x" if len(sizes) == 3 else "channel"
            raise U3Error(f"target {target!r} does not name a neuron; one of layer {layer!r} is ({layer!r}, {wanted})")
        for name, value, size in zip(("channel", "y", "x"), place, sizes, strict=False):
            whole(f"{name} of {layer!r}", value, 0, size - 1)
        return activation[(slice(None), *place)]

    def backprop(self, target: Target, *, rule: str = "gradient", layer: str | None = None) -> Tensor:
        """The derivative of a target by the pictures or by a layer."""
        return self.pull(self.scores(target), self.images if layer is None else self[layer])

    def pull(self, value: Tensor, back_to: Tensor, *, signal: Tensor | None = None) -> Tensor:
        """Send a signal (default 1 everywhere) from a value of this pass down to another; the graph is kept."""
        if signal is None and value.numel() > 1:  # a single 1 torch adds itself; another signal makes it load sympy
            signal = torch.ones_like(value)
        result = None
        if value.requires_grad:
            (result,) = torch.autograd.grad(value, [back_to], signal, retain_graph=True, allow_unused=True)
        if result is None:
            raise U3Error("that layer does not lead to the target: pick a layer below it (in LRP and excitation "
                          "a convolution and the batch norm behind it are one layer: pick the batch norm)")
        return finite(result, self.net.name)

    def last_convolution(self, target: Target) -> str:
        """The deepest layer below the target that still has a spatial grid and is not yet the class scores."""
        names = list(self.activations)  # in the order of the computation
        below = ""
        if is_neuron(target):
            names, below = names[: names.index(target[0])], f" below {target[0]!r}"
        classes = self.logits.shape[1]
        maps = [name for name in names if (a := self.activations[name]).ndim == 4 and a[0, 0].numel() > 1
                and a.shape[1] != classes]
        if not maps:
            raise U3Error(f"no layer of this network{below} has a spatial grid; name a convolutional layer")
        return maps[-1]
