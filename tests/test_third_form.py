"""Notebooks of one thread and one sitting: their parts, and their sizes as a reader meets them."""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from torch import Tensor

from u3course.course import catalogue, pieces
from u3lab import results

ROOT = Path(__file__).resolve().parent.parent
PARTS = ["Build it", "Measure it", "Break it", "In the clinic", "What we know", "Further"]
FOURTH = ["Build it", "Win it", "Measure it", "Break it", "In the clinic", "What people get wrong", "What we know",
          "Further"]  # of the newest edition of the form
IMAGES = {"image/png", "image/jpeg"}
LIVE = re.compile(r"^(\w+\()?live\.(explore|play)\(", re.MULTILINE)


@cache
def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / name, as_version=4)


NAMES = [file.name for file in sorted((ROOT / "notebooks").glob("*.ipynb")) if any(
    cell.source.startswith("## Further") for cell in notebook(file.name).cells)]
each = pytest.mark.parametrize("name", NAMES)
NEWEST = [name for name in NAMES if any("## Win it" in cell.source for cell in notebook(name).cells)]
newest = pytest.mark.parametrize("name", NEWEST)


def lab(name: str) -> list[nbformat.NotebookNode]:
    """The cells above *Further*."""
    cells = notebook(name).cells
    return cells[:next(n for n, cell in enumerate(cells) if cell.source.startswith("## Further"))]


def further(name: str) -> list[nbformat.NotebookNode]:
    return notebook(name).cells[len(lab(name)):]


