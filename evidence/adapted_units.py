"""Units before and after adaptation, notebook 07b: one layer's adapter alone, all but it, all, and another training.

    python -m evidence adapted_units  # results/adapted_units.json, a quarter of an hour
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _trials as trials
from evidence import adapters
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from evidence.domains import KIND, LABELS, NETWORK
from u3course.lessons.dissection.adapted import LAYERS, alike, maps, switched
from u3course.worlds import decathlon
from u3lab import nets
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.universal import Adapted, adapt

PICTURES = 150  # of a domain, or fewer, so that each class has as many

Run = NamedTuple("Run", [("domain", str), ("layer", str)])
"""A layer of SqueezeNet with the adapters of a domain."""

Row = NamedTuple("Row", [("units", int), ("own", float), ("others", float), ("every", float), ("again", float),
    ("unlike", float), ("silent", float)])
"""How many units are compared; the median correlation of a unit with itself before, when its layer's own adapter is on
alone, all others, every one; of the shipped training with another one; and of a unit with the next one before. Then the
share of units that adaptation silences: they are on before, and never after."""

SHOWN = {"its own adapter alone": "own", "all but its own": "others", "all adapters": "every", "two trainings": "again",
         "another unit": "unlike", "silent": "silent"}


def beside_adapter(maps: Tensor, layer: str) -> Tensor:
    """Choose the units that the layer's own adapter adds to: of a fire module the half behind the 3×3 filters."""
    return maps if layer == "conv1" else maps[len(maps) // 2:]


def summary(rows: Rows) -> Summary:
    """Means over domains by layer; and the two comparisons, each as a difference within a domain."""
    told = [(run.layer, title, getattr(row, column)) for run, row in rows.items() for title, column in SHOWN.items()]
    for run, row in rows.items():
        told.append((run.layer, "its own alone minus all but its own", row.own - row.others))
        told.append((run.layer, "two trainings minus all adapters", row.again - row.every))
    return by_cell(told)


TABLE = Table(
    "adapted_units", Run, Row, summary=summary,
    facts={"network": NETWORK, "method": KIND, "labels": LABELS, "pictures": PICTURES},
    again="a domain is trained once more for its rows; a test computes what needs no training again",
    chart=Chart("curves", "correlation with the same unit (median)", along="layer",
                columns=("its own adapter alone", "all but its own", "all adapters", "two trainings"),
                alt="Four curves that begin at 1 and fall with depth, means over ten domains. With its own adapter "
                    "alone a layer's units stay at 0.9 or above. With all but its own they fall nearly as far as with "
                    "all adapters, to about a third at fire9. In fire9 two trainings stay more alike."))


def work(plan: Plan) -> Iterator[Work]:
    """A domain is a piece of work, since its training serves all layers."""
    net, domains, rows = nets.load(NETWORK), plan.few(adapters.DOMAINS), trials.rows_of(NETWORK)
    layers = plan.few(LAYERS, 2)
    plan.splits(domains)
    for name in domains:
        anew = trials.Run(name, KIND, LABELS, plan.seed + 1, trials.chosen_rate(rows, name, KIND))
        yield Work([Run(name, layer) for layer in layers], measured, net, anew, layers, plan.steps(None))


def measured(net: Classifier, anew: trials.Run, layers: tuple[str, ...], steps: int | None
             ) -> Iterator[tuple[Run, Row]]:
    """Train the domain once more, and compare the units of each layer."""
    shipped, retrained, x = of_file(net, anew.domain), trials.begin(net, anew), pictures(anew.domain)
    last(trials.train(retrained, anew, steps=steps), title=anew.domain)
    for layer in layers:
        yield Run(anew.domain, layer), compared(shipped, retrained, anew.domain, layer, x)


def of_file(net: Classifier, domain: str) -> Adapted:
    """The network with a domain that ships."""
    adapted = adapt(net, KIND)
    adapted.load_domain(next(file for file in trials.domain_files() if file.stem == domain.replace(" ", "-")))
    return adapted.use(domain)


def pictures(domain: str) -> torch.Tensor:
    """Test pictures of a domain as the network gets them, equally many of each class."""
    classes = len(decathlon.load(domain, "test", each=1).labels)
    return trials.enlarged(decathlon.load(domain, "test", each=min(40, PICTURES // classes)).images)


def compared(shipped: Adapted, retrained: Adapted, domain: str, layer: str, x: torch.Tensor) -> Row:
    """Correlate a layer's units with themselves before, with their own adapter alone, all others, and every one."""
    others = [one for one in LAYERS if one != layer]
    with shipped.using("source"):
        before = beside_adapter(maps(shipped, layer, x), layer)
    own, rest, every, again = (beside_adapter(maps(state, layer, x), layer) for state in (
        switched(shipped, domain, [layer]), switched(shipped, domain, others), shipped, retrained))
    found = torch.stack([alike(before, own), alike(before, rest), alike(before, every), alike(every, again)])
    on = found.isfinite().all(0)
    unlike = alike(before[on], every[on].roll(1, 0))
    was, stays = (one.flatten(1).amax(1) > 0 for one in (before, every))
    return Row(int(on.sum()), *found[:, on].quantile(0.5, dim=1).tolist(), float(unlike.quantile(0.5)),
               float((was & ~stays).sum() / was.sum()))
