"""No notebook and no method names a device: a network is where ``nets.load`` puts it, and the rest follows it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests import houses

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"(cpu|cuda|mps|xpu|hip|xla)(:\d*)?")  # of f"cuda:{n}" the parser shows "cuda:"
# Who may, and why. `.cpu()`, which brings an answer back to where it is drawn or counted, names no place to compute.
ALLOWED = {
    "u3lab/nets/weights.py": "picks the device, for all",
    "u3lab/nets/classifier.py": "a network without weights is somewhere too",
    "u3lab/nets/zoo.py": "a file of weights is read into memory first",
    "u3audit/own.py": "so is a user's",
    "u3lab/warps/random_warps.py": "warps are drawn on the CPU, so that every device gets the same",
    "u3lab/prior/fitting.py": "so is the noise of a run",
    "u3course/doctor.py": "says what there is",
    "evidence/": "what they make is shipped, and comes out the same wherever it is made again",
}
FILES = {path.relative_to(ROOT).as_posix(): path for path in houses.files(*houses.ALL)}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def named(source: str) -> Iterator[str]:
    """Every device that some code names: as a string, ``x.cuda()``, ``torch.cuda``, ``torch.backends.mps``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield f"line {node.lineno}: {node.value!r}"
        elif isinstance(node, ast.Attribute) and node.attr != "cpu" and NAME.fullmatch(node.attr):
            yield f"line {node.lineno}: .{node.attr}"


def allowed(name: str) -> bool:
    return any(name == place or place.endswith("/") and name.startswith(place) for place in ALLOWED)


def test_a_device_is_seen_however_it_is_named():
    for source in ('x.to("cuda")', "x.cuda()", 'f(device="cuda:1")', "torch.cuda.is_available()", 'd = "cpu"',
                   "torch.backends.mps.is_available()", 'torch.zeros(1, device=f("mps"))', 'x.to(f"cuda:{n}")'):
        assert list(named(source)), source
    assert not list(named('x.to(net.device).cpu()\n"""Runs on cuda."""\nprint("no cuda here")'))


def test_no_module_names_a_device_but_those_that_say_why():
    found = {name: list(named(path.read_text(encoding="utf-8"))) for name, path in FILES.items()}
    assert not {name: lines for name, lines in found.items() if lines and not allowed(name)}
    unused = {place for place in ALLOWED if not any(found[name] for name in found if name.startswith(place))}
    assert not unused, "these name none any more, and need no line in ALLOWED"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_names_a_device(path: Path):
    plain = TransformerManager().transform_cell  # a line with % or ! is no Python
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert len(cells) > 5 and not [line for source in cells for line in named(plain(source))]
