"""Network dissection: ours against NetDissect-Lite's way on the same pictures, and both on ever more pictures.

The race is run in this process, side by side. Time and memory by the number of pictures are measured in a process of
its own for each number, each side in a fork that has never dissected anything; the pictures lie in memory beforehand.
"""

from __future__ import annotations

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
import torch.nn.functional as F
from torch import Tensor

from tests.bench import dissection_lite as lite
from tests.bench import measure, table
from u3lab import crops, images, nets
from u3lab.datasets.blobs import shape
from u3lab.datasets.labelled import ConceptData, LabelledPictures, batches
from u3lab.datasets.patterns import PATTERNS, paint
from u3lab.dissection import dissect, quantiles
from u3lab.dissection.dissecting import LEAST, SHARE

NETWORK, LAYER = "squeezenet1_1", "fire5"
SIZES, ROUNDS = (100, 200, 400), 3
TARGET = 0.05  # ours/lite
NEAR = 0.01  # greatest difference of two IoUs that count as the same: our thresholds lie within a bin of the exact ones
SCALES = {"fine": 1, "coarse": 2}
PEER = "NetDissect-Lite's way"


def drawn(count: int) -> LabelledPictures:
    """Photos with two painted textures on each; concepts are the patterns, and the patterns in each of two scales."""
    generator, kinds = torch.Generator().manual_seed(0), [(scale, name) for scale in SCALES for name in PATTERNS]
    photos = crops.crops(images.names("everyday"), 227, 4)
    pictures = photos[torch.randint(len(photos), (count,), generator=generator)]
    names = (*PATTERNS, *(f"{scale} {name}" for scale, name in kinds))
    masks = torch.zeros(count, len(names), 113, 113, dtype=torch.bool)
    for n in range(2 * count):
        scale, name = kinds[n % len(kinds)]
        cover = shape(227, generator)
        texture = paint(name, 227 * SCALES[scale], generator)[..., :227, :227]
        pictures[n // 2] = (1 - cover[0]) * pictures[n // 2] + cover[0] * texture[0]
        patch = F.interpolate(cover, size=113, mode="bilinear", antialias=True)[0, 0] > 0.5
        masks[n // 2] &= ~patch
        for concept in (name, f"{scale} {name}"):
            masks[n // 2, names.index(concept)] |= patch
    return LabelledPictures(names, pictures, masks)


PICTURES: Callable[[int], ConceptData] = drawn  # any function: number of pictures → labelled pictures


class Task:
    """A network and so many pictures, all in memory, with their labels in the form of either side."""

    def __init__(self, count: int) -> None:
        data = PICTURES(count)
        whole = data[list(range(len(data)))]
        self.net = nets.load(NETWORK, device="cpu")
        self.data = LabelledPictures(tuple(data.names), *whole)
        self.labels = [lite.segments(*one) for one in zip(whole.masks, whole.labelled, strict=True)]

    def ours(self) -> Tensor:
        """IoU (U,C)."""
        return dissect(self.net, LAYER, self.data).iou

    def lite(self) -> lite.Found:
        return lite.dissect(self.net, LAYER, self.data, self.labels, SHARE)

    def passes(self) -> list[Tensor]:
        """The network alone, once over all pictures."""
        with torch.no_grad():
            return [self.net.features(batch.images, LAYER)[0, 0, 0, 0] for batch in batches(self.data)]

    def thresholds(self) -> None:
        """Our first reading."""
        quantiles(self.net, LAYER, (batch.images for batch in batches(self.data)))


@dataclass
class Race:
    """Ours against lite: ms a picture, one a round; ``parts`` are medians of passes, thresholds and counting."""

    pictures: int
    ours: list[float] = field(default_factory=list)
    lite: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    labelled: int = 0
    same: float = 0.0
    difference: float = 0.0

    @property
    def ratios(self) -> list[float]:
        return sorted(mine / theirs for mine, theirs in zip(self.ours, self.lite, strict=True))


def compare(race: Race, ours: Tensor, theirs: Tensor) -> None:
    """Both IoUs (U,C) must name the same detectors; a unit that only one of them names lies at the border."""
    race.difference = float((ours - theirs).abs().max())
    mine, other = (torch.where(iou.amax(1) > LEAST, iou.argmax(1), -1) for iou in (ours, theirs))
    either = (mine >= 0) | (other >= 0)
    race.labelled, race.same = int(either.sum()), float((mine == other)[either].double().mean())
    assert race.labelled, "no unit detects a concept: these pictures show nothing"
    assert race.difference <= NEAR, f"IoUs of the two ways differ by {race.difference:.3f}"


def run(count: int, rounds: int) -> Race:
    """Take turns, after a first reading that does not count."""
    task, race, steps = Task(count), Race(count), []
    task.thresholds()
    for _ in range(rounds):
        start = time.perf_counter()
        mine = task.ours()
        race.ours.append(1e3 * (time.perf_counter() - start) / count)
        start = time.perf_counter()
        theirs = task.lite()
        race.lite.append(1e3 * (time.perf_counter() - start) / count)
        steps.append([_clock(task.passes), _clock(task.thresholds), *theirs.seconds])
    compare(race, mine, theirs.iou)
    passes, first, *theirs = (1e3 * statistics.median(one) / count for one in zip(*steps, strict=True))
    race.parts = {"ours": [2 * passes, first - passes, statistics.median(race.ours) - first - passes], PEER: theirs}
    return race


def _clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alone(count: int) -> None:
    """What one process measures: print ms a picture and the peak in MB, of either side."""
    task, found = Task(count), {"pictures": count}
    for side, work in (("ours", task.ours), ("lite", task.lite)):
        seconds = Value("d")  # comes back from the fork
        timed = partial(_timed, work, seconds)
        peak = measure.peak(timed)
        if peak is None:
            timed()  # no fork here
        found |= {f"{side}_ms": 1e3 * seconds.value / count, f"{side}_mb": peak}
    print(json.dumps(found))


def _timed(work: Callable[[], object], seconds: Any) -> list[Tensor]:
    seconds.value = _clock(work)
    return []


def growth(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Both sides at each number of pictures, each number in a new process."""
    code = "import warnings; warnings.simplefilter('ignore'); from tests.bench import dissection; dissection.alone({})"
    outputs = [subprocess.run([sys.executable, "-c", code.format(count)], check=True, stdout=subprocess.PIPE, text=True)
               for count in sizes]
    return [json.loads(output.stdout) for output in outputs]


def report(quick: bool) -> dict[str, Any]:
    """Measure and print both tables."""
    sizes, rounds = ((25, 50, 100), 1) if quick else (SIZES, ROUNDS)
    print(f"\n# Network dissection: ours against {PEER}\n", flush=True)
    facts = table.facts()
    print(" · ".join(f"{name} {facts[name]}" for name in ("date", "machine", "cores", "threads", "load", "torch")))
    rows, race = growth(sizes), run(sizes[0], rounds)
    ratios, mine, theirs = race.ratios, statistics.median(race.ours), statistics.median(race.lite)
    met = "yes" if statistics.median(ratios) <= TARGET else "**no**"
    print("\n| row | network | ours ms | peer | peer ms | ours/peer (spread) | difference | target | met |")
    print("|" + "---|" * 9)
    print(f"| dissection, a picture of {race.pictures} | {NETWORK} {LAYER} | {mine:.1f} | {PEER} | {theirs:.1f} | "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | IoU {race.difference:.0e} | "
          f"≤ {TARGET} | {met} |")
    print(f"\nOf {race.labelled} units with IoU above {LEAST}, {race.same:.0%} have the same label.\n")
    print("| ms a picture | passes through the network | thresholds | counting |\n|---|---|---|---|")
    for side, parts in race.parts.items():
        print(f"| {side} | " + " | ".join(f"{part:.1f}" for part in parts) + " |")
    print("\nOurs passes twice and keeps nothing; the other passes once and writes a file, whose mapped pages count.")
    print("Each number of pictures has its own process, where no side finds memory that an earlier round has left.\n")
    print(f"| pictures | ours ms a picture | {PEER} | ours/peer | peak MB ours/peer |\n|---|---|---|---|---|")
    for row in rows:
        peaks = "/".join("–" if row[side] is None else f"{row[side]:.0f}" for side in ("ours_mb", "lite_mb"))
        print(f"| {row['pictures']} | {row['ours_ms']:.1f} | {row['lite_ms']:.1f} | "
              f"{row['ours_ms'] / row['lite_ms']:.2f} | {peaks} |")
    return {"race": asdict(race), "growth": rows}
