"""What is imported is installed: the library's with the course, that of tests and tools with an extra that names it."""

import ast
import importlib
import re
import sys
from contextlib import suppress
from importlib import metadata

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import houses
from tests.test_packaging import PROJECT, ROOT, ranges


def closure(lines: list[str]) -> set[str]:
    """The packages that pip installs here for these lines, as far as they are installed."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(line), "") for line in lines]
    while waiting:
        one, extra = waiting.pop()
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        for key in {(canonicalize_name(one.name), wanted) for wanted in ("", *one.extras)} - found:
            found.add(key)
            try:
                waiting += [(Requirement(line), key[1]) for line in metadata.requires(key[0]) or ()]
            except metadata.PackageNotFoundError:  # of this environment alone, such as torch's for CUDA
                continue
    return {name for name, _ in found}


def imported(source: str) -> dict[str, bool]:
    """The packages that some code imports, not Python's nor ours; and whether it is ready for one that is missing."""
    tree = ast.parse(source)
    asked = {inner for node in ast.walk(tree) if isinstance(node, ast.Try)
             and any(handler.type and "ImportError" in ast.unparse(handler.type) for handler in node.handlers)
             for line in node.body for inner in ast.walk(line)}
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        found |= {top: node in asked or found.get(top, False) for top in (name.partition(".")[0] for name in names)}
    return {name: there for name, there in found.items() if name not in {*sys.stdlib_module_names, *houses.ALL}}


def test_what_is_imported_is_installed_with_the_course_or_can_be_missing():
    """The wheel is tried beside the packages of this environment, which has more than the course asks for."""
    plain = TransformerManager().transform_cell  # a line with % or ! is no Python
    files = {path: path.read_text(encoding="utf-8") for path in houses.files(*houses.SHIPPED)}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        files[path] = "\n".join(plain(cell.source) for cell in cells if cell.cell_type == "code")
    ours, owners = closure(PROJECT["dependencies"]), metadata.packages_distributions()
    extras = ranges(sum(PROJECT["optional-dependencies"].values(), []))
    outside = {(name, ready) for source in files.values() for name, ready in imported(source).items()
               if not {canonicalize_name(owner) for owner in owners.get(name, ())} & ours}
    assert len(ours) > 60 and {"torch", "numpy", "jupyterlab", "traitlets"} <= ours and "captum" not in ours
    assert outside == {("nbgrader", True), ("nibabel", True), ("pydicom", True), ("sporco", True)}
    assert {name for name, _ in outside} <= {*extras}
    assert imported("import a.b\ntry:\n    from c import d\nexcept ImportError:\n    import e, os\nimport c.f\n"
                    ) == {"a": False, "c": True, "e": False}


# What only some tools and rows of the bench use → what has it, which their files name.
BROUGHT = {"av": "av", "cv2": "opencv-python-headless", "docutils": "sphinx", "lightly": "lightly",
           "nrrd": "pynrrd", "peft": "peft", "pytorch_grad_cam": "grad-cam"}


def test_what_tests_and_tools_import_is_the_course_s_or_named_in_an_extra():
    """Not brought by another extra's package, whose oldest release may lack it. What is not installed has its name."""
    ours, owners = closure(PROJECT["dependencies"]), metadata.packages_distributions()
    ours |= {*ranges(sum((PROJECT["optional-dependencies"][extra] for extra in ("test", "docs", "peers")), []))}
    scripts = {"tests", "tools", *(file.stem for file in (ROOT / "tools").glob("*.py"))}
    outside = set()
    for path in (path for folder in ("tests", "tools", "evidence") for path in (ROOT / folder).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        names = {*imported(source)} - scripts
        words = {*re.findall(r"[\w-]+", ast.get_docstring(ast.parse(source)) or "")}
        for name in names:
            if not {canonicalize_name(owner) for owner in owners.get(name, [name])} & ours:
                outside.add(name)
                assert BROUGHT.get(name) in words | names - {name}, f"{path.name} imports {name}, which no extra names"
    assert outside == {*BROUGHT} and "nbformat" in ours and "aiohttp" in ours


def test_what_notebooks_ask_of_our_modules_is_there():
    """A cell that makes a player does not run it: what the player asks of a module may be gone, and no cell fails."""
    asked = []
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        tree = ast.parse("\n".join(TransformerManager().transform_cell(cell.source) for cell in cells
                                   if cell.cell_type == "code"))
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in houses.SHIPPED:
                for alias in node.names:
                    with suppress(ModuleNotFoundError):  # a function or a class
                        modules[alias.asname or alias.name] = importlib.import_module(f"{node.module}.{alias.name}")
        reused = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        asked += [(path.name, ast.unparse(node), hasattr(modules[node.value.id], node.attr)) for node in ast.walk(tree)
                  if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                  and node.value.id in modules.keys() - reused]
    assert len(asked) > 500 and not [one for *one, there in asked if not there]
