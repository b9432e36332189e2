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
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from u3lab.checks import number, one_of
from u3lab.errors import U3Error
from u3lab.saliency._forward_pass import ForwardPass, Target, is_neuron, named_layers
from u3lab.saliency.propagation import Linear, Propagation, Rule, stabilised


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
