"""Maps from derivatives: gradient × input, modulated gradient, (guided) Grad-CAM, SmoothGrad, integrated gradients."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor, nn

from u3lab.checks import STEPS, number, whole
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready
from u3lab.saliency._forward_pass import GRIDS, ForwardPass, Target, is_neuron, named_layers, one_each
from u3lab.saliency.backprop import BackpropPass
from u3lab.saliency.perturbation import as_pictures, enlarge


def modulate(activation: Tensor, gradient: Tensor) -> Tensor:
    """Σ_k x_k p_k at each place: activation x and gradient p (B,C,h,w) → (B,1,h,w), signed."""
    return (activation * gradient).sum(1, keepdim=True)


def cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """max(0, Σ_k w_k A_k), w_k the spatial mean of the gradient: (B,C,h,w) and (B,C,h,w) → (B,1,h,w) ≥ 0."""
    weights = gradient.mean(tuple(range(2, gradient.ndim)), keepdim=True)
    return modulate(activation, weights).clamp(min=0)


def gradient_times_input(net: nn.Module, images: Tensor, target: Target) -> Tensor:
    """Gradient × input x·dS/dx: how much each value of the picture adds to the score, to first order.

    Shrikumar, Greenside, Shcherbina & Kundaje (Not just a black box, 2016). x is the picture in [0,1], of which black
    says nothing; :func:`modulated_gradient` has what the network sees in its place, of which the mean colour says
    nothing.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.

    Returns:
        Tensor: Signed (B,3,H,W) in units of the score.
    """
    kept = ForwardPass(net, images, named_layers(target, None))
    return (kept.images * kept.gradient(target)).detach()


def modulated_gradient(net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None) -> Tensor:
    """Modulated gradient r_m = dx_n/dx_m · diag(x_m): how much each activation adds to the score, to first order.

    Bach et al. (PLOS ONE 2015) send relevance down layer by layer; with the plainest of their rules the factors
    chain and cancel, and this is what is left. Without biases the relevances of a layer sum to the score. TorchRay
    calls it the linear approximation.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        layer: The level m; None is the network's input (the picture after normalisation).

    Returns:
        Tensor: Signed, of the shape of x_m, in units of the score.
    """
    kept = ForwardPass(net, images, named_layers(target, layer), detach_below=layer)
    x_m = kept.level(layer)
    return (kept.vector_jacobian(kept.scores(target), x_m) * x_m).detach()


def grad_cam(net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None) -> Tensor:
    """Grad-CAM: max(0, Σ_k w_k A_k) with w_k the spatial mean of dS/dA_k (Selvaraju et al., ICCV 2017, equations 1–2).

    It is the modulated gradient of a late layer with the gradient averaged over space before it modulates.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        layer: Of the activations A; None is the last convolutional layer, below the target if that is a neuron.

    Returns:
        Tensor: (B,1,h,w) ≥ 0, on the layer's grid.

    Raises:
        U3Error: A network or pictures that :func:`~u3lab.nets.ready` refuses, a class or a neuron that does not exist,
            a layer without a grid or above the target.

    Examples:
        >>> net, x = nets.load(), images.load("coffee", size=96)
        >>> saliency.grad_cam(net, x, "espresso", layer="fire5").shape
        torch.Size([1, 1, 11, 11])
    """
    return _grad_cam(ForwardPass(net, images, named_layers(target, layer), detach_below=layer), target, layer)


def _grad_cam(kept: ForwardPass, target: Target, layer: str | None) -> Tensor:
    """Grad-CAM of a kept pass."""
    layer = kept.last_convolution(target) if layer is None else layer
    if kept[layer].ndim not in GRIDS:
        raise U3Error(f"layer {layer!r} has no spatial grid; choose a convolutional layer")
    return cam(kept[layer], kept.gradient(target, layer=layer)).detach()


def guided_grad_cam(net: nn.Module, images: Tensor, target: Target, *, layer: str | None = None) -> Tensor:
    """Guided Grad-CAM: guided backpropagation, pixel by pixel times Grad-CAM enlarged to the picture.

    The first is sharp but hardly knows the class, the second knows the class but is coarse (Selvaraju et al., ICCV
    2017, section 3, "Guided Grad-CAM"). As in the paper, it is enlarged bilinearly (``align_corners=False``); captum
    takes the nearest cell unless it is told otherwise.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`; the network needs ReLUs.
        layer: The layer of Grad-CAM, as in :func:`grad_cam`.

    Returns:
        Tensor: Signed (B,3,H,W).
    """
    kept = BackpropPass(net, images, named_layers(target, layer))
    coarse, fine = _grad_cam(kept, target, layer), kept.backprop(target, rule="guided")
    return fine * enlarge(coarse, fine)


def smooth_grad(net: nn.Module, images: Tensor, target: Target, *, noise: float = 0.15, samples: int = 16,
                seed: int = 0) -> Tensor:
    """SmoothGrad: the mean of gradients over noisy copies of the picture (Smilkov et al. 2017).

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        noise: Standard deviation of the Gaussian noise as a fraction of the picture's own range; the paper advises
            0.1–0.2.
        samples: Number of noisy copies. All pictures of a batch get the same noise, in units of their own range.
        seed: Of the noise.

    Returns:
        Tensor: Signed (B,3,H,W). Noisy copies may leave [0,1]; they are not clamped.
    """
    whole("samples", samples, 1, STEPS)
    number("noise", noise, 0)
    net = ready(net, images)
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    spread = noise * (images.flatten(1).amax(1) - images.flatten(1).amin(1)).view(-1, *[1] * (images.ndim - 1))
    # One draw for all: the map of a picture does not depend on what else is in its batch
    draws = (torch.randn(images.shape[1:], generator=generator).to(images.device) for _ in range(samples))
    noisy = (images + spread * noise for noise in draws)
    return _weighted_sum(net, ((1 / samples, picture) for picture in noisy), target)


def _weighted_sum(net: Classifier, copies: Iterator[tuple[float, Tensor]], target: Target) -> Tensor:
    """Σ w·dS/dx over pairs (w, x) of weights and altered pictures (B,3,H,W), which may leave [0,1].

    Four at a time: on one CPU thread a sixth faster than one by one, with about 100 MB more memory.
    """
    total: Tensor | float = 0.0
    while some := list(islice(copies, 4)):
        batch = torch.cat([picture for _, picture in some])
        targets = target if is_neuron(target) else one_each(target, len(some[0][1])) * len(some)
        maps = ForwardPass(net, batch, check=False).gradient(targets)  # the true derivative needs no ReLU of ours
        maps = maps.to(batch.device).unflatten(0, (len(some), -1))
        total = total + sum(weight * map for (weight, _), map in zip(some, maps, strict=True))
    return total


def integrated_gradients(net: nn.Module, images: Tensor, target: Target, *, baseline: Tensor | float = 0.0,
                         steps: int = 32) -> Tensor:
    """Integrated gradients (x − x')·∫₀¹ dS/dx(x' + α(x − x')) dα (Sundararajan et al., ICML 2017, equation 1).

    The integral is Gauss–Legendre quadrature, whose error falls faster with ``steps`` than a sum of equal steps.

    Args:
        net, images, target: As for :func:`~u3lab.saliency.backprop`.
        baseline: The picture x' that stands for "nothing": a number (0 is black) or a picture of the same shape.
        steps: Number of gradients. Check completeness: the result's sum against S(x) − S(x').

    Returns:
        Tensor: Signed (B,3,H,W) in units of the score; its sum tends to S(x) − S(x').
    """
    import numpy as np

    whole("steps", steps, 1, 1000)  # the nodes come from a matrix of so many rows
    net = ready(net, images)
    origin = as_pictures(baseline, images)
    ready(net, origin)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    path = ((float(weight), origin + float(alpha) * (images - origin))
            for alpha, weight in zip((nodes + 1) / 2, weights / 2, strict=True))  # from [-1,1] to [0,1]
    return (images - origin) * _weighted_sum(net, path, target)
