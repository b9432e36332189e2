"""Adapters against what they replace: a training step against full fine-tuning's, a merged network against a bare one.

Full fine-tuning is plain torch: the network as it comes, all its weights trained by the same Adam, batch norms in
training mode as in the domain's. LoRA of the peft library stands beside ours where it is installed.
"""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence.bench import measure, table
from evidence.bench.peers import installed
from u3lab import nets
from u3lab.descent import ADAM
from u3lab.universal import UniversalSettings, adapt, train_domain

BATCH, SIDE, CLASSES, STEPS = 16, 96, 10, 4
NETWORKS = ("squeezenet1_1", "resnet18")
KINDS = ("serial", "parallel", "low rank")
FINE_TUNING, PEFT = "full fine-tuning", "LoRA of peft"
TIME, MEMORY = 1.0, 1.1  # targets: ours/fine-tuning's


def network(name: str) -> nets.Classifier:
    """A network with its own weights, or with random ones: they do not change what a step takes."""
    if nets.available(name):
        return nets.load(name, device="cpu")
    from torchvision import models

    module = models.get_model(name).eval().requires_grad_(False).to(memory_format=torch.channels_last)
    return nets.Classifier(module, name=name, memory_format=torch.channels_last)


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(BATCH, 3, SIDE, SIDE, generator=generator), torch.arange(BATCH) % CLASSES


def ours(name: str, kind: str) -> Callable[[], object]:
    """Steps of a domain's training, without end."""
    net = adapt(network(name), kind).add_domain("new", CLASSES)
    steps = train_domain(net, "new", *data(), settings=UniversalSettings(steps=100_000, batch_size=BATCH))
    next(steps)
    return lambda: [next(steps) for _ in range(STEPS)]


def fine_tuning(name: str) -> Callable[[], object]:
    """Steps of plain torch: everything is trained."""
    net = network(name)
    module = _with_head(copy.deepcopy(net.module)).requires_grad_(True)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.train()
    return _loop(net, module, list(module.parameters()))


def peft(name: str) -> Callable[[], object]:
    """Steps of plain torch: LoRA of rank 4 on the k×k convolutions, by the peft library."""
    from peft import LoraConfig, get_peft_model

    net = network(name)
    module = _with_head(copy.deepcopy(net.module))
    where = [path for path, m in module.named_modules() if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1]
    wrapped = get_peft_model(module, LoraConfig(r=4, target_modules=where))
    head = list(module.modules())[-1] if name == "resnet18" else next(
        m for m in module.modules() if isinstance(m, nn.Conv2d) and m.out_channels == CLASSES)
    head.requires_grad_(True)
    return _loop(net, wrapped, [w for w in wrapped.parameters() if w.requires_grad])


def _with_head(module: nn.Module) -> nn.Module:
    if hasattr(module, "fc"):
        module.fc = nn.Linear(module.fc.in_features, CLASSES)
    else:
        module.classifier[1] = nn.Conv2d(512, CLASSES, 1).to(memory_format=torch.channels_last)
    return module


def _loop(net: nets.Classifier, module: nn.Module, weights: list[nn.Parameter]) -> Callable[[], object]:
    x, y = data()
    return measure.training(ADAM(weights, lr=0.001), lambda: F.cross_entropy(module(net.normalise(x)), y), STEPS)


def sides(name: str) -> dict[str, Callable[[], Callable[[], object]]]:
    found = {FINE_TUNING: partial(fine_tuning, name), **{kind: partial(ours, name, kind) for kind in KINDS}}
    return found | ({PEFT: partial(peft, name)} if installed("peft") else {})


def run(name: str, rounds: int) -> dict[str, list[float]]:
    """Side → ms a step, one a round; the sides take turns."""
    made = {side: make() for side, make in sides(name).items()}
    times: dict[str, list[float]] = {side: [] for side in made}
    for _ in range(rounds):
        for side, steps in made.items():
            times[side].append(measure.milliseconds(steps) / STEPS)
    return times


def merged(name: str, rounds: int) -> dict[str, Any]:
    """A merged network beside the bare one, and how long it takes to switch domains."""
    net, (x, _) = adapt(network(name)).add_domain("new", CLASSES), data()
    plain, bare, pairs = net.merge("new"), network(name), []
    with torch.no_grad():
        for one in (plain, bare):
            one(x)
        for _ in range(3 * rounds):
            pairs.append((measure.milliseconds(lambda: plain(x)), measure.milliseconds(lambda: bare(x))))
    switch = median(measure.milliseconds(partial(net.use, domain)) for domain in 100 * ("source", "new"))
    return {"network": name, "merged ms": median(a for a, _ in pairs), "bare ms": median(b for _, b in pairs),
            "merged/bare": median(a / b for a, b in pairs), "switching ms (at most 1)": switch}


def alone(name: str, side: str) -> None:
    """Print the MB of a few steps: network, gradients, optimiser, activations. For a process of its own."""
    torch.set_num_threads(1)
    print(json.dumps(measure.peak(lambda: sides(name)[side]()())))


def peak(name: str, side: str) -> float | None:
    """What :func:`alone` prints in a new process; None where it cannot be measured."""
    code = "import sys; from evidence.bench import adapters; adapters.alone(*sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, name, side], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def report(quick: bool) -> dict[str, Any]:
    """Measure and print: a step's time, what a process with the network adds to its memory, and merged networks."""
    rounds = 3 if quick else 9
    times = {name: run(name, rounds) for name in NETWORKS}
    rows = [table.race_as_data("a training step", [f"universal/{kind}"], name, TIME, sides[kind],
                               (f"a step of {FINE_TUNING}", sides[FINE_TUNING]))
            for name, sides in times.items() for kind in KINDS]
    memory = [{"network": name, "side": side, "ms a step": median(times[name][side]), "MB": peak(name, side)}
              for name in NETWORKS for side in times[name]]
    whole = {row["network"]: row["MB"] for row in memory if row["side"] == FINE_TUNING}
    for row in memory:
        row["met"] = row["side"] not in KINDS or row["MB"] is None or row["MB"] <= MEMORY * whole[row["network"]]
    switched = [merged(name, rounds) for name in NETWORKS]
    for found in (rows, memory, switched):
        table.show_all(found)
    return {"memory": memory, "merged": switched, "rows": rows}
