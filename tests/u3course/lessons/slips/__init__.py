"""Slips that students make, written from the tasks' text alone: not what the library's authors foresee.

A file a topic. Below "=== exercise" stands a right answer, written otherwise than the reference; below each "--- what
it really is" a slip made in it: a pattern of the words by which a message names it, or tells its exact symptom, and the
edits, `old` → `new` (one a line), or a source of its own. ``SIGN`` and the like stand for patterns that many share.
"""

import ast
import re
from pathlib import Path

WORDS = {
    "SIGN": r"\bsign\b|minus|negative",
    "DOWN": r"\bsign\b|minus|uphill|you go up|other way",
    "SCALE": r"too (large|small) by|right one (times|divided)|divid|you took the (sum|mean)|is (the|a) sum",
    "KEEP": r"keepdim|is gone",
    "SHAPE": r"has the shape .* is wanted",
    "RETURN": r"forget `?return",
    "TENSOR": r"where a tensor is wanted",
    "STACK": r"torch\.(stack|cat)",
    "DTYPE": r"float32|float64|dtype",
    "NAME": r"not defined|no name|not known|did you mean|import",
    "ATTRIBUTE": r"has no attribute",
    "INPLACE": r"in place",
    "CALL": r"brackets|without \(\)",
    "UNUSED": r"not used|brings is missing",
    "GRAPH": r"detach|leaf|fresh|anew|second time",
    "REQUIRES": r"requires_grad|require grad",
    "PLACES": r"each other's place|changed places|exchang|swap|other order",
    "ROOT": r"\broots?\b|its square|the square of",
    "AGAIN": r"(in|after) the loop|only one step|first of .* alone|`steps` = 1|one step|first round",
}


def every() -> dict[str, list[tuple[str, list[tuple[str, str, str]]]]]:
    """Exercise → its right answers, each with the slips made in it: the student's cell, its truth, the pattern."""
    found: dict[str, list] = {}
    for file in sorted(Path(__file__).parent.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("\n=== ")[1:]:
            answer, *made = block.split("\n--- ")
            name, right = answer.strip().split("\n", 1)
            slips = [one.strip().split("\n", 2) for one in made]
            found.setdefault(name, []).append((right + "\n", [
                (source(right + "\n", how), truth, named.removeprefix("named: ")) for truth, named, how in slips]))
    return found


def source(right: str, how: str) -> str:
    """The student's cell: the right answer with the edits made in it, or what was written instead of it."""
    if how.startswith("def "):
        return how + "\n"
    for edit in how.splitlines():
        old, new = (part.replace("\\n", "\n") for part in re.fullmatch("`(.*)` → `(.*)`", edit).groups())
        assert right.count(old) == 1, f"{old!r} is {right.count(old)} times in\n{right}"
        right = right.replace(old, new)
    return right


BARE = re.compile(r"((the answer|part \d of the answer) (does not have the right values yet|is right, but )"
                  r"|[;,:]? ?here is an example|your code raised \w+)[:;]? ?")  # what any wrong answer is told


def said(message: str) -> str:
    """What a message says of this slip: its first line, and the error's own words."""
    first, *details = message.splitlines()
    return "\n".join([BARE.sub("", first), *(line for line in details if re.match(r"\w+(Error|Exception)\b", line))])


def names(pattern: str, message: str) -> bool:
    """Whether a message has words of the pattern."""
    return bool(re.search(re.sub(r"[A-Z]{4,}", lambda word: WORDS[word[0]], pattern), said(message)))


def undone(message: str, slip: str, right: str) -> bool:
    """Whether a message names the changes that make of the student's lines the right ones again."""
    (first, *_), (is_now, wanted) = message.splitlines(), (ast.unparse(ast.parse(code)) for code in (slip, right))
    changes = re.findall(r"`([^`]+)` in the place of `([^`]+)`", first)
    if len(changes) == 1:
        new, old = changes[0]
        places = [match.span() for match in re.finditer(re.escape(old), is_now)]
        return wanted in (is_now[:start] + new + is_now[end:] for start, end in places)
    for new, old in changes:
        is_now = is_now.replace(old, new)
    return is_now == wanted
