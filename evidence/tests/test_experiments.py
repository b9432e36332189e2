"""Each experiment, in its short form: the files that it promises, of the shipped form, and nothing else touched."""

import ast
import hashlib
import html
import importlib
import itertools
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from evidence import _plan, _running, _table
from tools.site.evidence import markdown
from u3lab import images, results
from u3lab._system import paths

EXPERIMENTS = Path(importlib.import_module("evidence").__file__).parent
NAMES = sorted(file.stem for file in EXPERIMENTS.glob("*.py") if not file.stem.startswith("_"))
TABLES = {table.name: (name, table) for name in NAMES
          for table in _running.tables_of(importlib.import_module(f"evidence.{name}"))}
# File → the experiment whose command data/README.md names
MADE_BY = {match[1]: match[2] for match in re.finditer(
    r"^\| `([^`]+)` \|.*`python -m evidence (\w+)[^`]*` \|$",
    paths.data("README.md").read_text(encoding="utf-8"), re.M)}


def test_every_experiment_is_here_and_has_no_effect_on_import():
    assert set(NAMES) == set(MADE_BY.values())
    for name in NAMES:
        kinds = {type(part) for part in ast.parse((EXPERIMENTS / f"{name}.py").read_text(encoding="utf-8")).body}
        assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef}


def test_the_door_lists_what_there_is_and_names_what_is_near(capsys):
    from evidence.__main__ import listed, main

    assert sorted(listed()) == NAMES and all(listed().values())
    assert main([]) == 0
    said = capsys.readouterr().out.split()
    assert set(NAMES) <= set(said)
    assert main(["varants"]) == 1 and capsys.readouterr().err.count("variants") == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_short_form_writes_files_of_the_shipped_form(name: str, tmp_path: Path, capsys):
    """Of each kind of file that an experiment ships at least one, and no others."""
    module = importlib.import_module(f"evidence.{name}")
    _running.run(module, ["--short", "--out", str(tmp_path)])
    made = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file())
    wanted = [file for file, maker in MADE_BY.items() if maker == name]
    assert set(made) <= set(wanted)
    assert {(Path(file).parent, Path(file).suffix) for file in made} == {
        (Path(file).parent, Path(file).suffix) for file in wanted}
    assert {f"results/{table.name}.json" for table in _running.tables_of(module)} <= set(made)
    said = capsys.readouterr().out
    for file in made:
        assert paths.sha256(tmp_path / file) in said
        _of_the_same_form(tmp_path / file, paths.data(*file.split("/")))


@pytest.mark.parametrize("name", TABLES)
def test_a_shipped_table_is_sealed_and_says_what_its_experiment_declares(name: str):
    """The seal fits; words, chart and summary are those that the experiment would write; nothing leaks unsaid."""
    experiment, table = TABLES[name]
    file = paths.data("results", f"{name}.json")
    content = _table.read(file)
    head = {key: content[key] for key in (*_running.MADE, "uses") if key in content}  # old ones name no machine
    assert head["recipe"].startswith(f"python -m evidence {experiment}")
    assert table.content(head, content["rows"]) == content
    table.refuse_uneven(results.table(name))
    assert table.uneven.keys() <= _table.uneven(results.table(name)).keys()
    assert content["uses"]["judge"] and len(content["rows"]) == len(results.table(name))
    both = {f"{a} & {b}: {kind}" for a, b in itertools.combinations(_plan.ROLES, 2)
            for kind, things in content["uses"].get(a, {}).items() if isinstance(things, list)
            and set(things) & set(content["uses"].get(b, {}).get(kind, ()))}
    assert both <= set(table.shared) and all(len(why) > 20 for why in table.shared.values())


@pytest.mark.parametrize("name", TABLES)
def test_a_shipped_table_has_the_rows_that_its_experiment_makes(name: str):
    """In their order, of the same pictures; nothing is computed."""
    experiment, table = TABLES[name]
    plan, runs = _plan.Plan(experiment, out=paths.data()), []
    plan._filled = {one.key: _running.Filled(one, plan) for one in _running.tables_of(_module(experiment))}
    for work in _module(experiment).work(plan):
        runs += [one for one in (work.runs if isinstance(work.runs, list) else [work.runs]) if type(one) is table.key]
    content = results.facts(name)
    assert list(results.table(name)) == runs and content["uses"] == plan.uses
    plan.refuse_leaks({key: why for one in _running.tables_of(_module(experiment)) for key, why in one.shared.items()})


