"""Networks as other people write them, small and with random weights: grey, of volumes, for segmentation, of tokens."""

from collections import OrderedDict
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import built, seeded

MEAN, STD = (0.4,), (0.2,)


def drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in evaluation mode, its weights drawn by He's rule, whatever its kinds of layer."""
    generator = seeded(seed)
    for weight in module.parameters():
        spread = (2 / weight[0].numel()) ** 0.5 if weight.ndim > 1 else 0.1
        weight.data = torch.randn(weight.shape, generator=generator) * spread + (weight.ndim == 1) * 0.2
    return module.eval()


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, before: int, after: int, stride: int, conv: type[nn.Module], norm: type[nn.Module]) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 3, stride, 1, bias=False), norm(after)
        self.conv2, self.bn2 = conv(after, after, 3, 1, 1, bias=False), norm(after)
        self.relu, self.around = nn.ReLU(inplace=True), conv(before, after, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += self.around(x)
        return self.relu(y)


class ResNet(nn.Module):
    """A residual network of pictures or of volumes with one channel, of four classes."""

    def __init__(self, axes: int) -> None:
        super().__init__()
        conv, norm = (nn.Conv2d, nn.BatchNorm2d) if axes == 2 else (nn.Conv3d, nn.BatchNorm3d)
        self.stem = conv(1, 6, 3, 1, 1)
        self.layer1, self.layer2 = Block(6, 8, 2, conv, norm), Block(8, 12, 2, conv, norm)
        self.fc = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layer2(self.layer1(self.stem(x))).flatten(2).mean(2))


class Segmenter(nn.Module):
    """Grey pictures → a dict of maps of three classes, as torchvision answers; ``rectifier`` is its non-linearity."""

    def __init__(self, rectifier: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 6, 3, 2, 1), rectifier(), nn.Conv2d(6, 8, 3, 1, 1), rectifier())
        self.classifier = nn.Conv2d(8, 3, 1)
        self.aux_classifier = nn.Conv2d(8, 5, 1)  # a head of its own, which the scores do not depend on

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.backbone(x)
        return OrderedDict(out=nn.functional.interpolate(self.classifier(y), x.shape[2:], mode="bilinear"),
                           aux=self.aux_classifier(y))


@cache
def grey() -> nn.Module:
    return drawn(ResNet(2), seed=1)


@cache
def of_volumes() -> nn.Module:
    return drawn(ResNet(3))


@cache
def segmenter() -> nn.Module:
    return drawn(Segmenter(), seed=2)


@cache
def resnet() -> nn.Module:
    """A residual network of timm."""
    from timm.models.resnet import BasicBlock
    from timm.models.resnet import ResNet as OfTimm

    return drawn(OfTimm(BasicBlock, (1, 1, 1, 1), num_classes=4, in_chans=1, channels=(8, 8, 12, 16)))


@cache
def vit() -> nn.Module:
    """A transformer of timm, of four tokens a side."""
    from timm.models.vision_transformer import VisionTransformer

    return drawn(VisionTransformer(img_size=32, patch_size=8, in_chans=1, num_classes=4, embed_dim=16, depth=2,
                                   num_heads=2))


@cache
def lraspp() -> nn.Module:
    """A network of torchvision for segmentation, which answers with a dict."""
    from torchvision.models import segmentation

    return built(lambda: segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4))


@cache
def monai_resnet() -> nn.Module:
    """A residual network of MONAI, of volumes."""
    networks = pytest.importorskip("monai.networks.nets")
    return drawn(networks.ResNet("basic", (1, 1, 1, 1), (8, 8, 12, 16), n_input_channels=1, num_classes=4))


@cache
def monai_unet() -> nn.Module:
    """A network of MONAI for the segmentation of volumes, with PReLUs."""
    networks = pytest.importorskip("monai.networks.nets")
    return drawn(networks.UNet(3, 1, 3, channels=(4, 8, 12), strides=(2, 2), num_res_units=1))


def pictures(count: int = 2, *sides: int, channels: int = 1, seed: int = 3) -> Tensor:
    """Smooth noise in [0,1], (count,channels,…), by default (count,1,24,20)."""
    sides = sides or (24, 20)
    coarse = torch.rand(count, channels, *(max(2, side // 4) for side in sides), generator=seeded(seed))
    return nn.functional.interpolate(coarse, sides, mode="bilinear" if len(sides) == 2 else "trilinear")
