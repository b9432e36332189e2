"""Results that took longer than a notebook has: computed once by an experiment, shipped, and read here.

    table = results.table("hits")               # run → what it reached, both named tuples
    table["squeezenet1_1", "top left", "zebra"].hits
    results.chart("hits")                       # the table's own chart
    results.evidence("hits")                    # one folded line: what was measured, on what, how often …
    results.facts("hits")["recipe"]             # the command that made it, and all else that the file says

``python -m evidence NAME`` makes such a table; what is said of it is text beside it, data/results/NAME.md. A user who
runs it gets a table of their own, in ``U3LAB_RESULTS`` or the system's folder for data. Only ``own=True`` reads that,
so a notebook shows everyone the same: ``results.chart("hits", own=True)`` draws it beside the shipped one.
"""

import difflib
import hashlib
import html
import json
import math
import re
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from u3lab import figures
from u3lab._system import paths
from u3lab.checks import shown
from u3lab.errors import U3Error
from u3lab.figures.canvas import YOURS
from u3lab.measures import Interval

WORDS = {"measured": "What was measured", "on": "On what", "often": "How often", "floor": "Floor", "rivals": "Rivals",
         "chosen": "What was chosen", "limits": "What it does not say"}


def table(name: str, *, own: bool = False) -> dict[tuple, tuple]:
    """The rows of data/results/NAME.json: what was run → what it reached, as named tuples that equal plain ones.

    A number that is not known is NaN; a column with parts of its own, such as a share for each method, is a dict; a row
    of (value, low, high) is an :class:`~u3lab.measures.Interval`.

    Args:
        own: The user's own table of that name in place of the shipped one.

    Raises:
        U3Error: If there is no such file, or it holds no rows; or if the user's own was changed by hand, is not
            finished, or has other columns than the shipped one.
    """
    return rows(_content(name, own))


def facts(name: str, *, own: bool = False) -> dict[str, Any]:
    """All that a table's file says beside its rows: command, versions, date, settings, and what fits and judges.

    ``own`` as for :func:`table`.
    """
    return {key: value for key, value in _content(name, own).items() if key != "rows"}


def chart(name: str, *, own: bool = False) -> figures.Figure:
    """The chart of a table, as its file describes it: the columns of the summary that the table names, or all.

    With ``own`` the user's own table is beside the shipped one, with "(yours)" after the names of its columns.
    """
    content = facts(name)
    if not (spec := content.get("chart")):
        raise U3Error(f"the table {name!r} has no chart of its own; draw one from results.table({name!r})")
    found = content["evidence"]["summary"]
    wanted = spec.get("columns") or next(iter(found.values()))
    said = {"title": spec.get("title", ""), "alt": spec["alt"]}
    summary = {label: {column: of[column] for column in wanted if column in of} for label, of in found.items()}
    if own:
        summary = _beside(summary, facts(name, own=True)["evidence"]["summary"], wanted)
        wanted = [column + whose for column in wanted for whose in ("", YOURS)]
        part = _part(name)
        said = {"title": f"{said['title']} (shipped, and yours{part and f': {part}'})".lstrip(),
                "alt": f"{said['alt']} Beside it, the same from the user's own run{part and f', {part}'}."}
    groups = {column: group for column in wanted
              if (group := {label: of[column] for label, of in summary.items() if column in of})}
    if spec["kind"] == "bars":
        return figures.bars(groups if len(groups) > 1 else next(iter(groups.values())), spec["measured"],
                            chance=spec.get("chance"), decimals=spec.get("decimals"), **said)
    if spec["kind"] == "points":
        places, values = summary[spec["along"]], summary[spec["of"]]
        return figures.points({column: (places[column], *_triple(values[column])) for column in groups
                               if column in values}, spec["along"], spec["measured"], xscale="log", **said)
    ticks = list(summary)
    lines = {column: (range(len(ticks)), *zip(*(_triple(of.get(label, math.nan)) for label in ticks), strict=True))
             for column, of in groups.items()}
    return figures.curves(lines, spec["along"], spec["measured"], ticks=ticks, **said)


def evidence(name: str, *, own: bool = False) -> "Evidence":
    """What stands behind a claim: one line to unfold in a notebook, and the same text in a terminal and on the site.

    ``own`` as for :func:`table`.
    """
    content, said = facts(name, own=own), words(name)
    if own and (part := _part(name)):
        said["often"] = f"Your own table has {part} of the shipped one, of which the rest is said. {said['often']}"
    made = ", ".join(f"{what} {content[what]}" for what in ("made", "u3lab", "torch", "machine") if content.get(what))
    summary = content["evidence"]["summary"]
    return Evidence(name, said.pop("title") + YOURS * own, summary, said, content["recipe"], made)


