"""Places in a network where a domain may do something of its own: convolutions, batch norms and the head.

A slot holds the shared module and looks up what the domain in use has for this place; it has nothing for a place that
it leaves alone. In a batch of several domains the pictures part at each slot and meet again behind it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.errors import U3Error
from u3lab.universal.adapters import Adapter
from u3lab.universal.places import Plan

NEVER = -1e4  # the score of a class that a picture's domain does not have: its probability is exactly 0


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


def cut(module: nn.Module, path: str, key: str, use: InUse) -> Slot:
    """Put a slot in the place of a module, which becomes its shared part."""
    slot = Slot(module.get_submodule(path), key, use)
    replace(module, path, slot)
    return slot


def replace(module: nn.Module, path: str, new: nn.Module) -> None:
    """Put another module at a path."""
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, new)


def merged(module: nn.Module, paths: Sequence[str], use: InUse, domain: Domain) -> nn.Module:
    """A copy of a network with plain modules in the place of its slots, for one domain."""
    plain = copy.deepcopy(module, {id(use): use})  # the slots know all domains by it, and those need no copy
    for path in paths:
        replace(plain, path, copy.deepcopy(plain.get_submodule(path).plain(domain)))
    return plain
