"""Training a keypoint autoencoder on pairs of pictures (x, x′) of one thing, step by step.

    minimise over the three networks    Σ_l 1/m_l · mean ( Γ_l(x̂) − Γ_l(x′) )²  +  λ/m_0 · mean ( x̂ − x′ )²

Γ_l are layers of a network that compares pictures, and m_l running means of their own terms, so that each counts alike
whatever its scale. In the paper that network has learnt to colour grey pictures, and nobody has labelled a thing.

Jakab, Gupta, Bilen & Vedaldi, NeurIPS 2018, section 3.3. The paper's smooth mask at the borders, which hides what a
warp has no pixels for, is left to the pairs: cut them from a larger canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from u3lab import images
from u3lab._system import distributed
from u3lab.checks import alike, function, is_a, shown, words
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.landmarks.bottleneck import KeypointAutoencoder, check_sides
from u3lab.nets import Classifier, ready, several
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.batches import Batches
from u3lab.training.loop import Checkpoint, check_shared, generator_of, train, training_mode

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
    batch_size: int = loop.batch_size(16, 1024, "pairs at each step, of all processes", slide_to=64)
    seed: int = loop.seed("the pairs and of their order")


def autoencode(model: KeypointAutoencoder, pairs: Pairs, *, net: nn.Module | None = None, layers: Sequence[str] = (),
               checkpoint: str | Path | None = None, settings: AutoencodeSettings | None = None) -> Iterator[Step]:
    """Train a keypoint autoencoder; between the steps it is ready for use.

    Under torchrun each process takes its part of each batch, and all take the same steps, as one process would that has
    the whole batch (batch norms see only their own part).

    Parameters
    ----------
    model
        Changed in place.
    pairs
        A tuple of sources x and targets x′, (N,3,H,W) each in [0,1]; or a function (count, generator) that makes so
        many. Both show the same thing, and it has moved in between.
    net, layers
        Γ, which compares pictures, and names of its layers; it stays as it is. Without them only pixels are compared.
    checkpoint
        A file that keeps the state every 50 steps; if it is there, the run goes on where it ended.
    settings
        ``pixels`` and ``lr`` are read at every step.

    Yields
    ------
    Step
        ``value`` is the mean square error of the batch in pixels, a scalar, which can be compared from step to step;
        the terms of several layers are divided by their running means and stay near 1.

    Raises
    ------
    U3Error
        Pairs that are none, layers that the network does not have, a weight of 0 for the only term, or a loss that is
        no number.
    """
    is_a("model", model, KeypointAutoencoder, "make one with landmarks.KeypointAutoencoder(10)")
    settings = or_default(settings, AutoencodeSettings)
    net, layers = _judge(net, layers)
    if not layers and not settings.pixels:
        raise U3Error("pixels = 0 and no layers: nothing is compared; give a weight above 0, or a net and its layers")
    check_shared(settings.batch_size)
    if not callable(pairs):
        _checked(pairs)
        if len(pairs[0]) < 2:
            raise U3Error("one pair is too few; give two or more, or a function that makes them")
    else:
        function("pairs", pairs, 2, "give a function (count, generator) that makes sources and targets")
    return _steps(model, pairs, net, layers, Checkpoint.at(checkpoint), settings)


def _steps(model: KeypointAutoencoder, pairs: Pairs, net: Classifier | None, layers: list[str],
           checkpoint: Checkpoint | None, settings: AutoencodeSettings) -> Iterator[Step]:
    device = next(model.parameters()).device
    means = torch.zeros(1 + len(layers), device=device)  # m_0, m_1, …; 0 before the first step
    state = {**model.state_dict(), "means": means}
    facts = {"seed": settings.seed, "batch_size": settings.batch_size, "layers": list(layers)}
    batch = partial(_batch, pairs, settings, None if callable(pairs) else Batches(
        len(pairs[0]), settings.batch_size, settings.seed))

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        source, target = (distributed.share(one).to(device) for one in batch(step))
        with training_mode(model):
            made = model(source, target)
        part = 1 / distributed.world_size()
        errors = {PIXELS: (made - target.to(made)).square().mean()}
        errors |= _errors(net, layers, made, target) if layers else {}
        errors = {name: distributed.total(part * error) for name, error in errors.items()}
        terms = errors if not layers else _balanced(errors, means)
        return errors[PIXELS], terms | {PIXELS: settings.pixels * terms[PIXELS]}

    yield from train(model.parameters(), energy, steps=settings.steps, checkpoint=checkpoint, facts=facts,
                     rate=lambda step: loop.cosine(settings.lr, step, settings.steps), state=lambda: state)


def layer_errors(net: nn.Module, layers: Sequence[str], made: Tensor, target: Tensor) -> dict[str, Tensor]:
    """mean (Γ_l(x̂) − Γ_l(x′))² for each layer l of a network, by its name; scalars, with a gradient to x̂.

    Parameters
    ----------
    net, layers
        Γ and names of its layers.
    made, target
        x̂ and x′, (B,3,H,W) in [0,1].
    """
    net = ready(net, made, target)
    alike(made=made, target=target)
    return _errors(net, _known(net, layers), made, target)


def _errors(net: Classifier, layers: list[str], made: Tensor, target: Tensor) -> dict[str, Tensor]:
    wanted, found = several(net, layers, target), net.until(layers, lambda: net.unchecked(made))
    return {layer: (found[layer] - wanted[layer]).square().mean() for layer in layers}


@torch.no_grad()
def _moved_on(means: Tensor, errors: Tensor) -> Tensor:
    """m ← 0.99 m + 0.01 error, and the error itself the first time."""
    return means.copy_(torch.where(means == 0, errors, DECAY * means + (1 - DECAY) * errors))


def _balanced(errors: dict[str, Tensor], means: Tensor) -> dict[str, Tensor]:
    """Each error divided by its running mean, which goes on by a step; no gradient leads to the means."""
    m = _moved_on(means, torch.stack([error.detach() for error in errors.values()]).to(means))
    return {name: error / one.clamp(min=1e-12) for (name, error), one in zip(errors.items(), m, strict=True)}


def _batch(pairs: Pairs, settings: AutoencodeSettings, batches: Batches | None, step: int) -> tuple[Tensor, Tensor]:
    """Sources and targets of a step."""
    if batches is not None:
        chosen = batches.at(step)
        return pairs[0][chosen], pairs[1][chosen]
    made = pairs(settings.batch_size, generator_of(settings.seed, step))
    source, target = _checked(made)
    if len(source) != settings.batch_size:
        raise U3Error(f"pairs was asked for {settings.batch_size} pairs and made {len(source)}; give as many as asked "
                      "for")
    return source, target


def _checked(pairs: object) -> tuple[Tensor, Tensor]:
    """Pairs, if they are."""
    if not isinstance(pairs, (tuple, list)) or len(pairs) != 2:
        raise U3Error(f"pairs = {shown(pairs)}; give a tuple of sources and targets, (N,3,H,W) each, or a function "
                      "(count, generator) that makes them")
    source, target = map(images.check, pairs)
    check_sides(source)
    if source.shape != target.shape:
        raise U3Error(f"sources have the shape {tuple(source.shape)} and targets {tuple(target.shape)}; give both the "
                      "same")
    return source, target


def _judge(net: nn.Module | None, layers: Sequence[str]) -> tuple[Classifier | None, list[str]]:
    """Γ and its layers, all of which it has."""
    layers = words("layers", layers, none=True)
    if (net is None) != (not layers):
        raise U3Error("net and layers go together: give a network and names of its layers, or neither")
    if net is None:
        return None, []
    return ready(net), _known(ready(net), layers)


def _known(net: Classifier, layers: Sequence[str]) -> list[str]:
    """Names of layers, each once, all of which the network has."""
    layers = list(dict.fromkeys(words("layers", layers)))
    for layer in layers:
        net.layer(layer)
    return layers
