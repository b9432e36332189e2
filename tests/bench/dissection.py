"""Network dissection: ours, the paper's way and NetDissect-Lite's on the same pictures, and on ever more pictures.

The race is run in this process, side by side. Time and memory by the number of pictures are measured in a process of
its own for each number, each side in a fork that has never dissected anything; the pictures lie in memory beforehand.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import Value
from typing import Any

import torch
from torch import Tensor

from tests.bench import dissection_lite as lite
from tests.bench import measure, table
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures, batches
from u3lab.dissection import dissect, dissecting
from u3lab.dissection.dissecting import GROUPS, KEPT, LEAST, SHARE
from u3lab.dissection.quantiles import Quantiles
from u3lab.worlds import concepts

NETWORK, LAYERS = "squeezenet1_1", ("fire3", "fire5", "fire7", "fire9")  # from the middle on; notebook 07 has three
SIZES, ROUNDS = (100, 200, 400), 3
TARGET = 0.05  # ours/peer
NEAR = 0.01  # greatest difference of two IoUs that count as the same: our thresholds lie within a bin of the exact ones
PEERS = {"the paper's way": False, "NetDissect-Lite's shortcut": True}  # whether units below T are skipped
WHOLE, STEPS = "whole", ("network", "thresholds", "counting")


class Task:
    """A network and so many pictures, all in memory, with their labels in the form of either side."""

    def __init__(self, count: int, layer: str) -> None:
        data, self.layer = concepts.load("train", count=count), layer
        whole = data[list(range(len(data)))]
        self.net = nets.load(NETWORK, device="cpu")
        self.data = LabelledPictures(tuple(data.names), *whole)
        self.labels = [lite.segments(*one) for one in zip(whole.masks, whole.labelled, strict=True)]

    def ours(self) -> Tensor:
        """IoU (U,C)."""
        return dissect(self.net, self.layer, self.data).iou

    def lite(self, skip: bool = True) -> lite.Found:
        return lite.dissect(self.net, self.layer, self.data, self.labels, SHARE, skip)

    def passes(self) -> list[Tensor]:
        """The network alone, once over all pictures."""
        with torch.no_grad():
            return [self.net.features(batch.images, self.layer).contiguous() for batch in batches(self.data)]

    def thresholds(self) -> Tensor:
        """Our first reading."""
        maps = self.passes()
        seen = Quantiles(maps[0].shape[1])
        for some in maps:
            seen.add(some)
        return seen.upper(SHARE)

    def counting(self) -> Callable[[], object]:
        """The last part of ours alone, on maps that are there: enlarge, compare, count."""
        maps = ({self.layer: one} for one in self.passes())
        read, levels = list(zip(maps, batches(self.data), strict=True)), {self.layer: self.thresholds()}
        return lambda: dissecting._count(read, levels, len(self.data.names), GROUPS, range(len(self.data)))


@dataclass
class Race:
    """Ours against the peers. ``times``: side → step or "whole" → ms a picture, one a round."""

    pictures: int
    layer: str
    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    labelled: int = 0
    same: float = 0.0
    difference: float = 0.0

    def add(self, side: str, *seconds: float) -> None:
        """What a side took in one round for all of it, and for each of the steps."""
        for part, one in zip((WHOLE, *STEPS), seconds, strict=True):
            self.times.setdefault(side, {}).setdefault(part, []).append(1e3 * one / self.pictures)

    def time(self, side: str, part: str) -> float:
        return statistics.median(self.times[side][part])

    def ratios(self, peer: str, part: str) -> list[float]:
        """Ours/peer, from the least to the greatest."""
        pairs = zip(self.times["ours"][part], self.times[peer][part], strict=True)
        return sorted(mine / theirs for mine, theirs in pairs)


def compare(race: Race, ours: Tensor, theirs: Tensor) -> None:
    """Both IoUs (U,C) must name the same detectors; a unit that only one of them names lies at the border."""
    race.difference = float((ours - theirs).abs().max())
    mine, other = (torch.where(iou.amax(1) > LEAST, iou.argmax(1), -1) for iou in (ours, theirs))
    either = (mine >= 0) | (other >= 0)
    race.labelled, race.same = int(either.sum()), float((mine == other)[either].double().mean())
    assert race.labelled, "no unit detects a concept: these pictures show nothing"
    assert race.difference <= NEAR, f"IoUs of the two ways differ by {race.difference:.3f}"


def run(count: int, layer: str, rounds: int) -> Race:
    """Take turns, after a first reading that does not count."""
    task, race = Task(count, layer), Race(count, layer)
    counting = task.counting()
    for _ in range(rounds):
        whole, mine = _clock(task.ours)
        passes, first, last = (_clock(work)[0] for work in (task.passes, task.thresholds, counting))
        race.add("ours", whole, passes, first - passes, last)
        for peer, skip in PEERS.items():
            whole, theirs = _clock(partial(task.lite, skip))
            race.add(peer, whole, *theirs.seconds)
            compare(race, mine, theirs.iou)
    return race


def _clock(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def alone(count: int) -> None:
    """What one process measures: print ms a picture and the peak in MB, of ours and of the quicker peer."""
    task, found = Task(count, LAYERS[0]), {"pictures": count}
    for side, work in (("ours", task.ours), ("lite", task.lite)):
        seconds = Value("d")  # comes back from the fork
        timed = partial(_timed, work, seconds)
        peak = measure.peak(timed)
        if peak is None:
            timed()  # no fork here
        found |= {f"{side}_ms": 1e3 * seconds.value / count, f"{side}_mb": peak}
    print(json.dumps(found))


def _timed(work: Callable[[], object], seconds: Any) -> list[Tensor]:
    seconds.value = _clock(work)[0]
    return []


def growth(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Both sides at each number of pictures, each number in a new process."""
    code = "import warnings; warnings.simplefilter('ignore'); from tests.bench import dissection; dissection.alone({})"
    outputs = [subprocess.run([sys.executable, "-c", code.format(count)], check=True, stdout=subprocess.PIPE, text=True)
               for count in sizes]
    return [json.loads(output.stdout) for output in outputs]


