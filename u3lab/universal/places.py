"""Where a network can be adapted, and how a domain comes in there: convolutions, batch norms and the head, by paths.

A slot holds the shared module of a place and looks up what the domain in use has for it; it has nothing for a place
that it leaves alone. In a batch of several domains the pictures part at each slot and meet again behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier, Reached
from u3lab.universal.adapters import DENSE, DEPTHWISE, SORTS, Adapter, sort_of

NEVER = -1e4  # the score of a class that a picture's domain does not have: its probability is exactly 0
OWN = "own:"  # before the names of the network's own weights, among a domain's numbers


@dataclass(frozen=True)
class Plan:
    """What a domain gets: see :func:`u3lab.universal.adapt`."""

    kind: str
    share: float
    on: tuple[str, ...] | None
    rank: int
    seed: int


@dataclass(frozen=True)
class Chosen:
    """What of a network a plan adapts: paths of convolutions and batch norms, and where the last block begins."""

    convolutions: tuple[str, ...]
    norms: tuple[str, ...]
    last: str
    head: str
    own_norms: frozenset[str]

    def own(self, module: nn.Module, *, last: bool) -> dict[str, nn.Parameter]:
        """The network's own weights that are trained in place: all of them or the last block's; never the head's."""
        found, begun = {}, not last
        for name, weight in module.named_parameters():
            begun = begun or name.startswith(f"{self.last}.")
            within = [path for path in (self.head, *(() if last else self.own_norms)) if name.startswith(f"{path}.")]
            if begun and not within:
                found[name] = weight
        return found


