"""Dynamic weights: a small network looks at a few pictures of a domain and predicts its adapters.

    α_l(z) = M′_l diag(w_l(z)) M_l,   w_l(z) = P_l z

z describes the domain; M_l, M′_l and P_l are shared by all domains. A matrix of C_out·C_in numbers cannot be predicted
outright, a diagonal can (Bertinetto et al., Learning feed-forward one-shot learners, NIPS 2016). If z is one-hot, the
number of the domain, then w_l(z) is a row of a table: residual adapters are the special case (Rebuffi, Bilen & Vedaldi,
NIPS 2017).
"""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from u3lab.checks import is_a, shown, tensors, whole
from u3lab.descent import Step, train
from u3lab.errors import U3Error
from u3lab.nets.gate import ready
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.loop import Batches
from u3lab.universal.adapted import Adapted
from u3lab.universal.adapters import Parallel
from u3lab.universal.training import adapted, check_labels, linear_of


@settings
class LearnetSettings:
    """Settings of :func:`train_learnet`."""

    lr: float = loop.rate(0.001)
    steps: int = loop.steps(100)
    batch_size: int = loop.batch_size(8, 1024, "pictures of each domain at a step", slide_to=32)
    shots: int = setting(8, 1, 64, help="pictures that describe the domain")
    domains: int = setting(0, 0, 1000, once=True, help="domains at each step, by turns; 0 for all of them")
    seed: int = loop.seed("the order of the pictures")


