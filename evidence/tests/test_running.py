"""The runner: what it leaves out, in which order it writes, what it refuses; on an experiment made for the purpose."""

import ast
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import nbformat
import pytest
import torch
from IPython.core.inputtransformer2 import TransformerManager

from evidence import _running, _table
from evidence._plan import Plan
from evidence._table import Chart, Table, Work
from tests.helpers import slip
from u3lab import results
from u3lab._system import paths

MANY, FEW = ("one", "two", "three"), ("one",)


class Run(NamedTuple):
    """A kind and a seed."""

    kind: str
    seed: int


class Row(NamedTuple):
    """A number that may be unknown, a flag, and a share for each part."""

    value: float
    flag: bool
    shares: dict[str, float]


def reached(kind: str, seed: int) -> Row:
    return Row(math.nan if kind == "two" else len(kind) + seed / 3, seed > 0, {"left": 0.25, "right": 0.75})


def summary(rows: dict) -> dict:
    return {run.kind: {"value": (row.value,) * 3} for run, row in rows.items() if not math.isnan(row.value)}


def experiment(measured: Callable[..., Row] = reached, *, kinds: tuple[str, ...] = MANY,
               uses: Callable[[Plan], None] = lambda plan: plan.judge(photos=["a"]), **changed: object) -> ModuleType:
    """An experiment with two seeds of each kind; "three" gives both rows in one piece of work."""
    module = ModuleType("evidence.made_up", "An experiment.")

    def work(plan: Plan):
        uses(plan)
        for kind in plan.few(kinds):
            if kind == "three":
                yield Work([Run(kind, 0), Run(kind, 1)], lambda: (
                    (Run("three", n), measured("three", n)) for n in (0, 1)))
            else:
                for seed in (0, 1):
                    yield Work(Run(kind, seed), lambda kind=kind, seed=seed: measured(kind, seed))

    given = {"within": {"shares": ("left", "right")}, "summary": summary,
             "chart": Chart("bars", "a number", "Bars."), **changed}
    module.TABLE, module.work = Table("made_up", Run, Row, **given), work
    return module


def run(folder: Path, *options: str, **made: object) -> dict:
    _running.run(experiment(**made), ["--out", str(folder), *options])
    (folder / "results" / "made_up.md").write_text("# a question\n\n## What was measured\n\nwhat\n\n"
                                                   "## How often\n\nhow\noften\n")
    return json.loads((folder / "results" / "made_up.json").read_text())


def test_a_table_is_written_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    content = run(tmp_path)
    assert paths.sha256(tmp_path / "results" / "made_up.json") in capsys.readouterr().out
    assert content["key"] == ["kind", "seed"] and content["columns"] == ["value", "flag", "shares"]
    assert content["rows"][1] == ["one", 1, 3.3333, True, [0.25, 0.75]] and content["rows"][2][2] is None
    assert content["uses"] == {"judge": {"photos": ["a"]}}
    assert content["recipe"] == "python -m evidence made_up"
    processor, *_, threads = content["machine"].split(", ")
    assert len(processor) > 2 and threads.partition(" ")[0] == str(torch.get_num_threads())
    monkeypatch.setattr(results, "_shipped", lambda name: tmp_path / "results" / f"{name}.json")
    table = results.table("made_up")
    assert list(table) == [(kind, seed) for kind in MANY for seed in (0, 1)]
    assert table["one", 1].shares["right"] == 0.75 and table["one", 1].flag is True
    assert math.isnan(table["two", 0].value)
    assert next(iter(table)).kind == "one" and "rows" not in results.facts("made_up")
    assert results.chart("made_up").alt == "Bars." and "how often" in str(results.evidence("made_up"))
    assert content["machine"] in str(results.evidence("made_up"))


def test_points_are_drawn_of_two_labels_of_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(results.figures, "points", lambda *given, **more: drawn.append((given, more)))
    run(tmp_path, summary=lambda rows: {"weights": {"a": 1.0, "b": 9.0}, "gain": {"a": (0.5, 0.25, 0.75), "b": 0.0}},
        chart=Chart("points", "accuracy", "Points.", along="weights", of="gain", columns=("b", "a")))
    monkeypatch.setattr(results, "_shipped", lambda name: tmp_path / "results" / f"{name}.json")
    results.chart("made_up")
    assert drawn == [(({"b": (9.0, 0.0, 0.0, 0.0), "a": (1.0, 0.5, 0.25, 0.75)}, "weights", "accuracy"),
                      {"xscale": "log", "title": "", "alt": "Points."})]
    assert list(drawn[0][0][0]) == ["b", "a"]  # in the order asked for


