"""The houses, and the rooms of the library: which may use which. Arrows run down only, and never in a circle.

    python tests/test_layers.py        # draws the floors and the rooms on them, with what each uses
"""

import ast
import json
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests import houses

ROOT = houses.ROOT

# Each house, and those that it stands on.
HOUSES = {"u3lab": (), "u3course": ("u3lab",), "u3audit": ("u3lab",), "u3server": ("u3lab", "u3course"),
          "evidence": ("u3lab", "u3course", "u3audit")}
# The rooms of each house, from the ground up. A room uses rooms on lower floors; within the chapters, one uses those
# named before it.
FLOORS = {
    "u3lab": (
        ("errors",),
        ("checks",),
        ("_system",),
        ("settings", "descent", "pixels", "measures"),
        ("images",),
        ("nets", "figures"),
        ("datasets", "training", "live", "warps", "results"),
        *((chapter,) for chapter in ("universal", "selfsup", "landmarks", "prior", "inversion", "saliency",
                                     "adversarial", "equivariance", "dissection", "audit")),
        ("commands",),
        ("__main__",),
    ),
    "u3course": (
        ("checkout", "course", "worlds"),
        ("lessons", "prepare"),
        ("doctor",),
        ("commands",),
    ),
    "u3audit": (
        ("grids", "wording", "own", "drawing", "segments", "windows", "markers"),
        ("volumes", "claims", "parts"),
        ("reading", "methods", "segment_parts"),
        ("keeping", "pooled"),
        ("behind",),
        ("running",),
        ("page",),
        ("commands",),
    ),
    "u3server": (("visitors", "answers", "classes", "contents", "kernels",
                  "copies"), ("start", "grading", "demo", "warming"), ("pages",), ("commands",)),
}
FLOOR = {(house, room): number for house, floors in FLOORS.items() for number, rooms in enumerate(floors)
         for room in rooms}
# PyPI packages; the modules of its own room; a user's own module.
BY_NAME_ELSEWHERE = {"u3lab.nets.weights", "evidence.__main__", "u3audit.own"}
# The course's engine finds the lessons by their name when the program runs: the one arrow that goes up.
DECLARED = {("u3course.course.catalogue", "u3course.lessons")}
JUPYTER = {"IPython", "ipywidgets", "anywidget", "traitlets", "jupyterlab", "jupyter_client", "jupyter_core",
           "jupyter_server"}
KNOW_JUPYTER = {"live", "figures"}  # of the library


MODULES = {houses.name_of(file): file for file in houses.files(*HOUSES)}
ROOMS = sorted(module for module in MODULES if module.count(".") and module.split(".")[0] in FLOORS)


def imports(module: str) -> Iterator[str]:
    """Everything that a module imports, at its top or later: modules of ours in full, of others by their package."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relative to itself; write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def ours(module: str) -> set[str]:
    return {used for used in imports(module) if used in MODULES and used not in HOUSES} - {module}


def house(module: str) -> str:
    return module.partition(".")[0]


def room(module: str) -> tuple[str, ...]:
    """The house, and the room in it."""
    return tuple(module.split(".")[:2])


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_house_uses_those_that_it_stands_on(module: str):
    """Also those that have no module here, such as the tests."""
    others = {house(used) for used in imports(module)} & {*HOUSES, "tests", "tools"} - {house(module)}
    beside = {"tests", "tools"} if module.startswith("evidence.bench") else set()
    assert others <= {*HOUSES[house(module)], *beside}, module


@pytest.mark.parametrize("module", ROOMS)
def test_arrows_run_down(module: str):
    assert room(module) in FLOOR, f"{module} is in a room that has no floor: give {room(module)} one in FLOORS"
    inside = [used for used in ours(module) if house(used) == house(module) and room(used) != room(module)]
    upward = [used for used in inside if FLOOR[room(used)] >= FLOOR[room(module)]]
    assert not upward, f"{module} uses {', '.join(upward)}, which is not below it"


def test_there_is_no_circle():
    uses = {module: ours(module) for module in MODULES if not module.startswith("evidence.bench")}
    for module in uses:  # a package's own file is run before its modules, so what it gathers is no circle
        uses[module] = {used for used in uses[module] if not module.startswith(f"{used}.")}
    try:
        list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_a_package_is_not_used_from_within():
    """A module of a room names its neighbours, never the room itself, whose file imports it."""
    inward = [(module, used) for module in MODULES for used in ours(module) if module.startswith(f"{used}.")]
    assert not inward


def test_the_one_arrow_that_goes_up_is_declared():
    """Who imports by name at run time names a room in one place, and only the declared one does."""
    by_name = {module for module in MODULES if "importlib" in set(imports(module))
               and "import_module(" in MODULES[module].read_text(encoding="utf-8")}
    from u3course.course import catalogue

    by_name = {module for module in by_name if not module.startswith("evidence.bench")}  # asks other libraries
    assert by_name - BY_NAME_ELSEWHERE == {module for module, _ in DECLARED}
    assert (catalogue.__name__, catalogue.LESSONS) in DECLARED


def test_only_a_few_rooms_know_jupyter():
    knowing = {room(module)[1] for module in ROOMS if house(module) == "u3lab"
               and {used.split(".")[0] for used in imports(module)} & JUPYTER}
    assert knowing <= KNOW_JUPYTER


def test_only_lessons_and_evidence_use_lessons():
    for module in MODULES:
        lessons = {used for used in ours(module) if room(used) == ("u3course", "lessons")}
        assert not lessons or house(module) == "evidence" or room(module) == ("u3course", "lessons"), module


def test_a_package_offers_what_it_imports():
    """So it has no ``__all__``, which would be a second list; but the whole library, whose version is no import."""
    listing = [path for house in HOUSES for path in (ROOT / house).rglob("__init__.py")
               if "__all__" in path.read_text(encoding="utf-8")]
    assert listing == [ROOT / "u3lab" / "__init__.py"]


@pytest.mark.parametrize("file", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_notebook_uses_no_evidence(file: Path):
    """What a notebook needs belongs to its lessons; a program of evidence is run from a command line."""
    code = "".join(line for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
                   if cell["cell_type"] == "code" for line in [*cell["source"], "\n"])
    assert not re.findall(r"^\s*(?:from|import) evidence\b.*", code, re.MULTILINE)


def drawn() -> str:
    """The houses and their floors as text, the highest first: each room with the rooms that it uses."""
    lines = []
    for name, floors in reversed(FLOORS.items()):
        lines += [f"═ {name} ".ljust(60, "═")]
        for one in (one for rooms in reversed(floors) for one in rooms):
            used = {room(two) for module in ROOMS if room(module) == (name, one) for two in ours(module)}
            near = sorted(two for at, two in used - {(name, one)} if at == name)
            lines += [f"{one:14}→ {', '.join([*near, *sorted({at for at, _ in used} - {name})]) or '(nothing)'}"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(drawn())
