"""One table: what its rows are, how they are summed up and drawn, and its file; NAME.md beside it says what it tells.

    {"recipe": the command, "u3lab", "torch", "made", "machine": when and where the last row was computed, …the facts,
     "uses": what fits, chooses and judges, "shared": why something does two of these,
     "evidence": a summary, "chart": how it is drawn,
     "key": the columns that name a run, "columns": those that were measured, "within": names of the parts of a column,
     "seal": a digest of these and of the rows, "rows": […]}

Rows are named by what was run, never by a place in a registry: a method more changes no table.
"""

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from evidence._plan import Plan as Plan  # experiments take it from here, with the rest
from u3lab import results
from u3lab._system import paths
from u3lab.errors import U3Error
from u3lab.measures import Interval, bootstrap, mean

Rows = dict[tuple, tuple]
Summary = Mapping[str, Mapping[str, float | tuple[float, float, float]]]  # label → column → a number, or an Interval


@dataclass(frozen=True)
class Chart:
    """How the summary is drawn: "bars", a row for each label, or "curves" along them. Columns differ by colour.

    Or "points", one for each column: the label ``of`` against the label ``along``.
    """

    kind: Literal["bars", "curves", "points"]
    measured: str
    """Name of the axis with the numbers, with its unit."""
    alt: str
    along: str = ""
    """For curves: what the labels are, such as "layer"; for points the label that says where each column stands."""
    of: str = ""
    """For points: the label whose values are drawn."""
    title: str = ""
    chance: float | None = None
    decimals: int | None = None
    """Of the values beside bars; without it, three significant digits of the largest."""
    columns: tuple[str, ...] = ()
    """Those that are drawn; without it all."""


class Work:
    """A piece of work: the run whose row it gives, or a list of runs; and what measures, with what that is given.

    For one run ``measure()`` returns the row, for several it gives pairs (run, row), all at once or one by one.
    """

    def __init__(self, runs: tuple | list[tuple], measure: Callable[..., Any], *given: Any, **settings: Any) -> None:
        self.runs, self.measure = runs, partial(measure, *given, **settings)


@dataclass(frozen=True)
class Table:
    """data/results/NAME.json: rows from a NamedTuple ``key`` to a NamedTuple ``reached``."""

    name: str
    key: type
    reached: type
    summary: Callable[[Rows], Summary]
    """What the evidence shows of the rows, and the chart draws."""
    chart: Chart | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Settings that all rows have in common, such as the number of steps."""
    within: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Column → the names of its parts, for a column that is a dict; the file keeps them in this order."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """"fit & judge: photos" → why the same photos may do both. What no reason is given for, is refused."""
    uneven: Mapping[str, str] = field(default_factory=dict)
    """"seeds", "steps" or "rates" → the evidence's words on what :func:`uneven` finds. Without them it is refused."""
    digits: int = 4
    """To so many digits numbers are rounded."""
    again: Mapping[str, str] | str = field(default_factory=dict)
    """A test computes one row anew: out of which runs (column → value), or why none is computed."""

    def row(self, run: tuple, reached: tuple) -> list:
        """A run and what it reached, as the file has them."""
        return [*run, *(self._plain(*pair) for pair in zip(self.reached._fields, reached, strict=True))]

    def _plain(self, column: str, value: Any) -> Any:
        if column in self.within:
            if list(value) != list(self.within[column]):
                raise U3Error(f"{column} has the parts {list(value)}, the table {list(self.within[column])}")
            value = list(value.values())
        if isinstance(value, (list, tuple)):
            return [self._plain("", one) for one in value]
        if isinstance(value, float):
            return None if math.isnan(value) else round(value, self.digits)
        return value

    def content(self, head: dict[str, Any], rows: list[list], *, whole: bool = True) -> dict[str, Any]:
        """The whole file: ``head`` has command, versions, date and uses; the rest is the table's own.

        The summary is computed if the rows are ``whole``.
        """
        content = {**head, **self.facts, "uses": head["uses"]}
        if self.shared:
            content["shared"] = dict(self.shared)
        content["evidence"] = {"summary": {}}
        if self.chart is not None:
            content["chart"] = {key: value for key, value in asdict(self.chart).items() if value not in ("", None, ())}
        content |= {"key": self.key._fields, "columns": self.reached._fields}
        if self.within:
            content["within"] = {column: list(names) for column, names in self.within.items()}
        content |= {"seal": "", "rows": rows}
        content = json.loads(json.dumps(content))  # as it will be read
        if whole:
            content["evidence"]["summary"] = self.summarised(results.rows(content))  # of numbers as they are rounded
        content["seal"] = results.seal(content)
        return content

    def refuse_uneven(self, rows: Rows) -> None:
        """U3Error if the evidence says nothing of what is uneven in the rows."""
        for what, words in uneven(rows).items():
            if self.uneven.get(what, words) not in " ".join(results.words(self.name).values()):
                raise U3Error(f"{self.name}: {words}; data/results/{self.name}.md has to say so, in these words or in "
                              "those of uneven=")


    def summarised(self, rows: Rows) -> dict[str, dict[str, float | list[float]]]:
        """The summary of some rows, as the file has it."""
        def plain(value: Any) -> float | list[float]:
            return [plain(one) for one in value] if isinstance(value, tuple) else round(value, 4) + 0  # no −0

        return {label: {column: plain(value) for column, value in of.items()}
                for label, of in (self.summary(rows) if rows else {}).items()}


