"""What may stand in the place of an expression, if somebody made a usual slip there: for each kind, (node, why, sort).

Changes of one sort may be wanted in several places at once.
"""

import ast
import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor

from u3course.course.syntax import Names, Place, called, filled, is_module, parsed, replaced

SOFTMAX = "`cross_entropy` takes the scores as they are, and makes the softmax itself"
KEPT = "the axis has to stay, with length 1"
REDUCING = set("sum mean amax amin norm std var prod logsumexp max min argmax argmin any all median quantile".split())
AXIAL = set("roll flip rot90 softmax log_softmax normalize cat stack squeeze diff cumsum sort topk unbind".split())
AXES = "0 1 2 3 -1 -2 (2,3) (1,2,3) (0,2,3) (-2,-1) (0,1) (1,2)".split()
# Names that are taken for each other, of functions, of what they give and of their options.
ALIKE = [group.split() for group in (
    "sum mean amax amin max min norm prod std var median", "softmax sigmoid log_softmax logsigmoid tanh relu",
    "log log2 log10 log1p exp", "square abs sqrt sign pow norm", "argmax argmin", "zeros ones eye",
    "zeros_like ones_like", "minimum maximum", "any all", "avg_pool2d max_pool2d", "sin cos tan", "cat stack",
    "view reshape", "T mT", "flip roll", "Adam SGD", "repeat repeat_interleave", "floor ceil round",
    "nearest bilinear bicubic", "ij xy", "values indices", "constant replicate reflect circular", "mul matmul",
    "cross_entropy nll_loss")]
BY_NAME = {"stride", "padding", "dim", "dtype", "keepdim", "size", "mode", "lr"}  # options that are told by their names
SYMBOLS = {ast.BitOr: ("|", 1), ast.BitXor: ("^", 2), ast.BitAnd: ("&", 3), ast.Add: ("+", 5), ast.Sub: ("-", 5),
           ast.Mult: ("*", 6), ast.Div: ("/", 6), ast.FloorDiv: ("//", 6), ast.Mod: ("%", 6), ast.MatMult: ("@", 6),
           ast.Pow: ("**", 8)}
INSTEAD = {"+": "- *", "-": "+ *", "*": "/ @ + **", "/": "*", "@": "*", "&": "| ^", "|": "& ^", "//": "/", "**": "*",
           "^": "|", "%": "//"}
OTHERWISE = {ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt),
             ast.GtE: (ast.Gt, ast.LtE), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,)}
SHAPES = {  # axes that are missing, or in another order
    "_[:, :, None, None]": "two axes are missing", "_[:, None]": "an axis is missing", "_[None]": "an axis is missing",
    "_[..., None]": "an axis is missing", "_[:, :, None]": "an axis is missing", "_[:, None, None]": "two axes are "
    "missing", "_.mT": "it has to be transposed", "_.T": "it has to be transposed",
    "_.transpose(0, 1)": "its first two axes have to change places", "_[0]": "", "_[:, :1]": "one channel is wanted",
    "_.values": "along an axis, `max` and `min` give values and places", "_.diag()": "",
    "torch.tensor([_])": "a tensor is wanted"}
AROUND = {  # a function of it, where it is taken as it is
    "1 - _": "", "_.float()": "numbers are wanted", "_.square()": "a square is missing", "_.abs()": "",
    "_.mean()": "the mean is missing", "_.sum()": "the sum is missing", "_.mean(1)": "", "_.detach()": "",
    "_.clone()": "a copy is missing", "_.sqrt()": "a root is missing", "_.sigmoid()": "the sigmoid is missing",
    "_.softmax(1)": "the softmax is missing", "_.sign()": "the sign is missing", "_.log()": "a logarithm is missing",
    "_.relu()": ""}
Made = Iterator[tuple[ast.AST, str, str]]


def brackets(place: Place, names: Names) -> Made:
    """A method that is not called."""
    node = place.node
    if isinstance(node, ast.Attribute) and place.field != "func" and not is_module(node.value) and callable(
            getattr(Tensor, node.attr, None)):
        yield ast.Call(node, [], []), "brackets call a method", ""


