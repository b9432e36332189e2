"""Serial adapters on a trunk that was trained without them, and on one that was trained with them.

    python -m u3lab.experiments bolted          # data/results/adapters-resnet26_plain.json and …_serial.json
    python -m u3lab.experiments bolted --trunks plain   # one of the two; both may run side by side

Both trunks begin as ``resnet26_half`` and go on for as many steps of the same distillation, on the same pictures. One
has serial adapters in it meanwhile, which are trained together with the filters, and are folded into them at the end:
a new adapter β behind (I + α) f is one behind f, since (I + β)(I + α) is I plus something again. Rebuffi, Bilen &
Vedaldi (CVPR 2018) report 70.7 % for adapters that were bolted on and 80.2 % for the others, on CIFAR-100.
"""

from __future__ import annotations

import argparse

import torch
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab._system import paths
from u3lab.descent import last
from u3lab.experiments import _crops, _writing, adapters, resnet26
from u3lab.lessons.universal import trials
from u3lab.nets import Classifier
from u3lab.universal import adapt
from u3lab.worlds import decathlon

TRUNKS = ("plain", "serial")
STEPS = 600
DOMAINS, METHODS = ("digits", "traffic signs", "animals"), ("features", "serial")


def trunk(kind: str, given: _crops.Stock, steps: int, seed: int, *, short: bool) -> Classifier:
    """``resnet26_half`` after so many more steps of distillation, without adapters or with serial ones in it."""
    source, teacher = (nets.load(name, device="cpu", fold=False) for name in ("resnet26_half", "efficientnet_lite0"))
    batches = _crops.batches(given, resnet26.TEACHER, 4 if short else resnet26.BATCH, seed=seed)
    if kind == "plain":
        net, weights = source, [weight.requires_grad_() for weight in source.parameters()]
    else:
        net = adapt(source, "serial").add_domain("photos", source.classes).use("photos")
        photos, head = net.domain("photos"), source.module.classifier
        photos.parts[photos.head].load_state_dict(head.state_dict())  # a new head knows nothing of these classes
        banks = [weight for weight in net.shared_parameters() if weight.ndim == 4]  # norms: the domain has its own
        weights = [*(bank.requires_grad_() for bank in banks), *net.domain_parameters("photos")]
    last(resnet26.teach(net.train().module, teacher, batches, steps, weights, half=not short),
         total=steps + 1, title=kind)
    net.eval().requires_grad_(False)
    if kind == "serial":
        net = net.merge("photos")
        net.name = source.name  # takes pictures of the same size
    return net


def main(arguments: list[str] | None = None) -> None:
    """Train both trunks and adapt them."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--trunks", nargs="+", choices=TRUNKS, default=TRUNKS)
    chosen = _writing.options(parser, arguments, "results")
    domains, methods, seeds, steps = (["people"], ["features"], 1, 2) if chosen.short else (
        DOMAINS, METHODS, adapters.SEEDS, None)
    given = _crops.stock(4 if chosen.short else _crops.SCENES, chosen.seed)
    for kind in chosen.trunks:
        file = chosen.out / f"adapters-resnet26_{kind}.json"
        head = {"recipe": "python -m u3lab.experiments bolted", "u3lab": __version__, "torch": torch.__version__,
                "pictures": decathlon.version(), "network": f"resnet26_half, {STEPS} steps more, {kind}",
                "side": trials.side("resnet26_half"), "columns": trials.COLUMNS}
        torch.manual_seed(chosen.seed)  # of the linear map that is thrown away
        net = trunk(kind, given, steps or STEPS, chosen.seed, short=chosen.short)
        for domain, method in ((domain, method) for method in methods for domain in domains):
            last(tqdm(adapters.fill(file, head, net, domain, method, [adapters.CHOOSING], seeds, steps=steps,
                                    half=not chosen.short),
                      desc=f"{kind}: {domain}, {method}"))
        print(file, file.stat().st_size, "bytes", paths.sha256(file))
