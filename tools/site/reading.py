"""What Sphinx calls as it reads: notebooks as the site shows them, docstrings, and what these refer to.

Docstrings are read by `help()` first, and have formulas in plain characters: x_k, |x|, Σ_k w_k A_k, 5 * x.
reStructuredText takes some of these for markup. Here they are escaped, and what is indented (a formula on a line of its
own, an example) is set as it stands. What they refer to is found under the name by which its room offers it, and told
from what does not exist.
"""

import importlib
import re
import sys
from typing import Any

import nbformat
from docutils import nodes
from sphinx.util.nodes import make_refnode

from tools.site.api import OURS

ANCHOR = re.compile(r"(?:(?<=\.ipynb)|(?<=\]\())#[\w:-]+(?=\))")  # JupyterLab's name of a heading, here or elsewhere
# What stays: code, references, and *words* in italics.
KEPT = re.compile(r"(``.+?``|:[a-z:]+:`[^`]+`|`[^`]+`_*|(?<![\w*])\*[^\s*](?:[^*]*[^\s*])?\*(?![\w*]))")
SECTION = re.compile(r"^(Args|Attributes|Examples|Raises|Returns|Yields):$")


def read(text: str) -> nbformat.NotebookNode:
    """A notebook whose pictures have the alt text of their metadata, where MyST-NB looks for it.

    Anchors of headings are in small letters on the site, without a colon; JupyterLab keeps both.
    """
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = ANCHOR.sub(lambda found: found[0].lower().replace(":", ""), cell.source)
        alts = [kind["alt"] for output in cell.get("outputs", ()) for kind in output.get("metadata", {}).values()
                if "alt" in kind]
        if alts:
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(alts)}}
    return notebook


def mend(app: Any, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Change the lines in their place, as Sphinx asks for."""
    lines[:] = _set_apart(lines)


def _escaped(line: str) -> str:
    """The line without marks that mean something only to reStructuredText."""
    parts = KEPT.split(line)
    parts[::2] = [re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def _set_apart(lines: list[str]) -> list[str]:
    """Escaped prose; blocks that are indented below an empty line become literal."""
    found: list[str] = []
    in_block, section = False, False
    for number, line in enumerate(lines):
        before = lines[number - 1] if number else ""
        indented = line.startswith("    ")
        section |= bool(SECTION.match(line))
        if not line.strip() or in_block and indented:
            found.append(line)
            continue
        in_block = indented and not before.strip() and not section and not _announced(found)
        if in_block:
            found += ["::", "", line]
        elif indented and not before.strip() and not section:
            in_block = True
            found.append(line)
        else:
            found.append(line if line.lstrip().startswith((">>>", "..")) else _escaped(line))
    return found


def _announced(found: list[str]) -> bool:
    """Whether the last words before a block end in ::, which makes it literal already."""
    return next((line.rstrip().endswith("::") for line in reversed(found) if line.strip()), False)


def resolve(app: Any, env: Any, node: Any, contnode: nodes.Element) -> nodes.Element | None:
    """A link, or the words alone for a thing that is no public name; None, and so a warning, if there is no such thing.

    A docstring in a file of a room names its neighbours: ``blur`` is documented as ``u3lab.images.blur``.
    """
    if node.get("refdomain") != "py":
        return None
    target, module = node["reftarget"], node.get("py:module") or ""
    inside = [name for name in sys.modules if name.startswith(f"{module}.")] if "." not in target else []
    for start in (module, ".".join(filter(None, (module, node.get("py:class")))), "", *inside):
        home = _home(f"{start}.{target}" if start else target)
        if home is not None:
            return _link(app, env, node, contnode, home) or contnode
    return None


def _home(name: str) -> str | None:
    """The name of a thing of the library in the module that defines it; None if there is no such thing."""
    module, _, rest = name, "", ""
    while module.startswith(OURS):
        try:
            thing = importlib.import_module(module)
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}".rstrip(".")
            continue
        for part in filter(None, rest.split(".")):
            if not hasattr(thing, part):
                return None
            thing = getattr(thing, part)
        return f"{getattr(thing, '__module__', module)}.{rest}" if rest else module
    return None


def _link(app: Any, env: Any, node: Any, contnode: nodes.Element, home: str) -> nodes.Element | None:
    """To what has the same last name on the page of the same room, if there is one."""
    room, last = ".".join(home.split(".")[:2]), home.rpartition(".")[2]
    for name, found in env.domains["py"].objects.items():
        if name.startswith(f"{room}.") and name.rpartition(".")[2] == last:
            return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, contnode, name)
    return None