def report(quick: bool) -> dict[str, Any]:
    """Measure and print the tables."""
    sizes, rounds = ((25, 50, 100), 1) if quick else (SIZES, ROUNDS)
    print("\n# Network dissection: ours against the paper's way and NetDissect-Lite's\n", flush=True)
    print(table.brief())
    rows, races = growth(sizes), [run(sizes[0], layer, rounds) for layer in LAYERS]
    for race in races:
        print_race(race)
    print_growth(rows)
    return {"races": [asdict(race) for race in races], "growth": rows}


def print_race(race: Race) -> None:
    """All of it and the counting alone, against either peer; then what each step takes."""
    print("\n| row | network | ours ms | peer | peer ms | ours/peer (spread) | times as fast | difference | target | "
          "met |\n|" + "---|" * 10)
    for part in (WHOLE, STEPS[-1]):
        for peer in PEERS:
            ratios = race.ratios(peer, part)
            ratio = statistics.median(ratios)
            print(f"| dissection, {part}, a picture of {race.pictures} | {NETWORK} {race.layer} | "
                  f"{race.time('ours', part):.1f} | {peer} | {race.time(peer, part):.1f} | {ratio:.3f} "
                  f"({ratios[0]:.3f}–{ratios[-1]:.3f}) | {1 / ratio:.1f} | IoU {race.difference:.0e} | ≤ {TARGET} | "
                  f"{'yes' if ratio <= TARGET else '**no**'} |")
    print(f"\nOf {race.labelled} units with IoU above {LEAST}, {race.same:.0%} have the same label.\n")
    print("| ms a picture | " + " | ".join(STEPS) + " |\n|---|" + "---|" * len(STEPS))
    for side in race.times:
        print(f"| {side} | " + " | ".join(f"{race.time(side, step):.1f}" for step in STEPS) + " |")
    most = " and ".join(f"{race.time(peer, WHOLE) / race.time('ours', STEPS[0]):.1f}" for peer in PEERS)
    print(f"\nAll three need one pass through the network. If ours did nothing else, it would be {most} times as fast.")


def print_growth(rows: list[dict[str, Any]]) -> None:
    """Time and memory by the number of pictures, against the peer with the shortcut."""
    print(f"\nOurs keeps the maps of the first pictures, up to {KEPT >> 20} MB, and passes the others twice; the peer "
          "writes a file, whose mapped pages count.")
    print("Each number of pictures has its own process, where no side finds memory that an earlier round has left.\n")
    print("| pictures | ours ms a picture | NetDissect-Lite's shortcut | ours/peer | peak MB ours/peer |")
    print("|" + "---|" * 5)
    for row in rows:
        peaks = "/".join("–" if row[side] is None else f"{row[side]:.0f}" for side in ("ours_mb", "lite_mb"))
        print(f"| {row['pictures']} | {row['ours_ms']:.1f} | {row['lite_ms']:.1f} | "
              f"{row['ours_ms'] / row['lite_ms']:.2f} | {peaks} |")
