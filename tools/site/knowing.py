"""How we know: for each method its oracle, its row of the bench and its limits. Nothing here is written by hand.

The methods are those of the registries. Oracles are the tests with the mark ``oracle``, read and not run; rows of the
bench are what ``make bench ARGS="--json FILE"`` wrote into docs/bench; limits are what the registries declare.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from u3lab.adversarial.registry import ATTACKS
from u3lab.dissection import FINDERS
from u3lab.inversion import PRIORS
from u3lab.landmarks import DISTANCES, LOSSES
from u3lab.landmarks.training import Loss
from u3lab.prior import FILLERS
from u3lab.saliency import METHODS as SALIENCY
from u3lab.selfsup import TASKS
from u3lab.universal import METHODS as UNIVERSAL

ROOT = Path(__file__).resolve().parent.parent.parent
REGISTRIES: dict[str, Mapping[str, Any]] = {
    "universal": UNIVERSAL, "selfsup": TASKS, "landmarks": {**LOSSES, **DISTANCES}, "prior": FILLERS,
    "inversion": PRIORS, "saliency": SALIENCY, "adversarial": ATTACKS, "dissection": FINDERS}
CHAPTERS = {"universal": ("01",), "selfsup": ("02", "02b"), "landmarks": ("03", "03b"), "prior": ("04",),
            "inversion": ("05", "05b"), "saliency": ("06",), "adversarial": ("06b",), "dissection": ("07", "07b")}


class Oracle(NamedTuple):
    """A test of a method's numbers: where it is, what it compares with, and what its docstring says."""

    test: str
    by: str
    words: str


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
    """A row in words: by how much faster or slower than the fastest peer that gives the same numbers."""
    peers = [peer for peer in row["peers"] if peer["ratios"]]
    equal = [peer for peer in peers if peer["difference"] is None or peer["difference"] < 1e-3]
    what = f"{row['row']}, {row['network']}"
    if not equal:
        return f"{what}: {median(row['ours']['times_ms']):.0f} ms; no peer gives the same numbers"
    rival = max(equal, key=lambda peer: median(peer["ratios"]))
    low, _, high = quantiles(rival["ratios"], n=4) if len(rival["ratios"]) > 1 else rival["ratios"] * 3
    target = "no target" if row["target"] is None else f"target {row['target']}: {row['met']}"
    return f"{what}: {median(rival['ratios']):.2f} ({low:.2f}–{high:.2f}) of the time of {rival['name']}; {target}"


def limits(registry: str, name: str) -> list[str]:
    """What a method cannot do, as its line in the registry declares it."""
    method = REGISTRIES[registry][name]
    told = {"saliency": _of_map, "adversarial": _of_attack, "universal": _of_way, "selfsup": _of_task,
            "landmarks": _of_structure, "prior": _of_filler, "inversion": _of_prior, "dissection": _of_finder}
    return told[registry](method)


def _of_map(method: Any) -> list[str]:
    takes = [f"takes no {part}" for part in ("class", "neuron", "layer") if part not in method.takes]
    return [*takes, *["for networks of ReLUs only"] * method.relus, *["no finer than a layer's cells"] * method.grid,
            *["searches: seconds a picture"] * method.optimises]


def _of_attack(method: Any) -> list[str]:
    return ["one picture at a time", *["has no bound ε: looks for the smallest change"] * ("eps" not in method.takes)]


def _of_way(method: Any) -> list[str]:
    return [*["serves one domain: what it trains in place is lost for others"] * (method.own != "nothing"),
            *["forgets the source: all weights start at random"] * method.fresh,
            *["changes nothing but batch norms and the head"] * (not method.adapter and method.norms
                                                                 and method.own == "nothing"),
            *["changes nothing but the head"] * (not method.adapter and not method.norms and method.own == "nothing")]


def _of_task(method: Any) -> list[str]:
    chance = [] if method.chance is None else [f"guessing scores {method.chance:.2f}"]
    return [f"needs {method.raw}", *chance]


def _of_structure(method: Any) -> list[str]:
    """Of a loss of labels, or of a distance of turns."""
    if isinstance(method, Loss):
        return [*["content with codes that are the same everywhere: training leads there"] * method.constant,
                *["wants the points of all cells"] * method.cells]
    return [*["does not come to rest: its pull stays the same up to the answer"] * (not method.smooth),
            *["hardly pulls at what is wrong by half a turn"] * (not method.far)]


def _of_filler(method: Any) -> list[str]:
    return [*[f"sides that are multiples of {method.step}"] * (method.step > 1),
            "has learnt from photos" if method.photos else "has seen no other picture",
            *["searches: seconds a picture"] * method.searches]


def _of_finder(method: Any) -> list[str]:
    looks = {None: "looks at all units", 0: "looks at nothing", 1: "looks at one unit"}
    return [looks.get(method.units, f"looks at {method.units} units"), "only in pictures that show the concept",
            *["searches: seconds a concept"] * method.searches]


def _of_prior(method: Any) -> list[str]:
    """The ranges of its settings."""
    known = [(field, field.metadata["setting"]) for field in dataclasses.fields(method)]
    return [f"`{field.name}` from {one.low:g} to {one.high:g}" for field, one in known if one.low is not None]


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
    for name in REGISTRIES[registry]:
        key = f"{registry}/{name}"
        compared = [f"{one.by}: `{one.test}`" + (f". {one.words}" if one.words else "") for one in tests[key]]
        timed = [told(row) for row, _ in rows.get(key, ())] or ["no row in the bench's files yet"]
        parts += [f"### {name}", "", *_term("Oracle", compared), *_term("Bench", timed),
                  *_term("Limits", limits(registry, name) or ["none declared"])]
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
row of the **bench**, our time as a part of that of the fastest peer, the median with its quartiles; and the **limits**.
This page is made from the registries, the tests and the bench's files. A method without an oracle fails a test.

The bench was run on: {when}. Ratios are taken in one run, in turns, since times waver on a busy machine.
[More rows](docs/speed.md), [all that is tested](docs/testing.md).
""", *(section(registry) for registry in REGISTRIES)])
