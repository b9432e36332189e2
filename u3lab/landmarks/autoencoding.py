"""Training a keypoint autoencoder on pairs of pictures (x, x′) of one thing, step by step.

    minimise over the three networks    Σ_l 1/m_l · mean ( Γ_l(x̂) − Γ_l(x′) )²  +  λ/m_0 · mean ( x̂ − x′ )²

Γ_l are layers of a network that compares pictures, and m_l running means of their own terms, so that each counts alike
whatever its scale. In the paper that network has learnt to colour grey pictures, and nobody has labelled a thing.

Jakab, Gupta, Bilen & Vedaldi, NeurIPS 2018, section 3.3. The paper's smooth mask at the borders, which hides what a
warp has no pixels for, is left to the pairs: cut them from a larger canvas.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from u3lab import images
from u3lab.checks import function, is_a, shown, words
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.landmarks.bottleneck import KeypointAutoencoder, check_sides
from u3lab.nets import Classifier, extract_features, ready
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.loop import Batches, Terms, generator_of, training_mode

# Sources and targets (N,3,H,W), row by row of one thing; or a function (count, generator) → such a batch.
Pairs = tuple[Tensor, Tensor] | Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
DECAY = 0.99  # of the running means
PIXELS = "pixels"


@settings
class AutoencodeSettings:
    """Settings of :func:`autoencode`."""

    pixels: float = setting(1.0, 0.0, 100.0, symbol="λ", help="weight of the error in pixels beside that in layers")
    lr: float = loop.rate(0.002, falls=True)
    steps: int = loop.steps(300, 1_000_000)
    batch_size: int = loop.batch_size(16, 1024, "pairs at each step", slide_to=64)
    seed: int = loop.seed("the pairs and of their order")


def autoencode(model: KeypointAutoencoder, pairs: Pairs, *, net: nn.Module | None = None, layers: Sequence[str] = (),
               half: bool = False, settings: AutoencodeSettings | None = None) -> Iterator[Step]:
    """Train a keypoint autoencoder; between the steps it is ready for use.

    Args:
        model: Changed in place.
        pairs: A tuple of sources x and targets x′, (N,3,H,W) each in [0,1]; or a function (count, generator) that makes
            so many. Both show the same thing, and it has moved in between.
        net, layers: Γ, which compares pictures, and names of its layers; it stays as it is. Without them only pixels
            are compared.
        half: Whether the networks reckon in bfloat16, which takes about half the time where the processor knows it;
            weights, points and losses stay what they are.
        settings: ``pixels`` and ``lr`` are read at every step.

    Yields:
        Step: ``value`` is the mean square error of the batch in pixels, a scalar, which can be compared from step to
            step; the terms of several layers are divided by their running means and stay near 1.

    Raises:
        U3Error: Pairs that are none, layers that the network does not have, a weight of 0 for the only term, or a loss
            that is no number.
    """
    is_a("half", half, bool, "give True or False")
    is_a("model", model, KeypointAutoencoder, "make one with landmarks.KeypointAutoencoder(10)")
    settings = or_default(settings, AutoencodeSettings)
    if (net is None) != (not words("layers", layers, none=True)):
        raise U3Error("net and layers go together: give a network and names of its layers, or neither")
    net, layers = (None, []) if net is None else (ready(net), _known(ready(net), layers))
    if not layers and not settings.pixels:
        raise U3Error("pixels = 0 and no layers: nothing is compared; give a weight above 0, or a net and its layers")
    seed, count, steps = settings.seed, settings.batch_size, settings.steps
    if callable(pairs):
        function("pairs", pairs, 2, "give a function (count, generator) that makes sources and targets")
    else:
        if len(_checked(pairs, model.shrink)[0]) < 2:
            raise U3Error("one pair is too few; give two or more, or a function that makes them")
        batches = Batches(len(pairs[0]), count, seed)
    device = next(model.parameters()).device
    means = torch.zeros(1 + len(layers), device=device)  # m_0, m_1, …; 0 before the first step

    def energy(step: int) -> tuple[Tensor, Terms]:
        batch = (_checked(pairs(count, generator_of(seed, step)), model.shrink, count) if callable(pairs) else
                 (one[batches.at(step)] for one in pairs))
        source, target = (one.to(device) for one in batch)
        halved = partial(torch.autocast, device.type, torch.bfloat16, enabled=half)
        with training_mode(model), halved():
            made = model(source, target)
        made = made.to(next(model.parameters()))
        errors = {PIXELS: (made - target.to(made)).square().mean()}
        with halved():
            errors |= layer_errors(net, layers, made, target) if layers else {}
        terms = errors if not layers else _balanced(errors, means)
        return errors[PIXELS], terms | {PIXELS: settings.pixels * terms[PIXELS]}

    return train(model.parameters(), energy, steps=steps, rate=lambda step: loop.cosine(settings.lr, step, steps))


def layer_errors(net: Classifier, layers: list[str], made: Tensor, target: Tensor) -> dict[str, Tensor]:
    """mean (Γ_l(x̂) − Γ_l(x′))² for each layer l of a network, by its name; scalars, with a gradient to x̂."""
    wanted, found = extract_features(net, layers, target), net.until(layers, lambda: net.unchecked(made))
    return {layer: (found[layer] - wanted[layer]).square().mean() for layer in layers}


def _balanced(errors: dict[str, Tensor], means: Tensor) -> dict[str, Tensor]:
    """Each error divided by its running mean, after m ← 0.99 m + 0.01 error; the first time m is the error itself."""
    now = torch.stack([error.detach() for error in errors.values()]).to(means)
    means.copy_(torch.where(means == 0, now, DECAY * means + (1 - DECAY) * now))
    return {name: error / m.clamp(min=1e-12) for (name, error), m in zip(errors.items(), means, strict=True)}


def _checked(pairs: object, shrink: int, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Pairs, if they are some, and as many as a function was asked for."""
    if not isinstance(pairs, (tuple, list)) or len(pairs) != 2:
        raise U3Error(f"pairs = {shown(pairs)}; give a tuple of sources and targets, (N,3,H,W) each, or a function "
                      "(count, generator) that makes them")
    source, target = map(images.check, pairs)
    check_sides(source, shrink)
    if source.shape != target.shape:
        raise U3Error(f"sources have the shape {tuple(source.shape)} and targets {tuple(target.shape)}; give both the "
                      "same")
    if count not in (None, len(source)):
        raise U3Error(f"pairs was asked for {count} pairs and made {len(source)}; give as many as asked for")
    return source, target


def _known(net: Classifier, layers: Sequence[str]) -> list[str]:
    """Names of layers, each once, all of which the network has."""
    layers = list(dict.fromkeys(words("layers", layers)))
    for layer in layers:
        net.layer(layer)
    return layers
