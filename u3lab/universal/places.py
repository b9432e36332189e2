"""Where a network can be adapted: its convolutions, its batch norms and its head, by their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier, Reached
from u3lab.universal.adapters import DENSE, DEPTHWISE, SORTS, sort_of


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
