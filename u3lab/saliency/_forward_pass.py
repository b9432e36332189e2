"""One forward pass, kept: send signals back through it, for as many neurons as you like, without another."""

from collections.abc import Iterable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from u3lab._system.meanwhile import meanwhile, mode
from u3lab.checks import shown, whole
from u3lab.descent import without_slope
from u3lab.errors import U3Error
from u3lab.nets import Region, ready
from u3lab.nets.classifier import HALF, finite
from u3lab.nets.gate import asked
from u3lab.nets.surgery import GRIDS, OutOfPlace
from u3lab.nets.tokens import counts

Target = int | str | Region | Sequence[int | str | Region] | tuple[str, int, int, int]


def is_neuron(target: Target) -> bool:
    """Whether a target is ``(layer, channel, y, x)`` rather than a class; a tuple of words names classes."""
    return isinstance(target, tuple) and len(target) > 1 and isinstance(target[0], str) and not any(
        isinstance(place, str) for place in target[1:])


def one_each(target: Target, count: int) -> list[int | str | Region]:
    """A class or a region for each of ``count`` pictures, from one for all of them or a list."""
    if isinstance(target, Region):
        return target.each(count)
    if hasattr(target, "tolist"):  # a tensor or a NumPy number, such as net(images).argmax()
        target = target.tolist()
    targets = list(target) if isinstance(target, (list, tuple)) else [target] * count
    if len(targets) != count:
        raise U3Error(f"{len(targets)} targets for {count} pictures; give one class, or one a picture")
    return targets


def named_layers(target: Target, layer: str | None) -> list[str]:
    """The layers that a question names: they have to be kept in the forward pass."""
    return ([] if layer is None else [layer]) + ([target[0]] if is_neuron(target) else [])


class ForwardPass:
    """A forward pass of a network over pictures, with the activations of its layers and the graph behind them.

    Attributes:
        images: The pictures (B,C,H,W), or volumes (B,C,D,H,W), in [0,1], a leaf of the graph.
        inputs: The same after normalisation: what the network itself sees.
        logits: Class scores (B,K), or a map of them (B,K,…).
        activations: Layer name → output (B,C,h,w), (B,C,d,h,w) or (B,C).
    """

    def __init__(self, net: nn.Module, images: Tensor, layers: Iterable[str] = (), *, check: bool = True,
                 detach_below: str | None = None, functions: TorchFunctionMode | None = None) -> None:
        """Run the network once.

        Args:
            net, images: A network in evaluation mode, and what it takes.
            layers: What is kept besides ``net.layers``.
            check: False admits pictures with values outside [0,1], such as noisy ones.
            detach_below: A layer below which no derivative is wanted, so that nothing is kept there.
            functions: A mode that redefines functions and their ways back; without it they are torch's own.

        Raises:
            U3Error: If the network is in training mode, a layer does not exist or the pictures are not pictures.
        """
        self.net = ready(net, images) if check else ready(net)
        layers = list(layers)
        for layer in layers:
            self.net.path(layer)  # says so if it is no name
        layers = dict.fromkeys((*self.net.layers, *layers))
        self.images = images.detach().to(self.net.device).clone().requires_grad_(detach_below is None)
        self.activations: dict[str, Tensor] = {}

        def keep(layer: str, output: Tensor) -> None:
            self.activations[layer] = output.requires_grad_() if layer == detach_below else output

        with self.net.watch({layer: partial(keep, layer) for layer in layers}, grad=True):
            self.inputs = self.net.normalise(self.images)
            with meanwhile(mode(functions or OutOfPlace())):
                self.logits = self.net.run(self.inputs)

    def __getitem__(self, layer: str) -> Tensor:
        """Activation of a layer.

        Raises:
            U3Error: If the layer was not computed in this pass.
        """
        if not isinstance(layer, str) or layer not in self.activations:
            raise U3Error(f"layer {shown(layer)} was not kept in this pass; kept are {', '.join(self.activations)}")
        return self.activations[layer]

    def level(self, layer: str | None) -> Tensor:
        """Activation of a layer; None is the network's input."""
        return self.inputs if layer is None else self[layer]

    def scores(self, target: Target) -> Tensor:
        """The numbers to be explained, one for each picture: (B,).

        ``target`` is a class (number or name; one for all pictures or a list with one for each), a
        :class:`~u3lab.nets.Region` or a neuron ``(layer, channel, y, x)`` with y and x in cells of that layer's grid;
        of a volume it has z before them.
        """
        with meanwhile(grad=True):  # the caller may be under no_grad
            return self._neuron(target) if is_neuron(target) else (
                asked(self.net, self.logits, one_each(target, len(self.logits))))

    def _neuron(self, target: tuple) -> Tensor:
        layer, *place = target
        sizes = self[layer].shape[1:]
        if len(place) != len(sizes):
            wanted = ", ".join(("channel", *"zyx"[4 - len(sizes):])) if len(sizes) > 1 else "channel"
            raise U3Error(f"target {target!r} does not name a neuron; one of layer {layer!r} is ({layer!r}, {wanted})")
        for name, value, size in zip(("channel", *"zyx"[4 - len(sizes):]), place, sizes, strict=False):
            whole(f"{name} of {layer!r}", value, 0, size - 1)
        return self[layer][(slice(None), *place)]

    def gradient(self, target: Target, *, layer: str | None = None) -> Tensor:
        """dS/dx: the derivative of a target's score by the pictures, or by a layer."""
        return self.vector_jacobian(self.scores(target), self.images if layer is None else self[layer])

    def vector_jacobian(self, y: Tensor, x: Tensor, p: Tensor | None = None) -> Tensor:
        """p · dy/dx: a signal p (default 1 everywhere) sent from a value y of this pass down to x; the graph is kept.

        With ``functions`` that have other ways back than their derivatives, what these make of p.
        """
        if p is None and y.numel() > 1:  # a single 1 torch adds itself; another signal makes it load sympy
            p = torch.ones_like(y)
        with meanwhile():
            sent = torch.autograd.grad(y, [x], p, retain_graph=True, allow_unused=True)[0] if y.requires_grad else None
        if sent is None and (x is self.images or x is self.inputs or torch.is_inference_mode_enabled()):
            raise U3Error(without_slope("the target"))
        if sent is None:
            raise U3Error("that layer does not lead to the target: pick a layer below it (in LRP and excitation "
                          "a convolution and the batch norm behind it are one layer: pick the batch norm), or what is "
                          "between them has no derivative, as NumPy and int8 have none")
        return finite(sent.float() if sent.dtype in HALF else sent, self.net.name)

    def last_convolution(self, target: Target) -> str:
        """The deepest layer below the target that still has a spatial grid and is not yet the class scores.

        Of a transformer one on whose patches the target depends.
        """
        names = list(self.activations)  # in the order of the computation
        below = ""
        if is_neuron(target):
            names, below = names[: names.index(target[0])], f" below {target[0]!r}"
        classes = self.logits.shape[1]
        maps = [name for name in names if (a := self.activations[name]).ndim in GRIDS and a[0, 0].numel() > 1
                and a.shape[1] != classes]
        while len(maps) > 1 and self.net.prefix and not counts(self.scores(target), self[maps[-1]]):
            maps.pop()
        if not maps:
            raise U3Error(f"no layer of this network{below} has a spatial grid; name a convolutional layer")
        return maps[-1]
