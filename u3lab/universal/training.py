"""Training one domain of an adapted network, step by step.

    minimise over w    1/B Σ −log softmax(Φ(x_i; w, w_shared))[y_i]  +  λ ‖w − w₀‖²

over what the domain adds: adapters α, batch norms, head. The shared weights stay as they are, so that no other domain
notices (Rebuffi, Bilen & Vedaldi, NIPS 2017). λ pulls towards the source network, for which α = 0: the fewer labels,
the larger it should be.
"""

import functools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab._system.meanwhile import meanwhile, value
from u3lab.checks import is_a, is_plain, of_wholes, shown
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.nets.gate import ready
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.loop import Batches, training_mode
from u3lab.universal.adapted import Adapted
from u3lab.universal.domain import Domain, shrinkage

BATCH = 64  # pictures in a pass without a graph


@settings
class UniversalSettings:
    """Settings of :func:`train_domain`."""

    lr: float = loop.rate(0.001)
    lam: float = setting(0.0, 0.0, 10.0, scale="log", symbol="λ", help="price of the distance from w₀")
    prior: str = setting("source", choices=("source", "zero"), help="w₀: the source network, or zero (weight decay)")
    steps: int = loop.steps(150)
    batch_size: int = loop.batch_size(16, 1024, "pictures at each step", slide_to=64)
    seed: int = loop.seed("the order of the pictures")


def train_domain(net: nn.Module, name: str, images: Tensor, labels: Tensor, *,
                 settings: UniversalSettings | None = None) -> Iterator[Step]:
    """Train one domain, step by step; between the steps the network is ready for use, by this domain or another.

    At the start the domain's batch norms take the statistics of the pictures.

    Args:
        net: From :func:`u3lab.universal.adapt`; changed in place.
        name: A domain that was added.
        images, labels: (N,3,H,W) in [0,1], and (N) whole numbers 0 … K−1.
        settings: Read at every step.

    Yields:
        Step: ``value`` is the share of the batch that is right, a scalar; the terms are "cross-entropy" and "prior".

    Raises:
        U3Error: A network that is not adapted, an unknown domain, pictures or labels that do not fit, or a loss that is
            no number.
    """
    net, settings = adapted(ready(net, images)), or_default(settings, UniversalSettings)
    domain = net.domain(name)
    if not domain.parts:
        raise U3Error(f"{name!r} is the network that was given and is not trained; add a domain first")
    check_labels(images, labels, len(domain.classes))
    batches = Batches(len(labels), settings.batch_size, settings.seed)
    head_alone = len(domain.parts) == 1 and not domain.own

    @functools.cache
    def fixed_features() -> Tensor:
        with net.using(name):
            return pooled(net, images)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        if not step:
            with net.using(name):
                start(net, domain, images)
        chosen = batches.at(step)  # data
        y = labels[chosen].to(net.device)
        if head_alone:
            features = fixed_features()
            scores = scored(domain, features[chosen.to(features.device)])
        else:
            with training_mode(domain.norms()), net.using(name):  # NaN becomes that of the loss
                scores = net.module(net.normalise(images[chosen]))
        prior = scores.new_zeros(())  # loss
        if settings.lam:  # or all weights would be gone through for nothing
            prior = settings.lam * shrinkage(domain, centre=settings.prior)
        right = (scores.argmax(1) == y).float().mean()
        return right, {"cross-entropy": F.cross_entropy(scores, y), "prior": prior}

    return train(domain.trained(), energy, steps=settings.steps, rate=lambda step: settings.lr)


def adapted(net: nn.Module) -> Adapted:
    """The network, if it has domains."""
    return is_a("net", net, Adapted, "make one with universal.adapt(net), and add a domain to it")


def check_labels(images: Tensor, labels: object, classes: int) -> None:
    """Refuse labels that are not one number of a class for each of two or more pictures."""
    if not (is_plain(labels) and labels.ndim == 1 and of_wholes(labels)) or len(labels) != len(images):
        raise U3Error(f"labels are {shown(labels)}; give a tensor of {len(images)} whole numbers, one for each picture")
    if labels.min() < 0 or labels.max() >= classes:
        raise U3Error(f"labels from {int(labels.min())} to {int(labels.max())}; the domain has classes 0 to "
                      f"{classes - 1}")
    if len(labels) < 2:
        raise U3Error("one picture is not enough to train with; give two or more")


@torch.no_grad()
def start(net: Adapted, domain: Domain, images: Tensor) -> None:
    """Give the batch norms of the domain, which is in use, mean and variance of all its pictures, over batches."""
    net.pooled(images[:1])  # says so if the pictures are too small
    norms = domain.norms()
    if not len(norms):
        return
    for norm in norms:
        norm.reset_running_stats()
    # None is PyTorch's word for the plain mean over all batches
    with meanwhile(*(value(norm, "momentum", None) for norm in norms)), training_mode(norms):
        for x in images.split(BATCH):
            net.run(net.normalise(x))


def pooled(net: Adapted, images: Tensor) -> Tensor:
    """What the head sees of all pictures, (N,U)."""
    return torch.cat([net.pooled(x) for x in images.split(BATCH)])


def linear_of(domain: Domain) -> nn.Linear | nn.Conv2d:
    """The linear layer of a domain's head."""
    head = domain.parts[domain.head]
    return head[-1] if isinstance(head, nn.Sequential) else head


def scored(domain: Domain, features: Tensor) -> Tensor:
    """Scores (B,K) from what the head sees, (B,U)."""
    layer = linear_of(domain)
    return F.linear(features, layer.weight.flatten(1), layer.bias)