def softmax(place: Place, names: Names) -> Made:
    """One that is taken before that of the cross-entropy."""
    name, given = called(place.node)
    if name == "cross_entropy" and given and called(given[0])[0] == "softmax":
        yield replaced(place.node, args=[called(given[0])[1][0], *place.node.args[1:]]), SOFTMAX, "softmax"


def kept(place: Place, names: Names) -> Made:
    """An axis that is gone and has to stay, or the other way round."""
    node, (name, given) = place.node, called(place.node)
    if name in REDUCING:
        others = [one for one in node.keywords if one.arg != "keepdim"]
        if len(others) < len(node.keywords):
            yield replaced(node, keywords=others), "", "gone"
        elif len(given) > 1 or others:
            yield replaced(node, keywords=[*others, ast.keyword("keepdim", ast.Constant(True))]), KEPT, "kept"


def ends(place: Place, names: Names) -> Made:
    """A range or a slice that ends one too early or too late."""
    if (isinstance(place.owner, ast.Slice) and place.field == "upper") or called(place.owner)[0] == "range":
        for sign, why in (("+", "it ends one too early"), ("-", "it ends one too late")):
            back = isinstance(place.node, ast.BinOp) and ast.unparse(place.node.right) == "1" and SYMBOLS[
                type(place.node.op)][0] not in ("*", sign)
            yield place.node.left if back else filled(f"_ {sign} 1", place.node), why, sign


def signs(place: Place, names: Names) -> Made:
    """A minus that is missing, or a mask that has to be turned round."""
    if isinstance(place.node, ast.Name):
        yield filled("~_", place.node), "true and false have changed places", ""
    yield from _wrapped(place, {"-_": "a minus is missing"})


def _flat(node: ast.AST, least: int = 0) -> list[str]:
    """A term as the operands and operators that one reads; those in brackets are one operand."""
    if not isinstance(node, ast.BinOp) or SYMBOLS[type(node.op)][1] < least:
        plain = not isinstance(node, ast.BinOp | ast.Compare | ast.IfExp | ast.BoolOp | ast.Lambda)
        return [ast.unparse(node) if plain and not (isinstance(node, ast.UnaryOp) and least >= 8) else
                f"({ast.unparse(node)})"]
    symbol, binds = SYMBOLS[type(node.op)]
    power = isinstance(node.op, ast.Pow)
    return [*_flat(node.left, binds + power), symbol, *_flat(node.right, binds + (not power))]


def _is_read_with(owner: ast.AST, field: str, node: ast.BinOp) -> bool:
    """Whether a term is part of a longer one, without brackets around it."""
    if not isinstance(owner, ast.BinOp):
        return False
    power = isinstance(owner.op, ast.Pow)
    return len(_flat(node, SYMBOLS[type(owner.op)][1] + (power if field == "left" else not power))) > 1


def infix(place: Place, names: Names) -> Made:
    """Another operator, an operand less, two in each other's place, brackets that are missing or too many."""
    node = place.node
    if isinstance(node, ast.AugAssign):
        yield replaced(node, op=ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()), "", ""
    if isinstance(node, ast.UnaryOp):
        yield node.operand, "", ""
    if not isinstance(node, ast.BinOp) or _is_read_with(place.owner, place.field, node):
        return
    flat, texts = _flat(node), {}
    last = len(flat) - 1
    for n in sorted(range(0, last + 1, 2), key=lambda n: not flat[n].replace(".", "").isdigit()):
        texts[" ".join(flat[2:] if n == 0 else flat[:n - 1] + flat[n + 1:])] = ""
    for n in range(1, last, 2):
        for other in INSTEAD[flat[n]].split():
            texts[" ".join([*flat[:n], other, *flat[n + 1:]])] = ""
    for n in range(1, last, 2):
        texts[" ".join([*flat[:n - 1], flat[n + 1], flat[n], flat[n - 1], *flat[n + 2:]])] = "the other way round"
    for i, j in itertools.combinations(range(0, last + 1, 2), 2):
        texts[" ".join([*flat[:i], f"({' '.join(flat[i:j + 1])})", *flat[j + 1:]])] = "brackets are missing"
    for n in range(0, last + 1, 2):
        if flat[n][0] == "(" and flat[n][-1] == ")":
            texts[" ".join([*flat[:n], flat[n][1:-1], *flat[n + 1:]])] = "there are brackets too many"
    same = ast.dump(node)
    for text, why in texts.items():
        with suppress(SyntaxError):  # `(a) + (b)` begins and ends with brackets, too
            if ast.dump(new := parsed(text)) != same:
                yield new, why, ""


