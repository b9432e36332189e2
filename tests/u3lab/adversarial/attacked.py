"""Small networks for the tests of attacks: a linear one, where every optimum is known, and one with ReLUs."""

import torch
from torch import Tensor, nn

from tests.helpers import built
from u3lab import nets


def linear(classes: int = 2, side: int = 6, seed: int = 0) -> tuple[nets.Classifier, Tensor]:
    """f = Wx + b in float64, and a picture far from 0 and 1 (1,3,side,side); its class is "0"."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(3 * side * side, classes).double()
    layer.weight.data = torch.randn(layer.weight.shape, generator=generator, dtype=torch.float64)
    x = 0.4 + 0.2 * torch.rand(1, 3, side, side, generator=generator, dtype=torch.float64)
    layer.bias.data = -(layer.weight.data @ x.flatten())  # the picture's scores are 0 …
    layer.bias.data[1:] -= 0.1 + torch.rand(classes - 1, generator=generator, dtype=torch.float64)  # … class 0 leads
    return nets.Classifier(nn.Sequential(nn.Flatten(), layer).eval(), classes=tuple(map(str, range(classes)))), x


def small(seed: int = 0) -> tuple[nets.Classifier, Tensor]:
    """Convolutions and ReLUs with random weights, five classes, and a picture whose values reach 0 and 1."""
    module = built(lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU(),
                                         nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5)), seed)
    x = torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(seed)).mul(1.6).sub(0.3).clamp(0, 1)
    return nets.Classifier(module, classes=tuple("abcde")), x


def weights(net: nets.Classifier, better: int, worse: int = 0) -> Tensor:
    """∇(f_better − f_worse) of the linear network, in the shape of the picture."""
    w = net.module[1].weight.detach()
    side = round((w.shape[1] / 3) ** 0.5)
    return (w[better] - w[worse]).view(1, 3, side, side)
