"""Adapters against what they replace: a training step against full fine-tuning's, a merged network against a bare one.

Full fine-tuning is plain torch: the network as it comes, all its weights trained by the same Adam, batch norms in
training mode as in the domain's. LoRA of the peft library stands beside ours where it is installed.
"""

import copy
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.bench import measure, table
from tests.bench.peers import installed
from u3lab import nets
from u3lab.descent import ADAM
from u3lab.universal import METHODS, UniversalSettings, adapt, train_domain

BATCH, SIDE, CLASSES, STEPS = 16, 96, 10, 4
NETWORKS = ("squeezenet1_1", "resnet18")
KINDS = ("serial", "parallel", "low rank")
FINE_TUNING, PEFT = "full fine-tuning", "LoRA of peft"
TIME, MEMORY, SWITCH = 1.0, 1.1, 1.0  # targets: ours/fine-tuning, ours/fine-tuning, milliseconds


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
    """A head for the classes of the domain."""
    if hasattr(module, "fc"):
        module.fc = nn.Linear(module.fc.in_features, CLASSES)
    else:
        module.classifier[1] = nn.Conv2d(512, CLASSES, 1).to(memory_format=torch.channels_last)
    return module


def _loop(net: nets.Classifier, module: nn.Module, weights: list[nn.Parameter]) -> Callable[[], object]:
    x, y = data()
    return measure.training(ADAM(weights, lr=0.001), lambda: F.cross_entropy(module(net.normalise(x)), y), STEPS)


@dataclass
class Race:
    """``times``: side → ms a step, one a round; ``peaks``: side → MB of a process that takes a few steps."""

    network: str
    times: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, float | None] = field(default_factory=dict)
    merged: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    switch: float = 0.0

    def ratio(self, side: str) -> list[float]:
        """ours/fine-tuning of each round, from the least to the greatest."""
        return sorted(a / b for a, b in zip(self.times[side], self.times[FINE_TUNING], strict=True))


def sides(name: str) -> dict[str, Callable[[], Callable[[], object]]]:
    """What makes the steps of each side."""
    found: dict[str, Callable[[], Callable[[], object]]] = {FINE_TUNING: lambda: fine_tuning(name)}
    found |= {kind: lambda kind=kind: ours(name, kind) for kind in KINDS if kind in METHODS}
    return found | ({PEFT: lambda: peft(name)} if installed("peft") else {})


def run(name: str, rounds: int) -> Race:
    """Take turns."""
    race, made = Race(name), {side: make() for side, make in sides(name).items()}
    for _ in range(rounds):
        for side, steps in made.items():
            race.times.setdefault(side, []).append(measure.milliseconds(steps) / STEPS)
    net, (x, _) = adapt(network(name)).add_domain("new", CLASSES), data()
    plain, bare = net.merge("new"), network(name)
    with torch.no_grad():
        for one in (plain, bare):
            one(x)
        for _ in range(3 * rounds):
            race.merged.append(measure.milliseconds(lambda: plain(x)))
            race.bare.append(measure.milliseconds(lambda: bare(x)))
    names = 100 * ("source", "new")
    race.switch = statistics.median(measure.milliseconds(partial(net.use, name)) for name in names)
    return race


def alone(name: str, side: str) -> None:
    """Print the MB of a few steps: network, gradients, optimiser, activations. For a process of its own."""
    torch.set_num_threads(1)
    print(json.dumps(measure.peak(lambda: sides(name)[side]()())))


def peak(name: str, side: str) -> float | None:
    """What :func:`alone` prints in a new process; None where it cannot be measured."""
    code = "import sys; from tests.bench import adapters; adapters.alone(*sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, name, side], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def report(quick: bool) -> dict[str, Any]:
    """Measure and print the tables."""
    print("\n# Adapters against full fine-tuning\n", flush=True)
    print(table.brief())
    print(f"\nA training step of {BATCH} pictures of {SIDE}×{SIDE}; memory: what a process with the network adds.\n")
    races = []
    print("| network | side | ms a step | ours/fine-tuning (spread) | MB | ours/fine-tuning | targets met |\n"
          "|" + "---|" * 7)
    for name in NETWORKS:
        race = run(name, 3 if quick else 9)
        race.peaks = {side: peak(name, side) for side in race.times}
        print_race(race)
        races.append(race)
    print("\n| network | merged ms | bare ms | merged/bare | switching ms (at most 1) |\n|" + "---|" * 5)
    for race in races:
        ratio = statistics.median(a / b for a, b in zip(race.merged, race.bare, strict=True))
        print(f"| {race.network} | {statistics.median(race.merged):.1f} | {statistics.median(race.bare):.1f} | "
              f"{ratio:.2f} | {race.switch:.3f} |")
    if not installed("peft"):
        print("\npeft is not installed.")
    return {"races": [asdict(race) for race in races], "rows": [
        table.race_as_data("a training step", [f"universal/{kind}"], race.network, TIME, race.times[kind],
                           (f"a step of {FINE_TUNING}", race.times[FINE_TUNING]))
        for race in races for kind in KINDS]}


def print_race(race: Race) -> None:
    """One line for each side."""
    whole = race.peaks[FINE_TUNING]
    for side, times in race.times.items():
        ratios = race.ratio(side)
        ratio, used = statistics.median(ratios), race.peaks[side]
        share = None if used is None or not whole else used / whole
        met = "–" if side in (FINE_TUNING, PEFT) else (
            f"{'yes' if ratio <= TIME else '**no**'}, {'yes' if share is None or share <= MEMORY else '**no**'}")
        print(f"| {race.network} | {side} | {statistics.median(times):.1f} | {ratio:.2f} ({ratios[0]:.2f}–"
              f"{ratios[-1]:.2f}) | {'–' if used is None else f'{used:.0f}'} | "
              f"{'–' if share is None else f'{share:.2f}'} | {met} |")
