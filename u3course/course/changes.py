"""The small changes of somebody's lines that may mend them: one expression for another, a statement elsewhere.

A change is tried by :mod:`u3course.course.repairs`, and named only if it makes the answer right. What may stand in the
place of an expression is in :mod:`u3course.course.slips`.
"""

from __future__ import annotations

import ast
import copy
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from u3course.course import slips
from u3course.course.slips import Made
from u3course.course.syntax import Names, Place, called, places_of, quoted, replaced

LONG = 60  # letters of code that are quoted in full
PAIRS = 5  # places of one sort that are also changed two by two


class Change(NamedTuple):
    """Nodes that take the place of others, all at once; ``said`` is why, or all that is to be said of statements."""

    new: list[tuple[Place, Any, Any]]  # the place, what stands there, what is to stand there
    said: str = ""
    line: int = 0  # of statements

    @property
    def words(self) -> str:
        """What to say if that is right, after "it would be right with"."""
        if self.line:
            return f"{self.said} (line {self.line})"
        told = list(dict.fromkeys(_told(*one) for one in self.new))
        lines = sorted({one[1].lineno for one in self.new})
        where = f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
        return f"{' and '.join(told)} ({where})" + (f": {self.said}" if self.said else "")


def changes(tree: ast.AST, near: bool) -> Iterator[Change]:
    """Small changes of a function: those that are usual, or all others."""
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda))
    names = Names.of(function)
    places = list(places_of(function))
    yield from _each(places, names, *(slips.FIRST if near else slips.FAR))
    if near and isinstance(function, ast.FunctionDef):
        yield from _moved(function, names.all)
    yield from _each(places, names, *(slips.NEAR if near else ()))


def _told(place: Place, old: ast.AST, new: ast.AST) -> str:
    """The two, with what stands around them if they are but a name or a number; of long ones, where they differ."""
    short = ast.Name | ast.Constant | ast.UnaryOp
    around = isinstance(old, short) and isinstance(new, short) and isinstance(
        place.owner, ast.expr | ast.keyword | ast.Return)
    before = quoted(place.owner if around else old)
    place.put(new)
    after = quoted(place.owner if around else new)
    place.put(old)
    if min(len(before), len(after)) > LONG:
        same = len(os.path.commonprefix([before, after])) - 20
        rest = len(os.path.commonprefix([before[:same:-1], after[:same:-1]])) - 20
        before, after = (f"{'… ' * (same > 0)}{text[max(same, 0):len(text) - max(rest, 0)]}{' …' * (rest > 0)}"
                         for text in (before, after))
    return f"`{after}` in the place of `{before}`"


def _each(places: list[Place], names: Names, *kinds: Callable[[Place, Names], Made]) -> Iterator[Change]:
    """Each change of one kind after the other: in one place, then in several where the same would be changed."""
    for kind in kinds:
        alike: dict[tuple, list] = {}
        for place in places:
            for new, why, sort in kind(place, names):
                one = place, place.node, new
                yield Change([one], why)
                text = place.node.id if isinstance(place.node, ast.Name) else ""
                for key in (place.skeleton, called(place.node)[0], text, "all") if sort else ():
                    if key and (key != "all" or "_" not in sort):
                        alike.setdefault((sort, key), []).append((one, why))
                if not sort and isinstance(place.node, ast.Name | ast.Constant):
                    alike.setdefault((ast.dump(place.node), ast.dump(new)), []).append((one, why))
        seen = set()
        for (sort, _), group in alike.items():
            some = [group] if len(group) > 1 else []
            if 2 < len(group) <= PAIRS:
                some += itertools.combinations(group, 2)
            for several in some:
                which = sort, *(id(one[1]) for one, _ in several)
                if which not in seen and len({*which}) == len(which):
                    seen.add(which)
                    yield Change([one for one, _ in several], several[0][1])


def _moved(function: ast.FunctionDef, names: Iterable[str]) -> Iterator[Change]:
    """Statements that stand elsewhere: in a loop or out of it, earlier, for another name too, or not at all."""
    for owner in ast.walk(function):
        body = getattr(owner, "body", None)
        if not isinstance(body, list) or isinstance(owner, ast.ClassDef):
            continue

        def made(statements: list, words: str, where: ast.stmt, owner: ast.AST = owner, body: list = body) -> Change:
            return Change([(Place(owner, "body", None, owner, False), body, statements)], words, where.lineno)

        for n, one in enumerate(body):
            before, after, told = body[:n], body[n + 1:], f"`{quoted(one)}`"
            if isinstance(one, ast.For):
                yield from _of_loop(one, before, after, made)
            simple = isinstance(one, ast.Expr | ast.Assign | ast.AugAssign)
            if simple and len(body) > 1:
                yield made([*before, *after], f"no {told}", one)
            if simple and n:
                yield made([*before[:-1], one, before[-1], *after], f"{told} one line earlier", one)
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                if owner is not function:
                    yield from _summed(function, owner, one)
                for other in names:
                    renamed = _renamed(one, one.targets[0].id, other)
                    if ast.dump(renamed) != ast.dump(one):
                        yield made([*before, one, renamed, *after], f"`{quoted(renamed)}` as well", one)


def _of_loop(loop: ast.For, before: list, after: list, made: Callable[..., Change]) -> Iterator[Change]:
    first, last = loop.body[0], loop.body[-1]
    if len(loop.body) > 1:
        yield made([*before, replaced(loop, body=loop.body[:-1]), last, *after],
                   f"`{quoted(last)}` after the loop, not in it", last)
        yield made([*before, first, replaced(loop, body=loop.body[1:]), *after],
                   f"`{quoted(first)}` before the loop, not in it", first)
    if after and not isinstance(after[0], ast.Return):
        yield made([*before, replaced(loop, body=[*loop.body, after[0]]), *after[1:]],
                   f"`{quoted(after[0])}` in the loop, not after it", after[0])
    elif after and not isinstance(after[0].value, ast.Name | None):
        for name in sorted({one.id for one in ast.walk(loop) if isinstance(one, ast.Name)
                            and isinstance(one.ctx, ast.Store)}):
            each = _assigned(name, after[0].value)
            yield made([*before, replaced(loop, body=[*loop.body, each]), ast.Return(ast.Name(name, ast.Load()))],
                       f"`{quoted(each)}` at the end of each round, not once after the loop", after[0])
    if before:
        yield made([*before[:-1], replaced(loop, body=[before[-1], *loop.body]), *after],
                   f"`{quoted(before[-1])}` in the loop, not before it", before[-1])


def _summed(function: ast.FunctionDef, owner: ast.AST, one: ast.Assign) -> Iterator[Change]:
    """Each round of a loop adds to what the rounds before have found."""
    name = one.targets[0].id
    more = ast.AugAssign(ast.Name(name, ast.Store()), ast.Add(), one.value)
    zero = _assigned(name, ast.Constant(0))
    inner = [more if each is one else each for each in owner.body]
    told = f"`{quoted(more)}` in the place of `{quoted(one)}`: each round forgets those before"
    new = Place(owner, "body", None, owner, False), owner.body, inner
    yield Change([new], told, one.lineno)
    yield Change([new, (Place(function, "body", None, function, False), function.body, [zero, *function.body])],
                 f"`{name} = 0` before the loop and {told}", one.lineno)


def _assigned(name: str, value: ast.AST) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def _renamed(node: ast.AST, name: str, other: str) -> ast.AST:
    node = copy.deepcopy(node)
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id == name:
            one.id = other
    return node