def test_what_is_there_is_not_computed_again_and_each_row_is_kept_as_it_ends(tmp_path: Path):
    done = []

    def interrupted(kind: str, seed: int) -> Row:
        if (kind, seed) == ("two", 1):
            raise KeyboardInterrupt
        done.append((kind, seed))
        return reached(kind, seed)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, measured=interrupted)
    assert done == [("one", 0), ("one", 1), ("two", 0)]
    assert len(_table.read(tmp_path / "results" / "made_up.json")["rows"]) == 3
    run(tmp_path, measured=lambda *one: done.append(one) or reached(*one))
    assert done[3:] == [("two", 1), ("three", 0), ("three", 1)]
    before = (tmp_path / "results" / "made_up.json").read_bytes()
    run(tmp_path, measured=lambda *one: pytest.fail("computed again"))
    assert (tmp_path / "results" / "made_up.json").read_bytes() == before


def test_parts_that_are_run_in_any_order_give_the_table_of_one_run(tmp_path: Path):
    whole = run(tmp_path / "whole")
    for only in (["kind=three"], ["kind=two", "seed=1"], ["kind=one", "kind=two"]):
        part = run(tmp_path / "parts", "--only", *only)
        assert {row[0] for row in part["rows"]} >= {only[0].partition("=")[2]}
    assert part == whole


def test_each_process_takes_every_nth_piece_and_the_last_one_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole, done, made = run(tmp_path / "whole"), [], []
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        module = experiment(lambda *one: done.append(one) or reached(*one))
        module.finish, module.MAKES, module.make = made.append, ("a", "b", "c"), lambda plan: made.append(plan.names)
        _running.run(module, ["--out", str(tmp_path / "parts")])
        if rank == "1":
            assert done == [("one", 0), ("two", 0), ("three", 0), ("three", 1)] and made == [["b"]]
    assert done[4:] == [("one", 1), ("two", 1)] and made[2:] == [["a", "c"]] and type(made[1]) is Plan
    assert json.loads((tmp_path / "parts" / "results" / "made_up.json").read_text()) == whole
    for options in (["--chart"], ["--short"]):
        with slip("under torchrun"):
            _running.run(experiment(), options)


@pytest.mark.parametrize("only, words", [("colour=red", ("colour=red", "kind, seed")), ("kind", ("--only kind",)),
                                         ("kind=four", ("no such row",))])
def test_a_part_that_is_not_there(only: str, words: tuple[str, ...], tmp_path: Path):
    with slip(*words):
        run(tmp_path, "--only", only)


def test_a_table_of_other_pictures_or_settings_is_not_gone_on_with(tmp_path: Path):
    run(tmp_path, facts={"steps": 3})
    for changed in ({"uses": lambda plan: plan.judge(photos=["b"]), "facts": {"steps": 3}}, {"facts": {"steps": 4}}):
        with slip("delete it to begin anew"):
            run(tmp_path, **changed)
    with slip("has other recipe"):
        run(tmp_path, "--seed", "1", facts={"steps": 3})


def test_a_table_that_was_changed_by_hand_is_refused(tmp_path: Path):
    content = run(tmp_path)
    file = tmp_path / "results" / "made_up.json"
    others = [[*row[:2], 9.0, *row[3:]] for row in content["rows"]]
    for spoilt in ({"columns": ["flag", "value", "shares"]}, {"rows": others}, {"rows": content["rows"][::-1]},
                   {"within": {"shares": ["right", "left"]}}):
        file.write_text(json.dumps({**content, **spoilt}))
        with slip("seal", "by hand"):
            run(tmp_path, "--chart")
    file.write_text(json.dumps(content))
    assert run(tmp_path) == content


def test_a_chart_is_made_anew_and_numbers_stay(tmp_path: Path):
    before = run(tmp_path)
    after = run(tmp_path, "--chart", measured=lambda *one: pytest.fail("computed"), chart=None,
                summary=lambda rows: {"all": {"value": 1.0}})
    assert after["evidence"]["summary"] == {"all": {"value": 1.0}} and "chart" not in after
    assert after["rows"] == before["rows"] and after["seal"] == before["seal"] and after["made"] == before["made"]


def pictures(first: int) -> torch.Tensor:
    return torch.arange(first, first + 3).view(3, 1, 1, 1).expand(3, 3, 2, 2) / 10


def both(**kinds: object) -> Callable[[Plan], None]:
    def uses(plan: Plan) -> None:
        plan.fit(**{kind: first for kind, (first, _) in kinds.items()})
        plan.judge(**{kind: second for kind, (_, second) in kinds.items()})

    return uses


