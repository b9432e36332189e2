"""Where a domain's training starts: statistics of its own pictures in the batch norms, and the linear probe as head."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.measures import probe as fit_probe
from u3lab.universal.adapted import Adapted
from u3lab.universal.slots import Domain

BATCH = 64  # pictures in a pass without a graph
C = 0.01  # of the probe: with less of a penalty it is so sure already that the rest has nothing to learn
LEAST = -10.0  # bias of a class that no label names: the probe's own is −∞, from which nothing is ever learnt


def start(net: Adapted, domain: Domain, images: Tensor, labels: Tensor, *, probe: bool) -> None:
    """Set the batch norms' statistics and, if asked, the head; the domain is in use."""
    net.pooled(images[:1])  # says so if the pictures are too small
    if any(True for _ in domain.norms()):
        estimate(net, domain, images)
    if probe and len(labels.unique()) > 1:
        put_probe(net, domain, images, labels)


@torch.no_grad()
def estimate(net: Adapted, domain: Domain, images: Tensor) -> None:
    """Mean and variance of the domain's batch norms over all its pictures, as a mean over batches."""
    norms = list(domain.norms())
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # PyTorch's word for the plain mean over all batches
            norm.train()
        for x in images.split(BATCH):
            net.unchecked(x)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()


@torch.no_grad()
def put_probe(net: Adapted, domain: Domain, images: Tensor, labels: Tensor) -> None:
    """Make the head that of the linear probe: scores = W (a − mean) / spread + b, as one linear layer of a."""
    found = fit_probe(pooled(net, images), labels.to(net.device), C=C)
    weight = found.weight / found.spread
    bias = (found.bias - weight @ found.mean).nan_to_num(neginf=LEAST)
    layer = linear_of(domain)
    layer.weight.zero_()
    layer.bias.fill_(LEAST)
    layer.weight[: len(weight)] = weight.view(len(weight), *layer.weight.shape[1:]).to(layer.weight)
    layer.bias[: len(bias)] = bias.to(layer.bias)


def pooled(net: Adapted, images: Tensor) -> Tensor:
    """What the head sees of all pictures, (N,U)."""
    return torch.cat([net.pooled(x) for x in images.split(BATCH)])


def fixed_features(net: Adapted, domain: Domain, images: Tensor) -> Tensor:
    """What the head sees, once and for all, where nothing below it is trained."""
    with net.using(domain.name):
        return pooled(net, images)


def linear_of(domain: Domain) -> nn.Linear | nn.Conv2d:
    """The linear layer of a domain's head."""
    head = domain.parts[domain.head]
    return head[-1] if isinstance(head, nn.Sequential) else head


def scored(domain: Domain, features: Tensor) -> Tensor:
    """Scores (B,K) from what the head sees, (B,U)."""
    layer = linear_of(domain)
    return F.linear(features, layer.weight.flatten(1), layer.bias)
