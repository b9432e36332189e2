"""``u3lab demo``: each chapter's page for the stage, driven by the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.desk import RUN_SECONDS, SECONDS, Figure, until
from tests.browser.jupyter import stage
from u3lab import demo

# The figure whose picture follows a slider, or starts anew with it, and the label of that slider.
SLIDERS = {"01": (2, "moment"), "02": (2, "order"), "03": (1, "turn (°)"), "04": (1, "depth"), "05": (3, "depth"),
           "06": (1, "rank"), "07": (2, "share")}
PLAYER = "04"
FOCUSED = "element => element === document.activeElement"


@pytest.mark.parametrize("chapter", demo.chapters())
def test_a_page_is_opened_and_steered_by_the_keyboard(chapter: str, browser: Browser, tmp_path: Path):
    wanted = len(demo.figures(nbformat.read(demo.find(chapter), as_version=4)))
    elsewhere: list[str] = []
    with stage(tmp_path, chapter) as url:
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.set_default_timeout(SECONDS * 1000)
        page.on("request", lambda request: request.url.startswith((url, "data:", "blob:"))
                or elsewhere.append(request.url))
        page.goto(url, timeout=RUN_SECONDS * 1000)
        pictures = page.locator("img.widget-image")
        pictures.nth(wanted - 1).wait_for(timeout=RUN_SECONDS * 1000)
        until(lambda: all(pictures.evaluate_all("all => all.map(one => one.naturalWidth)")), "a picture is empty")
        assert pictures.count() == wanted
        assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
        number, label = SLIDERS[chapter]
        figure = Figure(page, page.locator(".jp-OutputArea-output", has=pictures).nth(number - 1))
        page.keyboard.press(str(number))
        assert figure.box.evaluate("box => box.contains(document.activeElement)")
        assert figure.image.bounding_box()["height"] > 250 and figure.box.bounding_box()["y"] < 200
        steer(page, figure, label)
        if chapter == PLAYER:
            play(page, figure)
        page.close()
    assert elsewhere == []


def steer(page: Page, figure: Figure, label: str) -> None:
    """Tab to a slider, which is then seen to be chosen, and move it."""
    handle, before = figure.handle(label), figure.bytes()
    tab_to(page, handle)
    assert handle.evaluate("one => getComputedStyle(one).outlineWidth") == "5px"
    page.keyboard.press("ArrowRight")
    until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")


def play(page: Page, figure: Figure) -> None:
    """Tab to the button, and start and stop the player."""
    tab_to(page, figure.button("play"))
    before = figure.number()
    page.keyboard.press("Space")
    figure.newer(before + 5)
    page.keyboard.press("Space")
    figure.button("play").wait_for()


def tab_to(page: Page, control) -> None:
    for _ in range(20):
        if control.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    pytest.fail("the Tab key did not reach it")
