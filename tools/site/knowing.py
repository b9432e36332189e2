"""How we know: for each method its oracle, its row of the bench and its limits. Nothing here is written by hand.

The methods are those of the registries, and of ``lists``. Oracles are the tests with the mark ``oracle``, read and not
run; rows of the bench are what ``make bench ARGS="--json FILE"`` wrote into docs/bench, and where there is none,
tests/bench says why; limits are what registries and lists declare.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from tests.bench.peerless import WHY
from tools.site.attacks import ATTACKS
from tools.site.limits import limits
from tools.site.lists import (
    CENTRES,
    CLUSTERINGS,
    LEARNERS,
    MAPS,
    PATCHES,
    PREDICTORS,
    SIMILARITIES,
    STITCHES,
    TRANSFERS,
)
from u3lab.dissection import FINDERS
from u3lab.inversion import INVERTERS, PRIORS
from u3lab.landmarks import DISTANCES, LOSSES
from u3lab.prior import FILLERS
from u3lab.saliency import METHODS as SALIENCY
from u3lab.selfsup import NUISANCES, TASKS
from u3lab.universal import METHODS as UNIVERSAL
from u3lab.universal.multitask import KINDS


def merged(*registries: Mapping[str, Any]) -> dict[str, Any]:
    """All lines of a room's registries; no two may share a name, since oracles and rows name room and method."""
    lines = {name: method for registry in registries for name, method in registry.items()}
    assert len(lines) == sum(map(len, registries)), f"two methods share a name: {sorted(lines)}"
    return lines


ROOT = Path(__file__).resolve().parent.parent.parent
REGISTRIES: dict[str, Mapping[str, Any]] = {
    "universal": merged(UNIVERSAL, CENTRES, PREDICTORS, KINDS),
    "selfsup": merged(TASKS, CLUSTERINGS, NUISANCES, TRANSFERS), "landmarks": merged(LOSSES, DISTANCES, LEARNERS),
    "prior": FILLERS, "inversion": merged(PRIORS, INVERTERS), "saliency": SALIENCY,
    "adversarial": merged(ATTACKS, PATCHES), "equivariance": merged(MAPS, STITCHES, SIMILARITIES),
    "dissection": FINDERS}
CHAPTERS = {"universal": ("01", "01b"), "selfsup": ("02", "02b", "02c"), "landmarks": ("03", "03b"), "prior": ("04",),
            "inversion": ("05", "05b"), "saliency": ("06",), "adversarial": ("06b",),
            "equivariance": ("06c",), "dissection": ("07", "07b")}


class Oracle(NamedTuple):
    """A test of a method's numbers: where it is, what it compares with, and what its docstring says."""

    test: str
    by: str
    words: str


@cache
def oracles() -> dict[str, list[Oracle]]:
    """Method, as "registry/name" → its oracles."""
    found: dict[str, list[Oracle]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for by, methods in _marks(node):
                words = " ".join((ast.get_docstring(node) or "").split())
                test = f"{file.relative_to(ROOT).as_posix()}::{node.name}"
                for key in methods:
                    found.setdefault(key, []).append(Oracle(test, by, words))
    return found


def _marks(node: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """The oracle marks of a test: by what, and of which methods."""
    for mark in getattr(node, "decorator_list", ()):
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.oracle":
            yield ast.literal_eval(mark.args[0]), [f"{given.arg}/{name}" for given in mark.keywords
                                                   for name in ast.literal_eval(given.value)]


@cache
def bench() -> dict[str, list[tuple[dict, dict]]]:
    """Method → its rows of the bench, each with the machine that it was measured on."""
    found: dict[str, list[tuple[dict, dict]]] = {}
    for file in sorted((ROOT / "docs" / "bench").glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        for row in data["rows"]:
            for key in row["methods"]:
                found.setdefault(key, []).append((row, data["machine"]))
    return found


def told(row: dict) -> str:
    """A row in words: our time as a part of the fastest peer's.

    Of those with the same numbers if there are any, else of those whose numbers were compared.
    """
    peers = [peer for peer in row["peers"] if peer["ratios"]]
    compared = [peer for peer in peers if peer["difference"] is not None]
    equal = [peer for peer in compared if peer["difference"] < 1e-3]
    what = f"{row['row']}, {row['network']}"
    if not peers:
        return f"{what}: {median(row['ours']['times_ms']):.0f} ms; there was no peer"
    rival = max(equal or compared or peers, key=lambda peer: median(peer["ratios"]))
    low, _, high = quantiles(rival["ratios"], n=4) if len(rival["ratios"]) > 1 else rival["ratios"] * 3
    target = "no target" if row["target"] is None else f"target {row['target']}: {row['met']}"
    apart = "" if equal else (f", whose numbers differ by {rival['difference']:.0e} of the greatest" if compared else
                              ", numbers not compared")
    part = f"{median(rival['ratios']):.2f} ({low:.2f}–{high:.2f})"
    why = f"; {row['why']}" if row.get("why") else ""
    return f"{what}: {part} of the time of {rival['name']}{apart}; {target}{why}"


def breaks(number: str) -> str:
    """A link to the section of a notebook in which its methods break."""
    file = next((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    heading = next(re.search(r"^## (.*where it breaks.*)$", "".join(cell["source"]), re.M | re.I)[1] for cell in cells
                   if re.search(r"^## .*where it breaks", "".join(cell["source"]), re.M | re.I))
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    return f"[notebook {number}, {heading}](notebooks/{file.name}#{anchor})"


def section(registry: str) -> str:
    """All methods of one registry."""
    tests, rows = oracles(), bench()
    about = import_module(f"u3lab.{registry}").__doc__.splitlines()[0]
    parts = [f"## {registry}", "", about, "",
             f"Where these methods break: {', '.join(breaks(n) for n in CHAPTERS[registry])}.", ""]
    for name, method in REGISTRIES[registry].items():
        key = f"{registry}/{name}"
        compared = [f"{one.by}: `{one.test}`" + (f". {one.words}" if one.words else "") for one in tests[key]]
        timed = [told(row) for row, _ in rows.get(key, ())] or [f"no row: {WHY[key]}"]
        parts += [f"### {name}", "", *_term("Oracle", compared), *_term("Bench", timed),
                  *_term("Limits", limits(method))]
    return "\n".join(parts)


def _term(word: str, lines: list[str]) -> list[str]:
    """A word and what is said of it, a paragraph each."""
    return [word, ":   " + "\n\n    ".join(lines), ""]


def page() -> str:
    """The whole page."""
    machines = {json.dumps(machine): machine for rows in bench().values() for _, machine in rows}
    when = "; ".join(f"{one['date'][:10]}, {one['cores']} cores, {one['threads']} thread, load {one['load'][0]}, "
                     f"torch {one['torch']}" for one in machines.values())
    return "\n".join([f"""# How we know

For each method: the **oracle**, other people's numbers or a slower and plainer way, and the test that compares; the
row of the **bench**, our time as a part of that of the fastest peer, the median with its quartiles, or why there is
none; and the **limits**.
This page is made from the registries, the tests and the bench's files. A method without
one of the three fails a test.

The bench was run on: {when}. Ratios are taken in one run, in turns, since times waver on a busy machine.
[More rows](docs/speed.md), [all that is tested](docs/testing.md).
""", *(section(registry) for registry in REGISTRIES)])
