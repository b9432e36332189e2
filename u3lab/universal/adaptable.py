"""Where a network can be adapted: its convolutions, batch norms and head by path, and which of them a plan adapts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier
from u3lab.universal.adapters import DENSE, DEPTHWISE, SORTS, sort_of
from u3lab.universal.domain import Plan


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
    def of(cls, net: Classifier) -> Adaptable:
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
