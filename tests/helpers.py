"""Networks and pictures for the tests: real and random weights, in float64 where ties would flip."""

import copy
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

from u3lab import U3Error, images, nets
from u3lab.descent import ADAM


@contextmanager
def smaller(monkeypatch: pytest.MonkeyPatch, values: dict[object, dict[str, object]], *cached: Callable) -> Iterator:
    """Module → other values of its names, for a test; what caches made of the former is forgotten, before and after."""
    for module, names in values.items():
        for name, value in names.items():
            monkeypatch.setattr(module, name, value)
    for one in cached:
        one.cache_clear()
    yield
    for one in cached:
        one.cache_clear()


def seeded(seed: int = 0) -> torch.Generator:
    """Random numbers that are the same each time."""
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers drawn evenly from [0,1)."""
    return torch.rand(shape, generator=seeded(seed), dtype=dtype)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers drawn from the standard normal distribution."""
    return torch.randn(shape, generator=seeded(seed), dtype=dtype)


class Case(NamedTuple):
    """A bare network, an input for it, a class and two of its layers: one with a grid half way up, one near the top."""

    module: nn.Module
    x: Tensor
    target: int
    middle: str
    late: str


def relative(a: Tensor, b: Tensor) -> float:
    """max |a − b| / max |b|."""
    assert a.shape == b.shape, (a.shape, b.shape)
    assert b.abs().max() > 0, "nothing to compare"
    return ((a - b).abs().max() / b.abs().max()).item()


@cache
def cat(size: int = 227) -> Tensor:
    """A real photograph, (1,3,size,size), float64 in [0,1]."""
    from skimage.data import chelsea

    picture = torch.tensor(chelsea()[:, 70:370]).permute(2, 0, 1)[None].double() / 255
    return F.interpolate(picture, (size, size), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)


def built(build: Callable[[], nn.Module], seed: int = 1) -> nn.Module:
    """A torchvision network with random weights of sane size, made without its own slow initialisation; eval mode."""
    try:
        with torch.device("meta"):
            module = build()
    except NotImplementedError:  # RegNet computes with numbers while it is built
        module = build()
    module = module.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.weight.data.normal_(0, (2 / layer.weight[0].numel()) ** 0.5, generator=generator)
            if layer.bias is not None:
                layer.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.num_batches_tracked.zero_()
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 2, generator=generator)
            layer.weight.data.uniform_(0.5, 1.5, generator=generator)
            layer.bias.data.normal_(0, 0.1, generator=generator)
    return module.eval()


