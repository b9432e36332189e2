"""What a domain adds to a network, the plan that it was made with, and where in a network it can be added.

Shrinkage: a domain's training minimises  loss + λ ‖w − w₀‖²  over all that it changes but the head. With w₀ the
source network's weights (and α = 0) the prior says "as the source, unless the data ask otherwise" (Rebuffi, Bilen &
Vedaldi, NIPS 2017); with w₀ = 0 it is the usual weight decay, which leads away from the source.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from u3lab.checks import listed, number, one_of, shown, whole
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.universal.adapters import DENSE, DEPTHWISE, METHODS, SORTS, Adapter, sort_of

OWN = "own:"  # before the names of the network's own weights, among a domain's numbers


@dataclass(frozen=True)
class Plan:
    """What a domain gets: see :func:`u3lab.universal.adapt`."""

    method: str
    share: float
    on: tuple[str, ...] | None
    rank: int
    seed: int


def planned(method: object, share: object, on: object, rank: object, seed: object) -> Plan:
    """The arguments of :func:`u3lab.universal.adapt`, checked."""
    sorts = None if on is None else tuple(one_of("on", sort, SORTS) for sort in listed("on", on))
    return Plan(one_of("method", method, METHODS), number("share", share, 0, 1, without_low=True), sorts,
                whole("rank", rank), whole("seed", seed, 0))


def named(classes: int | Sequence[str]) -> tuple[str, ...]:
    """Two or more names; those of a number of classes are 0, 1, 2 …"""
    if isinstance(classes, int) or not isinstance(classes, Sequence):
        return tuple(str(k) for k in range(whole("classes", classes, 2, 100_000)))
    names = listed("classes", classes, str, "names of classes")
    if len(names) < 2:
        raise U3Error(f"classes = {shown(classes)}; a domain has two classes or more")
    return tuple(names)


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


def shrinkage(domain: Domain, *, centre: str = "source") -> Tensor:
    """‖w − w₀‖² of a domain: a scalar that can be differentiated by what the domain trains.

    Adapters count by what they add to the convolution, α or B A, whose w₀ is 0; batch norms' scales and shifts and the
    network's own weights by how far they are from the source's, or from 0 with ``centre="zero"``.
    """
    parts = [adapter.matrix().square().sum() for adapter in domain.adapters()]
    for name, weight in domain.changed():
        start = domain.start[name].to(weight) if centre == "source" else 0.0
        parts.append((weight - start).square().sum())
    return sum(parts) if parts else next(domain.parameters()).new_zeros(())


@dataclass(frozen=True)
class Adaptable:
    """The layers of one network that can be adapted, by path, from input to output.

    Attributes:
        convolutions, norms: All of them, but for a head that is a convolution.
        head: The linear layer for the classes.
        relu_above: The ReLU that follows a head which is a convolution, if there is one.
        blocks: The convolutions' paths by the block that they lie in.
        order: The paths of all modules.
    """

    convolutions: dict[str, nn.Conv2d]
    norms: dict[str, nn.BatchNorm2d]
    head: str
    relu_above: str | None
    blocks: tuple[tuple[str, ...], ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, net: Classifier) -> "Adaptable":
        """Look for them.

        Raises:
            U3Error: A network without convolutions, or without a linear layer for its classes.
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
        order = tuple(modules)
        above = order[order.index(head) + 1:] if convolutions.pop(head, None) is not None else ()
        relu = next((path for path in above if isinstance(modules[path], nn.ReLU)), None)
        norms = {path: m for path, m in modules.items() if isinstance(m, nn.BatchNorm2d)}
        return cls(convolutions, norms, head, relu, _blocks(net, convolutions), order)

    def chosen(self, plan: Plan, name: str) -> tuple[list[str], list[str]]:
        """The convolutions that a plan adapts, and the batch norms from there on; ``name`` is the network's.

        Raises:
            U3Error: If no convolution is of the sorts that are asked for.
        """
        count = max(1, round(plan.share * len(self.blocks)))
        within = [path for block in self.blocks[-count:] for path in block]
        sorts = plan.on or self._default()
        convolutions = [path for path in within if sort_of(self.convolutions[path]) in sorts]
        if not convolutions:
            raise U3Error(f"{name} has no {' or '.join(sorts)} convolution in the top {count} of its "
                          f"{len(self.blocks)} blocks; choose another on=, or a larger share")
        return convolutions, [path for path in self.order[self.order.index(within[0]):] if path in self.norms]

    def _default(self) -> tuple[str, ...]:
        """Dense convolutions; all sorts in a network whose k×k convolutions are mostly depthwise."""
        found = [sort_of(f) for f in self.convolutions.values()]
        return SORTS if found.count(DEPTHWISE) > found.count(DENSE) or DENSE not in found else (DENSE,)

    def own(self, module: nn.Module, copied: Sequence[str], *, last: bool) -> dict[str, nn.Parameter]:
        """The network's own weights, all or the last block's, but for the head and what a domain has ``copied``."""
        begins = f"{self.blocks[-1][0]}." if last else ""
        weights = list(module.named_parameters())
        first = next(n for n, (name, _) in enumerate(weights) if name.startswith(begins))
        return {name: weight for name, weight in weights[first:]
                if not name.startswith(tuple(f"{path}." for path in (self.head, *copied)))}


def _blocks(net: Classifier, convolutions: dict[str, nn.Conv2d]) -> tuple[tuple[str, ...], ...]:
    """The convolutions by the layer that they lie in; one that lies in none is a block of its own."""
    blocks: dict[str, list[str]] = {}
    for path in convolutions:
        home = next((layer for layer in map(net.path, net.layers) if f"{path}.".startswith(f"{layer}.")), path)
        blocks.setdefault(home, []).append(path)
    return tuple(map(tuple, blocks.values()))
