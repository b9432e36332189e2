"""A network that is to fit many domains: nearly all of its weights are shared, and each domain adds a few.

    net = adapt(nets.load("squeezenet1_1"), "parallel")
    net.add_domain("digits", 10)
    net.use("digits")                                    # a classifier of digits; net.use("source") goes back
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from u3lab.errors import U3Error
from u3lab.nets.gate import ready
from u3lab.universal.adapted import Adapted
from u3lab.universal.methods import planned


def adapt(net: nn.Module, kind: str = "parallel", *, share: float = 1.0, on: Sequence[str] | None = None,
          rank: int = 4, seed: int = 0) -> Adapted:
    """A copy of a network that can be made fit other domains; the given one is left as it is.

    Parameters
    ----------
    net
        A Classifier, or any convolutional network, in evaluation mode.
    kind
        A name in ``METHODS``: "parallel" and "serial" set adapters beside the convolutions, "low rank" sets LoRA there;
        "features", "batch norm", "last block", "fine-tuning" and "scratch" are their rivals.
    share
        Share of the blocks that are adapted, in (0,1], counted from the top; a block is a layer of ``net.layers`` with
        convolutions in it, or a convolution outside of them.
    on
        Beside which convolutions: of "dense" (k×k), "depthwise" and "pointwise" (1×1). Without it, beside the dense
        ones only, since more are unstable with few labels; in networks of depthwise convolutions beside all.
    rank
        Greatest rank of what is added to pointwise convolutions, and of LoRA everywhere.
    seed
        Of A in B A (B begins at zero), and of the weights that "scratch" begins with.

    Raises
    ------
    U3Error
        A network that is none, is in training mode, is adapted already, or has no such convolution or no head.

    Examples
    --------
    >>> net = universal.adapt(nets.load("squeezenet1_1", device="cpu"))
    >>> sum(p.numel() for p in net.add_domain("digits", 10).domain_parameters("digits"))
    66762
    """
    net = ready(net)
    if isinstance(net, Adapted):
        raise U3Error(f"{net.name} is adapted already; net.add_domain(name, classes) adds a domain to it")
    return Adapted(net, planned(kind, share, on, rank, seed))
