"""The ways to make a network fit another domain, by name: what each trains, and around what its prior is centred.

    net = adapt(nets.load(), "parallel")        # any name of METHODS
    net.add_domain("digits", 10)

A new method is one function (f, rank, generator) → adapter, or nothing but a choice of what is trained, and one line
here; ``tests/universal/test_contract.py`` holds every line to its word.

Shrinkage: a domain's training minimises  loss + λ ‖w − w₀‖²  over all that it changes but the head. With w₀ the
source network's weights (and α = 0) the prior says "as the source, unless the data ask otherwise" (Rebuffi, Bilen &
Vedaldi, NIPS 2017); with w₀ = 0 it is the usual weight decay, which leads away from the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from u3lab.checks import listed, number, one_of, shown, whole
from u3lab.errors import U3Error
from u3lab.universal import adapters
from u3lab.universal.domain import Domain, Plan

NOTHING, LAST_BLOCK, ALL = "nothing", "last block", "all"  # of the network's own weights
MIXTURES, MIDDLES, LOW_RANK = "mixtures of the filters", "their centres", "a change of low rank"


@dataclass(frozen=True)
class Method:
    """One way to adapt.

    Attributes:
        adapter: What is set beside each convolution: (f, rank, generator) → adapter; None for nothing.
        norms: Whether a domain gets batch norms of its own, where the network has batch norms.
        own: What of the network's weights is trained: "nothing", the "last block" or "all". What is trained in place is
            forgotten for others, so such a network serves one domain.
        fresh: Whether all starts from random weights.
        reach: What an adapter can make of a network's k×k filters: "mixtures of the filters", no new shapes; "their
            centres", where they look at nothing but the middle of their window; or "a change of low rank".
    """

    adapter: adapters.Maker | None = None
    norms: bool = True
    own: str = NOTHING
    fresh: bool = False
    reach: str | None = None


METHODS: dict[str, Method] = {
    "scratch": Method(own=ALL, fresh=True),
    "features": Method(norms=False),
    "batch norm": Method(),
    "last block": Method(own=LAST_BLOCK, norms=False),
    "fine-tuning": Method(own=ALL),
    "serial": Method(adapters.Serial, reach=MIXTURES),
    "parallel": Method(adapters.parallel, reach=MIDDLES),
    "low rank": Method(adapters.low_rank, reach=LOW_RANK),
}


def planned(method: object, share: object, on: object, rank: object, seed: object) -> Plan:
    """The arguments of :func:`u3lab.universal.adapt`, checked."""
    sorts = None if on is None else tuple(one_of("on", sort, adapters.SORTS) for sort in listed("on", on))
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
