"""The report: machine facts, one line of markdown a row, notes on conventions, a verdict."""

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import torch

from tests.bench.measure import EQUAL, Result, Side

COLUMNS = ("row", "network", "ours ms", "fastest peer", "peer ms", "ours/peer (spread)", "peak MB ours/peer",
           "difference", "target", "met", "other peers")


def facts() -> dict[str, Any]:
    """Where and when this was measured."""
    return {"date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "machine": platform.machine(),
            "system": platform.system(), "python": platform.python_version(), "cores": os.cpu_count(),
            "threads": torch.get_num_threads(), "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "not set"),
            "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
            **{name: _version(name) for name in ("torch", "torchvision", "timm", "captum", "zennit", "torchray")}}


def brief() -> str:
    """The facts that a race of its own begins with."""
    machine = facts()
    return " · ".join(f"{name} {machine[name]}" for name in ("date", "machine", "cores", "threads", "load", "torch"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def header(machine: dict[str, Any]) -> str:
    """The facts in one paragraph, how to read the table, and a warning if the machine is busy."""
    lines = ["# Ours against captum, zennit and TorchRay", "",
             " · ".join(f"{name} {value}" for name, value in machine.items()), "",
             "Sides take turns: ours, peer, ours, peer …; times are medians, the ratio is the median of the ratios of "
             "neighbours with its quartiles. Peers get the torchvision or timm module in the default memory format and "
             "a picture already normalised; for relevance rules, batch norms already folded. Maps are equal if their "
             f"greatest relative difference is at most {EQUAL:g}; only equal peers count for a target, if there is "
             "one. The peak is what one call adds to the resident memory."]
    if machine["load"] and machine["load"][0] > 0.5:
        lines += ["", f"**Warning: the load of this machine is {machine['load'][0]}; times waver, ratios less so.**"]
    return "\n".join(lines)


def line(result: Result) -> str:
    """One row of the table."""
    ours, rival = result.ours, result.rival()
    name, network, own = result.row.name, result.scene.name, f"{ours.time:.1f}"
    if rival is None:
        reasons = "; ".join(f"{peer.name}: {peer.problem}" for peer in result.peers)
        return _joined(name, network, own, "–", "–", "–", f"{_mb(ours)}/–", "–", _target(result), "–", reasons)
    others = "; ".join(_other(peer) for peer in result.peers if peer is not rival)
    return _joined(name, network, own, rival.name, f"{rival.time:.1f}", f"{rival.ratio:.2f} ({_spread(rival)})",
                   f"{_mb(ours)}/{_mb(rival)}", _equal(rival), _target(result), verdict(result), others or "–")


def verdict(result: Result) -> str:
    """yes, no, or – where there is no target or no peer."""
    rival, target = result.rival(), result.row.target
    if rival is None or target is None:
        return "–"
    return "yes" if rival.ratio <= target else "**no**"


def _target(result: Result) -> str:
    return "–" if result.row.target is None else f"≤ {result.row.target}"


def _other(peer: Side) -> str:
    return f"{peer.name} {peer.problem or f'{peer.time:.1f} ms ({_equal(peer)})'}"


def _equal(peer: Side) -> str:
    if peer.difference is None:
        return "not compared"
    if peer.difference > EQUAL:
        return "other convention"
    return f"{peer.difference:.0e}" + (f" in {peer.precision}" if peer.precision else "")


def _spread(peer: Side) -> str:
    ratios = sorted(peer.ratios)
    return f"{ratios[len(ratios) // 4]:.2f}–{ratios[-1 - len(ratios) // 4]:.2f}"


def _mb(side: Side) -> str:
    return "–" if side.peak is None else f"{side.peak:.0f}"


def _joined(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def head() -> str:
    return _joined(*COLUMNS) + "\n" + "|" + "---|" * len(COLUMNS)


def notes(results: list[Result]) -> str:
    """Why maps differ, each reason once, where a peer with that reason differs or was compared by another way."""
    rows: dict[str, dict[str, None]] = {}
    for result in results:
        for side, peer in zip(result.peers, result.row.peers, strict=True):
            if side.note and side.run and (peer.check or side.difference is None or side.difference > EQUAL):
                rows.setdefault(side.note, {})[result.row.name] = None
    return "\n".join(["Conventions:", *(f"- {'; '.join(names)}: {note}" for note, names in rows.items())])


def as_data(result: Result) -> dict[str, Any]:
    """Everything measured, for --json."""
    def side(one: Side) -> dict[str, Any]:
        return {"name": one.name, "times_ms": one.times, "ratios": one.ratios, "peak_mb": one.peak,
                "difference": one.difference, "precision": one.precision or "float32", "problem": one.problem,
                "note": one.note}
    return {"row": result.row.name, "methods": list(result.row.of), "network": result.scene.name,
            "target": result.row.target, "met": verdict(result).strip("*"), "ours": side(result.ours),
            "peers": [side(peer) for peer in result.peers]}


def race_as_data(row: str, methods: list[str], network: str, target: float | None, ours: list[float],
                 rival: tuple[str, list[float]]) -> dict[str, Any]:
    """A race of ours and one rival that took turns, milliseconds a round, in the form of :func:`as_data`."""
    name, theirs = rival
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    met = "–" if target is None else "yes" if median(ratios) <= target else "no"
    rest = {"peak_mb": None, "precision": "float32", "problem": "", "note": "", "difference": None}
    return {"row": row, "methods": methods, "network": network, "target": target, "met": met,
            "ours": {"name": "ours", "times_ms": ours, "ratios": [], **rest},
            "peers": [{"name": name, "times_ms": theirs, "ratios": ratios, **rest}]}
