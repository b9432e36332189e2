"""Training one domain of an adapted network, step by step.

    minimise over w    1/B Σ −log softmax(Φ(x_i; w, w_shared))[y_i]  +  λ ‖w − w₀‖²

over what the domain adds: adapters α, batch norms, head. The shared weights stay as they are, so that no other domain
notices (Rebuffi, Bilen & Vedaldi, NIPS 2017). λ pulls towards the source network, for which α = 0: the fewer labels,
the larger it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from u3lab._system import distributed
from u3lab.checks import is_a, of_wholes, shown
from u3lab.descent import ADAM, Step, descend
from u3lab.errors import U3Error
from u3lab.nets.gate import ready
from u3lab.settings import or_default, setting, settings
from u3lab.universal import files, starting
from u3lab.universal.adapted import Adapted
from u3lab.universal.batches import Batches
from u3lab.universal.methods import shrinkage
from u3lab.universal.resuming import Checkpoint
from u3lab.universal.slots import Domain


@settings
class UniversalSettings:
    """Settings of :func:`train_domain`."""

    lr: float = setting(0.001, 1e-5, 0.1, scale="log", symbol="η", help="learning rate of Adam")
    lam: float = setting(0.0, 0.0, 10.0, scale="log", symbol="λ", help="price of the distance from w₀")
    prior: str = setting("source", choices=("source", "zero"), help="w₀: the source network, or zero (weight decay)")
    steps: int = setting(150, 1, 100_000, once=True, help="number of steps")
    batch_size: int = setting(16, 2, 1024, symbol="B", once=True, slide_to=64,
                              help="pictures at each step, of all processes")
    augment: float = setting(0.0, 0.0, 0.3, help="each picture moved and zoomed by up to this share of its side")
    probe: bool = setting(False, once=True, help="start from the linear probe of the source's features")
    seed: int = setting(0, 0, 2**31 - 1, once=True, help="seed of the order of the pictures and of how they are moved")


def train_domain(net: nn.Module, name: str, images: Tensor, labels: Tensor, *, checkpoint: str | Path | None = None,
                 settings: UniversalSettings | None = None) -> Iterator[Step]:
    """Train one domain, step by step; between the steps the network is ready for use, by this domain or another.

    At the start the domain's batch norms take the statistics of the pictures, and the head is the linear probe of its
    features if the settings ask for it. Under torchrun each process gets all pictures and takes its part of each batch;
    all take the same steps, as one process would that has the whole batch (batch norms see only their own part).

    Parameters
    ----------
    net
        From :func:`u3lab.universal.adapt`; changed in place.
    name
        A domain that was added.
    images, labels
        (N,3,H,W) in [0,1], and (N) whole numbers 0 … K−1.
    checkpoint
        A file that keeps the state every 50 steps. If it is there, the run goes on where it ended, with the same
        numbers as one that was never interrupted; delete it to begin anew.
    settings
        Read at every step.

    Yields
    ------
    Step
        ``value`` is the share of the batch that is right, a scalar; the terms are "cross-entropy" and "prior".

    Raises
    ------
    U3Error
        A network that is not adapted, an unknown domain, pictures or labels that do not fit, a checkpoint of another
        run, or a loss that is no number.
    """
    net, settings = adapted(ready(net, images)), or_default(settings, UniversalSettings)
    domain = net.domain(name)
    if not domain.parts:
        raise U3Error(f"{name!r} is the network that was given and is not trained; add a domain first")
    check_labels(images, labels, len(domain.classes))
    return _steps(net, domain, images, labels, Checkpoint.at(checkpoint), settings)


def _steps(net: Adapted, domain: Domain, images: Tensor, labels: Tensor, checkpoint: Checkpoint | None,
           settings: UniversalSettings) -> Iterator[Step]:
    facts = {"domain": domain.name, "kind": domain.plan.kind, "pictures": len(labels), "seed": settings.seed,
             "batch_size": settings.batch_size, "base": net.base}
    begun = checkpoint.read(files.contents(domain), facts, settings.steps) if checkpoint else 0
    if not begun:
        with net.using(domain.name):
            starting.start(net, domain, images, labels, probe=settings.probe)
    fixed = not trains_features(domain) and settings.augment == 0
    pooled = starting.fixed_features(net, domain, images) if fixed else None
    batches = Batches(len(labels), settings.batch_size, settings.seed, distributed.rank(), distributed.world_size())
    done = iter(range(begun, settings.steps + 1))

    def energy() -> tuple[Tensor, dict[str, Tensor]]:
        iteration = next(done)
        if checkpoint:
            checkpoint.keep(iteration, files.contents(domain), facts)
        chosen = batches.at(iteration)
        y = labels[chosen].to(net.device)
        if pooled is not None and settings.augment == 0:
            scores = starting.scored(domain, pooled[chosen.to(pooled.device)])
        else:
            x = batches.moved(images[chosen], iteration, settings.augment)
            scores = _training_scores(net, domain, x)
        right = (scores.argmax(1) == y).sum() / settings.batch_size
        loss = F.cross_entropy(scores, y, reduction="sum") / settings.batch_size
        prior = scores.new_zeros(())
        if settings.lam:  # or all weights would be gone through for nothing
            prior = settings.lam * shrinkage(domain, centre=settings.prior) / distributed.world_size()
        return distributed.total(right.detach()), {"cross-entropy": distributed.total(loss),
                                                   "prior": distributed.total(prior)}

    def optimiser(weights: list[Tensor], lr: float) -> Optimizer:
        return distributed.share_gradients((checkpoint.optimiser if checkpoint else ADAM)(weights, lr=lr))

    for step in descend(domain.trained(), energy, steps=settings.steps - begun, lr=lambda: settings.lr,
                        optimiser=optimiser):
        yield replace(step, iteration=step.iteration + begun)


def trains_features(domain: Domain) -> bool:
    """Whether more than the head is trained, so that the features change from step to step."""
    return len(domain.parts) > 1 or bool(domain.own)


def _training_scores(net: Adapted, domain: Domain, images: Tensor) -> Tensor:
    """Scores in which the domain's batch norms use the statistics of the batch and remember them."""
    norms = list(domain.norms())
    try:
        for norm in norms:
            norm.train()
        with net.using(domain.name):
            return net.module(net.normalise(images))  # NaN becomes that of the loss, of which descend speaks
    finally:
        for norm in norms:
            norm.eval()


def adapted(net: nn.Module) -> Adapted:
    """The network, if it has domains."""
    return is_a("net", net, Adapted, "make one with universal.adapt(net), and add a domain to it")


def check_labels(images: Tensor, labels: object, classes: int) -> None:
    """Refuse labels that are not one number of a class for each of two or more pictures."""
    if not (isinstance(labels, Tensor) and labels.ndim == 1 and of_wholes(labels)) or len(labels) != len(images):
        raise U3Error(f"labels are {shown(labels)}; give a tensor of {len(images)} whole numbers, one for each picture")
    if labels.min() < 0 or labels.max() >= classes:
        raise U3Error(f"labels from {int(labels.min())} to {int(labels.max())}; the domain has classes 0 to "
                      f"{classes - 1}")
    if len(labels) < 2:
        raise U3Error("one picture is not enough to train with; give two or more")