class Learnet(nn.Module):
    """z (U) → α of each convolution, (C_out,C_in). P begins at zero, and so does α.

    Args:
        shapes: Place → (C_out, C_in).
        inputs: U, how many numbers describe a domain.
        rank: Length of each w.
        seed: Of M and M′, which are drawn.
        layer: Of the source network, of whose maps z is the mean; None for what the head is given.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, int]], inputs: int, rank: int = 8, seed: int = 0,
                 layer: str | None = None) -> None:
        super().__init__()
        self.layer = layer
        draw = torch.Generator().manual_seed(whole("seed", seed, 0))
        self.places, rank = tuple(shapes), whole("rank", rank, 1, 4096)
        self.m = nn.ParameterList(torch.randn(rank, c, generator=draw) / c**0.5 for _, c in shapes.values())
        self.m_out = nn.ParameterList(torch.randn(c, rank, generator=draw) / rank**0.5 for c, _ in shapes.values())
        self.p = nn.ParameterList(torch.zeros(rank, whole("inputs", inputs, 1, 100_000)) for _ in shapes)

    def forward(self, z: Tensor) -> dict[str, Tensor]:
        """Place → M′ diag(P z) M."""
        tensors(z=(z, "U"))
        if z.shape != self.p[0].shape[1:]:
            raise U3Error(f"z has {len(z)} numbers; this learnet takes {self.p[0].shape[1]}")
        z = z.to(self.p[0])
        return {place: m_out @ torch.diag(p @ z) @ m
                for place, m, m_out, p in zip(self.places, self.m, self.m_out, self.p, strict=True)}


def learnet(net: nn.Module, name: str, *, layer: str | None = None, inputs: int | None = None, rank: int = 8,
            seed: int = 0) -> Learnet:
    """A fresh learnet for the parallel adapters of one domain, and of all others that were added in the same way.

    Args:
        layer: Of which z is the mean (:func:`describe`): an early one for light and colour; without it, what the head
            gets.
        inputs: How many numbers describe a domain, if z is something of your own, such as one-hot.
        rank, seed: See :class:`Learnet`.

    Raises:
        U3Error: A network that is not adapted, an unknown domain or layer, or a domain without parallel adapters.
    """
    net = adapted(ready(net))
    shapes = {place: tuple(part.alpha.weight.shape[:2]) for place, part in _adapters(net, name).items()}
    seen = next(net.parameters()).new_zeros(1, 3, net.size, net.size)
    length = linear_of(net.domain(name)).weight.shape[1] if layer is None else len(_mean(net, seen, layer))
    made = Learnet(shapes, length if inputs is None else inputs, rank, seed, layer)
    return made.to(next(net.parameters()))


@torch.no_grad()
def describe(net: nn.Module, images: Tensor, *, layer: str | None = None) -> Tensor:
    """z, what the source network sees in a few pictures of one domain: (N,3,H,W) in [0,1] → (U).

    The mean of what its head is given, or of a layer's maps, of length 1.
    """
    return F.normalize(_mean(adapted(ready(net, images)), images, layer), dim=0)


@torch.no_grad()
def _mean(net: Adapted, images: Tensor, layer: str | None) -> Tensor:
    """Mean over pictures and places of what the source's head is given, or of a layer's maps, (U)."""
    with net.using("source"):
        return net.pooled(images).mean(0) if layer is None else net.features(images, layer).flatten(2).mean((0, 2))


@torch.no_grad()
def put_adapters(net: nn.Module, name: str, predicted: Mapping[str, Tensor]) -> Adapted:
    """Make predicted α, as a learnet gives them, those of a domain; returns the network."""
    net = adapted(ready(net))
    adapters = _adapters(net, name)
    if not isinstance(predicted, Mapping) or adapters.keys() != predicted.keys():
        raise U3Error(f"these are no α for the convolutions of the domain {name!r}; learnet(net, {name!r}) makes a "
                      "learnet whose answers are")
    for place, alpha in predicted.items():
        adapters[place].alpha.weight.copy_(alpha[:, :, None, None])
    return net


def train_learnet(net: nn.Module, learnet: Learnet, data: Mapping[str, tuple[Tensor, Tensor]], *,
                  head: str | None = None, settings: LearnetSettings | None = None) -> Iterator[Step]:
    """Train a learnet, and the heads of some domains with it; the domains' own adapters stay as they are.

        minimise over P, M, M′ and the heads    1/D Σ_d  mean −log softmax(Φ(x; α(z_d)))[y]

    At each step z_d comes from a few pictures of the domain d, and x, y are others.

    Args:
        net: With the domains of ``data``, all adapted by "parallel".
        data: Name of a domain → its pictures (N,3,H,W) in [0,1] and labels (N).
        head: One domain of the network whose head serves all of ``data``, whose keys are then free: many lights, or
            many scanners, with the same classes.

    Yields:
        Step: ``value`` is the share of the batches that is right, a scalar; the term is "cross-entropy".

    Raises:
        U3Error: As :func:`u3lab.universal.train_domain`.
    """
    net, settings = adapted(ready(net)), or_default(settings, LearnetSettings)
    is_a("learnet", learnet, Learnet, "make one with learnet(net, name)")
    if not isinstance(data, Mapping) or not data:
        raise U3Error(f"data = {shown(data)}; give a dict of domains, {{'digits': (images, labels)}}")
    if head is not None:
        net.domain(head)  # says so if there is none
    home = {name: name if head is None else head for name in data}
    weights = {name: _weights(net, name) for name in dict.fromkeys(home.values())}
    for name, (images, labels) in data.items():
        ready(net, images)
        check_labels(images, labels, len(net.domain(home[name]).classes))
    order = {name: Batches(len(labels), settings.batch_size, settings.seed) for name, (_, labels) in data.items()}
    turns = Batches(len(data), min(settings.domains or len(data), len(data)), settings.seed)
    heads = [weight for name in weights for weight in linear_of(net.domain(name)).parameters()]

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        losses, right = [], []
        for name in (list(data)[n] for n in turns.at(step).tolist()):
            images, labels = data[name]
            few = order[name].at(step + 1)[: settings.shots]  # next step's: others, but where epochs meet
            alpha = learnet(describe(net, images[few], layer=learnet.layer))
            with net.using(home[name]):
                scores = functional_call(net, {weights[home[name]][place]: one[:, :, None, None]
                                               for place, one in alpha.items()}, (images[order[name].at(step)],))
            y = labels[order[name].at(step)].to(scores.device)
            losses.append(F.cross_entropy(scores, y))
            right.append((scores.argmax(1) == y).double().mean())
        idle = 0.0 * sum(weight.sum() for weight in heads)  # heads whose turn it is not have a gradient too, of zero
        return torch.stack(right).mean(), {"cross-entropy": torch.stack(losses).mean() + idle}

    return train([*learnet.parameters(), *heads], energy, steps=settings.steps, rate=lambda step: settings.lr)


def _adapters(net: Adapted, name: str) -> dict[str, Parallel]:
    """Place → the parallel adapter of a domain there; of depthwise convolutions none, whose scales are few already."""
    found = {place: part for place, part in net.domain(name).parts.items()
             if isinstance(part, Parallel) and part.alpha.groups == 1}
    if not found:
        raise U3Error(f"the domain {name!r} has no parallel adapters that could be predicted; add it to a network from "
                      "adapt(net, 'parallel')")
    return found


def _weights(net: Adapted, name: str) -> dict[str, str]:
    """Place → what the α of a domain there is called among all parameters of the network."""
    called = {id(weight): key for key, weight in net.named_parameters()}
    return {place: called[id(part.alpha.weight)] for place, part in _adapters(net, name).items()}
