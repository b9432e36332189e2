"""From how many photos each concept of the pocket Broden comes: a label that rests on one photo may be that photo.

    sources("validation")["building"]         # 3
"""

from __future__ import annotations

from u3lab.checks import one_of
from u3lab.datasets import cutouts, outlines
from u3lab.datasets.taxonomy import ancestors
from u3lab.worlds import pieces
from u3lab.worlds.concepts import CATEGORY, WIDER


def sources(split: str) -> dict[str, int]:
    """From how many photos, or series of cut-outs, each concept comes that a photo can show, in one split.

    A number that was measured on one source may be a number on that photo. Painted patterns, printed words, faces (50
    people), colours and scenes are not counted.

    Raises
    ------
    U3Error
        An unknown split.
    """
    one_of("split", split, pieces.SPLITS)
    found: dict[str, set[str]] = {}
    for name in pieces.photos(split):
        for one in outlines.outlines(name):
            for label in one.labels:
                found.setdefault(label, set()).add(name)
    for name in pieces.stamps(split):
        found.setdefault(pieces.LABELS[cutouts.about(name).kind], set()).add(cutouts.about(name).series)
    for wider in WIDER:
        found[wider] = set().union(*(some for name, some in found.items() if wider in ancestors(name)))
    return {name: len(some) for name, some in found.items() if CATEGORY.get(name) in ("object", "part", "material")}
