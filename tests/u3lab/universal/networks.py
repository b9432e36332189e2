"""Networks of six families with random weights, the shipped ones, and a picture each for the tests of adapters."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn

from tests.helpers import built, squeezenet, vgg11
from u3lab import nets
from u3lab.universal import Adapted

SIDE = 64


def torchvision(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from torchvision import models

        return models.get_model(name, num_classes=10)
    return build


def convnext() -> nn.Module:
    """ConvNeXt with layer scales that let its blocks be heard; at random they would start at 1e-6."""
    module = built(torchvision("convnext_tiny"))
    for name, weight in module.named_parameters():
        if name.endswith("layer_scale"):
            weight.data.fill_(0.3)
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.reset_parameters()
    return module


RANDOM: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: built(torchvision("resnet18")),
    "vgg11": lambda: built(vgg11),
    "mobilenet_v2": lambda: built(torchvision("mobilenet_v2")),
    "efficientnet_b0": lambda: built(torchvision("efficientnet_b0")),
    "convnext_tiny": convnext,
    "densenet121": lambda: built(torchvision("densenet121")),
}
SHIPPED: dict[str, Callable[[], nn.Module]] = {
    "squeezenet1_1": squeezenet,
    "efficientnet_lite0": lambda: nets.load("efficientnet_lite0", device="cpu", fold=False),
}
ALL = RANDOM | SHIPPED


@cache
def network(name: str) -> nets.Classifier:
    """One of ``ALL``; not to be changed."""
    return nets.ready(ALL[name]().eval())


def pictures(count: int = 2, side: int = SIDE, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def tiny(norms: bool = True, seed: int = 0) -> nets.Classifier:
    """A network that answers in a millisecond: dense, depthwise and pointwise convolutions, four classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts: list[nn.Module] = [nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU(),
                                  nn.Conv2d(8, 12, 1), nn.ReLU(), nn.Conv2d(12, 12, 3, 2, 1), nn.ReLU()]
        if norms:
            parts = [one for part in parts for one in ([part, nn.BatchNorm2d(part.out_channels)] if isinstance(
                part, nn.Conv2d) else [part])]
        module = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4))
    module.eval().requires_grad_(False)
    return nets.Classifier(module, classes=("a", "b", "c", "d"), size=16, name="tiny")


def shaken(net: Adapted, name: str, size: float = 0.02, seed: int = 0) -> Adapted:
    """The network with what a domain adds pushed away from where it starts, as training would."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.domain_parameters(name):
            weight.add_(size * torch.randn(weight.shape, generator=generator).to(weight))
        for norm in net.domain(name).norms():
            norm.running_mean.add_(size)
            norm.running_var.mul_(1 + size)
    return net

