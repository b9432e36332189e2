"""Surgery on networks: cut one at a layer, go on from given features, keep a few classes, forget all, spare inputs.

    before, rectify = before_relu(net, "fire5", images)     # φ before the ReLU, and the ReLU
    forward_from(net, "fire5", rectify(before))                   # equals net(images)
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from u3lab._system.meanwhile import hook, meanwhile
from u3lab.checks import is_plain, listed, shown, whole
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.nets.gate import ready

Rectify = Callable[[Tensor], Tensor]
GRIDS = 4, 5  # axes of features with a spatial grid: (B,C,h,w), (B,C,d,h,w)
RELU = {F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
# What writes over its first input → the same that makes a new tensor.
IN_PLACE = {Tensor.add_: torch.add, Tensor.__iadd__: torch.add, Tensor.mul_: torch.mul, Tensor.__imul__: torch.mul}


def before_relu(net: nn.Module, layer: str, images: Tensor) -> tuple[Tensor, Rectify]:
    """Features of a layer before its last ReLU, where a linear law between features has a chance to hold.

    A layer may end in several ReLUs side by side: SqueezeNet's fire modules rectify two groups of channels and then
    join them. The inputs of these ReLU modules are joined in the same way. Where the layer's output is not the output
    of ReLU modules (the linear bottlenecks of EfficientNet-Lite, a ReLU called as a function, a pooling layer) it is
    returned as it is.

    Returns:
        features: (B,C,h,w) or (B,C,d,h,w), without a graph.
        rectify: What leads from them to the layer's output: the ReLU (or ReLU6), or nothing.
    """
    net = ready(net, images)
    with meanwhile(grad=False):
        return bottom(net, layer, net.normalise(images))


def bottom(net: Classifier, layer: str, normalised: Tensor) -> tuple[Tensor, Rectify]:
    """As :func:`before_relu`, of pictures after ``net.normalise``; can be differentiated by them."""
    gates = [m for m in net.layer(layer).modules() if isinstance(m, (nn.ReLU, nn.ReLU6))]
    inputs: list[Tensor] = []
    with meanwhile(*(hook(gate, lambda _, args: inputs.append(args[0].clone()), before=True) for gate in gates)):
        output = _lower(net, layer, normalised)
    rectify = F.relu6 if any(isinstance(gate, nn.ReLU6) for gate in gates) else F.relu
    for last in range(1, len(inputs) + 1):
        group = inputs[-last:]
        if sum(part.shape[1] for part in group) == output.shape[1] and all(
                part.shape[2:] == output.shape[2:] for part in group):
            before = torch.cat(group, 1)
            with torch.no_grad():
                if torch.equal(rectify(before), output):
                    return before, rectify
    return output, lambda features: features


def _lower(net: Classifier, layer: str, normalised: Tensor) -> Tensor:
    """Output of a layer with a grid; the pass stops there."""
    found = net.until((layer,), lambda: net.run(normalised)).get(layer)
    if found is None or found.ndim not in GRIDS:
        what = "is never computed" if found is None else f"has the shape {tuple(found.shape)}, no grid of sites"
        raise U3Error(f"layer {layer!r} of {net.name} {what}; choose a convolutional layer of {', '.join(net.layers)}")
    return found


def forward_from(net: nn.Module, layer: str, features: Tensor) -> Tensor:
    """Class scores (B,K) that follow if a layer's output is what is given: the upper part of the network.

    Args:
        net: A classifier; it is left as it was.
        layer: All ways from the picture to the classes must lead through it.
        features: Output of the layer, (B,C,h,w), (B,C,d,h,w) or (B,C), after its ReLU; the scores can be differentiated
            by it.

    Raises:
        U3Error: If a way leads around the layer, the features are not finite, or the network has no such layer.
    """
    net = ready(net)
    if net.prefix:
        raise U3Error(f"{net.name} hands on {net.prefix} tokens beside those of the patches, which maps do not have; "
                      "take a network without them")
    if not is_plain(features) or features.ndim not in (2, *GRIDS) or not features.numel():
        raise U3Error(f"features are a tensor (B,C,h,w) or (B,C) of at least one picture, not {shown(features)}")
    if not torch.isfinite(features).all():
        raise U3Error(f"the features for {layer!r} have NaN or infinite values; look for their origin before this line")
    calls, like = 0, next((p for p in net.parameters() if p.is_floating_point()), features)
    if (features.dtype, features.device) != (like.dtype, like.device):  # where nothing changes, relevance sees no step
        features = features.to(like)
    # The network needs some picture to start from. Of this one nothing may reach the scores: it is NaN.
    nothing = features.new_full((1, net.channels, *net.sides), torch.nan)

    def replace(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        last = net.channels_last(output)
        output = output.movedim(-1, 1) if last else output
        if output.shape[1] != features.shape[1]:
            raise U3Error(f"layer {layer!r} of {net.name} has {output.shape[1]} channels, the given features have "
                          f"{features.shape[1]}; map them first")
        given = features.clone()  # a later ReLU may work in place
        return given.movedim(1, -1) if last else given

    try:
        with meanwhile(hook(net.layer(layer), replace), grad=features.requires_grad and torch.is_grad_enabled()):
            scores = net.scores_in(net.module(net.normalise(nothing)))
    except RuntimeError as error:
        if not calls or "memory" in str(error):
            raise
        raise U3Error(f"the part of {net.name} above {layer!r} cannot take features of {tuple(features.shape)}; give "
                      f"what net.features(images, {layer!r}) gives for {'×'.join(map(str, net.sides))} "
                      "pixels") from error
    if calls != 1 or not torch.isfinite(scores).all():
        raise U3Error(f"the features of {layer!r} do not decide what {net.name} answers: " + (
            f"the layer is computed {calls} times" if calls != 1 else "a way from the picture leads around it")
            + "; choose a layer that everything passes through, such as the end of a block")
    return scores


def narrow(net: Classifier, classes: Sequence[int | str]) -> Classifier:
    """A copy of the network that knows only some of its classes, (B,K) with K = len(classes), and is as much faster.

    Raises:
        U3Error: A network without a filter bank that has one row for each class, or one of several domains.
    """
    net = ready(net)
    if hasattr(net, "merge"):  # which of its heads would be the last is chance
        raise U3Error(f"{net.name} has a head for each of its domains; narrow one of them: net.merge(name)")
    fewer = copy.deepcopy(net)
    numbers = [net.class_index(one) for one in listed("classes", classes)]
    heads = [module for module in fewer.modules() if isinstance(module, (nn.Conv2d, nn.Linear))
             and len(module.weight) == len(net.classes)]
    if not heads:
        raise U3Error(f"{net.name} has no layer with a row of weights for each of its {len(net.classes)} classes")
    head = heads[-1]
    head.weight = nn.Parameter(head.weight[numbers].clone(), requires_grad=False)
    if head.bias is not None:
        head.bias = nn.Parameter(head.bias[numbers].clone(), requires_grad=False)
    fewer.classes = tuple(net.classes[k] for k in numbers)
    return fewer


def untrained(net: Classifier, *, seed: int = 0) -> Classifier:
    """A copy of a network with fresh weights: normal with variance 2/fan-in, no biases.

    He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    fresh, draw = copy.deepcopy(ready(net)), torch.Generator().manual_seed(whole("seed", seed, 0))
    for module in fresh.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            fan_in = module.weight[0].numel()
            drawn = torch.randn(module.weight.shape, generator=draw) * (2 / fan_in) ** 0.5
            module.weight.data.copy_(drawn)
            if module.bias is not None:
                module.bias.data.zero_()
    return fresh


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


class OutOfPlace(TorchFunctionMode):
    """While active, ReLUs, sums and products of any network make a new tensor, whatever they would write over."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is None:
            return IN_PLACE.get(func, func)(*args, **kwargs)
        return F.relu(args[0]) if ceiling == float("inf") else F.hardtanh(args[0], 0, ceiling)
