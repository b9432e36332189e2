"""Excitation backpropagation and layer-wise relevance propagation (LRP): other rules to send relevance down.

Each linear layer z = Wx + b shares the relevance r of its outputs among its inputs, in proportion to what each
input contributed. What "contributed" means is the rule:

    ε           r_j = Σ_i  x_j w_ij / (z_i + ε sign z_i) · r_i                    Bach et al. 2015, equation 58
    αβ          r_j = Σ_i (α (x_j w_ij)⁺ / z_i⁺ − β (x_j w_ij)⁻ / z_i⁻) · r_i     Bach et al. 2015, equation 60
    z⁺          the same with α = 1, β = 0
    excitation  p_j = Σ_i  x_j w_ij⁺ / Σ_k x_k w_ik⁺ · p_i,  x ≥ 0, no bias       Zhang et al., ECCV 2016, equation 5

Conventions where the literature differs. A convolution and the batch norm behind it are one linear layer, as they
are in evaluation mode. A sum a + b gives its branches a/(a + b) and b/(a + b), so a branch that opposes the sum gets a
part of the other sign. A bias keeps its share, so part of the score stays behind. Averages share in proportion to what
was averaged. Excitation takes x⁺w⁺ and no bias.

How well-known libraries differ:

- captum (LRP) sees modules only: a plain ``a + b`` gives each of its branches all of the relevance.
- zennit's MergeBatchNorm, up to 0.5, keeps eps, so that each merged batch norm still scales by 1/√(1 + eps).
- zennit's ExcitationBackprop keeps positive biases by default.
- TorchRay passes the p of excitation backpropagation through a batch norm unchanged.

The authors of excitation backpropagation state that a patent is pending on the method.

While the mode :class:`Propagation` is active, each function that a network calls is replaced by one with the same value
and another way back: linear layers share relevance by the rule; ReLU, max-pooling and concatenation pass it on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair
from torch.overrides import TorchFunctionMode

from u3lab.checks import number, one_of
from u3lab.errors import U3Error
from u3lab.nets.surgery import IN_PLACE, relu_ceiling
from u3lab.saliency._forward_pass import ForwardPass, Target, is_neuron, named_layers


@dataclass(frozen=True)
class Linear:
    """A linear layer z = Wx + b as two maps for any weights w: ``apply(x, w)`` = Wx, ``transpose(x, s, w)`` = Wᵀs."""

    weight: Tensor
    bias: Tensor | None
    apply: Callable[[Tensor, Tensor], Tensor]
    transpose: Callable[[Tensor, Tensor, Tensor], Tensor]

Rule = Callable[[Linear, Tensor, Tensor, Tensor], Tensor]  # (layer, x, z, r): relevance of x from relevance r of z


def stabilised(z: Tensor, epsilon: float) -> Tensor:
    """z + ε·sign z, with sign 0 = 1, so that it can be divided by."""
    return z + torch.copysign(z.new_tensor(epsilon), z)  # on a CPU several times faster than torch.where


class _Share(torch.autograd.Function):
    """A value on the way up; on the way down ``share(r)`` gives each input its part of the relevance r.

    The value comes in a tuple: autograd takes a bare tensor for an input and forbids later layers to overwrite it.
    """

    @staticmethod
    def forward(ctx: Any, z: tuple[Tensor], share: Callable[[Tensor], tuple[Tensor, ...]], *inputs: Tensor) -> Tensor:
        ctx.share = share
        return z[0].detach()  # not z itself: `share` knows z, and an output that knows itself is never freed

    @staticmethod
    def backward(ctx: Any, r: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.share(r)


class Propagation(TorchFunctionMode):
    """While active, every layer of any network sends relevance down by a rule, in place of derivatives.

    Attributes:
        top: Input of the last layer with weights, once the network has run.
        top_layer: That layer.
        negated: Layers whose weights count with the other sign on the way down (contrastive excitation
            backpropagation).
    """

    PASS = {F.dropout, torch.max_pool2d, F.max_pool2d, F.adaptive_max_pool2d, torch.flatten, Tensor.flatten, torch.cat,
            torch.reshape, Tensor.reshape, Tensor.view, torch.squeeze, Tensor.squeeze, F.pad, Tensor.contiguous,
            Tensor.permute, torch.transpose, Tensor.transpose, Tensor.clone, Tensor.requires_grad_, Tensor.__getitem__}
    SUM = {torch.add, Tensor.add, Tensor.__add__}
    AVERAGE = {F.adaptive_avg_pool2d, F.avg_pool2d, torch.mean, Tensor.mean}

    def __init__(self, rule: Rule, epsilon: float) -> None:
        """``rule`` for layers with weights, ``epsilon`` for sums and averages: see stabilised."""
        super().__init__()
        self.rule, self.epsilon = rule, epsilon
        self.top: Tensor | None = None
        self.top_layer: Linear | None = None
        self.negated: list[Linear] = []

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        func = IN_PLACE.get(func, func)
        if func is F.conv2d:
            return self.convolution(*args, **kwargs)
        if func is F.linear:
            return self.dense(*args, **kwargs)
        if func is F.batch_norm:
            return self.batch_norm(*args, **kwargs)
        if func in self.AVERAGE:
            return self.average(func, *args, **kwargs)
        if func in self.SUM and not kwargs and all(isinstance(a, Tensor) for a in args):
            return self.residual(*args)
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is not None:
            return _Share.apply((args[0].detach().clamp(0, ceiling),), lambda r: (r,), args[0])
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and result.requires_grad and func not in self.PASS:
            raise U3Error(f"no relevance rule is known for {getattr(func, '__name__', func)!r}, which this network "
                          "uses; backprop and modulated_gradient work for any network")
        return result

    def convolution(self, x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                    dilation: Any = 1, groups: int = 1) -> Tensor:
        options = (stride, padding, dilation, groups)
        pairs = (_pair(stride), _pair(padding), _pair(dilation))
        layer = Linear(weight.detach(), None if bias is None else bias.detach(),
                       apply=lambda x, w: F.conv2d(x, w, None, *options),
                       transpose=lambda x, s, w: torch.ops.aten.convolution_backward(
                           s, x, w, None, *pairs, False, (0, 0), groups, (True, False, False))[0])
        with torch.no_grad():
            return self.weighted(layer, x, F.conv2d(x, weight, bias, *options))

    def dense(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        layer = Linear(weight.detach(), None if bias is None else bias.detach(),
                       apply=F.linear, transpose=lambda x, s, w: s @ w)
        with torch.no_grad():
            return self.weighted(layer, x, F.linear(x, weight, bias))

    def batch_norm(self, x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None = None,
                   bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
                   eps: float = 1e-5) -> Tensor:
        """In evaluation mode a linear layer; behind a convolution, one linear layer with it."""
        with torch.no_grad():
            z = F.batch_norm(x, mean, variance, weight, bias, False, momentum, eps)
            scale = (1 if weight is None else weight) / (variance + eps).sqrt()
            shift = (0 if bias is None else bias) - mean * scale
            before: tuple[Linear, Tensor] | None = getattr(x, "u3lab_layer", None)
            if before is None:
                layer = Linear(scale, shift, apply=lambda x, w: x * w.view(1, -1, 1, 1),
                               transpose=lambda x, s, w: s * w.view(1, -1, 1, 1))
                return self.weighted(layer, x, z)
            layer, x = before
            folded = layer.weight * scale.view(-1, *[1] * (layer.weight.ndim - 1))
            bias = shift if layer.bias is None else shift + layer.bias * scale
            return self.weighted(replace(layer, weight=folded, bias=bias), x, z)

    def average(self, func: Callable, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """Averages share in proportion to what was averaged, whatever the rule of the layers with weights."""
        with torch.no_grad():
            z = func(x, *args, **kwargs)

        epsilon = self.epsilon

        def share(r: Tensor) -> tuple[Tensor]:
            with torch.enable_grad():
                x_ = x.detach().requires_grad_()
                (part,) = torch.autograd.grad(func(x_, *args, **kwargs), x_, r / stabilised(z, epsilon))
            return (x_.detach() * part,)

        return _Share.apply((z,), share, x)

    def residual(self, a: Tensor, b: Tensor) -> Tensor:
        """a + b: the branches get a/(a + b) and b/(a + b), so that one which opposes the sum gets a negative part."""
        part_a, part_b = a.detach(), b.detach()
        z = part_a + part_b
        whole = stabilised(z, self.epsilon)
        return _Share.apply((z,), lambda r: (r * part_a / whole, r * part_b / whole), a, b)

    def weighted(self, layer: Linear, x: Tensor, z: Tensor) -> Tensor:
        """A layer with weights and value z: its input gets relevance by the rule."""
        self.top, self.top_layer = x, layer
        # Nothing in here may lead back to the mode: it holds `top`, and so the graph, which would hold itself for ever.
        rule, negated, values = self.rule, self.negated, x.detach()

        def share(r: Tensor) -> tuple[Tensor]:
            used = replace(layer, weight=-layer.weight) if any(layer is one for one in negated) else layer
            return (rule(used, values, z, r),)

        with torch.enable_grad():
            out = _Share.apply((z,), share, x)
        out.u3lab_layer = (layer, x)  # a batch norm that comes next joins this layer
        return out


def epsilon_rule(epsilon: float) -> Rule:
    """Every input by its contribution, of either sign."""
    def share(layer: Linear, x: Tensor, z: Tensor, r: Tensor) -> Tensor:
        return x * layer.transpose(x, r / stabilised(z, epsilon), layer.weight)
    return share


def alpha_beta_rule(alpha: float, beta: float, epsilon: float) -> Rule:
    """Supporting contributions (xw)⁺ and opposing ones (xw)⁻ apart, weighed α and −β."""
    def share(layer: Linear, x: Tensor, z: Tensor, r: Tensor) -> Tensor:
        inputs = [(x.clamp(min=0), 1), (x.clamp(max=0), -1)] if x.amin() < 0 else [(x, 1)]  # one sign behind a ReLU
        relevance = torch.zeros_like(x)
        for factor, side in ((alpha, 1), (-beta, -1)):
            if factor == 0:
                continue
            # (xw)⁺ = x⁺w⁺ + x⁻w⁻ and (xw)⁻ = x⁺w⁻ + x⁻w⁺
            parts = [(part, signed(layer.weight, side * sign)) for part, sign in inputs]
            z_side = sum(layer.apply(part, w) for part, w in parts)
            if layer.bias is not None:
                z_side = z_side + signed(layer.bias, side).view(-1, *[1] * (z.ndim - 2))
            s = factor * r / (z_side + side * epsilon)
            for part, w in parts:
                relevance += part * layer.transpose(x, s, w)
        return relevance
    return share


def excitation_rule(layer: Linear, x: Tensor, z: Tensor, p: Tensor) -> Tensor:
    """The winners are active inputs with positive weights; the p of an output that nothing excites is lost."""
    x, w = x.clamp(min=0), signed(layer.weight, 1)
    total = layer.apply(x, w).clamp_(min=0)
    return x * layer.transpose(x, p * total.sign() / total.clamp(min=1e-30), w)


def signed(w: Tensor, side: int) -> Tensor:
    """w⁺ (side 1) or w⁻ (side −1): the entries of that sign, zero elsewhere."""
    return w.clamp(min=0) if side > 0 else w.clamp(max=0)


def lrp(net: nn.Module, images: Tensor, target: Target, *, rule: str = "epsilon", layer: str | None = None,
        epsilon: float = 1e-6, alpha: float = 2.0, beta: float = 1.0) -> Tensor:
    """Layer-wise relevance propagation (Bach et al., PLOS ONE 2015), started with the target's own score.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        rule: "epsilon", "alpha_beta" (with ``alpha`` − ``beta`` = 1 and ``beta`` ≥ 0) or "z_plus".
        layer: Where to stop; None is the network's input (the picture after normalisation).
        epsilon: Keeps small denominators from zero; with the ε-rule, larger values let weak contributions fade.

    Returns:
        Tensor: Signed relevance of the layer's shape, in units of the score.

    Raises:
        U3Error: Unknown rule, ε ≤ 0, α − β ≠ 1, β < 0, or a network with a function that has no relevance rule.
    """
    share = _rule(rule, epsilon, alpha, beta)
    kept = ForwardPass(net, images, named_layers(target, layer), detach_below=layer,
                       functions=Propagation(share, epsilon))
    scores = kept.scores(target)
    return kept.vector_jacobian(scores, kept.level(layer), scores.detach())


def _rule(name: str, epsilon: float, alpha: float, beta: float) -> Rule:
    """The rule of that name, once its numbers are known to make sense."""
    one_of("rule", name, ("epsilon", "alpha_beta", "z_plus"))
    number("epsilon", epsilon, 0, without_low=True)
    if name == "epsilon":
        return epsilon_rule(epsilon)
    if name == "z_plus":
        return alpha_beta_rule(1.0, 0.0, epsilon)
    number("alpha", alpha)
    number("beta", beta, 0)
    if abs(alpha - beta - 1) > 1e-9:
        raise U3Error(f"alpha − beta is {alpha - beta:g} and must be 1, or relevance is made or lost; "
                      "try alpha=2, beta=1")
    return alpha_beta_rule(alpha, beta, epsilon)


def excitation_backprop(net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None,
                        contrastive: bool = False) -> Tensor:
    """Excitation backpropagation: where would a random walker end that follows active, positive connections down?

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        layer: Where to stop; None is the network's input. The authors show layers half way down.
        contrastive: Subtract the same for "not the target": the last layer with weights, turned over. What is common to
            all classes cancels; negative remains are set to 0.

    Returns:
        Tensor: p of the layer's shape. Not contrastive, it sums to 1 for each picture, less what met no excitation. It
            can be negative where a residual branch opposes the sum; contrastive, and in networks without such sums, p ≥
            0.
    """
    if contrastive and is_neuron(target):
        raise U3Error("contrastive excitation sets a class against all others; "
                      "give a class as the target, not a neuron")
    mode = Propagation(excitation_rule, 1e-12)
    kept = ForwardPass(net, images, named_layers(target, layer), detach_below=layer, functions=mode)
    scores, end = kept.scores(target), kept.level(layer)
    if not contrastive:
        return kept.vector_jacobian(scores, end)
    support = kept.vector_jacobian(scores, mode.top)
    mode.negated.append(mode.top_layer)
    against = kept.vector_jacobian(scores, mode.top)
    mode.negated.clear()
    return kept.vector_jacobian(mode.top, end, support - against).clamp(min=0)
