"""The code of a picture, Φ(x) at a layer, and how far one code is from another."""

from torch import Tensor

from u3lab.checks import alike
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready

LOGITS = "logits"  # the layer after the last: class scores before the softmax


def code(net: Classifier, layer: str, images: Tensor) -> Tensor:
    """Φ(x) at a layer, (B,C,h,w) or (B,C); layer "logits" is what comes out of the network, (B,K)."""
    net = ready(net)
    return net(images) if layer == LOGITS else net.features(images, layer)


def pictured(net: Classifier, *images: Tensor, one: bool = False) -> Classifier:
    """As :func:`~u3lab.nets.ready`, for what draws pictures alone."""
    net = ready(net, *images, one=one)
    if net.axes != 2:
        raise U3Error(f"{net.name} takes volumes, and this draws pictures; for volumes there is inversion.invert")
    return net


def code_error(given: Tensor, wanted: Tensor) -> Tensor:
    """‖Φ(x) − Φ(x₀)‖² / ‖Φ(x₀)‖², a scalar: 0 for equal codes, 1 for a code that is zero.

    Raises:
        U3Error: Codes of different shapes or with values that are not finite, or a wanted code that is zero throughout.
    """
    alike(given=given, wanted=wanted)
    if not wanted.square().sum():
        raise U3Error("the wanted code is zero throughout, without shares; take an earlier layer or another picture")
    return relative_error(given, wanted)


def relative_error(given: Tensor, wanted: Tensor) -> Tensor:
    """As :func:`code_error`, for a loop that has checked what is wanted."""
    return (given - wanted).square().sum() / wanted.square().sum()
