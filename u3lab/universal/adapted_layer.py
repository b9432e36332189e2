"""One layer of an adapted network: the shared module, and what the domains in use have beside it or in its place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import skip_init

from u3lab.errors import U3Error
from u3lab.universal.adapters import Adapter
from u3lab.universal.domain import Domain

NEVER = -1e4  # the score of a class that a picture's domain does not have: its probability is exactly 0


class DomainsInUse:
    """Of which domains the pictures of the next passes are: one for all, or one a picture. All layers ask it."""

    def __init__(self, domain: Domain) -> None:
        self.put([domain])

    def put(self, domains: Sequence[Domain]) -> None:
        """One domain for all pictures, or as many as there will be pictures."""
        rows: dict[str, list[int]] = {}
        for n, domain in enumerate(domains):
            rows.setdefault(domain.name, []).append(n)
        self.domains, self.rows = domains, [torch.tensor(which) for which in rows.values()]
        self.groups = [domains[first] for first, *_ in rows.values()]  # each domain once

    def split(self, x: Tensor) -> list[tuple[Domain, Tensor]]:
        """Each domain with its part of a batch."""
        if len(self.domains) > 1 and len(x) != len(self.domains):
            raise U3Error(f"{len(x)} pictures, but use(…) named the domains of {len(self.domains)}; name one for each "
                          "picture, or one domain for all")
        if len(self.groups) == 1:
            return [(self.groups[0], x)]
        return [(domain, x[rows]) for domain, rows in zip(self.groups, self.rows, strict=True)]

    def join(self, outputs: list[Tensor]) -> Tensor:
        """The domains' outputs as one batch again, in its order.

        Only a head's can differ, in classes, and in places if it is one of a convolutional network; its scores are
        then the same at all places, whose mean is taken later.
        """
        if len(outputs) == 1:
            return outputs[0]
        classes = max(one.shape[1] for one in outputs)
        places = [max(one.shape[axis] for one in outputs) for axis in range(2, outputs[0].ndim)]
        return torch.cat([F.pad(one, [0, 0] * len(places) + [0, classes - one.shape[1]], value=NEVER)
                          .expand(-1, -1, *places) for one in outputs])[torch.cat(self.rows).argsort()]


class AdaptedLayer(nn.Module):
    """A shared module that looks up, at each call, what the domains in use have for it; some have nothing.

    In a batch of several domains the pictures part at each such layer and meet again behind it.
    """

    def __init__(self, shared: nn.Module, key: str, use: DomainsInUse) -> None:
        super().__init__()
        self.shared, self.key, self.use = shared, key, use

    def forward(self, x: Tensor) -> Tensor:
        return self.use.join([self.of(domain, part) for domain, part in self.use.split(x)])

    def of(self, domain: Domain, x: Tensor) -> Tensor:
        """What this layer makes of pictures of one domain."""
        if self.key not in domain.parts:
            return self.shared(x)
        part = domain.parts[self.key]
        return part(self.shared, x) if isinstance(part, Adapter) else part(x)

    @torch.no_grad()
    def plain(self, domain: Domain) -> nn.Module:
        """A plain module that does the same for this one domain."""
        part = domain.parts[self.key] if self.key in domain.parts else self.shared
        return part.folded(self.shared) if isinstance(part, Adapter) else part


def new_head(old: nn.Module, classes: int) -> nn.Module:
    """A linear layer for other classes, all zero; of a map's mean over places if the old one is a convolution."""
    layer = next(m for m in old.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
    pools = isinstance(layer, nn.Conv2d)
    linear = (skip_init(nn.Conv2d, layer.in_channels, classes, 1) if pools else
              skip_init(nn.Linear, layer.in_features, classes))
    for weight in linear.to(layer.weight).parameters():
        nn.init.zeros_(weight)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), linear) if pools else linear


def replace(module: nn.Module, path: str, new: nn.Module) -> None:
    """Put another module at a path."""
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, new)
