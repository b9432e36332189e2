"""Do maps lie on the thing? The share of a map's strongest pixels on a cut-out, in the middle and near a corner.

    python -m evidence hits  # results/hits.json, three minutes

As many pixels count as the thing has, so that a soft map and a hard disc are judged at one area.
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.saliency.hitting import PLACES, disc, hits, placed
from u3course.lessons.saliency.things import Thing
from u3lab import nets
from u3lab.images.blurring import blur
from u3lab.nets import Classifier
from u3lab.saliency import METHODS
from u3lab.saliency.perturbation import enlarge

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
MIDDLE, CORNER = "in the middle", "near a corner"
MAPS = ("edges (no network)", "gradient", "deconvnet", "guided", "smooth grad", "integrated gradients",
        "modulated gradient", "LRP z⁺", "excitation", "contrastive excitation", "Grad-CAM", "guided Grad-CAM")
BLUR = 16.0  # pixels, about a cell of Grad-CAM's grid: thin lines become filled blobs
BLURRED = {f"{name}, blurred": name for name in ("edges (no network)", "gradient", "guided", "LRP z⁺")}
DISC = "disc (no network)"

Run = NamedTuple("Run", [("network", str), ("place", str), ("thing", str)])
"""One cut-out on a photo, in the middle or near one of four corners, on one network."""

Row = NamedTuple("Row", [("area", float), ("hits", dict[str, float])])
"""The thing's share of the picture, which a map hits by chance; and map → the share of its strongest pixels on it."""


def summary(rows: Rows) -> Summary:
    """The mean share by map, for each network, in the middle and near a corner; the interval is over things."""
    return by_cell((name, f"{run.network}, {run.place if run.place == MIDDLE else CORNER}", value, run.thing)
                   for run, row in rows.items() for name, value in {**row.hits, "the thing's area": row.area}.items())


TABLE = Table(
    "hits", Run, Row, summary=summary, within={"hits": (*MAPS, *BLURRED, DISC)}, digits=3,
    again={"network": "squeezenet1_1"},
    chart=Chart("bars", "share of the strongest pixels on the thing",
                columns=tuple(f"squeezenet1_1, {place}" for place in (MIDDLE, CORNER)),
                alt="Bars for two places of the thing. The disc leads in the middle and is near chance at a corner; "
                    "Grad-CAM and excitation keep their share, edges and the gradient have less."))


def work(plan: Plan) -> Iterator[Work]:
    """A thing is a piece of work."""
    for name in plan.networks(NETWORKS):
        net = nets.load(name)
        for place in plan.few(tuple(PLACES)):
            things = plan.few([one for one in placed(place, net.size) if net.top(one.image, 1)[0][0] == one.label])
            plan.judge(**{f"things, {name}, {place}": [one.name for one in things]})
            yield from (Work(Run(name, place, thing.name), measured, net, thing) for thing in things)


def measured(net: Classifier, thing: Thing) -> Row:
    """The row of one thing."""
    maps = {name: enlarge(METHODS[name](net, thing.image, thing.label).cpu(), thing.image) for name in MAPS}
    maps |= {name: blur(maps[sharp], BLUR) for name, sharp in BLURRED.items()} | {DISC: disc(net.size)}
    return Row(float(thing.where.float().mean()), {name: float(hits(heat, thing.where)) for name, heat in maps.items()})