def uneven(rows: Rows) -> dict[str, str]:
    """What a reader does not expect of rivals and choices: "seeds", "steps" or "rates" → what the rows have of it."""
    cells, grids = defaultdict(set), defaultdict(lambda: defaultdict(set))
    for run in rows:
        one = run._asdict()
        seed, rate = one.pop("seed", one.pop("draw", None)), one.pop("rate", None)
        cells[tuple(one.values())].add(seed)
        one.pop("labels", None)  # with one number of them a rate is chosen for all
        grids[tuple(one.values())][rate].add(seed)
    ends = [grid for grid in grids.values() if len(grid) > 1  # a rate that is chosen has further seeds
            and any(len(grid[end]) > 1 for end in (min(grid), max(grid)))]
    found = {"some rows have fewer seeds": ("seeds", len({len(some) for some in cells.values()}) > 1),
             "some rows have fewer steps": ("steps", len({getattr(run, "steps", 0) for run in rows} - {0}) > 1),
             f"{len(ends)} of {len(grids)} rates lie at an end of what was tried": ("rates", bool(ends))}
    return {what: words for words, (what, there) in found.items() if there}


def over(values: Iterable[float], groups: Sequence[str] | None = None) -> Interval:
    """The mean with its interval over pictures, or over whole ``groups`` such as photos: one name for each value."""
    return mean(torch.tensor(list(values), dtype=torch.float64), groups)


def crossed(values: torch.Tensor, groups: Sequence[str] | None = None) -> Interval:
    """The mean of (N,S), N pictures or lights that all of S seeds are asked about, with its 95 % interval from samples
    of both: of the N, or of whole ``groups`` of them such as slices, and of the seeds."""
    names = list(map(str, range(len(values)))) if groups is None else list(groups)
    home = torch.tensor([sorted(set(names)).index(name) for name in names])
    counts, values = home.bincount().double(), values.double()
    sums = torch.zeros(len(counts), values.shape[1], dtype=torch.float64).index_add_(0, home, values)
    draw = torch.Generator().manual_seed(1)  # bootstrap's own begins with 0

    def of_samples(often: torch.Tensor) -> torch.Tensor:
        seeds = torch.randint(values.shape[1], (len(often), values.shape[1]), generator=draw)
        return (often @ sums).gather(1, seeds).mean(1) / (often @ counts)

    return bootstrap(of_samples, len(counts))._replace(value=float(values.mean()))


def extent(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean, least and largest: all that few seeds say."""
    return sum(values) / len(values), min(values), max(values)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and largest."""
    return statistics.median(values), min(values), max(values)


def only(values: Sequence[Any]) -> Any:
    """The one value that there is."""
    value, = values
    return value


def by_cell(told: Iterable[tuple], of: Callable[..., Any] = over) -> Summary:
    """A summary of what is told of rows, (label, column, value) each: ``of`` makes a number of a cell's values.

    What follows a value, such as its photo, ``of`` is given as well: by default as groups that are drawn whole.
    """
    found: dict[str, dict[str, list[tuple]]] = {}
    for label, column, *value in told:
        found.setdefault(label, {}).setdefault(column, []).append(value)
    return {label: {column: of(*zip(*some, strict=True)) for column, some in columns.items()}
            for label, columns in found.items()}


def cells(label: str, shown: Mapping[str, str], of: Callable[..., Any] = over, *,
          counts: Callable[[Any], bool] = lambda run: True) -> Callable[[Rows], Summary]:
    """What makes a summary of rows: a line for each ``label``, and a column for each of ``shown``, title → column of a
    row. Columns of the run fill both, as in "{task}: {method}"; ``of`` makes a number of a cell's values; a run that
    does not count, such as one that has chosen, is left out."""
    return lambda rows: by_cell(((label.format(**run._asdict()), title.format(**run._asdict()), getattr(row, column))
                                 for run, row in rows.items() if counts(run) for title, column in shown.items()), of)


def read(file: Path) -> dict[str, Any] | None:
    """A table's file; None if there is none.

    Raises:
        U3Error: If its seal does not fit its rows: somebody has changed it by hand.
    """
    if not file.exists():
        return None
    content = json.loads(file.read_text(encoding="utf-8"))
    if content.get("seal") != results.seal(content):
        raise U3Error(f"the seal of {file} does not fit its rows, so it was changed by hand; take it from git again, "
                      "or delete it and let the experiment compute it")
    return content


def write(file: Path, content: dict[str, Any]) -> None:
    """Write a table's file: a line for each fact and each row."""
    head = {key: value for key, value in content.items() if key != "rows"}
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in content["rows"])
    begun = _lines(head, 1).removesuffix("\n}")
    paths.write_atomically(file, f'{begun},\n "rows": [\n  {rows}\n ]\n}}\n'.encode())


def _lines(value: Any, depth: int) -> str:
    """JSON with a line for each entry of a dict, and each list on one."""
    if not isinstance(value, dict) or not value or depth > 4:
        return json.dumps(value, ensure_ascii=False)
    inner = ",\n".join(f"{' ' * depth}{json.dumps(key, ensure_ascii=False)}: {_lines(one, depth + 1)}"
                       for key, one in value.items())
    return f"{{\n{inner}\n{' ' * (depth - 1)}}}"
