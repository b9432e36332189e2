"""Run the audit: five measures in order, each kept as soon as it is done.

    report = run(net, cases, out="report")      # stopped and called again, it goes on
    write(report, "report")                     # report/report.html and report.json; maps of scans in report/maps
"""

import copy
import datetime
import importlib.util
import json
import os
import platform
import re
import string
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from u3audit import own, parts, segment_parts
from u3audit.behind import BEHIND
from u3audit.drawing import View
from u3audit.parts import Overlay, Part, Section, settings, untouched
from u3audit.segments import segments
from u3lab import pixels
from u3lab._system import paths
from u3lab.audit.cases import ASK, Cases, score
from u3lab.checks import is_a, one_of, place, whole, words
from u3lab.errors import U3Error
from u3lab.nets import ready
from u3lab.training.loop import fingerprint

FOLDER, MAPS, NAME, ANOTHER = "parts", "maps", "report", "give another folder as out= (--out)"
PARTS = {"classifier": parts.PARTS, "segmentation": segment_parts.PARTS}  # kind of network → what is measured of it
LONG = 60  # letters of a scan's name in that of its map


def run(net: nn.Module, cases: Cases, *, positive: int | str = 1, out: str | os.PathLike[str], seed: int = 0,
        trained: Sequence[str] = (), behind: bool = False) -> dict[str, Any]:
    """Measure the five numbers, and return all that a page says of them.

    A number that cannot be had is missing, with the sentence that says why; it does not end the run. Each finished part
    is in OUT/parts, and is taken from there if network, cases, class and seed are the same. Maps of scans are NIfTI
    files in OUT/maps. A network without ``spacing`` takes that of the scans.

    Args:
        net: Any network for such pictures, in evaluation mode: (B,C,…) → (B,K), or → (B,K,…) with a score for each
            pixel.
        cases: Pictures with labels, outlines and patients.
        positive: The class of the finding.
        out: The folder of the report.
        seed: Of everything that is drawn.
        trained: Patients that the network learnt from, if they are known: the page names those who are also among the
            cases.
        behind: Whether to measure also what stands behind the front page, which takes longer: the parts of
            ``audit.behind``.

    Raises:
        U3Error: No network, no cases, answers that are not finite scores, no such class, no outlines for a network that
            answers for each pixel, or a folder that cannot be written or holds something else's report.
    """
    from tqdm import tqdm

    net, cases = ready(net), is_a("cases", cases, Cases, ASK)
    out, seed = place("out", out, "the folder of the report"), whole("seed", seed, 0)
    trained, weights = words("trained", trained, none=True), own.fingerprint_of(net)
    keep_others(out, net.name, weights)
    with writing(out, ANOTHER):  # before anything is measured
        looked = _written(out / FOLDER / "untouched.json", {}, untouched(cases))
    if net.spacing is None and cases.spacing is not None:
        net = copy.copy(net)  # the user's own stays as it is
        net.spacing = cases.spacing
    kind, stamp = kind_of(net, cases), stamp_of(net, cases, positive, seed)
    own.sound(net, cases.images)
    front, more = PARTS[kind], BEHIND if one_of("behind", behind, (True, False)) else {}
    found = {}
    for name in (bar := tqdm([*front, *more], unit="part")):
        bar.set_description(name)
        file = out / FOLDER / f"{name.replace(' ', '_')}.json"
        if (part := _kept(file, stamp)) is None:
            part, shots, maps = _measured((front | more)[name], net, cases, positive, seed, name in more)
            with writing(out, ANOTHER):
                part = _written(file, part | {"stamp": stamp, "maps": _laid(maps, cases, out / MAPS)}, shots)
        found[name] = part | {"axes": cases.images.ndim - 2, "kind": kind}
    return {"network": net.name, "weights": weights, "kind": kind, "class": positive, "seed": seed, "stamp": stamp,
            **_facts(cases, trained), "settings": settings(cases), **_versions(), "memory": peak(),
            "untouched": looked["rows"],
            "parts": {name: found[name] for name in front}, "behind": {name: found[name] for name in more}}


def kind_of(net: nn.Module, cases: Cases) -> str:
    """"segmentation" if the network answers for each pixel; U3Error if nothing is outlined then."""
    if not segments(net, cases):
        return "classifier"
    if cases.outlines is None:
        raise U3Error(f"{ready(net).name} answers for each pixel, so it is compared with outlines; give outlines= "
                      "(--masks)")
    return "segmentation"