@pytest.mark.parametrize("name", TABLES)
def test_one_row_of_a_shipped_table_comes_out_again(name: str):
    """A fixed one, chosen by a digest among those that the experiment names as quick."""
    experiment, table = TABLES[name]
    if isinstance(table.again, str):
        pytest.skip(table.again)
    plan = _plan.Plan(experiment, out=paths.data(), only={key: {value} for key, value in table.again.items()})
    shipped = results.table(name)
    plan._filled = {one.key: _running.Filled(one, plan) for one in _running.tables_of(_module(experiment))}
    works = {work.runs[0] if isinstance(work.runs, list) else work.runs: work
             for work in _module(experiment).work(plan)}
    first = min((run for run in works if type(run) is table.key and plan.asks(run)),
                key=lambda run: hashlib.sha256(repr(tuple(run)).encode()).hexdigest())
    work = works[first]
    found = work.measure()
    for run, reached in found.items() if isinstance(work.runs, list) else [(work.runs, found)]:
        row = table.row(run, reached)
        told = [*run, *(list(one.values()) if isinstance(one, dict) else one for one in shipped[run])]
        for a, b in zip(row, told, strict=True):
            a, b = ([math.nan if x is None else x for x in one] if isinstance(one, (list, tuple)) else one
                    for one in (math.nan if a is None else a, b))
            assert a == b or not isinstance(a, str) and a == pytest.approx(b, abs=0.02, rel=0.02, nan_ok=True), run


def test_each_table_is_declared():
    """A file of results belongs to a table of an experiment, and the other way round."""
    assert {file.stem for file in paths.data("results").glob("*.json")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_evidence_and_chart_can_be_shown(name: str):
    """The line unfolds, its text holds every number of the summary; the chart is a picture with words."""
    evidence = results.evidence(name)
    shown = evidence._repr_mimebundle_()
    assert shown["text/html"].startswith("<details><summary>Evidence: ") and evidence.command in shown["text/html"]
    for text in (str(evidence), markdown(evidence), shown["text/html"]):
        assert all(cell in html.unescape(text) for row in evidence.cells() for cell in row)
    if TABLES[name][1].chart is not None:
        assert results.chart(name).alt


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"evidence.{name}")


def _of_the_same_form(made: Path, shipped: Path) -> None:
    """Pictures are pictures, tables have the same keys, weights the same names and shapes."""
    if made.suffix == ".safetensors":
        new, old = load_file(made), load_file(shipped)
        assert {key: value.shape for key, value in new.items()} == {key: value.shape for key, value in old.items()}
        assert all(value.dtype != torch.float32 for value in new.values())
        with safe_open(made, "pt") as a, safe_open(shipped, "pt") as b:
            assert a.metadata().keys() == b.metadata().keys()
            if made.parent.name != "domains":  # those name their network instead
                assert a.metadata()["recipe"].split()[:4] == b.metadata()["recipe"].split()[:4]
    elif made.suffix == ".json":
        new, old = (json.loads(file.read_text(encoding="utf-8")) for file in (made, shipped))
        new, old = (table[0] if isinstance(table, list) else table for table in (new, old))
        assert new.keys() - {"machine"} == old.keys() - {"machine"}  # which old tables do not name
        assert all(new.get(key) == old.get(key) for key in ("key", "columns", "within"))
        assert new.get("recipe", "").split()[:3] == old.get("recipe", "").split()[:3]
    elif made.suffix == ".npz":
        with np.load(made) as new, np.load(shipped) as old:
            assert {key: new[key].dtype.kind for key in new.files} == {key: old[key].dtype.kind for key in old.files}
    else:
        assert images.load(made).shape[1] == 3


def test_under_torchrun_the_table_is_that_of_one_process(tmp_path: Path):
    """Two processes share the rows, and wait for those that choose a rate."""
    module = ["-m", "evidence", "adapters", "--short", "--out"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for folder, launcher in (("one", []), ("two", ["-m", "torch.distributed.run", "--nproc_per_node", "2"])):
        subprocess.run([sys.executable, *launcher, *module, str(tmp_path / folder)], check=True, env=environment,
                       timeout=300)
    one, two = (json.loads((tmp_path / folder / "results" / "adapters.json").read_text())["rows"]
                for folder in ("one", "two"))
    assert one == two
