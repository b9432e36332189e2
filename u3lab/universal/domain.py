"""What a domain adds to a network, and the plan that it was made with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from u3lab.universal.adapters import Adapter

OWN = "own:"  # before the names of the network's own weights, among a domain's numbers


@dataclass(frozen=True)
class Plan:
    """What a domain gets: see :func:`u3lab.universal.adapt`."""

    method: str
    share: float
    on: tuple[str, ...] | None
    rank: int
    seed: int


class Domain(nn.Module):
    """All that a domain adds to the network.

    ``parts`` has, by the key of its layer, an adapter (beside a convolution), a batch norm (in the place of the shared
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

    def adapters(self) -> Iterator[Adapter]:
        """Its adapters, from the input to the output."""
        return (part for part in self.parts.values() if isinstance(part, Adapter))

    def norms(self) -> nn.ModuleList:
        """Its batch norms."""
        return nn.ModuleList(part for part in self.parts.values() if isinstance(part, nn.BatchNorm2d))

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


def key_of(path: str) -> str:
    """The name of a layer among a domain's parts, where no name may have a dot: "net/features/3/squeeze"."""
    return f"net/{path.replace('.', '/')}"
