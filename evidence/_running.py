"""The runner of all experiments: their options, and tables that are filled row by row.

An experiment is a module with ``TABLE`` (or ``TABLES``, told apart by the class of their key) and

    def work(plan: Plan) -> Iterator[Work]     # says what fits, chooses and judges; then yields pieces of work
    def finish(plan: Plan) -> None             # where it has one: lays out pictures when all rows are there
    def make(plan: Plan) -> None               # where it has one: trains and writes weights, and no table

``MAKES`` names what ``make`` can be asked for, ``DATA`` says which public set ``--data`` is.
``work`` yields *all* runs each time, in the order of the table; the runner leaves out what is there or not asked for.

Under torchrun each of n processes takes every n-th piece of work. All write into one file, row by row, and who finds
it full brings it into order; a run that was stopped goes on with the rows that are not there.
"""

import argparse
import datetime
import difflib
import json
import os
import platform
import re
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from tqdm.auto import tqdm

from evidence import _table
from evidence._plan import Plan, said
from evidence._table import Table
from u3lab import __version__, results
from u3lab._system import paths
from u3lab.errors import U3Error

MADE = ("recipe", "u3lab", "torch", "made", "machine")  # these change only when a row is computed


def run(module: ModuleType, arguments: list[str]) -> None:
    """Run an experiment with the options of a command line."""
    name, tables = module.__name__.rpartition(".")[2], tables_of(module)
    parser = argparse.ArgumentParser(prog=f"python -m evidence {name}", description=module.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    if hasattr(module, "MAKES"):
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(module.MAKES)}; all without it")
    parser.add_argument("--short", action="store_true", help="a few steps, into a new folder unless --out is given")
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="the folder that gets results/, weights/ …: data for what ships; without it your own, "
                             "U3LAB_RESULTS or u3lab's in the system's folder for data")
    parser.add_argument("--seed", type=int, default=0)
    fields = list(dict.fromkeys(field for table in tables for field in table.key._fields))
    if tables:
        parser.add_argument("--only", nargs="+", metavar="COLUMN=VALUE", default=[],
                            help=f"a part; several parts may run side by side. Columns: {', '.join(fields)}")
        parser.add_argument("--chart", action="store_true",
                            help="compute no row, sum up and draw anew; without --out of what ships")
    if "network" in fields:
        parser.add_argument("--networks", nargs="+", metavar="NETWORK", default=[], help="only these, or others")
    if hasattr(module, "DATA"):
        parser.add_argument("--data", type=Path, metavar="ROOT", help=module.DATA)
    chosen = vars(parser.parse_args(arguments))
    chart, networks = chosen.pop("chart", False), chosen.get("networks", [])
    chosen["only"] = filters([*chosen.pop("only", []), *(f"network={one}" for one in networks)], fields)
    if chart and chosen["out"] is None:
        chosen["out"] = paths.data()
    chosen["names"] = named(chosen.pop("names", []), getattr(module, "MAKES", ()))
    rank, processes = torchrun()
    if processes > 1 and (chart or chosen["short"] and chosen["out"] is None):
        raise U3Error("under torchrun leave out --chart, and give a short run a folder that all share, with --out")
    if processes > 1 and torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    plan = Plan(name, **chosen)
    if tables:
        fill(module, plan, chart=chart)
    if hasattr(module, "make") and not chart:
        plan.names = plan.names[rank::processes]
        if plan.names or rank == 0:
            module.make(plan)


def torchrun() -> tuple[int, int]:
    """The number of this process, and how many of them torchrun has started."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def tables_of(module: ModuleType) -> tuple[Table, ...]:
    """The tables of an experiment; none for one that only makes weights or pictures."""
    if hasattr(module, "TABLES"):
        return module.TABLES
    return (module.TABLE,) if hasattr(module, "TABLE") else ()


def filters(given: Iterable[str], fields: list[str]) -> dict[str, set[str]]:
    """["domain=digits", "domain=letters"] → {"domain": {"digits", "letters"}}."""
    only: dict[str, set[str]] = {}
    for one in given:
        field, equals, value = one.partition("=")
        if not equals or field not in fields:
            raise U3Error(f"--only {one}: give a column and a value, such as {fields[0]}=…; columns are "
                          + ", ".join(fields))
        only.setdefault(field, set()).add(value)
    return only


def named(names: list[str], known: Iterable[str]) -> list[str]:
    """Those that were asked for, or all."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise U3Error(f"there is no {name!r}; " + (f"did you mean {near[0]}?" if near else "--help lists them"))
    return names or list(known)


def fill(module: ModuleType, plan: Plan, *, chart: bool = False) -> None:
    """Compute the rows that are asked for and not there, each written as it ends; or with ``chart`` none."""
    filled = {table.key: Filled(table, plan) for table in tables_of(module)}
    plan._filled = filled
    asked, begun, (rank, processes) = 0, False, torchrun()
    total = None if plan.short or chart or processes > 1 else lacking(filled, plan)
    with tqdm(total=total, disable=rank > 0 or chart, desc=plan.name, unit="row") as bar:
        for work in module.work(plan):
            several = isinstance(work.runs, list)
            runs = work.runs if several else [work.runs]
            if not begun:
                plan.refuse_leaks({key: why for one in filled.values() for key, why in one.table.shared.items()})
                for one in filled.values():
                    one.begin(chart)
                begun = True
            table = filled[type(runs[0])]
            table.declare(runs)
            wanted = any(map(plan.asks, runs))
            asked += wanted
            if chart or not wanted or asked % processes != rank or table.has(runs):
                continue
            measured = work.measure()
            if not several:
                measured = [(work.runs, measured)]
            elif isinstance(measured, dict):
                measured = measured.items()
            left = set(runs)
            for one, reached in measured:
                left.remove(one)  # KeyError: a row that was not promised
                table.add(one, reached)
                bar.update()
            if left:
                raise U3Error(f"{plan.name} promised a row for {tuple(left.pop())} and gave none")
    if not asked:
        raise U3Error(f"{plan.name} has no such row; without --only it makes all of them")
    if not chart and not all(table.full() for table in filled.values()):
        return  # another process does the rest
    for table in filled.values():
        table.close()
    if hasattr(module, "finish") and not chart:
        module.finish(plan)


