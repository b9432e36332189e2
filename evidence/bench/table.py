"""What was measured: as data, in the form of docs/bench, and as lines of markdown while it runs."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import torch

from evidence.bench.measure import Result, Side
from tools.site.bench import cells, rival


def facts() -> dict[str, Any]:
    """Where and when this was measured."""
    return {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "machine": platform.machine(),
            "system": platform.system(), "python": platform.python_version(), "cores": os.cpu_count(),
            "threads": torch.get_num_threads(), "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "not set"),
            "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
            **{name: _version(name) for name in ("torch", "torchvision", "timm", "captum", "zennit", "torchray")}}


def brief() -> str:
    """The facts that a table begins with. On a machine with load, times waver; ratios do less so."""
    machine = facts()
    return " · ".join(f"{name} {machine[name]}" for name in ("date", "machine", "cores", "threads", "load", "torch"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def show(row: dict[str, Any], head: bool = False) -> None:
    """Print a row, under the names of its columns if it is the first; ours beside peers as the site has it."""
    said = cells(row) if "peers" in row else row
    if head:
        print(f"\n| {' | '.join(said)} |\n|{'---|' * len(said)}")
    print(f"| {' | '.join(map(_written, said.values()))} |", flush=True)


def show_all(rows: list[dict[str, Any]]) -> None:
    for n, row in enumerate(rows):
        show(row, head=n == 0)


def _written(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def as_data(result: Result) -> dict[str, Any]:
    """Everything measured of one row on one network."""
    def side(one: Side) -> dict[str, Any]:
        return {"name": one.name, "times_ms": one.times, "ratios": one.ratios, "peak_mb": one.peak,
                "difference": one.difference, "precision": one.precision, "problem": one.problem, "note": one.note}
    return _judged(result.row.name, list(result.row.of), result.scene.name, result.row.target, side(result.ours),
                   [side(peer) for peer in result.peers])


def race_as_data(row: str, methods: list[str], network: str, target: float | None, ours: list[float],
                 other: tuple[str, list[float]]) -> dict[str, Any]:
    """A race of ours and one rival that took turns, milliseconds a round, in the form of :func:`as_data`."""
    name, theirs = other
    rest = {"peak_mb": None, "precision": "float32", "problem": "", "note": "", "difference": None}
    return _judged(row, methods, network, target, {"name": "ours", "times_ms": ours, "ratios": [], **rest}, [
        {"name": name, "times_ms": theirs, "ratios": [a / b for a, b in zip(ours, theirs, strict=True)], **rest}])


def _judged(row: str, methods: list[str], network: str, target: float | None, ours: dict[str, Any],
            peers: list[dict[str, Any]]) -> dict[str, Any]:
    """With whether the goal is met: yes, no, or – where there is none, or no peer."""
    data = {"row": row, "methods": methods, "network": network, "target": target, "ours": ours, "peers": peers}
    peer = rival(data)
    met = "–" if target is None or peer is None else "yes" if median(peer["ratios"]) <= target else "no"
    return data | {"met": met}