def sums(place: Place, names: Names) -> Made:
    """A function of two whose difference is meant."""
    node = place.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return
    (left, first), (right, second) = called(node.left), called(node.right)
    if left and left == right and isinstance(node.left.func, ast.Attribute):
        both = ast.BinOp(first[0], node.op, second[0])
        yield replaced(node.left, func=replaced(node.left.func, value=both)), "the difference comes first", ""


def order(place: Place, names: Names) -> Made:
    """Two things in each other's place; a comparison that is the other way round."""
    node = place.node
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from ((replaced(node, ops=[other()]), "", "") for other in OTHERWISE.get(type(node.ops[0]), ()))
    for field in ("elts", "args"):
        several = getattr(node, field, None)
        if isinstance(several, list) and not isinstance(node, ast.FunctionDef):
            for i, j in itertools.combinations(range(len(several)), 2):
                swapped = list(several)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                if isinstance(several[i], ast.Slice) == isinstance(several[j], ast.Slice):
                    yield replaced(node, **{field: swapped}), "two have changed places", "swapped"


def alike(place: Place, names: Names) -> Made:
    """Another function, or another option, of its kind."""
    node = place.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from ((replaced(node, func=other), "", other.attr) for other in _others(node.func, "attr"))
        if node.func.attr == "sum":
            yield filled("_.float().mean()", node.func.value), "a share is a mean", "share"
    elif isinstance(node, ast.Attribute) and place.field != "func":
        yield from ((other, "", "") for other in _others(node, "attr"))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from ((other, "", "") for other in _others(node, "value"))


def _others(node: ast.AST, field: str) -> Iterator[Any]:
    name = getattr(node, field)
    return (replaced(node, **{field: other}) for group in ALIKE if name in group for other in group if other != name)


def options(place: Place, names: Names) -> Made:
    """Something more or less that a function is told."""
    node, (name, _) = place.node, called(place.node)
    if not isinstance(node, ast.Call):
        return
    for n in range(len(node.keywords)):
        yield replaced(node, keywords=[*node.keywords[:n], *node.keywords[n + 1:]]), "", ""
    if node.args:
        yield replaced(node, args=node.args[:-1]), "", ""
    for n, one in enumerate(node.args):
        if isinstance(one, ast.Name) and one.id in BY_NAME:
            yield replaced(node, args=[*node.args[:n], *node.args[n + 1:]], keywords=[
                *node.keywords, ast.keyword(one.id, one)]), "it has to be told by its name", ""
    if name in AXIAL:
        yield from ((replaced(node, args=[*node.args, parsed(axes)]), "the axis is missing", "axis") for axes in AXES)


def along(place: Place, names: Names) -> Made:
    """Another axis."""
    told = called(place.owner)[0] in REDUCING | AXIAL or getattr(place.owner, "arg", "") in ("dim", "axis")
    if told and isinstance(place.node, ast.Constant) and type(place.node.value) is int:
        yield from ((parsed(axis), "", "") for axis in AXES[:6] if axis != str(place.node.value))


def numbers(place: Place, names: Names) -> Made:
    """Another number, or the other truth; other axes, in a tuple."""
    node = place.node
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    if isinstance(value, bool):
        yield ast.Constant(not value), "", ""
    elif isinstance(value, int | float):
        whole = value - 1, value + 1, 0, 1, 2, 3, 2 * value, value // 2, 4
        others = whole if isinstance(value, int) else (2 * value, value / 2, 1 - value, 0.0, 0.5, 1.0, 2.0)
        yield from ((ast.Constant(one), "", "") for one in dict.fromkeys(others) if one != value and one >= 0)
        yield ast.UnaryOp(ast.USub(), node), "", ""
    elif isinstance(node, ast.Tuple) and node.elts and all(isinstance(one, ast.Constant) for one in node.elts):
        yield from ((parsed(axes), "", "") for axes in AXES)