def lacking(filled: "dict[type, Filled]", plan: Plan) -> int | None:
    """How many rows are to come, as far as the shipped tables know; None if one of them does not ship yet."""
    try:
        return sum(plan.asks(run) and tuple(run) not in one.lines for one in filled.values()
                   for run in results.table(one.table.name))
    except U3Error:
        return None


def machine() -> str:
    """What computes, in short: the processor's kind, or the GPU's, and the number of threads."""
    cpuinfo = Path("/proc/cpuinfo")
    named = cpuinfo.exists() and re.search(r"^model name\s*: (.+)", cpuinfo.read_text(), re.MULTILINE)
    parts = [named[1].strip() if named else platform.processor() or platform.machine()]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    count = torch.get_num_threads()
    return ", ".join([*parts, f"{count} thread{'s' * (count > 1)}"])


class Filled:
    """A table's file while it is filled. Other programs and processes may add rows meanwhile."""

    def __init__(self, table: Table, plan: Plan) -> None:
        self.table, self.plan = table, plan
        self.file = plan.file("results", f"{table.name}.json")
        self.order: dict[tuple, int] = {}
        self.lines: dict[tuple, list] = {}
        self._look()

    @property
    def rows(self) -> dict[tuple, tuple]:
        """The rows that are there."""
        return results.rows({"key": self.table.key._fields, "columns": self.table.reached._fields,
                             "within": self.table.within, "rows": list(self.lines.values())})

    def _look(self) -> dict[str, Any] | None:
        """Read the file again."""
        if (content := _table.read(self.file)) is not None:
            width = len(content["key"])
            self.lines |= {tuple(row[:width]): row for row in content["rows"]}
        return content

    def begin(self, chart: bool) -> None:
        """U3Error if the file's rows were computed in another way, or on other pictures."""
        if (old := self._look()) is None:
            if chart:
                raise U3Error(f"{self.file} is not there; compute it first, without --chart")
            return
        new = self.table.content({"recipe": self.plan.command, "uses": self.plan.uses}, [], whole=False)
        same = ("key", "columns", "within", "uses", *self.table.facts)
        for what in same if chart else ("recipe", *same):
            if old.get(what) != new.get(what):
                raise U3Error(f"{self.file} has other {what} ({str(old.get(what))[:80]}); delete it to begin anew")

    def declare(self, runs: list[tuple]) -> None:
        """Note where in the table some runs stand."""
        for one in runs:
            if tuple(one) in self.order:
                raise U3Error(f"{self.plan.name} declares {tuple(one)} twice")
            self.order[tuple(one)] = len(self.order)

    def has(self, runs: list[tuple]) -> bool:
        """Whether all of them are there."""
        self._look()
        return all(tuple(one) in self.lines for one in runs)

    def full(self) -> bool:
        """Whether all that was declared and is asked for is there."""
        return self.has([one for one in map(self.table.key._make, self.order) if self.plan.asks(one)])

    def wait(self) -> None:
        """Until other processes have done what stands before, for an experiment whose next runs depend on it."""
        while torchrun()[1] > 1 and not self.full():
            time.sleep(1)

    def add(self, run: tuple, reached: tuple) -> None:
        """Write the file with one row more."""
        new = self.table.row(run, reached)
        with paths.locked(paths.cache(self.file.name), seconds=60):  # no lock stays in data/
            self._look()
            self.lines[tuple(run)] = new
            made = (self.plan.command, __version__, torch.__version__, datetime.date.today().isoformat(), machine())
            _table.write(self.file, self._content(dict(zip(MADE, made, strict=True)), whole=False))

    def close(self) -> None:
        """Bring the rows into their order, and what is said of them up to date."""
        if self.file.exists():
            with paths.locked(paths.cache(self.file.name), seconds=60):
                old = self._look()
                if not self.plan.short and self.order.keys() <= self.lines.keys():
                    self.table.refuse_uneven(self.rows)
                new = self._content({key: old[key] for key in MADE if key in old})
                if json.dumps(new) != json.dumps(old):
                    _table.write(self.file, new)
            said(self.file)
            if self.plan.out == paths.own() and self.table.chart is not None:
                print(f'results.chart("{self.table.name}", own=True) draws it beside the shipped table', flush=True)

    def _place(self, run: tuple) -> int:
        return self.order.get(run, len(self.order))  # what is not declared yet comes last, and stays in its order

    def _content(self, made: dict[str, Any], *, whole: bool = True) -> dict[str, Any]:
        lines = [self.lines[run] for run in sorted(self.lines, key=self._place)]
        return self.table.content({**made, "uses": self.plan.uses}, lines, whole=whole)