@dataclass(frozen=True)
class Places:
    """The places of one network, by path, from input to output.

    ``blocks`` are the convolutions' paths by the block that they lie in; ``relus_above`` is a ReLU that follows a head
    which is a convolution; ``order`` are the paths of all modules.
    """

    convolutions: dict[str, nn.Conv2d]
    norms: dict[str, nn.BatchNorm2d]
    head: str
    pools: bool
    blocks: tuple[tuple[str, ...], ...]
    relus_above: tuple[str, ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, net: Classifier) -> Places:
        """Look for them.

        Raises
        ------
        U3Error
            A network without convolutions, or without a linear layer for its classes.
        """
        modules = dict(net.module.named_modules())
        linear = [path for path, m in modules.items() if path and isinstance(m, (nn.Conv2d, nn.Linear))]
        convolutions = {path: modules[path] for path in linear if isinstance(modules[path], nn.Conv2d)}
        if not convolutions:
            raise U3Error(f"{net.name} has no convolution that something could be set beside; give a convolutional "
                          "network, such as nets.load('squeezenet1_1')")
        head = next((path for path in reversed(linear) if len(modules[path].weight) == len(net.classes)
                     or not net.classes), None)
        if head is None or list(convolutions) == [head]:
            raise U3Error(f"{net.name} has no layer behind its convolutions with a row of weights for each of its "
                          f"{len(net.classes)} classes; give a classifier that has one, which domains can replace")
        above = list(modules)[list(modules).index(head) + 1:]
        pools = head in convolutions
        relus = [path for path in above if isinstance(modules[path], nn.ReLU)] if pools else []
        convolutions.pop(head, None)
        norms = {path: m for path, m in modules.items() if isinstance(m, nn.BatchNorm2d)}
        return cls(convolutions, norms, head, pools, _blocks(net, convolutions), tuple(relus[:1]), tuple(modules))

    def all(self) -> tuple[str, ...]:
        """Every path where there is a slot."""
        return (*self.convolutions, *self.norms, self.head)

    def chosen(self, plan: Plan, name: str) -> Chosen:
        """What a plan adapts.

        Raises
        ------
        U3Error
            If no convolution is of the sorts that are asked for.
        """
        count = max(1, round(plan.share * len(self.blocks)))
        within = [path for block in self.blocks[-count:] for path in block]
        sorts = plan.on or self._default()
        paths = tuple(path for path in within if sort_of(self.convolutions[path]) in sorts)
        if not paths:
            raise U3Error(f"{name} has no {' or '.join(sorts)} convolution in the top {count} of its "
                          f"{len(self.blocks)} blocks; choose another on=, or a larger share")
        first = self.order.index(within[0])
        norms = tuple(path for path in self.norms if self.order.index(path) > first)
        return Chosen(paths, norms, self.blocks[-1][0], self.head, frozenset(norms))

    def _default(self) -> tuple[str, ...]:
        """Dense convolutions; all sorts in a network whose k×k convolutions are mostly depthwise."""
        found = [sort_of(f) for f in self.convolutions.values()]
        return SORTS if found.count(DEPTHWISE) > found.count(DENSE) or DENSE not in found else (DENSE,)

    def new_head(self, old: nn.Module, classes: Sequence[str]) -> nn.Module:
        """A linear layer for other classes, all zero; of a map's mean over places if the old one is a convolution."""
        like = next(old.parameters())
        with torch.random.fork_rng(devices=[]):  # PyTorch draws, from everybody's random numbers
            if self.pools:
                inputs = next(m for m in old.modules() if isinstance(m, nn.Conv2d)).in_channels
                linear = nn.Conv2d(inputs, len(classes), 1).to(like)
            else:
                linear = nn.Linear(old.in_features, len(classes)).to(like)
        for weight in linear.parameters():
            nn.init.zeros_(weight)
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), linear) if self.pools else linear

    def pooled(self, net: Classifier, images: Tensor) -> Tensor:
        """What the head sees, (B,U)."""
        found: list[Tensor] = []

        def stop(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found.append(inputs[0])
            raise Reached

        hook = net.module.get_submodule(self.head).register_forward_pre_hook(stop)
        try:
            with torch.no_grad():
                net.unchecked(images)
        except Reached:
            pass
        finally:
            hook.remove()
        return found[0].mean((2, 3)) if found[0].ndim == 4 else found[0].clone()


def key_of(path: str) -> str:
    """The name of a place among a domain's parts, where no name may have a dot: "net/features/3/squeeze"."""
    return f"net/{path.replace('.', '/')}"


def _blocks(net: Classifier, convolutions: dict[str, nn.Conv2d]) -> tuple[tuple[str, ...], ...]:
    """The convolutions by the layer that they lie in; one that lies in none is a block of its own."""
    blocks: dict[str, list[str]] = {}
    for path in convolutions:
        home = next((layer for layer in map(net.path, net.layers) if f"{path}.".startswith(f"{layer}.")), path)
        blocks.setdefault(home, []).append(path)
    return tuple(map(tuple, blocks.values()))


# ---- what a domain adds, and where it comes in -----------------------------------------------------------------------

class Domain(nn.Module):
    """All that a domain adds to the network.

    ``parts`` has, by the key of its slot, an adapter (beside a convolution), a batch norm (in the place of the shared
    one) or the ``head``. ``own`` are weights of the network itself that are trained for this domain; with them a
    network can serve one domain only. ``start`` has w₀, where a prior pulls what was copied from the source; ``plan``
    is what it was made with.
    """

    def __init__(self, name: str, classes: Sequence[str], plan: Plan, head: str) -> None:
        super().__init__()
        self.name, self.classes, self.plan, self.head = name, tuple(classes), plan, head
        self.parts = nn.ModuleDict()
        self.own: dict[str, nn.Parameter] = {}
        self.start: dict[str, Tensor] = {}

    def part(self, key: str) -> nn.Module | None:
        """What the domain has for a slot."""
        return self.parts[key] if key in self.parts else None

    def adapters(self) -> Iterator[Adapter]:
        """Its adapters, from the input to the output."""
        return (part for part in self.parts.values() if isinstance(part, Adapter))

    def norms(self) -> Iterator[nn.BatchNorm2d]:
        """Its batch norms."""
        return (part for part in self.parts.values() if isinstance(part, nn.BatchNorm2d))

    def changed(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The weights that have a counterpart in the source network: all but adapters and head, by name."""
        for key, part in self.parts.items():
            if not isinstance(part, Adapter) and key != self.head:
                yield from ((f"{key}.{name}", weight) for name, weight in part.named_parameters())
        yield from self.own.items()

    def trained(self) -> list[nn.Parameter]:
        """All weights of this domain."""
        return [*self.parameters(), *self.own.values()]

    def contents(self) -> dict[str, Tensor]:
        """All its numbers by name: weights, and the statistics of its batch norms."""
        return self.parts.state_dict() | {f"{OWN}{name}": weight.detach() for name, weight in self.own.items()}


class InUse:
    """Of which domains the pictures of the next passes are: one for all, or one a picture. All slots ask it."""

    def __init__(self, domain: Domain) -> None:
        self.put([domain])

    def put(self, domains: Sequence[Domain]) -> None:
        """One domain for all pictures, or as many as there will be pictures."""
        self.domains, self.count = domains, len(domains)
        kinds = list({domain.name: domain for domain in domains}.values())
        rows = [[n for n, one in enumerate(domains) if one is domain] for domain in kinds]
        self.groups = [(domain, torch.tensor(which)) for domain, which in zip(kinds, rows, strict=True)]
        self.back = torch.cat([which for _, which in self.groups]).argsort()

    def mixed(self) -> bool:
        """Whether the pictures are of more than one domain."""
        return len(self.groups) > 1

    def check(self, x: Tensor) -> None:
        """A list of domains has one for each picture."""
        if self.count > 1 and len(x) != self.count:
            raise U3Error(f"{len(x)} pictures, but use(…) named the domains of {self.count}; name one for each "
                          "picture, or one domain for all")


class Slot(nn.Module):
    """The shared module of one place, and at each call what the domains in use have beside it or instead."""

    def __init__(self, shared: nn.Module, key: str, use: InUse) -> None:
        super().__init__()
        self.shared, self.key, self.use = shared, key, use

    def forward(self, x: Tensor) -> Tensor:
        self.use.check(x)
        if not self.use.mixed():
            return self.of(self.use.groups[0][0], x)
        return together([self.of(domain, x[rows]) for domain, rows in self.use.groups])[self.use.back]

    def of(self, domain: Domain, x: Tensor) -> Tensor:
        """What this place makes of pictures of one domain."""
        part = domain.part(self.key)
        if part is None:
            return self.shared(x)
        return part(self.shared, x) if isinstance(part, Adapter) else part(x)

    @torch.no_grad()
    def plain(self, domain: Domain) -> nn.Module:
        """A plain module that does the same for this one domain."""
        part = domain.part(self.key)
        if isinstance(part, Adapter):
            return part.folded(self.shared)
        return self.shared if part is None else part


def together(outputs: list[Tensor]) -> Tensor:
    """Outputs of several domains in one batch: only a head's can differ, in classes, and in places if it is one of a
    convolutional network; its scores are then the same at all places, whose mean is taken later."""
    classes = max(one.shape[1] for one in outputs)
    places = [max(one.shape[axis] for one in outputs) for axis in range(2, outputs[0].ndim)]
    return torch.cat([F.pad(one, [0, 0] * len(places) + [0, classes - one.shape[1]], value=NEVER)
                      .expand(-1, -1, *places) for one in outputs])


def replace(module: nn.Module, path: str, new: nn.Module) -> None:
    """Put another module at a path."""
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, new)
