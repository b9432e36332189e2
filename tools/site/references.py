"""What docstrings refer to: found under the name by which its room offers it, and told from what does not exist."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

from tools.site.api import OURS


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
