"""Serial adapters on a trunk that was trained without them, and on one that was trained with them.

    python -m evidence bolted  # results/bolted.json

Both trunks begin as ``resnet26_half`` and go on for as many steps of the same distillation, on the same pictures. One
has serial adapters in it meanwhile, which are trained together with the filters, and are folded into them at the end:
a new adapter β behind (I + α) f is one behind f, since (I + β)(I + α) is I plus something again. Rebuffi, Bilen &
Vedaldi (CVPR 2018) report 70.7 % for adapters that were bolted on and 80.2 % for the others, on CIFAR-100.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch

from evidence import _crops, adapters, resnet26
from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work
from u3lab import nets
from u3lab.datasets import cutouts, photos
from u3lab.descent import last
from u3lab.nets import Classifier
from u3lab.universal import adapt

TRUNKS, SOURCE = ("plain", "serial"), "resnet26_half"
STEPS = 600
DOMAINS, METHODS = ("digits", "traffic signs", "animals"), ("features", "serial")

Run = NamedTuple("Run", [("trunk", str), ("domain", str), ("method", str), ("labels", int), ("seed", int),
    ("rate", float)])
"""One training on a trunk; ``labels`` of each class."""


def summary(rows: Rows) -> Summary:
    """Mean, least and greatest of the seeds with the chosen rate."""
    cells = {trunk: trials.summary({run: row for run, row in rows.items() if run.trunk == trunk}) for trunk in TRUNKS}
    return {domain: {f"{method}, {trunk}": cells[trunk][domain, method, adapters.CHOOSING].bar for method in METHODS
                     for trunk in TRUNKS if (domain, method, adapters.CHOOSING) in cells[trunk]}
            for domain in dict.fromkeys(run.domain for run in rows)}


TABLE = Table(
    "bolted", Run, adapters.Row, summary=summary,
    facts={"network": SOURCE, "steps": STEPS, "side": trials.side(SOURCE)},
    again="a trunk is taught for minutes before its first row",
    chart=Chart("bars", "accuracy, 20 labels a class (mean, least and greatest of three seeds)",
                alt="Bars for digits, traffic signs and animals: frozen features and serial adapters, on the trunk "
                    "that was trained without adapters and on the one that was trained with them."))


def work(plan: Plan) -> Iterator[Work]:
    """A training is a piece of work; the first of a trunk trains the trunk."""
    domains, methods = (("people",), METHODS[:1]) if plan.short else (DOMAINS, METHODS)
    plan.splits(domains)
    for role, split in ((plan.fit, "train"), (plan.judge, "test")):  # of which batches and domains are made
        role(photos=photos.names(split=split), things=cutouts.names(split=split))
    given = cache(partial(_crops.stock, 4 if plan.short else _crops.SCENES, plan.seed))
    rates = {method: adapters.HIGHER[method] for method in methods}
    for kind in TRUNKS:
        load = cache(partial(trunk, kind, given, plan.seed, short=plan.short))
        yield from adapters.trainings(plan, partial(Run, kind), load, rates, domains, [adapters.CHOOSING],
                                      plan.few(adapters.SEEDS))


def trunk(kind: str, given: Callable[[], _crops.Stock], seed: int, *, short: bool) -> Classifier:
    """``resnet26_half`` after so many more steps of distillation, without adapters or with serial ones in it."""
    torch.manual_seed(seed)  # of the linear map that is thrown away
    source, teacher = (nets.load(name, device="cpu", fold=False) for name in (SOURCE, "efficientnet_lite0"))
    batches = _crops.batches(given(), resnet26.TEACHER, 4 if short else resnet26.BATCH, seed=seed)
    if kind == "plain":
        net, weights = source, [weight.requires_grad_() for weight in source.parameters()]
    else:
        net = adapt(source, "serial").add_domain("photos", source.classes).use("photos")
        domain, head = net.domain("photos"), source.module.classifier
        domain.parts[domain.head].load_state_dict(head.state_dict())  # a new head knows nothing of these classes
        banks = [weight for weight in net.shared_parameters() if weight.ndim == 4]  # norms: the domain has its own
        weights = [*(bank.requires_grad_() for bank in banks), *net.domain_parameters("photos")]
    steps = 2 if short else STEPS
    last(resnet26.teach(net.train().module, teacher, batches, steps, weights, half=not short),
         total=steps + 1, title=kind)
    net.eval().requires_grad_(False)
    if kind == "serial":
        net = net.merge("photos")
        net.name = source.name  # takes pictures of the same size
    return net