def test_what_fits_may_not_judge_unless_it_is_said_why(tmp_path: Path):
    run(tmp_path / "apart", uses=both(photos=(["a"], ["b"]), squares=(pictures(0), pictures(3))))
    for uses, kind in ((both(photos=(["a", "b"], ["b"])), "photos"),
                       (both(squares=(pictures(0), pictures(2))), "squares")):
        with slip(f"fit & judge: {kind}, 1 in common"):
            run(tmp_path / "leak", uses=uses)
        said = run(tmp_path / kind, uses=uses, shared={f"fit & judge: {kind}": "in turns"})
        assert said["shared"] == {f"fit & judge: {kind}": "in turns"}
    assert not (tmp_path / "leak").exists()
    with slip("nothing is shared"):
        run(tmp_path / "idle", uses=both(photos=(["a"], ["b"])), shared={"fit & judge: photos": "in turns"})
    with slip("does not say on what it is judged"):
        run(tmp_path / "silent", uses=lambda plan: None)


def test_a_promised_row_is_given_and_no_other(tmp_path: Path):
    module = experiment()
    for pairs in ([(Run("one", 0), reached("one", 0))],
                  [(Run("one", 0), reached("one", 0)), (Run("two", 1), reached("two", 1))]):
        module.work = lambda plan, pairs=pairs: plan.judge(photos=["a"]) or iter(
            [Work([Run("one", 0), Run("one", 1)], lambda: pairs)])
        with pytest.raises((KeyError, results.U3Error)):
            _running.run(module, ["--out", str(tmp_path / str(len(pairs)))])
    module.work = lambda plan: plan.judge(photos=["a"]) or iter([Work(Run("one", 0), lambda: reached("one", 0))] * 2)
    with slip("declares", "twice"):
        _running.run(module, ["--out", str(tmp_path)])


def test_a_column_with_parts_keeps_their_names(tmp_path: Path):
    with slip("shares has the parts"):
        run(tmp_path, measured=lambda *one: reached(*one)._replace(shares={"right": 0.75, "left": 0.25}))