def vgg11(batch_norm: bool = False) -> nn.Module:
    """VGG-11 at a quarter of its width: the real one takes half a gigabyte, and a second for each map."""
    from torchvision.models.vgg import VGG, cfgs, make_layers

    plan = [step if step == "M" else step // 4 for step in cfgs["A"]]
    module = VGG(make_layers(plan, batch_norm), init_weights=False)
    module.classifier = nn.Sequential(nn.Linear(128 * 49, 64), nn.ReLU(True), nn.Dropout(),
                                      nn.Linear(64, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, 10))
    return module


def resnet18() -> nn.Module:
    """ResNet-18 with ten classes."""
    from torchvision import models

    return models.resnet18(num_classes=10)


@cache
def case(name: str) -> Case:
    """One of "squeezenet1_1" (real weights), "resnet18", "vgg11", "vgg11_bn" (random), in float64."""
    if name == "squeezenet1_1":
        net = nets.load(name, device="cpu").double()
        return Case(net.module, net.normalise(cat()).contiguous(), 285, "features.6", "features.12")
    x = (cat(64) - 0.45) / 0.25
    if name == "resnet18":
        return Case(built(resnet18).double(), x, 0, "layer1", "layer4")
    late, middle = ("features.27", "features.10") if name == "vgg11_bn" else ("features.19", "features.7")
    return Case(built(lambda: vgg11(name == "vgg11_bn")).double(), x, 0, middle, late)


def fused(module: nn.Module) -> nn.Module:
    """A copy in which every batch norm is folded into the convolution before it."""
    module = copy.deepcopy(module)
    for parent in list(module.modules()):
        before = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before and isinstance(before[1], nn.Conv2d):
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = (name, child)
    return module.eval()


def lin(rows: list[list[float]], bias: list[float] | None = None) -> nn.Linear:
    """A dense layer with these weights, in float64."""
    layer = nn.Linear(len(rows[0]), len(rows), bias=bias is not None).double()
    layer.weight.data = torch.tensor(rows, dtype=torch.float64)
    if bias is not None:
        layer.bias.data = torch.tensor(bias, dtype=torch.float64)
    return layer


def mixed(inputs: int, outputs: int, seed: int) -> nn.Linear:
    """A dense layer with weights and biases of either sign, in float64."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    return lin(weight.tolist(), torch.randn(outputs, generator=generator).tolist())


@cache
def squeezenet() -> nets.Classifier:
    """The shipped network; not to be changed."""
    return nets.load("squeezenet1_1", device="cpu")


def slip(*words: str):
    """An U3Error whose message has all these words."""
    return pytest.raises(U3Error, match="".join(f"(?=.*{word})" for word in words))


def raising(error: BaseException) -> Callable:
    """A function that raises this, whatever it is given: an answer of the system, played."""
    def call(*given: object, **named: object) -> None:
        raise error
    return call


def refuses(function: Callable, /, *given: object, says: str | tuple[str, ...] = "", **named: object) -> None:
    """The call of the function with what is given ends in an U3Error whose message has all these words."""
    with slip(*([says] if isinstance(says, str) else says)):
        function(*given, **named)


def one_sentence(says: str, function: Callable, /, *given: object, **named: object) -> None:
    """The call ends in an U3Error of one line that has these words, letter by letter."""
    with pytest.raises(U3Error) as told:
        function(*given, **named)
    assert says in str(told.value) and "\n" not in str(told.value)


def state(net: nn.Module) -> dict:
    """All that a caller could notice. Parameters by identity and by value."""
    return {
        "values": copy.deepcopy(net.state_dict()),
        "parameters": [(name, id(p), p.requires_grad, p.grad, p._version) for name, p in net.named_parameters()],
        "modules": [(name, id(m), m.training, getattr(m, "inplace", None), len(m._forward_hooks),
                     len(m._forward_pre_hooks), len(m._backward_hooks), len(m._backward_pre_hooks), m.forward.__func__)
                    for name, m in net.named_modules()],
        "functions": [getattr(F, f) for f in ("relu", "relu_", "hardtanh", "conv2d", "linear", "batch_norm")],
    }


def same_state(a: dict, b: dict) -> bool:
    values = zip(a["values"].items(), b["values"].items(), strict=True)
    return all(k == j and torch.equal(v, w) for (k, v), (j, w) in values) and all(
        a[key] == b[key] for key in ("parameters", "modules", "functions"))


@contextmanager
def no_tensor_stays() -> Iterator[None]:
    """Fail if a tensor that is made inside is still there at the end."""
    gc.freeze()  # what was there before is not looked at again: after thousands of tests that takes a second
    try:
        yield
        gc.collect()
        assert not [thing for thing in gc.get_objects() if issubclass(type(thing), Tensor)]
    finally:
        gc.unfreeze()


def minimised(optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor], steps: int,
              after: Callable[[], object] = lambda: None) -> list[float]:
    """So many steps of plain torch: the loss before each of them, and after the last."""
    return list(islice(plain_descent(optimiser, loss, after), steps + 1))


def plain_descent(optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor],
                  after: Callable[[], object] = lambda: None) -> Iterator[float]:
    """Steps of plain torch, without end: the loss before each of them."""
    while True:
        value = loss()
        yield value.item()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        after()


@contextmanager
def rates_of_adam() -> Iterator[list[float]]:
    """The learning rate of each step that Adam makes inside, in order."""
    kind, rates = ADAM.func, []
    step = kind.step

    def noted(optimiser: torch.optim.Optimizer, *given: object, **more: object) -> object:
        rates.append(optimiser.param_groups[0]["lr"])
        return step(optimiser, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "step", noted)
        yield rates


def batches(names: list[str], size: int, batch_size: int, *, seed: int = 0) -> Iterator[Tensor]:
    """Random squares of shipped pictures, without end: (batch_size,3,size,size), each mirrored by chance."""
    generator = torch.Generator().manual_seed(seed)
    pictures = [images.load(name) for name in names]
    while True:
        made = []
        for k in torch.randint(len(pictures), (batch_size,), generator=generator).tolist():
            share, down, right = torch.rand(3, generator=generator).tolist()
            side = round(min(pictures[k].shape[-2:]) * (1 / 3 + (1 - 1 / 3) * share))
            top, left = (round(at * (n - side)) for at, n in zip((down, right), pictures[k].shape[-2:], strict=True))
            made.append(images.resize(pictures[k][..., top : top + side, left : left + side], size).clamp(0, 1))
        mirrored = torch.rand(batch_size, 1, 1, 1, generator=generator) < 0.5
        made = torch.cat(made)
        yield torch.where(mirrored, made.flip(-1), made)
