"""docs/teaching: a page for each notebook, all alike, and each says of its notebook what the notebook says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from u3lab.course import catalogue

ROOT = Path(__file__).resolve().parent.parent
PAGES = {page.stem: page for page in sorted((ROOT / "docs" / "teaching").glob("[0-9]*.md"))}
NOTEBOOKS = {file.name.partition("_")[0]: file for file in sorted((ROOT / "notebooks").glob("*.ipynb"))}
WITHOUT: set[str] = set()  # notebooks that need no page
HEADINGS = ["## The question", "## Three routes", "### 10 minutes", "### 45 minutes", "### 90 minutes", "## A vote",
            "## What people get wrong", "## Answers", "### Quiz", "### Exercises", "### To discuss",
            "## What goes wrong in the room"]
each_page = pytest.mark.parametrize("number", PAGES)


@cache
def text(number: str) -> str:
    return PAGES[number].read_text(encoding="utf-8")


@cache
def parts(number: str) -> dict[str, str]:
    """What stands below each heading, its lines joined: a line break says nothing."""
    _, *rest = re.split(r"^(##+ .*)$", text(number), flags=re.MULTILINE)
    return {heading: re.sub(r"(?<!^)\n +", " ", body) for heading, body in zip(rest[::2], rest[1::2], strict=True)}


@cache
def cells(number: str) -> tuple[list[str], str]:
    """The headings of a notebook, and all that it says or has printed, with one kind of minus and of space."""
    found, said = [], []
    for cell in json.loads(NOTEBOOKS[number].read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        said.append(source)
        if cell["cell_type"] == "markdown":
            found += re.findall(r"^##+ (.*)$", source, re.MULTILINE)
        for output in cell.get("outputs", ()):
            said += ["".join(output.get("text", "")), "".join(output.get("data", {}).get("text/plain", ""))]
    return found, "\n".join(said).replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")


def chapter(number: str) -> str:
    return number.removeprefix("0")[:2] if number != "00" else "0"


def test_every_notebook_has_a_page():
    assert set(PAGES) == set(NOTEBOOKS) - WITHOUT


def test_nobody_is_told_to_work_in_the_notebooks_as_they_came():
    """JupyterLab on notebooks/ would leave the student without a copy, and git without a pull."""
    pages = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
             for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}
    told = [(name, line) for name, page in pages.items() for line in re.findall(r"^jupyter[ -]lab\b.*", page, re.M)]
    assert len(pages) > 20 and not told
    offline = pages["docs/teaching/README.md"]
    assert re.search(r"\npip install --no-index --find-links stick u3lab\nu3lab start ", offline)


def test_the_index_has_every_chapter_with_the_hours_of_its_notebook():
    index = (ROOT / "docs" / "teaching" / "README.md").read_text(encoding="utf-8")
    hours = dict(re.findall(r"^\| \[?(\w+)\]?(?:\(\w+\.md\))? \| .* \| (\d+) \|$", index, re.MULTILINE))
    wanted = {number: re.search(r"^\| self-study \| (\d+) hours", cells(number)[1], re.MULTILINE)[1]
              for number in NOTEBOOKS}
    assert hours == wanted
    assert all(f"[{number}]({number}.md)" in index for number in PAGES)


@each_page
def test_headings_are_the_same_on_every_page(number: str):
    title, *rest = re.findall(r"^#+ .*$", text(number), re.MULTILINE)
    assert re.fullmatch(rf"# {number} · .+", title) and rest == HEADINGS
    assert f"(../../notebooks/{NOTEBOOKS[number].name})" in text(number)
    assert not [line for line in text(number).splitlines() if len(line) > 120]


@each_page
def test_sections_exist_in_the_notebook(number: str):
    """By their number ("section 3", "sections 6 and 7"), or by their title in “”."""
    headings, page = cells(number)[0], " ".join(text(number).split())
    numbers = {digits for run in re.findall(r"[Ss]ections? ((?:\d+(?:, | and | to | or )?)+)", page)
               for digits in re.findall(r"\d+", run)}
    assert numbers and not [n for n in numbers if not any(heading.startswith(f"{n} · ") for heading in headings)]
    titles = {re.sub(r"^\d+ · | \([^)]*\)$", "", heading) for heading in headings}
    assert set(re.findall(r"“([^”]+)”", page)) <= titles


@each_page
def test_a_route_fills_its_minutes(number: str):
    for minutes in (10, 45, 90):
        steps = re.findall(r"^\* (\d+)–(\d+)[,:]", parts(number)[f"### {minutes} minutes"], re.MULTILINE)
        starts, ends = zip(*((int(a), int(b)) for a, b in steps), strict=True)
        assert starts == (0, *ends[:-1]) and ends[-1] == minutes and list(ends) == sorted(set(ends))


@each_page
def test_exercises_fit_into_their_minutes(number: str):
    """What is done in the room, that is, not what a sentence calls homework or leaves for home."""
    for minutes in (10, 45, 90):
        route = parts(number)[f"### {minutes} minutes"]
        for start, end, what in re.findall(r"^\* (\d+)–(\d+)(.*)$", route, re.MULTILINE):
            here = ". ".join(part for part in re.split(r"[.;] ", what) if "home" not in part)
            named = set(re.findall(rf"\b{chapter(number)}-[a-z-]*[a-z]\b", here))
            needed = sum(catalogue.find(name).minutes for name in named)
            assert needed <= int(end) - int(start), what


@each_page
def test_vote_and_misconceptions_name_what_decides_them(number: str):
    vote, wrong = parts(number)["## A vote"], parts(number)["## What people get wrong"]
    assert re.findall(r"\*\*(\w+)\*\*", vote) == ["Before", "Likely", "Answer"]
    (section,) = re.search(r"\bsection (\d+)", vote).groups()  # where routes vote, and not elsewhere
    votes = re.findall(r"^\* [\d–]+, section (\d+).*\bthe vote below", text(number).replace("\n  ", " "), re.MULTILINE)
    assert votes == [section]
    items = re.findall(r"^\* .*$", wrong, re.MULTILINE)
    assert 3 <= len(items) <= 5 and all(re.search(r"Section [\d“]", item) for item in items)


@each_page
def test_answers_to_the_quiz_are_those_of_the_quiz(number: str):
    given = re.findall(r"^(\d+)\. \(([a-f])\) ", parts(number)["### Quiz"], re.MULTILINE)
    questions = catalogue.questions(chapter(number))
    assert given == [(str(n), "abcdef"[question.answer]) for n, question in enumerate(questions, 1)]


@pytest.mark.parametrize("number, quiz", [("05b", "5-deep"), ("06", "6-deep")])
def test_answers_to_the_deep_quiz(number: str, quiz: str):
    answers = [f"{n} {question.options[question.answer]}" + r"\*" * ("Marked" in question.text)
               for n, question in enumerate(catalogue.questions(quiz), 1)]
    assert ", ".join(answers) in " ".join(parts(number)["### Quiz"].split())


@each_page
def test_every_graded_exercise_is_there(number: str):
    """Each with a line on what a good solution looks like; and no page names an exercise that is gone."""
    ids = {task.id for task in catalogue.exercises(chapter(number))}
    assert ids <= set(re.findall(r"^\* (\S+?):", parts(number)["### Exercises"], re.MULTILINE))
    for name in re.findall(rf"\b{chapter(number)}-[a-z-]*[a-z]\b", text(number)):
        assert catalogue.find(name)


@each_page
def test_numbers_are_the_notebook_s(number: str):
    said, page = cells(number)[1], text(number).replace("−", "-")
    numbers = set(re.findall(r"(?<![\w.])-?\d+\.\d+", page))
    assert not [one for one in numbers if not re.search(rf"(?<![\d.]){re.escape(one)}", said)]
    assert not [one for one in set(re.findall(r"(\d+) %", page)) if not re.search(rf"(?<!\d){one} ?%", said)]
