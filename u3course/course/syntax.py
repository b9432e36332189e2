"""Somebody's lines as a tree of code: the places of its expressions, its names, and new code in an old place."""

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

_MODULES = "torch", "F", "torch.nn.functional", "math", "torch.linalg", "np", "nn", "torch.optim", "torch.autograd"


class Place(NamedTuple):
    """An expression, and where it stands: ``getattr(owner, field)``, or the element ``number`` of that list."""

    owner: ast.AST
    field: str
    number: int | None
    node: ast.AST
    index: bool  # whether it counts, as in an index or a range

    def put(self, node: Any) -> None:
        """Let another node stand there."""
        if self.number is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.number] = node

    @property
    def skeleton(self) -> str:
        """What stands around it."""
        if not isinstance(self.owner, ast.expr):
            return ""
        self.put(ast.Name("_", ast.Load()))
        try:
            return ast.unparse(self.owner)
        finally:
            self.put(self.node)


class Names(NamedTuple):
    """The names of a function's arguments and variables; those of a loop serve in it."""

    all: list[str]
    loops: list[tuple[set[str], set[int]]]  # the names of a loop, and the nodes in it

    @classmethod
    def of(cls, function: ast.AST) -> "Names":
        """Those that a function has."""
        loops = [(set().union(*(stored(one.target) for one in getattr(loop, "generators", [loop]))),
                  {id(node) for node in ast.walk(loop)}) for loop in ast.walk(function)
                 if isinstance(loop, ast.For | ast.ListComp | ast.GeneratorExp)]
        return cls(list(dict.fromkeys([*(one.arg for one in function.args.args), *sorted(stored(function))])), loops)

    def known(self, node: ast.AST) -> list[str]:
        """Those that have a value where a node stands."""
        away = set().union(*(names for names, nodes in self.loops if id(node) not in nodes))
        return [name for name in self.all if name not in away]


def places_of(node: ast.AST, index: bool = False) -> Iterator[Place]:
    """All expressions that have a value, with where they stand; ``index``: they count, and are no pictures."""
    for field, value in ast.iter_fields(node):
        if field in ("args", "decorator_list", "returns", "annotation") and not isinstance(node, ast.Call):
            continue
        for n, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            inside = index or field == "slice" or called(node)[0] in ("range", "len")
            stored = isinstance(getattr(child, "ctx", None), ast.Store) and not isinstance(child, ast.Subscript)
            if isinstance(child, ast.expr | ast.AugAssign) and not stored:
                yield Place(node, field, n, child, inside)
            yield from places_of(child, inside)


def stored(node: ast.AST) -> set[str]:
    """The names that it gives a value."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def quoted(node: ast.AST) -> str:
    """Its code, on one line."""
    text = " ".join(ast.unparse(node).split())
    if isinstance(node, ast.Tuple) and any(isinstance(one, ast.Slice) for one in node.elts):
        text = f"[{text[1:-1]}]"
    return text


def replaced(node: ast.AST, **fields: Any) -> Any:
    """The same node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def called(node: ast.AST) -> tuple[str, list[ast.AST]]:
    """The name of the function that a node calls, what it works on and what it is told; "" if it calls none."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return "", []
    if isinstance(node.func, ast.Name):
        return node.func.id, node.args
    return node.func.attr, node.args if is_module(node.func.value) else [node.func.value, *node.args]


def is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in _MODULES


def parsed(text: str) -> ast.AST:
    return ast.parse(text, mode="eval").body


def filled(template: str, node: ast.AST) -> ast.AST:
    """The code of a template, with the node where it has ``_``."""
    class Filler(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.AST:  # noqa: N802 (so ast calls it)
            return node if name.id == "_" else name

    return Filler().visit(parsed(template))