def words(name: str) -> dict[str, str]:
    """What data/results/NAME.md says of a table: its "title", and a text for each of :data:`WORDS`.

    Raises:
        U3Error: If there is no such table, nothing is said of it, or a heading is another.
    """
    file = _shipped(name).with_suffix(".md")
    if not file.exists():
        raise U3Error(f"nothing is said of the table {name!r}; write data/results/{name}.md")
    title, *parts = re.split(r"^#{1,2} (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    keys = {heading: key for key, heading in WORDS.items()}
    if unknown := set(parts[1::2]) - keys.keys():
        raise U3Error(f"{file.name} has the heading {min(unknown)!r}; choose of {', '.join(keys)}")
    return {"title": title} | {keys[heading]: re.sub(r"\s*\n\s*", " ", text.strip())
                               for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


@dataclass(frozen=True)
class Evidence:
    """What was measured, on what and how chosen, how often; floor and rivals; a table with intervals; the command."""

    name: str
    title: str
    summary: dict[str, dict[str, float | list[float]]]
    words: dict[str, str]
    command: str
    made: str

    @property
    def columns(self) -> list[str]:
        """The summary's columns, in their order."""
        return list(dict.fromkeys(column for of in self.summary.values() for column in of))

    def cells(self) -> list[list[str]]:
        """The summary as text: a row for each of its labels, with the label first."""
        return [[label, *(_said(of.get(column)) for column in self.columns)] for label, of in self.summary.items()]

    def __str__(self) -> str:
        rows = [["", *self.columns], *self.cells()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        words = [f"{WORDS[key]}. {text}" for key, text in self.words.items() if text]
        return "\n".join([f"Evidence: {self.title}", *words, *lines, f"{self.command} ({self.made})"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = "".join(f"<p><b>{WORDS[key]}.</b> {html.escape(text)}</p>" for key, text in self.words.items() if text)
        said = re.sub("`([^`]*)`", r"<code>\1</code>", said)
        body = "".join(f"<tr><th scope='row' style='text-align:left'>{html.escape(label)}</th>"
                       + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
                       for label, *cells in self.cells())
        head = "".join(f"<th scope='col'>{html.escape(column)}</th>" for column in ("", *self.columns))
        return {"text/html": f"<details><summary>Evidence: {html.escape(self.title)}</summary>{said}"
                             "<div role='region' aria-label='Table' tabindex='0' style='overflow-x:auto'>"
                             f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
                             f"<p><code>{html.escape(self.command)}</code> ({html.escape(self.made)})</p></details>",
                "text/plain": str(self)}


def rows(content: dict[str, Any]) -> dict[tuple, tuple]:
    """The rows of a table's file, read as :func:`table` gives them."""
    if not {"key", "columns", "rows"} <= content.keys():
        raise U3Error("this file holds no table of rows; results.facts(…) has what it says")
    key, columns, parts = tuple(content["key"]), tuple(content["columns"]), content.get("within", {})
    run, reached = _named("Run", key), Interval if columns == Interval._fields else _named("Row", columns)
    width, found = len(key), content["rows"]
    numbers = {column for at, column in enumerate(columns, width)  # in these null is NaN
               if all(row[at] is None or type(row[at]) in (int, float) for row in found)}

    def one(column: str, value: Any) -> Any:
        if value is None and column in numbers:
            return math.nan
        if isinstance(value, list):
            value = tuple(math.nan if part is None else part for part in value)
            return dict(zip(parts[column], value, strict=True)) if column in parts else value
        return value

    return {run(*row[:width]): reached(*map(one, columns, row[width:])) for row in found}


def seal(content: dict[str, Any]) -> str:
    """A digest of the columns of a table's file, their order, and the rows."""
    sealed = [content[key] for key in ("key", "columns", "rows")] + [content.get("within", {})]
    return hashlib.sha256(json.dumps(sealed, ensure_ascii=False).encode()).hexdigest()


@cache
def _named(name: str, fields: tuple[str, ...]) -> type:
    return namedtuple(name, fields)


def _beside(shipped: dict[str, dict], own: dict[str, dict], wanted: Sequence[str]) -> dict[str, dict]:
    """One summary of two: the columns of the user's own have another name, and labels of theirs alone come last."""
    return {label: shipped.get(label, {}) | {column + YOURS: value for column, value in own.get(label, {}).items()
                                             if column in wanted} for label in shipped | own}


def _part(name: str) -> str:
    """How many of the shipped rows the user's own table has, in words; empty if it has all."""
    whole, there = table(name), table(name, own=True)
    return "" if whole.keys() <= there.keys() else f"{len(whole.keys() & there.keys())} of {len(whole)} rows"


def _content(name: str, own: bool) -> dict[str, Any]:
    """A shipped table's file, or that of the user's own table of its name."""
    shipped = _read(_shipped(name))
    if not own:
        return shipped
    file, command = paths.own("results", f"{name}.json"), f"`{shipped.get('recipe')}`"
    if not file.exists():
        raise U3Error(f"you have no table {name!r} of your own in {file.parent}; {command} makes it")
    try:
        content = _read(file)
        whole = content["seal"] == seal(content)
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise U3Error(f"{file} was damaged or changed by hand; delete it, and {command} makes it anew")
    if any(content.get(what) != shipped.get(what) for what in ("key", "columns", "within")):
        raise U3Error(f"{file} comes from another version of the course; delete it, and {command} makes it anew")
    if not content["evidence"]["summary"]:
        raise U3Error(f"your own table {name!r} is not finished; {command} goes on where it was stopped")
    return content


def _shipped(name: str) -> Path:
    """The file of a table; U3Error with what is near if there is none."""
    known = sorted(file.stem for file in paths.data("results").glob("*.json"))
    if not (isinstance(name, str) and name in known):
        near = difflib.get_close_matches(str(name)[:80], known, n=3)
        raise U3Error(f"there is no table {shown(name)}; " + (f"did you mean {' or '.join(near)}?" if near else
                                                              f"give a name such as {known[0]!r}"))
    return paths.data("results", f"{name}.json")


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise U3Error(f"the table {file.name} is damaged; to have it as it came, delete it and "
                      f"{paths.again('data', 'results', file.name)}") from None


def _triple(value: float | list[float]) -> tuple[float, float, float]:
    return tuple(value) if isinstance(value, list) else (value,) * 3


def _said(value: float | list[float] | None) -> str:
    """A number, with its interval if it has one, with three digits."""
    if value is None:
        return ""
    if isinstance(value, list):
        return str(Interval(*value)).replace(", ", ",\N{NO-BREAK SPACE}")  # an interval stays on one line
    return f"{value:.3g}"
