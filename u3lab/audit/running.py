"""Run the audit: five measures in order, each kept as soon as it is done.

    report = run(net, cases, out="report")      # stopped and called again, it goes on
    write(report, "report")                     # report/report.html and report.json
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from u3lab import pixels
from u3lab._system import paths
from u3lab.audit.cases import ASK, Cases, score
from u3lab.audit.parts import PARTS, Part, settings
from u3lab.checks import is_a, place, whole, words
from u3lab.errors import U3Error
from u3lab.nets import ready
from u3lab.training.batches import fingerprint

FOLDER = "parts"


def run(net: nn.Module, cases: Cases, *, positive: int | str = 1, out: str | os.PathLike[str], seed: int = 0,
        trained: Sequence[str] = ()) -> dict[str, Any]:
    """Measure the five numbers, and return all that a page says of them.

    A number that cannot be had is missing, with the sentence that says why; it does not end the run. Each finished part
    is in OUT/parts, and is taken from there if network, cases, class and seed are the same.

    Parameters
    ----------
    net
        Any network for such pictures, in evaluation mode, (B,C,…) → (B,K).
    cases
        Pictures with labels, outlines and patients.
    positive
        The class of the finding.
    out
        The folder of the report.
    seed
        Of everything that is drawn.
    trained
        Patients that the network learnt from, if they are known: the page names those who are also among the cases.

    Raises
    ------
    U3Error
        No network, no cases, answers that are not finite scores, no such class, or a folder that cannot be written.
    """
    from tqdm import tqdm

    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    out, seed = place("out", out, "the folder of the report"), whole("seed", seed, 0)
    trained = words("trained", trained, none=True)
    stamp = stamp_of(net, cases, positive, seed)
    found = {}
    try:
        for name in (bar := tqdm(PARTS, unit="number")):
            bar.set_description(name)
            file = out / FOLDER / f"{name.replace(' ', '_')}.json"
            if (part := _kept(file, stamp)) is None:
                text = json.dumps(_measured(name, net, cases, positive, seed, file.parent) | {"stamp": stamp}, indent=1)
                paths.write_atomically(file, text.encode())
                part = json.loads(text)  # as it will be read
            found[name] = part | {"axes": cases.images.ndim - 2}
    except OSError as error:
        raise U3Error(f"the report cannot be written to {out} ({error.strerror}); give another folder as out= "
                      "(--out)") from None
    return {"network": net.name, "class": positive, "seed": seed, "stamp": stamp, **_facts(cases, trained),
            "settings": settings(cases), **_versions(), "parts": found}


def stamp_of(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> str:
    """What tells one audit from another: the network by its weights and answers, the cases, class, seed, version."""
    from u3lab import __version__

    said = f"{positive} {seed} {__version__} {list(cases.groups)} {net.name} {settings(cases)}"
    text = torch.tensor(list(said.encode()), dtype=torch.uint8)
    answers = (score(net, cases.images, positive) * 1000).round()  # threads change the last digits
    known: list[Tensor] = [text, answers, cases.images, cases.positive, *net.state_dict().values()]
    return fingerprint(known if cases.outlines is None else [*known, cases.outlines])


def _kept(file: Path, stamp: str) -> dict[str, Any] | None:
    """A part that was finished before, with its pictures; None if there is none of this network and these cases."""
    try:
        part = json.loads(file.read_text(encoding="utf-8"))
        there = all((file.parent / shot["file"]).is_file() for row in part["rows"] for shot in row)
        return part if there and part["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _measured(name: str, net: nn.Module, cases: Cases, positive: int | str, seed: int, folder: Path) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        part = PARTS[name](net, cases, positive, seed)
    except U3Error as error:
        return {"value": None, "why": str(error), "floor": None, "facts": {}, "rows": [],
                "seconds": round(time.perf_counter() - start, 1)}
    return {"value": part.value, "why": "", "floor": part.floor, "facts": part.facts,
            "rows": _drawn(name.replace(" ", "_"), part, folder), "seconds": round(time.perf_counter() - start, 1)}


def _drawn(name: str, part: Part, folder: Path) -> list[list[dict[str, str]]]:
    """The part's pictures as PNG files, and what is said of them."""
    rows = []
    for r, row in enumerate(part.rows):
        rows.append([])
        for c, shot in enumerate(row):
            file = f"{name}_{r + 1}{'abc'[c]}.png"
            paths.write_atomically(folder / file, pixels.png(shot.image.contiguous()))
            rows[-1].append({"file": file, "alt": shot.alt, "caption": shot.caption})
    return rows


def _facts(cases: Cases, trained: Sequence[str]) -> dict[str, Any]:
    named = set(cases.patients or ())
    return {"pictures": len(cases), "positives": int(cases.positive.sum()), "sides": list(cases.images.shape[1:]),
            "patients": len(named) or None, "shared": sorted(named & set(trained)), "trained": len(set(trained)),
            "outlines": None if cases.outlines is None else int(
                (cases.outlines.flatten(1).any(1) & cases.positive).sum())}


def _versions() -> dict[str, str]:
    from u3lab import __version__

    return {"u3lab": __version__, "torch": torch.__version__, "python": platform.python_version(),
            "made": datetime.datetime.now().astimezone().isoformat(" ", "minutes")}
