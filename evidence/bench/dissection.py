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
from functools import partial
from multiprocessing import Value
from typing import Any

import torch
from torch import Tensor

from evidence.bench import dissection_lite as lite
from evidence.bench import measure, table
from u3course.worlds import concepts
from u3lab import nets
from u3lab.datasets.labelled import LabelledPictures, batches
from u3lab.dissection import dissect, dissecting
from u3lab.dissection.dissecting import GROUPS, LEAST, SHARE
from u3lab.dissection.quantiles import Quantiles

NETWORK, LAYERS = "squeezenet1_1", ("fire3", "fire5", "fire7", "fire9")  # from the middle on; notebook 07 has three
SIZES, ROUNDS = (100, 200, 400), 3
TARGET = 0.05  # ours/peer
NEAR = 0.01  # greatest difference of two IoUs that count as the same: our thresholds lie within a bin of the exact ones
PEERS = {"the paper's way": False, "NetDissect-Lite's shortcut": True}  # whether units below T are skipped
WHOLE, COUNTING = "whole", "counting"
STEPS = ("network", "thresholds", COUNTING)


class Task:
    """A network and so many pictures, all in memory, with their labels in the form of either side."""

    def __init__(self, count: int, layer: str) -> None:
        data, self.layer = concepts.load("train", count=count), layer
        whole = data[list(range(len(data)))]
        self.net = nets.load(NETWORK, device="cpu")
        self.data = LabelledPictures(tuple(data.names), *whole)
        self.labels = [lite.segments(*one) for one in zip(whole.masks, whole.labelled, strict=True)]

    def ours(self) -> Tensor:
        return dissect(self.net, self.layer, self.data).iou

    def lite(self, skip: bool = True) -> lite.Found:
        return lite.dissect(self.net, self.layer, self.data, self.labels, SHARE, skip)

    def passes(self) -> list[Tensor]:
        """The network alone, once over all pictures."""
        with torch.no_grad():
            return [self.net.features(batch.images, self.layer).contiguous() for batch in batches(self.data)]

    def thresholds(self) -> Tensor:
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


def compare(ours: Tensor, theirs: Tensor) -> dict[str, Any]:
    """Both IoUs (U,C) must name the same detectors; a unit that only one of them names lies at the border."""
    apart = float((ours - theirs).abs().max())
    mine, other = (torch.where(iou.amax(1) > LEAST, iou.argmax(1), -1) for iou in (ours, theirs))
    either = (mine >= 0) | (other >= 0)
    assert either.any(), "no unit detects a concept: these pictures show nothing"
    assert apart <= NEAR, f"IoUs of the two ways differ by {apart:.3f}"
    return {"units": int(either.sum()), "of the same label": float((mine == other)[either].double().mean()),
            "IoU apart": apart}


def run(count: int, layer: str, rounds: int) -> list[dict[str, Any]]:
    """Take turns, after a first reading that does not count: rows, ms a picture, of the whole and of its steps."""
    task, times, same = Task(count, layer), {}, {}

    def add(side: str, *seconds: float) -> None:
        for part, one in zip((WHOLE, *STEPS), seconds, strict=True):
            times.setdefault((side, part), []).append(1e3 * one / count)

    counting = task.counting()
    for _ in range(rounds):
        whole, mine = _clock(task.ours)
        passes, first, last = (_clock(work)[0] for work in (task.passes, task.thresholds, counting))
        add("ours", whole, passes, first - passes, last)
        for peer, skip in PEERS.items():
            whole, theirs = _clock(partial(task.lite, skip))
            add(peer, whole, *theirs.seconds)
            same[peer] = compare(mine, theirs.iou)
    rows = []
    for side in ("ours", *PEERS):
        row = {"layer": layer, "side": side} | {part: statistics.median(times[side, part]) for part in (WHOLE, *STEPS)}
        for part in (WHOLE, COUNTING):
            ratios = [a / b for a, b in zip(times["ours", part], times[side, part], strict=True)]
            row |= {f"ours/its, {part}": statistics.median(ratios), f"≤ {TARGET}, {part}":
                    None if side == "ours" else statistics.median(ratios) <= TARGET}
        rows.append(row | same.get(side, dict.fromkeys(next(iter(same.values())))))
    return rows


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
    code = ("import warnings; warnings.simplefilter('ignore'); from evidence.bench import dissection; "
            "dissection.alone({})")
    outputs = [subprocess.run([sys.executable, "-c", code.format(count)], check=True, stdout=subprocess.PIPE, text=True)
               for count in sizes]
    return [json.loads(output.stdout) for output in outputs]


def report(quick: bool) -> dict[str, Any]:
    """Measure and print ms a picture; then time and memory by the number of pictures.

    All three ways need one pass through the network: nothing else of ours could save more than the rest. Ours keeps the
    maps of the first pictures and passes the others twice; the peer writes a file, whose mapped pages count.
    """
    sizes, rounds = ((25, 50, 100), 1) if quick else (SIZES, ROUNDS)
    rows = growth(sizes)
    races = [row for layer in LAYERS for row in run(sizes[0], layer, rounds)]
    table.show_all(races)
    table.show_all(rows)
    return {"races": races, "growth": rows}
