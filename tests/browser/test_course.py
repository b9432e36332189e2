"""A student solves an exercise by typing, asks for hints, and answers a quiz; what is done is kept."""

import re

import pytest
from playwright.sync_api import Browser, Locator

from tests.browser.desk import Desk, until
from tests.browser.jupyter import Lab, write_notebook
from u3course.course import catalogue

CELLS = (
    """
import u3lab
from u3course import course
""",
    'course.exercise("6-guided")',
    """
def my_guided(p, through):
    return ...
""",
    'course.check("6-guided", my_guided)',
    'course.quiz("6")',
    'course.quiz("6-deep")',
    "course.progress()",
    'course.quiz("3")',
    """
import torch
from u3lab import live

guided = course.yours("6-guided")
live.explore(lambda level: (guided(torch.full((1, 3, 40, 260), level / 8), lambda p: p), f"{level} · {guided.said}"),
             level=(0, 8))
""",
    "pass",
)
ANSWER, CHECK, QUIZ, DEEP, PROGRESS, LONG, FIGURE = range(2, 9)
RIGHT = "def my_guided(p, through):\n    return through(p).clamp(min=0)"
DECONVNET = "def my_guided(p, through):\n    return p.clamp(min=0)"
ENDLESS = "def my_guided(p, through):\n    while True:\n        pass"


@pytest.fixture(scope="module")
def desk(open_notebook) -> Desk:
    return open_notebook("course.ipynb", CELLS)


def checked(desk: Desk, answer: str) -> str:
    """Type an answer over the stub, run it, run the check; what the box says."""
    desk.run(ANSWER, answer)
    return desk.run(CHECK).locator("[role=status]").inner_text()


def test_the_stub_does_not_stop_the_notebook(desk: Desk):
    assert "not tried yet" in desk.cell(CHECK).locator("[role=status]").inner_text()
    assert desk.ask("1") == 1


def test_a_solution_typed_into_a_cell_passes(desk: Desk):
    said = checked(desk, DECONVNET)
    assert "not yet" in said and "deconvnet" in said
    assert "passed" in checked(desk, RIGHT)
    assert row(desk).split("\t")[1].startswith("1 of ")


def test_an_answer_that_never_ends_is_stopped(desk: Desk):
    assert "not yet" in checked(desk, ENDLESS)
    assert desk.ask("6 * 7") == 42  # the kernel is alive


@pytest.mark.parametrize(("cell", "quiz_id"), [(QUIZ, "6"), (DEEP, "6-deep")])
def test_every_option_of_a_question_is_explained(desk: Desk, cell: int, quiz_id: str):
    question = catalogue.questions(quiz_id)[0]
    output = desk.cell(cell).locator(".jp-Cell-outputArea")
    options = output.locator(".widget-radio-box").first.locator("input")
    assert options.count() == len(question.options)
    assert output.locator("input:checked").count() == 0 and output.locator("[role=status]").count() == 0
    for number, why in enumerate(question.why):
        options.nth(number).check()
        box = output.locator("[role=status]", has_text=plain(why))
        box.wait_for()
        assert ("✓" in box.inner_text()) == (number == question.answer)
    for_the_eye(output)


def test_no_long_option_is_written_over_the_next(desk: Desk):
    labels = desk.cell(LONG).locator(".widget-radio-box label")
    heights = labels.evaluate_all("all => all.map(label => [label.scrollHeight, label.clientHeight])")
    assert max(needed for needed, _ in heights) > 1.5 * min(needed for needed, _ in heights)  # some have two lines
    assert all(needed <= given + 1 for needed, given in heights)


def for_the_eye(output: Locator) -> None:
    """Pictures of a quiz are there, and have words."""
    for picture in output.locator("img").all():
        assert picture.get_attribute("alt")
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 50


def row(desk: Desk) -> str:
    return desk.run(PROGRESS).get_by_role("row", name=re.compile("^chapter 6 ")).inner_text()


def test_a_figure_that_the_readers_own_code_made_wears_a_badge(desk: Desk):
    """Below the picture, for readers of screens as well; gone when the code fails, and the line says why."""
    checked(desk, RIGHT)
    desk.run(FIGURE)
    figure, badge = desk.figure(FIGURE), desk.cell(FIGURE).locator(".u3lab-screen ~ [role=status]")
    words = "your code: 6-guided"
    badge.filter(has_text=words).wait_for()
    assert badge.bounding_box()["y"] >= figure.image.bounding_box()["y"] + figure.image.bounding_box()["height"]
    desk.run(ANSWER, "def my_guided(p, through):\n    return None")
    figure.press("level", "End")
    figure.says("8 · 6-guided: yours (the version that passed; check the new one)")
    assert badge.inner_text() == words
    desk.run(-1, "course.pieces.keep('6-guided', my_guided)")
    figure.press("level", "Home")
    figure.says("0 · 6-guided: the library's (yours returned None, not a tensor (1, 3, 40, 260) of floats)")
    until(lambda: badge.inner_text() == "", "the badge stayed")
    assert badge.bounding_box()["height"] == 0


def test_answers_count_as_done(desk: Desk):
    assert row(desk).split("\t")[-1].startswith("2 of ")
    assert desk.complaints == []


@pytest.mark.parametrize("call", ["sum(range(10**12))", "__import__('re').match(r'(a+)+$', 'a' * 60 + 'b')"])
def test_a_call_that_never_gives_python_back(browser: Browser, lab: Lab, call: str):
    """The page says after ten seconds what is happening, though the kernel cannot; what it says to do does help."""
    write_notebook(lab.folder / "stuck.ipynb", ("from u3course import course", "pass"))
    desk = Desk.open(browser, lab, "stuck.ipynb")
    try:
        desk.run(0)
        source = 'course.check("6-guided", lambda p, through: {})'
        check = desk.start(1, source.format(call))
        box = check.locator(".u3-later")
        box.wait_for(state="attached")
        assert box.evaluate("box => box.getAnimations().map(a => a.effect.getTiming().delay)") == [10_000]
        box.wait_for(state="visible")
        assert "inside one single call" in box.inner_text() and "Restart Kernel" in box.inner_text()
        assert "[*]" in check.locator(".jp-InputPrompt").inner_text()
        desk.menu("Kernel", "Restart Kernel…")
        desk.page.locator(".jp-Dialog .jp-mod-accept").click()
        desk.page.locator("#jp-main-statusbar", has_text="| Idle").wait_for()
        said = desk.run(1, "from u3course import course\n" + source.format("through(p).relu()"))
        assert "passed" in said.locator("[role=status]").inner_text()
        assert said.locator(".jp-OutputArea-output").count() == 1 and said.locator(".u3-later").count() == 0
        assert desk.complaints == []
    finally:
        desk.close()


def plain(sentence: str) -> str:
    return sentence.replace("`", "")
