"""The two kinds of network that an audit knows: what is measured of each, and in which words it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import nn

from u3audit import parts, segment_parts, wording
from u3audit.segments import segments
from u3lab.audit.cases import Cases
from u3lab.errors import U3Error
from u3lab.nets import ready


class Kind(NamedTuple):
    """Parts, titles and sentences in the order of the front page; ``below`` is what stands below its pictures."""

    parts: Mapping[str, Callable[..., parts.Part]]
    titles: Mapping[str, wording.Title]
    said: Mapping[str, wording.Said]
    below: str


KINDS = {
    "classifier": Kind(parts.PARTS, wording.TITLES, wording.SAID,
                       "the network’s log-odds: above 0 it answers positive"),
    "segmentation": Kind(segment_parts.PARTS, segment_parts.TITLES, segment_parts.SEGMENTS_SAID,
                         "the mean of the network’s log-odds over the region that it sees: above 0 it still sees it"),
}


def kind_of(net: nn.Module, cases: Cases) -> str:
    """"segmentation" if the network answers for each pixel; U3Error if nothing is outlined then."""
    if not segments(net, cases):
        return "classifier"
    if cases.outlines is None:
        raise U3Error(f"{ready(net).name} answers for each pixel, so it is compared with outlines; give outlines= "
                      "(--masks)")
    return "segmentation"
