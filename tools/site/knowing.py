"""How we know: for each method its oracle and its limits; and what an audit does not say. Nothing is by hand.

The methods are those of the registries, and of ``lists``. Oracles are the tests with the mark ``oracle``, read and not
run; limits are what registries and lists declare. How long each method takes is the page of ``bench``.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tools.site import lists
from tools.site.limits import limits
from u3audit.claims import NOT_SAID, measured
from u3course.course import catalogue
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
    "universal": merged(UNIVERSAL, lists.CENTRES, lists.PREDICTORS, KINDS),
    "selfsup": merged(TASKS, lists.CLUSTERINGS, NUISANCES, lists.TRANSFERS),
    "landmarks": merged(LOSSES, DISTANCES, lists.LEARNERS), "prior": FILLERS, "inversion": merged(PRIORS, INVERTERS),
    "saliency": SALIENCY, "adversarial": merged(lists.ATTACKS, lists.PATCHES),
    "equivariance": merged(lists.MAPS, lists.STITCHES, lists.SIMILARITIES), "dissection": FINDERS}
# An audit asks the methods of saliency.
CHAPTERS = {room: tuple(f"0{number}" for number, of in {**catalogue.CHAPTERS, "8": "saliency"}.items() if of == room)
            for room in REGISTRIES}


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


def breaks(number: str) -> str:
    """A link to the section of a notebook in which its methods break."""
    file = next((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    told = (re.search(r"^## (.*where it breaks.*|Break it)$", "".join(cell["source"]), re.M | re.I) for cell in cells)
    heading = next(found[1] for found in told if found)
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    return f"[notebook {number}, {heading}](notebooks/{file.name}#{anchor})"


def section(registry: str) -> str:
    """All methods of one registry."""
    tests = oracles()
    about = import_module(f"u3lab.{registry}").__doc__.splitlines()[0]
    parts = [f"## {registry}", "", about, "",
             f"Where these methods break: {', '.join(breaks(n) for n in CHAPTERS[registry])}.", ""]
    for name, method in REGISTRIES[registry].items():
        key = f"{registry}/{name}"
        compared = [f"{one.by}: `{one.test}`" + (f". {one.words}" if one.words else "") for one in tests[key]]
        parts += [f"### {name}", "", *_term("Oracle", compared), *_term("Limits", limits(method))]
    return "\n".join(parts)


def _term(word: str, lines: list[str]) -> list[str]:
    """A word and what is said of it, a paragraph each."""
    return [word, ":   " + "\n\n    ".join(lines), ""]


def page() -> str:
    """The whole page."""
    return "\n".join(["""# How we know

For each method the **oracle**, other people's numbers or a slower and plainer way, and the test that compares; and its
**limits**. This page is made from the registries and the tests. A method without one of the two fails a test.
How long methods take, beside others, is on [the bench](bench.md); what stands behind the notebooks' claims is on
[Evidence](evidence.md); [docs/testing.md](docs/testing.md) has all that is tested.
""", *(section(registry) for registry in REGISTRIES)])


def not_concluded() -> str:
    """What must not be concluded from an audit: a section for each claim, why it does not follow, what was measured."""
    sections = "\n".join(f"## “{one.claim}”\n\n{one.why}\n"
                         + (f"\n*Measured.* {told}\n" if (told := measured(one)) else "") for one in NOT_SAID)
    return f"""# What must not be concluded from an audit

`u3lab audit` writes a report with five numbers on
[a network of your own](docs/notebooks.md#audit-a-network-of-your-own). None of these sentences follows
from them, nor from all of them together. Each report has this list.

{sections}
The trials: slices of four patients, 96×96 pixels, half of them with a made finding, a soft blob; small networks of four
convolutions, several seeds of each kind: honest ones, and ones that learnt where a marker or the scanner gave the
answer away. The numbers go from the least to the largest of those that judge; [Evidence](evidence.md) has the table,
`audited`.
"""
