"""A page for each room of the library, from its docstrings.

Public is what a package gathers in its own file. A module, and a neighbour that a notebook or README's
tour imports by its own name, show what they define without an underscore.
"""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import u3lab

ROOT = Path(__file__).resolve().parent.parent.parent
INNER = ("u3lab._system", "u3lab.__main__", "u3lab.checks", "u3lab.commands")
COURSE = ("u3course.course", "u3course.worlds", "u3audit")  # of what stands on the library: what a notebook calls
OURS = ("u3lab", "u3course", "u3audit", "u3server")
KINDS = ("Functions", "Settings", "Classes", "Names")  # the headings of a page


def rooms() -> list[str]:
    """The packages and modules right below u3lab that others use, and the course's, by name."""
    names = [module.name for module in pkgutil.iter_modules(u3lab.__path__, "u3lab.")]
    return [name for name in names if name not in INNER] + [*COURSE]


def sources() -> Iterator[str]:
    """The code of all notebooks and of README's tour."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield "".join(cell["source"])
    yield from re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)


def imported() -> dict[str, set[str]]:
    """Module → the names that notebooks and README import from it; empty for a module that they import whole."""
    found: dict[str, set[str]] = {}
    for source in sources():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    if importlib.util.find_spec(node.module).submodule_search_locations and _is_module(whole):
                        found.setdefault(whole, set())
                    else:
                        found.setdefault(node.module, set()).add(alias.name)
    return found


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def gathered(package: ModuleType) -> list[str]:
    """The names that a package's own file imports from the library or lists, which is what the package offers."""
    if hasattr(package, "__all__"):
        return list(package.__all__)
    return [alias.asname or alias.name for node in ast.parse(inspect.getsource(package)).body
            if isinstance(node, ast.ImportFrom) and node.module.startswith(OURS) for alias in node.names]


def public(module: ModuleType) -> list[str]:
    """The names that a module offers."""
    if hasattr(module, "__path__") or hasattr(module, "__all__"):
        return sorted(gathered(module), key=str.lower)
    return [name for name, thing in vars(module).items() if not name.startswith("_")
            and getattr(thing, "__module__", None) == module.__name__ and inspect.getdoc(thing)
            and (inspect.isfunction(thing) or inspect.isclass(thing))]


def kind(thing: object) -> str:
    """Under which heading a name stands."""
    if inspect.isclass(thing):
        fields = getattr(thing, "__dataclass_fields__", {}).values()
        return "Settings" if any("setting" in field.metadata for field in fields) else "Classes"
    return "Functions" if inspect.isroutine(thing) else "Names"


def entry(module: ModuleType, name: str) -> str:
    """The directive for one public name, or a line that leads to the room where it lives."""
    thing, full = getattr(module, name), f"{module.__name__}.{name}"
    home = getattr(thing, "__module__", module.__name__)
    room = ".".join(home.split(".")[:2])
    if room.startswith(OURS) and room != ".".join(module.__name__.split(".")[:2]):
        return f"``{name}`` is that of :mod:`{room}`.\n"
    if kind(thing) == "Names":
        return f".. py:data:: {full}\n\n   {contents(thing)}\n"
    directive, options = (("autofunction", "") if kind(thing) == "Functions" else ("autoclass", "   :members:\n"))
    return f".. {directive}:: {full}\n{options}"


def contents(thing: object) -> str:
    """What a name stands for: the names that a registry has, or the value."""
    if isinstance(thing, Mapping):
        return "By name: " + ", ".join(f"``{key}``" for key in thing) + "."
    return f"``{thing!r}``"


def listing(module: ModuleType, names: list[str], line: str) -> str:
    """The names under their headings."""
    parts = []
    for heading in KINDS:
        chosen = [name for name in names if kind(getattr(module, name)) == heading]
        if chosen:
            parts += [heading, line * len(heading), "", *(entry(module, name) for name in chosen)]
    return "\n".join(parts)


def plain_forms(room: str) -> str:
    """The functions that say a formula line by line, beside those that are fast: with their lines."""
    parts = []
    for name in [room, *_below(room)]:
        module = importlib.import_module(name)
        for plain in [one for one in vars(module) if one.startswith("plain_")]:
            thing = getattr(module, plain)
            if thing.__module__ == name and any(plain[6:] in other for other in vars(module) if other != plain):
                parts += [f".. autofunction:: {name}.{plain}", "", ".. code-block:: python", "",
                          *(f"   {line}" for line in inspect.getsource(thing).splitlines()), ""]
    words = "Where speed hides a formula, its plain form stands beside it, and a test compares the two."
    return "\n".join(["Plain forms", "-----------", "", words, "", *parts]) if parts else ""


def _below(room: str) -> list[str]:
    """The modules of a room."""
    paths = getattr(importlib.import_module(room), "__path__", ())
    return [module.name for module in pkgutil.walk_packages(paths, f"{room}.")]


def page(room: str, wanted: dict[str, set[str]]) -> str:
    """One room: what it gathers, then neighbours that are imported by their own names, then plain forms."""
    module = importlib.import_module(room)
    own = public(module)
    parts = [room, "=" * len(room), "", f".. automodule:: {room}", "", listing(module, own, "-")]
    for name in [one for one in _below(room) if one in wanted]:
        neighbour = importlib.import_module(name)
        names = sorted(wanted[name], key=str.lower) or public(neighbour)
        known = [getattr(module, one) for one in own]
        rest = [one for one in names if getattr(neighbour, one) not in known and not one.startswith("plain_")]
        if rest:
            parts += ["", name, "-" * len(name), "", f".. automodule:: {name}", "", listing(neighbour, rest, "~")]
    return "\n".join([*parts, "", plain_forms(room)])


def write(folder: Path) -> None:
    """All pages and their index, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = imported()
    words = "A page for each room, from its docstrings. Formulas are in plain characters, as ``help()`` shows them."
    lines = ["The library", "===========", "", words, "", ".. toctree::", "   :maxdepth: 1", ""]
    for room in rooms():
        short = room.rpartition(".")[2]
        (folder / f"{short}.rst").write_text(page(room, wanted), encoding="utf-8")
        lines.append(f"   {short}")
    (folder / "index.rst").write_text("\n".join(lines) + "\n", encoding="utf-8")
