"""Gradient, deconvnet and guided backpropagation: one backward pass, three ways to reverse a ReLU.

The forward pass is y = max(x, 0). On the way back a signal p arrives from above, and

    gradient    p·[x > 0]             Simonyan, Vedaldi & Zisserman, ICLR workshop 2014
    deconvnet   p·[p > 0]             Zeiler & Fergus, ECCV 2014
    guided      p·[x > 0]·[p > 0]     Springenberg et al., ICLR workshop 2015

Everything else is the same, as Mahendran & Vedaldi point out (Salient deconvolutional networks, ECCV 2016).
Max-pooling sends the signal to the winner in all three.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from u3lab._system.meanwhile import meanwhile, value
from u3lab.checks import function, is_plain, shown, words
from u3lab.errors import U3Error
from u3lab.nets.surgery import IN_PLACE, relu_ceiling
from u3lab.saliency._forward_pass import ForwardPass, Target, named_layers

Through = Callable[[Tensor], Tensor]  # p → p·[x > 0], for a ReLU6 p·[0 < x < 6]
Rule = Callable[[Tensor, Through], Tensor]


def gradient(p: Tensor, through: Through) -> Tensor:
    """p·[x > 0]: the signal passes where the unit was active. This is the true derivative."""
    return through(p)


def deconvnet(p: Tensor, through: Through) -> Tensor:
    """p·[p > 0]: a ReLU on the signal; what the unit did on the way forward does not matter."""
    return p.clamp(min=0)


def guided(p: Tensor, through: Through) -> Tensor:
    """p·[x > 0]·[p > 0]: both."""
    return through(p).clamp(min=0)


RULES: dict[str, Rule] = {"gradient": gradient, "deconvnet": deconvnet, "guided": guided}


class _ReLU(torch.autograd.Function):
    """min(max(x, 0), ceiling), whose way back is the rule in force when the signal arrives."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ceiling: float, mode: "SwappedReLU") -> Tensor:
        y = x.clamp(0, ceiling)
        ctx.set_materialize_grads(False)  # where no signal comes back, that is told, and no zeros are made
        ctx.save_for_backward(y)
        ctx.ceiling, ctx.mode = ceiling, mode
        return y

    @staticmethod
    def backward(ctx: Any, p: Tensor | None) -> tuple[Tensor | None, None, None]:
        if p is None:
            return None, None, None
        (y,) = ctx.saved_tensors

        def through(p: Tensor) -> Tensor:  # torch's own kernel: on a CPU ten times faster than torch.where with a mask
            return torch.ops.aten.hardtanh_backward(p, y, 0, ctx.ceiling)

        made = ctx.mode.rule(p, through)
        if not is_plain(made) or made.shape != p.shape:
            raise U3Error(f"the rule gives {shown(made)} for {shown(p)}; let it return a signal of the same shape")
        return made, None, None


class SwappedReLU(TorchFunctionMode):
    """While active, every ReLU and ReLU6 of any network obeys ``self.rule`` on the way back.

    The network is not touched: what is caught is the call of the function, be it made by a module or in the
    network's own code, in place or not, used once or many times.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rule: Rule = gradient
        self.count = 0

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is not None:
            self.count += 1
            return _ReLU.apply(args[0], ceiling, self)
        return IN_PLACE.get(func, func)(*args, **kwargs)


class BackpropPass(ForwardPass):
    """A kept forward pass that answers with all three rules; see :func:`forward_pass`."""

    def __init__(self, net: nn.Module, images: Tensor, layers: Iterable[str] = ()) -> None:
        self._relu = SwappedReLU()
        super().__init__(net, images, layers, functions=self._relu)

    def backprop(self, target: Target, *, rule: str | Rule = "gradient", layer: str | None = None) -> Tensor:
        """As :func:`backprop`, without a new forward pass."""
        if not callable(rule) and not (isinstance(rule, str) and rule in RULES):
            raise U3Error(f"there is no rule {rule!r}; choose {', '.join(RULES)}, or give a function of (p, through)")
        if callable(rule):
            function("rule", rule, 2, "give a function of (p, through)")
        if rule != "gradient" and not self._relu.count:
            raise U3Error(f"{self.net.name} has no ReLU (a GELU or PReLU is none), so the rule {rule!r} means nothing "
                          "for it; use rule='gradient', or a network with ReLUs such as squeezenet1_1")
        with meanwhile(value(self._relu, "rule", RULES[rule] if isinstance(rule, str) else rule)):
            return self.gradient(target, layer=layer)


def forward_pass(net: nn.Module, images: Tensor, *, layers: Sequence[str] = ()) -> BackpropPass:
    """Run a network once and keep the pass: its ``.backprop(target, rule=rule)`` can be asked as often as wanted.

    Args:
        net: A :class:`~u3lab.nets.Classifier`, or any torch network in evaluation mode (it is left as it was).
        images: (B,3,H,W) in [0,1]; what the network takes, if it is not a Classifier.
        layers: Paths of further modules whose outputs are wanted, besides ``net.layers``.
    """
    return BackpropPass(net, images, words("layers", layers, none=True))


def backprop(net: nn.Module, images: Tensor, target: Target, *, rule: str | Rule = "gradient",
             layer: str | None = None) -> Tensor:
    """Saliency by one backward pass.

    Args:
        net: A :class:`~u3lab.nets.Classifier`, or any torch network in evaluation mode (it is left as it was).
        images: Pictures (B,C,H,W), or volumes (B,C,D,H,W), in [0,1].
        target: A class (number or name), a :class:`~u3lab.nets.Region` of a map of scores, a list with one of these for
            each picture, or a neuron ``(layer, channel, y, x)``.
        rule: "gradient", "deconvnet", "guided", or your own function (p, through); through(p) is p·[x > 0].
        layer: Where to stop on the way back; None is the picture itself.

    Returns:
        Tensor: Signed, (B,3,H,W) in score per unit of intensity, or of the layer's shape.

    Raises:
        U3Error: Unknown rule, layer, class or neuron; no ReLU in the network; training mode; pictures out of range.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> saliency.backprop(net, x, "espresso", rule="guided").shape
        torch.Size([1, 3, 96, 96])
    """
    if rule == "gradient":  # the true derivative needs no ReLU of ours
        return ForwardPass(net, images, named_layers(target, layer), detach_below=layer).gradient(target, layer=layer)
    return BackpropPass(net, images, named_layers(target, layer)).backprop(target, rule=rule, layer=layer)
