"""docs/teaching: a page for each notebook, all alike, and each says of its notebook what the notebook says."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from u3course.course import catalogue
from u3server import demo

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = {page.stem: page for page in sorted((ROOT / "docs" / "teaching").glob("[0-9]*.md"))}
NOTEBOOKS = {file.name.partition("_")[0]: file for file in sorted((ROOT / "notebooks").glob("*.ipynb"))}
WITHOUT: set[str] = set()  # notebooks that need no page
HEADINGS = ["## The question", "## Three routes", "### 10 minutes", "### 45 minutes", "### 90 minutes", "## A vote",
            "## What people get wrong", "## Answers", "### Quiz", "### Exercises", "### To discuss",
            "## What goes wrong in the room"]
SEVERAL = r"((?:\d+(?:, | and | or | to )?)+)"  # "3", "1 to 4, 6 and 7"
# In the third form a notebook has no sections with numbers and no routes: its parts are the lab.
THIRD = [number for number, file in NOTEBOOKS.items() if '"## Further' in file.read_text(encoding="utf-8")]
PARTS = ("Touch it", "Build it", "Win it", "Measure it", "Break it", "In the clinic", "What we know")
SHORT = ["## The question", "## The demo", "## The lab", "## A vote", "## What people get wrong", "## Answers"]
each_page = pytest.mark.parametrize("number", [number for number in PAGES if number not in THIRD])
each_short_page = pytest.mark.parametrize("number", [number for number in PAGES if number in THIRD])
any_page = pytest.mark.parametrize("number", PAGES)


@cache
def text(number: str) -> str:
    return PAGES[number].read_text(encoding="utf-8")


@cache
def parts(number: str) -> dict[str, str]:
    """What stands below each heading, its lines joined: a line break says nothing."""
    _, *rest = re.split(r"^(##+ .*)$", text(number), flags=re.MULTILINE)
    return {heading: re.sub(r"(?<!^)\n +", " ", body) for heading, body in zip(rest[::2], rest[1::2], strict=True)}


@cache
def notebook(number: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS[number], as_version=4)


@cache
def cells(number: str) -> tuple[list[str], str]:
    """The headings of a notebook, and all that it says or has printed, with one kind of minus and of space."""
    found, said = [], []
    for cell in notebook(number).cells:
        said.append(cell.source)
        if cell.cell_type == "markdown":
            found += re.findall(r"^##+ (.*)$", cell.source, re.MULTILINE)
        for output in cell.get("outputs", ()):
            said += ["".join(output.get("text", "")), "".join(output.get("data", {}).get("text/plain", ""))]
    return found, "\n".join(said).replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")


def chapter(number: str) -> str:
    return number.removeprefix("0")[:2] if number != "00" else "0"


@cache
def unchecked(number: str) -> dict[str, int]:
    """The exercises that no cell checks, "Exercise 5" or “a title”, each with the minutes that it states, or 0."""
    found, last = {}, ""
    for cell in notebook(number).cells:
        if cell.cell_type == "code" and "course.check(" in cell.source:
            found.pop(last, None)
        for heading in re.findall(r"^(?:##+ |\*\*(?=To interpret))(.*)$", cell.source, re.MULTILINE):
            stated = re.search(r"\((\d+) minutes", heading)
            title = re.sub(r"^\d+ · | \([^)]*\)$|\.\*\*.*", "", heading)
            numbered = re.match(r"Exercise \d+", title)
            last = numbered[0] if numbered else f"“{title}”"
            if numbered or stated or re.search(r"\bopen\)$|^To interpret", heading):
                found[last] = int(stated[1]) if stated else 0
    return found


def names(number: str, words: str) -> set[str]:
    """The exercises that are named there, graded or not."""
    graded = set(re.findall(r"\b\d[abc]?-[a-z-]*[a-z]\b", words))
    return graded | {name for name in unchecked(number) if re.search(rf"{re.escape(name)}(?![\w-])", words, re.I)}


def numbers(what: str, words: str) -> set[int]:
    """ "sections 1 to 4 and 7" → {1, 2, 3, 4, 7}, if asked for the "section"."""
    ranges = re.findall(r"(\d+)(?: to (\d+))?", "; ".join(re.findall(rf"\b(?i:{what})s? {SEVERAL}", words)))
    return {n for first, last in ranges for n in range(int(first), int(last or first) + 1)}


def lesson(number: str, plan: str) -> dict[str, set]:
    """What a plan has done in the room: not what a sentence calls homework or leaves for home."""
    sentences = re.split(r"[.;]\s", plan)
    here = ". ".join(one for one in sentences if "home" not in one)
    quiz = {int(heading.split()[0]) for heading in cells(number)[0] if heading.endswith(" · Quiz")}
    return {"sections": numbers("section", here) - quiz, "exercises": names(number, here),
            "begun": names(number, ". ".join(one for one in sentences if "begun" in one)),
            "questions": numbers("question", here)}


def minutes(number: str, exercises: set[str]) -> int:
    own = unchecked(number)
    return sum(own[name] if name in own else catalogue.find(name).minutes for name in exercises)


def labs(number: str) -> list[str]:
    """The 45 minutes of the notebook, and those of the page."""
    (row,) = re.findall(r"^\| lab \| 45 minutes \| (.*) \|$", cells(number)[1], re.MULTILINE)
    return [row, parts(number)["### 45 minutes"]]


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
    wanted = {number: "1" if number in THIRD else re.search(
        r"^\| self-study \| (\d+) hours", cells(number)[1], re.MULTILINE)[1] for number in NOTEBOOKS}
    assert hours == wanted
    assert all(f"[{number}]({number}.md)" in index for number in PAGES)


@any_page
def test_headings_are_the_same_on_every_page_and_a_short_one_fits_on_a_sheet(number: str):
    title, *rest = re.findall(r"^#+ .*$", text(number), re.MULTILINE)
    assert re.fullmatch(rf"# {number} · .+", title) and rest == (SHORT if number in THIRD else HEADINGS)
    assert f"(../../notebooks/{NOTEBOOKS[number].name})" in text(number)
    assert max(map(len, text(number).splitlines())) <= 120
    assert len(text(number).splitlines()) <= 45 or number not in THIRD


@each_page
def test_sections_exist_in_the_notebook(number: str):
    """By their number ("section 3", "sections 6 and 7"), or by their title in “”."""
    headings, page = cells(number)[0], " ".join(text(number).split())
    named = numbers("section", page)
    assert named and not [n for n in named if not any(heading.startswith(f"{n} · ") for heading in headings)]
    titles = {"“" + re.sub(r"^\d+ · | \([^)]*\)$", "", heading) + "”" for heading in headings}
    assert set(re.findall(r"“[^”]+”", page)) <= titles | set(unchecked(number))


@each_page
def test_a_route_fills_its_minutes(number: str):
    for length in (10, 45, 90):
        steps = re.findall(r"^\* (\d+)–(\d+)[,:]", parts(number)[f"### {length} minutes"], re.MULTILINE)
        starts, ends = zip(*((int(a), int(b)) for a, b in steps), strict=True)
        assert starts == (0, *ends[:-1]) and ends[-1] == length and list(ends) == sorted(set(ends))


@each_page
def test_exercises_fit_into_their_minutes(number: str):
    for length in (10, 45, 90):
        route = parts(number)[f"### {length} minutes"]
        for start, end, what in re.findall(r"^\* (\d+)–(\d+)(.*)$", route, re.MULTILINE):
            assert minutes(number, lesson(number, what)["exercises"]) <= int(end) - int(start), what


@each_page
def test_the_lab_of_the_notebook_is_that_of_the_page(number: str):
    row, route = (lesson(number, plan) for plan in labs(number))
    assert row == route and row["sections"] and row["questions"]


@each_page
def test_the_demo_of_the_notebook_is_that_of_the_page(number: str):
    (row,) = re.findall(r"^\| demo \| 10 minutes \| (.*) \|$", cells(number)[1], re.MULTILINE)
    steps = parts(number)["### 10 minutes"].partition("On the stage:")[0]
    assert numbers("section", row) == numbers("section", steps) != set()


@each_page
def test_a_lab_fits_into_45_minutes(number: str):
    """Three for a section, one for a question of the quiz, and those that each exercise states."""
    for plan in labs(number):
        todo = lesson(number, plan)
        assert 3 * len(todo["sections"]) + len(todo["questions"]) + minutes(number, todo["exercises"]) <= 45, plan


@each_page
def test_the_ten_minutes_know_the_stage(number: str):
    """Which key goes to which section, and what the route has besides."""
    steps, _, stage = " ".join(parts(number)["### 10 minutes"].split()).partition(" On the stage: ")
    shown = [int(heading.partition(" · ")[0]) for heading, _ in demo.figures(notebook(number))]
    assert stage.startswith(f"`u3lab demo {number}`; key 1 ")
    assert re.findall(r"key (\d) is section (\d+)", stage) == [(str(key), str(n)) for key, n in enumerate(shown, 1)]
    assert numbers("Show section", stage) == numbers("section", steps) - set(shown)


@any_page
def test_vote_and_misconceptions_name_what_decides_them(number: str):
    vote, wrong = parts(number)["## A vote"], parts(number)["## What people get wrong"]
    assert re.findall(r"\*\*(\w+)\*\*", vote) == ["Before", "Likely", "Answer"]
    items = re.findall(r"^\* .*$", wrong, re.MULTILINE)
    decides = "|".join(rf"\*{part}\*" for part in PARTS) if number in THIRD else r"Section [\d“]"
    assert 3 <= len(items) <= 5 and all(re.search(decides, item) for item in items)


@each_page
def test_a_route_votes_in_the_section_that_the_vote_names(number: str):
    (section,) = re.search(r"\bsection (\d+)", parts(number)["## A vote"]).groups()
    votes = re.findall(r"^\* [\d–]+, section (\d+).*\bthe vote below", text(number).replace("\n  ", " "), re.MULTILINE)
    assert votes == [section]


@any_page
def test_answers_to_the_quiz_are_those_of_the_quiz(number: str):
    answers = parts(number)["## Answers" if number in THIRD else "### Quiz"]
    given = re.findall(r"^(\d+)\. \(([a-f])\) ", answers, re.MULTILINE)
    questions = catalogue.questions(chapter(number))
    assert given == [(str(n), "abcdef"[question.answer]) for n, question in enumerate(questions, 1)]


@pytest.mark.parametrize("number, quiz", [("05b", "5-deep"), ("06a", "6-deep")])
def test_answers_to_the_deep_quiz(number: str, quiz: str):
    answers = [f"{n} {question.options[question.answer]}" + r"\*" * ("Marked" in question.text)
               for n, question in enumerate(catalogue.questions(quiz), 1)]
    assert ", ".join(answers) in " ".join(parts(number)["## Answers" if number in THIRD else "### Quiz"].split())


@any_page
def test_every_graded_exercise_is_there(number: str):
    """Each with a line on what a good solution looks like; and no page names an exercise that is gone."""
    ids = {task.id for task in catalogue.exercises(chapter(number))}
    told = set(re.findall(r"^\* (\S+?):", parts(number)["## Answers" if number in THIRD else "### Exercises"], re.M))
    assert ids == told if number in THIRD else ids <= told
    for name in re.findall(rf"\b{chapter(number)}-[a-z-]*[a-z]\b", text(number)):
        assert catalogue.find(name)


@each_page
def test_every_open_exercise_is_answered(number: str):
    """What no cell checks, somebody has to judge."""
    answer = r"^\* (Exercise \d+|“[^”]+”) \((?:section \d+, )?open\): .{60,}$"
    given = re.findall(answer, parts(number)["### Exercises"], re.MULTILINE)
    assert sorted(given) == sorted(unchecked(number))


@each_page
def test_every_exercise_stands_in_a_route(number: str):
    """As work in the room or as homework."""
    routes = "".join(parts(number)[f"### {length} minutes"] for length in (10, 45, 90))
    assert {task.id for task in catalogue.exercises(chapter(number))} | set(unchecked(number)) <= names(number, routes)


def test_open_exercises_are_found():
    assert sum(len(unchecked(number)) for number in PAGES) == 5
    assert unchecked("05") == {"“Your own prior”": 30}


@any_page
def test_numbers_are_the_notebook_s(number: str):
    said, page = cells(number)[1], text(number).replace("−", "-")
    given = set(re.findall(r"(?<![\w.])-?\d+\.\d+", page))
    assert not [one for one in given if not re.search(rf"(?<![\d.]){re.escape(one)}", said)]
    assert not [one for one in set(re.findall(r"(\d+) %", page)) if not re.search(rf"(?<!\d){one} ?%", said)]


# ---- pages of notebooks in the third form

@each_short_page
def test_the_demo_is_what_the_stage_shows(number: str):
    """A key for each live figure, by the heading that it stands under."""
    shown = [heading for heading, _ in demo.figures(notebook(number))]
    assert shown[0] == demo.TOUCH and 2 <= len(shown) <= 3
    told = parts(number)["## The demo"]
    assert f"`u3lab demo {number}`" in told
    assert re.findall(r"key (\d) is \*([^*]+)\*", told) == [(str(key), one) for key, one in enumerate(shown, 1)]


@each_short_page
@pytest.mark.parametrize("heading, most", [("## The demo", 10), ("## The lab", 45)])
def test_minutes_follow_each_other_and_exercises_fit_into_theirs(number: str, heading: str, most: int):
    steps = re.findall(r"^\* (\d+)–(\d+)(.*)$", parts(number)[heading], re.MULTILINE)
    starts, ends = zip(*((int(a), int(b)) for a, b, _ in steps), strict=True)
    assert starts == (0, *ends[:-1]) and ends[-1] <= most and list(ends) == sorted(set(ends))
    for start, end, what in steps:
        assert minutes(number, names(number, what)) <= int(end) - int(start), what


@each_short_page
def test_the_lab_goes_through_all_parts_and_pieces(number: str):
    lab = parts(number)["## The lab"]
    named = [part for part in re.findall(r"\*([A-Z][^*\n]+)\*", lab) if part in PARTS]
    assert list(dict.fromkeys(named)) == [part for part in PARTS if part in (demo.TOUCH, *cells(number)[0])]
    assert {task.id for task in catalogue.exercises(chapter(number))} <= names(number, lab)
