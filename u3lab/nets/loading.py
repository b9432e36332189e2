"""A pretrained classifier by its name, on a device, ready to answer."""

from __future__ import annotations

import torch

from u3lab.checks import one_of
from u3lab.errors import U3Error
from u3lab.nets import weights, zoo
from u3lab.nets.classifier import Classifier
from u3lab.nets.registry import OWN, is_own, torchvision_weights


def load(name: str = "squeezenet1_1", *, device: str | torch.device | None = None, fold: bool = True) -> Classifier:
    """A pretrained ImageNet classifier in evaluation mode.

    Args:
        name: "squeezenet1_1" or "resnet26_half" (shipped; the second is a small trunk for other domains),
            "efficientnet_lite0" or "efficientnet_lite1" (from their PyPI packages), or any torchvision classifier.
        device: Where to compute; by default the GPU if torch sees one.
        fold: Whether the batch norms of EfficientNet and ResNet-26 join the convolutions before them, which gives the
            same answers in three quarters of the time. False leaves them: for training, and for domains with norms of
            their own.

    Raises:
        U3Error: Unknown name, damaged weights, weights that are neither cached nor reachable, or no such device.

    Examples:
        >>> net = nets.load("squeezenet1_1")
        >>> net(images.load("coffee", size=net.size)).shape
        torch.Size([1, 1000])
    """
    device = _device(device)
    one_of("fold", fold, (True, False))
    with torch.random.fork_rng(devices=[]):  # fresh layers draw their weights, before the trained ones come
        if is_own(name):
            net = OWN[name].build(name, weights.installed(name), OWN[name].size)
            if fold:
                zoo.fold_norms(net.module)
        else:
            net = zoo.torchvision_net(name, weights.fetch(name), torchvision_weights(name))
    return net.eval().requires_grad_(False).to(device, memory_format=net.memory_format)


def _device(device: str | torch.device | None) -> torch.device:
    """The device, once a number could be put there."""
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:  # torch has one of these for each kind of absence
        raise U3Error(f"there is no device {str(device)!r} here; give device='cpu', or leave it out") from error
