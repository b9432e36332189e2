"""The clock and the memory: ours and the peers in turn, and the greatest memory of one call in a process of its own."""

import ctypes
import gc
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from evidence.bench.peers import Run, Unsupported, installed
from evidence.bench.rows import Peer, Row, difference
from evidence.bench.scene import Scene

EQUAL = 1e-4  # greatest relative difference of maps that count as equal
FAR = 0.05  # beyond this it is not rounding


@dataclass
class Side:
    """What was measured of one peer, or of ours.

    ``times`` in ms, one a round; ``peak`` in MB over what was there before the call; ``ratios`` ours/peer, one a round.
    """

    name: str
    run: Run | None = None
    times: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    peak: float | None = None
    difference: float | None = None
    precision: str = "float32"
    problem: str = ""
    note: str = ""


@dataclass
class Result:
    """One row on one network."""

    row: Row
    scene: Scene
    ours: Side
    peers: list[Side]


def prepare(row: Row, scene: Scene) -> Result:
    """Build the closures of a row; a peer that is missing or cannot do it says so."""
    return Result(row, scene, Side("ours", row.ours(scene)), [_side(peer, scene) for peer in row.peers])


def _side(peer: Peer, scene: Scene) -> Side:
    side = Side(peer.name, note=peer.note)
    if peer.library and not installed(peer.library):
        side.problem = "not installed"
        return side
    try:
        side.run = peer.build(scene)
    except Unsupported as reason:
        side.problem = str(reason)
    return side


def compare(result: Result) -> None:
    """Fill in the differences: in single precision, and where rounding may have switched a ReLU, in double.

    Two ways to ask one library for a map are compared once.
    """
    done: dict[str, Side] = {}
    maps: dict[bool, list[Tensor]] = {}
    for side, peer in zip(result.peers, result.row.peers, strict=True):
        if side.run is None or peer.view is None:
            continue
        if peer.library in done:
            side.difference, side.precision = done[peer.library].difference, done[peer.library].precision
            continue
        done[peer.library] = side
        side.difference = _difference(result, peer, maps, double=False)
        if EQUAL < side.difference < FAR:
            in_double = _difference(result, peer, maps, double=True)
            if in_double <= EQUAL:
                side.difference, side.precision = in_double, "float64"


def _difference(result: Result, peer: Peer, maps: dict[bool, list[Tensor]], double: bool) -> float:
    """Between a peer's maps and ours, which are kept in ``maps`` for the next peer."""
    assert peer.view is not None
    scene = result.scene.double if double else result.scene
    if double not in maps:
        maps[double] = result.row.ours(scene)()
    return difference(peer.view(scene, maps[double]), (peer.check or peer.build)(scene)())


def clock(result: Result, seconds: float, least: int, most: int = 15) -> None:
    """Time all sides in turn, until the time is spent; one call each beforehand does not count."""
    sides = [result.ours, *(peer for peer in result.peers if peer.run)]
    for side in sides:
        side.run()
    start = time.perf_counter()
    for round in range(most):
        if round >= least and time.perf_counter() - start > seconds:
            break
        # ours, peer, ours, peer …: each peer is compared with the call of ours just before it
        for peer in sides[1:]:
            mine, theirs = milliseconds(result.ours.run), milliseconds(peer.run)
            result.ours.times.append(mine / result.row.scale)
            peer.times.append(theirs / result.row.scale)
            peer.ratios.append(mine / theirs)
        if len(sides) == 1:
            result.ours.times.append(milliseconds(result.ours.run) / result.row.scale)


def milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def cpu_milliseconds(run: Callable[[], object]) -> float:
    """Of CPU time: a busy machine matters little."""
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1e3


def training(optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor], count: int) -> Run:
    """So many steps of plain torch in one closure, whose first call is made here."""
    def steps() -> list[Tensor]:
        for _ in range(count):
            optimiser.zero_grad()
            value = loss()
            value.backward()
            optimiser.step()
        return [value.detach()]
    steps()
    return steps


def peak(run: Run) -> float | None:
    """MB that a call adds to the resident memory at its worst, in a fork that has never called anything; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    import resource

    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # free pages go back, so that their reuse is counted
    except AttributeError:
        pass  # a C library without it
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a fork starts at its present size
            kept = run()
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            os.write(writing, f"{(after - before) / 1024:.1f} {len(kept)}".encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return float(answer.split()[0]) if answer else None