def axes(place: Place, names: Names) -> Made:
    """A mean or a sum over other axes."""
    node, (name, given) = place.node, called(place.node)
    if name in REDUCING and given:
        alone = node.args[:len(node.args) - len(given) + 1]
        rest = [one for one in node.keywords if one.arg not in ("dim", "keepdim")]
        keep = [one for one in node.keywords if one.arg == "keepdim"] or [ast.keyword("keepdim", ast.Constant(True))]
        yield replaced(node, args=alone, keywords=rest), "", ""
        for text in AXES:
            for more in ([], keep):
                yield replaced(node, args=[*alone, parsed(text)], keywords=[*rest, *more]), "", f"over {text}"


def slices(place: Place, names: Names) -> Made:
    """Another part of a tensor."""
    node = place.node
    if not isinstance(node, ast.Subscript):
        return
    texts = [ast.unparse(one) for one in (node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])]
    others = [*dict.fromkeys(texts), ":", "1:", ":-1", "1:-1", ":-2", "2:", "None"]
    made = [(", ".join([*texts[:n], other, *texts[n + 1:]]), "", f"{text} {other}")
            for n, text in enumerate(texts) for other in others if other != text]
    if "..." not in texts:
        made.append((", ".join(["...", *texts]), "the last axes are meant", "last"))
    for text, why, sort in made:
        yield replaced(filled(f"_[{text}]", node.value), ctx=node.ctx), why, sort
    if isinstance(node.ctx, ast.Load):
        yield node.value, "", ""


def chains(place: Place, names: Names) -> Made:
    """A call less, or two calls in the other order."""
    node, (name, given) = place.node, called(place.node)
    if name and given and name not in ("range", "enumerate", "zip", "len"):
        yield given[0], f"without `{name}`", f"no {name}"
        inner = given[0]
        if isinstance(node.func, ast.Attribute) and isinstance(inner, ast.Call) and isinstance(
                inner.func, ast.Attribute) and not is_module(inner.func.value) and inner is node.func.value:
            first = replaced(node, func=replaced(node.func, value=inner.func.value))
            yield replaced(inner, func=replaced(inner.func, value=first)), "in this order", ""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield node.value, "", "plain"


def renamed(place: Place, names: Names) -> Made:
    """Another variable; a variable in the place of a number."""
    node = place.node
    if isinstance(node, ast.Name) and node.id in names.all:
        yield from ((ast.Name(name, ast.Load()), "", "") for name in names.known(node) if name != node.id)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for name in names.known(node):
            yield ast.Name(name, ast.Load()), "", ""
            yield parsed(f"-{name}"), "", ""


def whole(place: Place, names: Names) -> Made:
    """What is returned or kept lacks a variable."""
    if isinstance(place.owner, ast.Return | ast.Assign):
        yield from _wrapped(place, {form.format(name): f"`{name}` is missing" for name, form in itertools.product(
            names.known(place.node), ("{} - _", "{} + _", "_ - {}", "_ * {}", "_ / {}"))})


def partly(place: Place, names: Names) -> Made:
    """A part of it lacks a variable."""
    for form, why in (("_.to({})", ""), ("{0}(_)", "`{0}` is missing"), ("_ * {0}", "`{0}` is missing")):
        yield from _wrapped(place, {form.format(name): why.format(name) for name in names.known(place.node)})


def _wrapped(place: Place, templates: dict[str, str]) -> Made:
    node = place.node
    some = isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript) or (
        isinstance(node, ast.Attribute) and not callable(getattr(Tensor, node.attr, None)))
    stored = any(isinstance(getattr(one, "ctx", None), ast.Store) for one in (place.owner, node))
    counts = place.index or (isinstance(place.owner, ast.Attribute) and place.owner.attr in ("shape", "dtype", "ndim"))
    if some and not stored and not counts and place.field != "func" and not is_module(node):
        yield from ((filled(template, node), why, template) for template, why in templates.items())


FIRST = brackets, softmax, kept, ends, infix, sums, order, signs
NEAR = slices, options, along, alike, chains
FAR = (whole, numbers, axes, renamed, lambda place, names: _wrapped(place, SHAPES),
       lambda place, names: _wrapped(place, AROUND), partly)