def stamp_of(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> str:
    """What tells one audit from another: the network by its weights and answers, the cases, class, seed, version."""
    from u3lab import __version__

    said = f"{positive} {seed} {__version__} {list(cases.groups)} {net.name} {settings(cases)}"
    said += "".join(f" {grid.name} {grid.world.tolist()}" for grid in cases.grids or () if grid is not None)
    text = torch.tensor(list(said.encode()), dtype=torch.uint8)
    answers = (score(net, cases.images, positive) * 1000).round()  # threads change the last digits
    known: list[Tensor] = [text, answers, cases.images, cases.positive, *own.weights_of(net)]
    return fingerprint(known if cases.outlines is None else [*known, cases.outlines])


def keep_others(out: Path, name: str, weights: str) -> None:
    """Refuse a folder with a report that is none of an audit, or that of a network of another name or weights."""
    there = [file for file in (out / f"{NAME}.json", out / f"{NAME}.html") if os.path.lexists(file)]
    if not there:
        return
    try:
        kept = json.loads(paths.ordinary(there[0]).read_text(encoding="utf-8"))
        theirs = kept["network"], kept["weights"]
    except (OSError, ValueError, KeyError, TypeError):
        raise U3Error(f"{there[0]} would be replaced, and is no report that an audit of this version wrote; "
                      f"{ANOTHER}") from None
    if theirs != (name, weights):
        told = f"{name} with other weights" if theirs[0] == name else f"another network, {theirs[0]}"
        raise U3Error(f"{out} holds the report of {told}, which would be replaced; {ANOTHER}")


def _kept(file: Path, stamp: str) -> dict[str, Any] | None:
    """A part that was finished before, with its pictures; None if there is none of this network and these cases."""
    try:
        part = json.loads(file.read_text(encoding="utf-8"))
        there = all((file.parent / shot["file"]).is_file() for row in part["rows"] for shot in row) and all(
            (file.parent.parent / MAPS / name).is_file() for name in part["maps"])
        return part if there and part["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _measured(measure: Callable[..., Part | Section], net: nn.Module, cases: Cases, positive: int | str, seed: int,
              aside: bool) -> tuple[dict[str, Any], list[list[View]], Sequence[Overlay]]:
    """A part, its pictures and maps, or why it is missing; behind the page (``aside``) no error ends the run."""
    start, found, why = time.perf_counter(), None, ""
    try:
        found = measure(net, cases, positive, seed)
    except U3Error as error:
        why = str(error)
    except Exception as error:
        if not aside:
            raise
        why = f"the network, or what asked it, raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    facts = {"value": None, "floor": None, "facts": {}} if found is None else found._asdict()
    drawn = facts.pop("rows", []), facts.pop("maps", ())
    return facts | {"why": why, "seconds": round(time.perf_counter() - start, 1)}, *drawn


def _written(file: Path, part: dict[str, Any], shots: list[list[View]]) -> dict[str, Any]:
    """Keep the part and its pictures, as PNG files; returns it as it will be read."""
    rows = []
    for r, row in enumerate(shots):
        rows.append([])
        for letter, shot in zip(string.ascii_lowercase, row, strict=False):
            name = f"{file.stem}_{r + 1}{letter}.png"
            paths.write_atomically(file.parent / name, pixels.png(shot.image.contiguous()))
            rows[-1].append({"file": name, "alt": shot.alt, "caption": shot.caption})
    text = json.dumps(part | {"rows": rows}, indent=1)
    paths.write_atomically(file, text.encode())
    return json.loads(text)


@contextmanager
def writing(out: Path, how: str) -> Iterator[None]:
    """Say in one sentence that the folder cannot be written, and ``how`` to go on."""
    try:
        yield
    except OSError as error:
        raise U3Error(f"the report cannot be written to {out} ({error.strerror or error}); {how}") from None


def _laid(maps: Sequence[Overlay], cases: Cases, folder: Path) -> list[str]:
    """A part's maps as NIfTI files that lie over their scans; none without nibabel."""
    names = []
    if maps and cases.grids is not None and importlib.util.find_spec("nibabel") is None:
        warnings.warn("nibabel is not installed, so no maps are written; run `pip install nibabel`", stacklevel=2)
        return names
    for number, kind, map, scan in maps:
        grid = None if cases.grids is None else cases.grids[number]
        if grid is not None:
            names.append(f"{number + 1:03}_{re.sub(r'[^A-Za-z0-9.-]+', '_', grid.name)[-LONG:]}_{kind}.nii.gz")
            grid.write(grid.low + map * (grid.high - grid.low) if scan else map, folder / names[-1])
    return names


def _facts(cases: Cases, trained: Sequence[str]) -> dict[str, Any]:
    named = set(cases.patients or ())
    return {"pictures": len(cases), "positives": int(cases.positive.sum()), "sides": list(cases.images.shape[1:]),
            "patients": len(named) or None, "shared": sorted(named & set(trained)), "trained": len(set(trained)),
            "outlines": None if cases.outlines is None else int(
                (cases.outlines.flatten(1).any(1) & cases.positive).sum())}


def peak() -> float | None:
    """The largest memory of this process so far, in GB; None where the system does not say."""
    if importlib.util.find_spec("resource") is None:  # on Windows
        return None
    resource = importlib.import_module("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def _versions() -> dict[str, str]:
    from u3lab import __version__

    return {"u3lab": __version__, "torch": torch.__version__, "python": platform.python_version(),
            "made": datetime.datetime.now().astimezone().isoformat(" ", "minutes")}
