"""Mend an answer by one small change of its own lines: the change that makes it right is what was wrong.

Whatever is said of it is true, since the changed answer has passed all cases. A change is one expression for another,
of which :mod:`u3course.course.slips` has the usual ones, or a statement that stands elsewhere.
"""

import ast
import copy
import inspect
import itertools
import math
import os
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any, NamedTuple

from u3course.course import slips
from u3course.course.raised import is_own
from u3course.course.slips import Made
from u3course.course.syntax import Names, Place, called, places_of, quoted, replaced, stored

OUTSIDE = {"plt", "display", "open", "input", "exit", "quit", "os", "sys", "time", "subprocess", "threading"}
SECONDS = 1.5  # of work, for all changes of one answer that are near, and again for the others
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


def repairs(answer: Callable[..., Any], near: bool,
            until: float = math.inf) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The answer with one change each, and the words for an answer that is right with it: "it would be right with …".

    The changes are usual ones, which come ``near``, or the others; they end at a moment of the clock, ``until``.

    There are none of a function whose lines are not known, which has a ``while`` (changed, that may never end), or
    which does something outside of Python.
    """
    tree, name, known = None, "", {}
    with suppress(Exception):  # whose lines are not there, or are part of others
        function = inspect.unwrap(answer)
        tree = _tree(function)
        (head,) = tree.body
        name = head.name if isinstance(head, ast.FunctionDef) else head.targets[0].id
        head.decorator_list = []  # of the function itself, that is, without them
        known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    if known and is_own(function.__code__.co_filename) and not any(isinstance(one, ast.While) or (
            isinstance(one, ast.Name) and one.id in OUTSIDE) for one in ast.walk(tree)):
        yield from _tried(_changes(tree, near), tree, name, known, until)


def used(answer: Callable[..., Any]) -> set[str]:
    """The names that a function's lines use; none if its lines are not known."""
    with suppress(Exception):
        return {one.id for one in ast.walk(_tree(inspect.unwrap(answer)))
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
    return set()


def _tree(function: Callable[..., Any]) -> ast.Module:
    lines, first = inspect.getsourcelines(function)
    return ast.increment_lineno(ast.parse(textwrap.dedent("".join(lines))), first - 1)


def _tried(some: Iterator[Change], tree: ast.Module, name: str, known: dict[str, Any],
           until: float) -> Iterator[tuple[str, FunctionType]]:
    spent = time.thread_time() + SECONDS
    for change in some:
        if time.monotonic() > until or time.thread_time() > spent:
            return
        for place, old, new in change.new:
            for one in new if isinstance(new, list) else [ast.copy_location(new, old)]:
                ast.fix_missing_locations(one)
            place.put(new)
        made = dict(known)
        with suppress(SyntaxError, ValueError, TypeError):  # a change that gives no code
            exec(compile(tree, "<mended>", "exec"), made)
        for place, old, _ in reversed(change.new):
            place.put(old)
        if made.get(name) is not known.get(name):
            yield f"it would be right with {change.words}", made[name]


def _changes(tree: ast.AST, near: bool) -> Iterator[Change]:
    """Small changes of a function: those that are usual, or all others."""
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda))
    names, places = Names.of(function), list(places_of(function))
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
        for n, one in enumerate(body):
            before, after, told = body[:n], body[n + 1:], f"`{quoted(one)}`"
            if isinstance(one, ast.For):
                yield from _of_loop(owner, one, before, after)
            if isinstance(one, ast.Expr | ast.Assign | ast.AugAssign):
                if len(body) > 1:
                    yield _made(owner, [*before, *after], f"no {told}", one)
                if n:
                    yield _made(owner, [*before[:-1], one, before[-1], *after], f"{told} one line earlier", one)
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                if owner is not function:
                    yield from _summed(function, owner, one)
                for other in names:
                    renamed = _renamed(one, one.targets[0].id, other)
                    if ast.dump(renamed) != ast.dump(one):
                        yield _made(owner, [*before, one, renamed, *after], f"`{quoted(renamed)}` as well", one)


def _of_loop(owner: ast.AST, loop: ast.For, before: list, after: list) -> Iterator[Change]:
    """A statement that leaves the loop, or comes into it."""
    first, last, next_one = loop.body[0], loop.body[-1], after[0] if after else None
    if len(loop.body) > 1:
        yield _made(owner, [*before, replaced(loop, body=loop.body[:-1]), last, *after],
                    f"`{quoted(last)}` after the loop, not in it", last)
        yield _made(owner, [*before, first, replaced(loop, body=loop.body[1:]), *after],
                    f"`{quoted(first)}` before the loop, not in it", first)
    if next_one and not isinstance(next_one, ast.Return):
        yield _made(owner, [*before, replaced(loop, body=[*loop.body, next_one]), *after[1:]],
                    f"`{quoted(next_one)}` in the loop, not after it", next_one)
    elif next_one and not isinstance(next_one.value, ast.Name | None):
        for name in sorted(stored(loop)):
            each, result = _assigned(name, next_one.value), ast.Return(ast.Name(name, ast.Load()))
            yield _made(owner, [*before, replaced(loop, body=[*loop.body, each]), result],
                        f"`{quoted(each)}` at the end of each round, not once after the loop", next_one)
    if before:
        yield _made(owner, [*before[:-1], replaced(loop, body=[before[-1], *loop.body]), *after],
                    f"`{quoted(before[-1])}` in the loop, not before it", before[-1])


def _summed(function: ast.FunctionDef, owner: ast.AST, one: ast.Assign) -> Iterator[Change]:
    """Each round of a loop adds to what the rounds before have found."""
    name = one.targets[0].id
    more = ast.AugAssign(ast.Name(name, ast.Store()), ast.Add(), one.value)
    zero = _assigned(name, ast.Constant(0))
    told = f"`{quoted(more)}` in the place of `{quoted(one)}`: each round forgets those before"
    new = _body(owner, [more if each is one else each for each in owner.body])
    yield Change([new], told, one.lineno)
    yield Change([new, _body(function, [zero, *function.body])], f"`{name} = 0` before the loop and {told}", one.lineno)


def _made(owner: ast.AST, statements: list, words: str, where: ast.stmt) -> Change:
    return Change([_body(owner, statements)], words, where.lineno)


def _body(owner: ast.AST, statements: list) -> tuple[Place, Any, Any]:
    """Other statements for a function, a loop or a branch."""
    return Place(owner, "body", None, owner, False), owner.body, statements


def _assigned(name: str, value: ast.AST) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)


def _renamed(node: ast.AST, name: str, other: str) -> ast.AST:
    node = copy.deepcopy(node)
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id == name:
            one.id = other
    return node