def test_a_short_run_goes_into_a_folder_of_its_own(capsys):
    before = {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")}
    _running.run(experiment(), ["--short"])
    assert "u3lab-" in (said := capsys.readouterr().out) and str(paths.data()) not in said
    assert {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")} == before


class Chosen(NamedTuple):
    """A training whose rate is chosen with the first seed."""

    way: str
    steps: int
    seed: int
    rate: float


EVEN = [Chosen(way, 9, seed, 0.2) for way in "ab" for seed in (0, 1)] + [
    Chosen(way, 9, 0, rate) for way in "ab" for rate in (0.1, 0.3)]


@pytest.mark.parametrize("runs, what, words", [
    (EVEN[:3] + EVEN[4:], "seeds", "some rows have fewer seeds"),
    ([*EVEN, Chosen("c", 7, 0, 0.2), Chosen("c", 7, 1, 0.2)], "steps", "some rows have fewer steps"),
    ([run for run in EVEN if run.rate < 0.3 or run.way == "b"], "rates", "1 of 2 rates lie at an end"),
    ([run for run in EVEN if run.rate > 0.1], "rates", "2 of 2 rates lie at an end of what was tried")])
def test_rivals_with_less_and_rates_at_an_end_need_a_word(runs: list[Chosen], what: str, words: str, monkeypatch):
    def refuse_uneven(rivals: str, runs: list[Chosen], **uneven: str) -> None:
        monkeypatch.setattr(results, "words", lambda name: {"rivals": rivals})
        Table("made_up", Chosen, Row, summary, uneven=uneven).refuse_uneven(dict.fromkeys(runs))

    refuse_uneven("", EVEN)
    refuse_uneven(f"As many, but {words} of what was tried.", runs)
    refuse_uneven("Two for b.", runs, **{what: "Two for b"})
    for rivals, uneven in (("", {}), ("", {what: "Two for b"}), ("Two for b.", {})):
        with slip(words):
            refuse_uneven(rivals, runs, **uneven)


def test_a_table_that_is_uneven_is_refused_when_it_is_whole(tmp_path: Path, monkeypatch):
    made = experiment()
    work = made.work
    made.work = lambda plan: (one for one in work(plan) if one.runs != Run("two", 1))
    _running.run(made, ["--out", str(tmp_path), "--only", "kind=one"])
    monkeypatch.setattr(results, "words", lambda name: {})
    with slip("some rows have fewer seeds"):
        _running.run(made, ["--out", str(tmp_path)])
    assert len(_table.read(tmp_path / "results" / "made_up.json")["rows"]) == 5  # what was computed stays


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own results, beside a shipped table whose numbers are 1 larger."""
    run(tmp_path / "shipped", measured=lambda *one: reached(*one)._replace(value=len(one[0]) + 1.0))
    shipped = tmp_path / "shipped" / "results" / "made_up.json"
    monkeypatch.setattr(results, "_shipped", lambda name: shipped)
    monkeypatch.setenv("U3LAB_RESULTS", str(tmp_path / "own"))
    return tmp_path / "own" / "results"


def test_what_a_user_computes_never_goes_over_what_ships(own: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    before = {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")}
    _running.run(experiment(), [])
    assert [file.name for file in own.iterdir()] == ["made_up.json"]
    assert {file: file.stat().st_mtime_ns for file in paths.data().rglob("*")} == before
    assert 'results.chart("made_up", own=True)' in capsys.readouterr().out
    with slip("made_up.json is not there"):  # a chart is that of what ships
        _running.run(experiment(), ["--chart"])
    monkeypatch.delenv("U3LAB_RESULTS")
    monkeypatch.setenv("XDG_DATA_HOME", str(own.parent / "home"))
    assert paths.own("results").parts[-2:] == ("u3lab", "results") and not paths.own().is_relative_to(paths.data())


def test_own_results_are_read_by_an_explicit_word_alone(own: Path):
    assert results.table("made_up")["one", 0].value == 4
    with slip("no table 'made_up' of your own", "python -m evidence made_up"):
        results.table("made_up", own=True)
    _running.run(experiment(), [])
    assert results.table("made_up")["one", 0].value == 4 and results.table("made_up", own=True)["one", 0].value == 3
    assert results.facts("made_up", own=True)["evidence"] != results.facts("made_up")["evidence"]
    assert str(results.evidence("made_up", own=True)).startswith("Evidence: a question (yours)")
    assert "rows" not in str(results.evidence("made_up", own=True))
    (own / "made_up.json").unlink()
    _running.run(experiment(), ["--only", "kind=one"])
    assert "Your own table has 2 of 6 rows of the shipped one" in str(results.evidence("made_up", own=True))
    assert str(results.evidence("made_up")).startswith("Evidence: a question\n")


@pytest.mark.parametrize("kind", ["bars", "curves"])
def test_a_chart_shows_own_results_beside_the_shipped_ones(kind: str, own: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(results.figures, kind, lambda *given, **more: drawn.append((given[0], more)))
    run(own.parents[1] / "shipped", "--chart", chart=Chart(kind, "a number", "Bars.", along="kind", title="Numbers"))
    _running.run(experiment(kinds=(*MANY, "seven")), ["--only", "kind=one", "kind=seven"])
    results.chart("made_up", own=True)
    groups, said = drawn.pop()
    assert list(groups) == ["value", "value (yours)"]
    assert said["title"] == "Numbers (shipped, and yours: 2 of 6 rows)"
    assert "the user's own run" in said["alt"]
    if kind == "bars":
        assert groups["value"]["one"] == [4, 4, 4] and groups["value (yours)"]["one"] == [3.3333] * 3
        assert list(groups["value (yours)"]) == ["one", "seven"]  # what was computed, and what they alone have
    else:
        assert said["ticks"] == [*MANY, "seven"]
        assert list(groups["value (yours)"][1])[:1] == [3.3333] and math.isnan(list(groups["value (yours)"][1])[1])
    results.chart("made_up")
    groups, said = drawn.pop()
    assert "yours" not in str((groups, said))


def test_no_notebook_of_the_course_asks_for_own_results():
    """They show everyone the same; a cell of a reader's copy may."""
    files = sorted(paths.notebooks().glob("*.ipynb"))
    cells = [cell.source for file in files for cell in nbformat.read(file, as_version=4).cells
             if cell.cell_type == "code" and "results." in cell.source]
    assert len(cells) > len(files)  # they do read tables

    def asking(source: str) -> list[ast.keyword]:
        return [word for word in ast.walk(ast.parse(TransformerManager().transform_cell(source)))
                if isinstance(word, ast.keyword) and word.arg == "own"]

    assert asking('results.chart("variants", own=True)') and not any(map(asking, cells))


def test_own_results_that_are_damaged_old_or_unfinished_are_told_in_one_sentence(own: Path):
    with pytest.raises(ZeroDivisionError):
        _running.run(experiment(lambda kind, seed: reached(kind, 1 // (1 - seed))), [])
    with slip("is not finished", "goes on"):
        results.chart("made_up", own=True)
    _running.run(experiment(), [])
    file = own / "made_up.json"
    content = json.loads(file.read_text())
    older = {**content, "columns": ["size", *content["columns"][1:]]}
    for text, words in ((file.read_text()[:-99], "damaged"), ("[]", "damaged"), ('{"seal": ""}', "damaged"),
                        (json.dumps({**content, "rows": content["rows"][1:]}), "changed by hand"),
                        (json.dumps({**older, "seal": results.seal(older)}), "another version of the course")):
        file.write_text(text)
        for read in (results.table, results.facts, results.chart, results.evidence):
            with slip(words, "delete it"):
                read("made_up", own=True)