def prose(cell: nbformat.NotebookNode) -> str:
    """What a cell has to read: its text, or the box of a task; a formula is a word, an address is none."""
    if cell.cell_type == "markdown":
        said = cell.source
    elif "course.exercise(" in cell.source or "course.quiz(" in cell.source:
        said = "\n".join("".join(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
    else:
        return ""
    said = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " formula ", re.sub(r"\]\([^)]*\)", "]", said), flags=re.DOTALL)
    return re.sub(r"<[^>]*>|```.*?```", " ", said, flags=re.DOTALL)


def words(cells: list[nbformat.NotebookNode]) -> int:
    return sum(len(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", prose(cell))) for cell in cells)


def code(cells: list[nbformat.NotebookNode]) -> list[str]:
    """Lines of code, folded ones as well; what shows a task, its check or evidence is none of it."""
    return [line for cell in cells if cell.cell_type == "code"
            for line in cell.source.splitlines()
            if line.strip() and not re.match(r"\s*(#|course\.(exercise|check|quiz)\(|results\.evidence\()", line)]


def tasks(name: str) -> list[str]:
    """The pieces that the reader writes, in their order."""
    return [task for cell in lab(name) for task in re.findall(r'course\.check\("([^"]+)"', cell.source)]


def links(name: str) -> list[tuple[str, str]]:
    """Every sentence that leads to evidence, with the heading that it leads to."""
    said = [part for cell in notebook(name).cells if cell.cell_type == "markdown"
            for part in re.split(r"(?<=[.?!])\s+|\n\n", cell.source)]
    return [(one, heading) for one in said for heading in re.findall(r"\(#(Evidence[^)]*)\)", one)]


def evidence(name: str) -> list[tuple[str, str]]:
    """Each table that the lab unfolds, after its heading as JupyterLab makes an anchor of it."""
    cells = lab(name)
    return [(cells[n - 1].source.rpartition("### ")[2].strip().replace(" ", "-"), table) for n, cell in enumerate(cells)
            for table in re.findall(r'results\.evidence\("([\w-]+)"\)$', cell.source)]


@each
def test_the_parts_stand_in_their_order(name: str):
    first, second, *_ = notebook(name).cells
    headings = [line[3:] for cell in notebook(name).cells if cell.cell_type == "markdown"
                for line in cell.source.splitlines() if line.startswith("## ")]
    assert headings == (FOURTH if name in NEWEST else PARTS)
    assert first.source.startswith("# ") and words([first]) <= 60
    assert second.cell_type == "code" and folded(second) and images(second)
    assert second.source.index("__version__") < second.source.index("from ")  # a sentence before anything is missing
    collapsed = further(name)[0]
    assert collapsed.source.strip() == "## Further" and collapsed.metadata["jp-MarkdownHeadingCollapsed"]


@pytest.mark.parametrize("name", [file.name for file in sorted((ROOT / "notebooks").glob("*.ipynb"))])
def test_run_all_leaves_the_page_at_its_top(name: str):
    """JupyterLab goes to the last cell, except to text under a folded heading; code would unfold it."""
    cells = notebook(name).cells
    (fold,) = (n for n, cell in enumerate(cells) if cell.metadata.get("jp-MarkdownHeadingCollapsed"))
    under = cells[fold + 1 :]
    assert cells[fold].source.startswith("## ") and under and under[-1].cell_type == "markdown"
    assert not any(re.search("^##? ", cell.source, re.MULTILINE) for cell in under if cell.cell_type == "markdown")


def images(cell: nbformat.NotebookNode) -> int:
    return sum(bool(IMAGES & set(output.get("data", {}))) for output in cell.get("outputs", ()))


@each
def test_it_is_one_sitting(name: str):
    above, below = lab(name), further(name)
    assert words(above) <= 1800 and words(below) <= 1200
    assert sum(images(cell) for cell in above) <= 10
    assert len(code(above)) + sum(own_helpers(name).values()) <= 150, own_helpers(name)
    assert sum(line.startswith("### ") for cell in below for line in cell.source.splitlines()) <= 3


@each
def test_little_is_printed(name: str):
    lines = [sum("".join(output.text).count("\n") for output in cell.outputs if output.output_type == "stream")
             for cell in notebook(name).cells if cell.cell_type == "code"]
    assert max(lines) <= 6 and sum(lines) <= 40


@each
def test_paragraphs_are_short_and_carry_two_numbers(name: str):
    cells = [cell.source for cell in notebook(name).cells if cell.cell_type == "markdown"]
    text = "\n\n".join(cells).partition("### References")[0] + "".join(cells[-1:])
    for paragraph in re.split(r"\n\n|\n(?=[*|] )", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)):
        read = re.sub(r"\$[^$]*\$|\]\([^)]*\)|`[^`]*`|^#.*$", " ", paragraph, flags=re.MULTILINE)
        assert len(read.split()) <= 80, paragraph
        assert len(re.findall(r"(?<![\w.])\d+(?:[.,]\d+)*", read)) <= 2 or paragraph.startswith("|"), paragraph


def part(name: str, heading: str) -> list[nbformat.NotebookNode]:
    """The cells of a part of the lab."""
    cells = lab(name)
    start = next(n for n, cell in enumerate(cells) if cell.source.startswith(f"## {heading}"))
    return cells[start:next((n for n in range(start + 1, len(cells)) if cells[n].source.startswith("## ")), None)]


@newest
def test_the_newest_form_gives_its_verdict_in_few_words(name: str):
    assert words(part(name, "Measure it")) <= 160
    (wrong,) = part(name, "What people get wrong")
    assert re.findall(r"^\* (.{8})", wrong.source, re.MULTILINE) == ["*Wrong:*"] * 3


@newest
def test_the_newest_form_is_compared_from_run_to_run(name: str):
    """Figures of Build, Win and Measure have the tag for it, and no seconds in their words."""
    compared = [cell for heading in ("Build it", "Win it", "Measure it") for cell in part(name, heading)
                if "nbval-check-output" in cell.metadata.get("tags", ()) and images(cell)]
    assert len(compared) >= 5
    said = "".join(output.get("data", {}).get("text/plain", "") for cell in compared for output in cell.outputs)
    assert not re.search(r"\d (s|ms|seconds?)\b", said)


@newest
def test_a_sentence_of_the_newest_form_is_short_and_a_link_wraps_few_words(name: str):
    for cell in lab(name):
        if cell.cell_type == "markdown" and "### References" not in cell.source:
            for sentence in re.split(r"(?<=[.?!:])[\s*)]+|\n\n|\n(?=[*|#] )", prose(cell)):
                assert len(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", sentence)) <= 25, sentence
            for wrapped in re.findall(r"\[([^]]*)\]\(#", cell.source):
                assert len(wrapped.split()) <= 5, wrapped
            for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)", prose(cell)):
                assert len(number.replace(".", "").lstrip("0")) <= 2, f"more than two digits: {number}"


def own_helpers(name: str) -> dict[str, int]:
    """Functions of the lessons that this notebook alone uses, with the statements of each."""
    source = "\n".join(code(notebook(name).cells))
    rooms = re.findall(r"^from u3course\.lessons\.(\w+) import (.+)$", source, re.MULTILINE)
    found = {}
    for room, imported in rooms:
        for part in imported.split(", "):
            module, _, alias = part.partition(" as ")
            for used in set(re.findall(rf"\b{alias or module}\.(\w+)", source)):
                thing = getattr(importlib.import_module(f"u3course.lessons.{room}.{module}"), used)
                if inspect.isfunction(thing) and not elsewhere(used, name):
                    body = ast.parse(textwrap.dedent(inspect.getsource(thing)))
                    found[used] = sum(isinstance(node, ast.stmt) for node in ast.walk(body)) - 1
    return found


def elsewhere(function: str, name: str) -> bool:
    """Whether another notebook, an experiment or the library uses a helper of the lessons."""
    files = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("u3*/**/*.py"), *ROOT.glob("evidence/**/*.py")]
    called = re.compile(rf"(?<!def )\b{function}\(")
    return any(called.search(text(file)) for file in files if file.name != name)


@cache
def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@each
def test_the_reader_writes_three_pieces_and_finds_none_of_them_in_a_cell(name: str):
    pieces = [catalogue.find(task) for task in tasks(name)]
    assert 2 <= len(pieces) <= 3
    written = {piece.id: body(ast.parse(textwrap.dedent(inspect.getsource(piece.reference)))) for piece in pieces}
    assert sum(len(ast.unparse(part).splitlines()) for parts in written.values() for part in parts) <= 20
    seen = {shape(node) for cell in notebook(name).cells if cell.cell_type == "code"
            for node in ast.walk(ast.parse(plain(cell.source)))}
    for task, parts in written.items():
        told = [part for part in parts if not (isinstance(part, ast.Return) and isinstance(part.value, ast.Name))]
        assert shape(told[-1]) not in seen, f"{task}: a cell shows its last line"  # `return y` gives nothing away


@each
def test_nothing_that_is_shown_holds_a_part_of_an_answer(name: str):
    """Cells, visible or folded, prose, evidence, the exercise's own text and the quiz; hints and solutions may."""
    told = [*(cell.source if cell.cell_type == "markdown" else f"```\n{plain(cell.source)}\n```"
              for cell in notebook(name).cells),
            *(text(ROOT / "data" / "results" / f"{table}.md") for _, table in evidence(name))]
    for task in tasks(name):
        piece = catalogue.find(task)
        quiz = [words for posed in catalogue.quizzes(task.partition("-")[0]).values() for one in posed
                for words in (one.text, *one.options)]
        answer = {tree for part in body(ast.parse(textwrap.dedent(inspect.getsource(piece.reference))))
                  for tree in large(part)}
        for shown in [*told, *quiz, piece.goal, f"```\n{piece.signature}\n```"]:
            for found in re.findall(r"```(?:python)?\n(.*?)```|`([^`\n]+)`", shown, re.DOTALL):
                with suppress(SyntaxError):
                    assert not large(ast.parse(textwrap.dedent("".join(found)))) & answer, f"{task}: {found}"


def large(tree: ast.AST) -> set[str]:
    """The expressions and statements of at least eight nodes."""
    return {shape(node) for node in ast.walk(tree) if isinstance(node, ast.expr | ast.stmt)
            and sum(not isinstance(part, ast.expr_context | ast.operator) for part in ast.walk(node)) >= 8}


@each
def test_the_line_that_calls_a_piece_is_in_view_and_what_draws_is_folded(name: str):
    seen = [cell for cell in lab(name) if cell.cell_type == "code" and not folded(cell)]
    assert len(code(seen)) <= 75 and all(len(code([cell])) <= 25 for cell in seen)
    for task in tasks(name):
        (tree,) = (ast.parse(cell.source) for cell in seen if f'course.yours("{task}")' in cell.source)
        given = next(node for node in tree.body if f"'{task}'" in ast.unparse(node))
        piece = {node.id for node in ast.walk(given) if isinstance(node, ast.Name)}
        assert any(isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in piece
                   for node in ast.walk(tree)), f"{task}: nothing in view calls it"


def folded(cell: nbformat.NotebookNode) -> bool:
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def plain(source: str) -> str:
    """A cell without IPython's own marks."""
    return "\n".join(line for line in source.splitlines() if line.lstrip()[:1] not in "%!?")


def body(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a function, without its docstring."""
    (function,) = tree.body
    told = function.body[0]
    return function.body[isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant):]


def shape(node: ast.AST) -> str:
    """A syntax tree without the names that somebody chose."""
    return re.sub(r"(id|arg)='\w+'", r"\1", ast.dump(node))


@each
def test_claims_lead_to_their_evidence(name: str):
    headings = dict(evidence(name))
    assert len(headings) == len(evidence(name)) > 0
    assert all(re.fullmatch("Evidence:(-[a-z]+)+", heading) for heading in headings)  # words, not a table's name
    assert {heading for _, heading in links(name)} == set(headings)
    for sentence, heading in links(name):
        known = {float(one) for one in re.findall(r"(?<![\d.])\d+(?:\.\d+)?", str(results.evidence(headings[heading])))}
        known |= {float(f"{one:.2g}") for one in known if one % 1}  # prose has two significant digits
        for number in re.findall(r"(?<![\w.#])\d+(?:\.\d+)?(?: %)?", re.sub(r"\]\([^)]*\)|\$[^$]*\$", "", sentence)):
            share = round(float(number[:-2]) / 100, 6) if number.endswith(" %") else float(number)
            assert share in known, f"{number} in: {sentence}"


@each
def test_an_answer_needs_the_first_cell_alone(name: str):
    """Somebody who has come back runs the first cell, and the answer."""
    cells = lab(name)
    there = {node.id for node in ast.walk(ast.parse(plain(cells[1].source))) if isinstance(node, ast.Name)} | {
        (alias.asname or alias.name).partition(".")[0] for node in ast.walk(ast.parse(plain(cells[1].source)))
        if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    for task in tasks(name):
        module = inspect.getsource(inspect.getmodule(catalogue.find(task).reference))
        used = {node.id for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(
            catalogue.find(task).reference)))) if isinstance(node, ast.Name)}
        for known in ("torch", "F", "nn"):
            if known in used and re.search(rf"^import.* {known}$|^import {known}$|^from.* import .*\b{known}\b", module,
                                           re.MULTILINE):
                assert known in there, f"{task} needs {known}"


def nonsense(reference: Callable[..., Any]) -> Callable[..., Any]:
    """A piece that gives zeros; in the place of steps, zeros without a step."""
    def steps(*given: Any, **named: Any) -> Iterator[float]:
        yield from (0.0,) * 100

    def zeros(*given: Any, **named: Any) -> Tensor | tuple[Tensor, ...]:
        right = reference(*given, **named)
        return tuple(map(torch.zeros_like, right)) if isinstance(right, tuple) else torch.zeros_like(right)

    return steps if inspect.isgeneratorfunction(reference) else zeros


def shown(name: str, task: str) -> list[tuple[bytes, str]]:
    """Picture and line of the next figure after a piece: with the library's, and with nonsense in its place."""
    cells = [re.sub(r"\bfirst=\d+", "first=10", plain(cell.source)) for cell in lab(name) if cell.cell_type == "code"
             and not (re.match(r"course\.\w+\(|results\.", cell.source) or "nbgrader" in cell.metadata)]
    piece = next(n for n, cell in enumerate(cells) if f'course.yours("{task}")' in cell)
    last = next(n for n, cell in enumerate(cells) if n >= piece and LIVE.search(cell))
    known, found = {"__name__": __name__}, []

    def run(part: ast.AST, mode: str) -> Any:
        return eval(compile(part, name, mode, dont_inherit=True), known)

    for cell in cells[:last]:
        run(ast.parse(cell), "exec")
    *body, value = ast.parse(cells[last]).body
    run(ast.Module(body, []), "exec")
    for answer in (None, nonsense(catalogue.find(task).reference)):
        pieces.keep(task, answer)
        figure = run(ast.Expression(value.value), "eval")
        found.append((figure.picture.value, re.sub(rf"{task}: \S+( \S+)?$", "", figure.line.value)))
    return found


@pytest.mark.parametrize("name, task", [(name, task) for name in NAMES for task in tasks(name)])
def test_a_piece_of_nonsense_shows_in_the_next_figure(name: str, task: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces, "_passed", {})
    (picture, line), (other_picture, other_line) = shown(name, task)
    assert picture != other_picture and line != other_line
