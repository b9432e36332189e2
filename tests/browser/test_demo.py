"""``u3lab demo``: each chapter's page for the stage, driven by the keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.desk import RUN_SECONDS, SECONDS, Figure, until
from tests.browser.jupyter import stage
from tests.load.stage import at_rest, kernels
from u3lab import demo

FOCUSED = "element => element === document.activeElement"
QUICK = "02b"  # whose kernel has least to compute


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page for the projector, which asks nobody but its own server."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.set_default_timeout(SECONDS * 1000)
    elsewhere: list[str] = []
    page.on("request", lambda request: request.url.startswith((url, "data:", "blob:"))
            or elsewhere.append(request.url))
    page.goto(url, timeout=RUN_SECONDS * 1000)
    yield page
    page.close()
    assert elsewhere == []


def shown(page: Page, chapter: str) -> list[Figure]:
    """The figures of a page, once each has its picture."""
    wanted = len(demo.figures(nbformat.read(demo.find(chapter), as_version=4)))
    pictures = page.locator("img.widget-image")
    pictures.nth(wanted - 1).wait_for(timeout=RUN_SECONDS * 1000)
    until(lambda: all(pictures.evaluate_all("all => all.map(one => one.naturalWidth)")), "a picture is empty")
    assert pictures.count() == wanted
    boxes = page.locator(".jp-OutputArea-output", has=pictures)
    return [Figure(page, boxes.nth(number)) for number in range(wanted)]


@pytest.mark.parametrize("chapter", demo.chapters())
def test_each_figure_of_a_page_is_steered_by_the_keyboard(chapter: str, browser: Browser, tmp_path: Path):
    with stage(tmp_path, chapter) as url, opened(browser, url) as page:
        figures = shown(page, chapter)
        assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_inner_texts() == []
        for number, figure in enumerate(figures, 1):
            page.keyboard.press(str(number))
            steer(page, figure)
        assert page.get_by_text("Traceback").count() == 0


def test_a_page_that_is_loaded_again_was_computed_before(browser: Browser, tmp_path: Path):
    with stage(tmp_path, QUICK, preheated=True) as url:
        with opened(browser, url) as page:
            shown(page, QUICK)
            first = kernel_of(page)
        until(lambda: len(kernels()) == 2 and at_rest(), "no second kernel waits", RUN_SECONDS)
        before = time.time()
        with opened(browser, url) as page:
            steer_first = shown(page, QUICK)[0]
            assert kernel_of(page) != first
            assert kernels()[kernel_of(page)].create_time() < before
            page.keyboard.press("1")
            steer(page, steer_first)


def kernel_of(page: Page) -> str:
    """The id of the kernel that a page has."""
    return page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")


def steer(page: Page, figure: Figure) -> None:
    """The figure is where its key has led; Tab to its first handle, move it, and let what can play play."""
    assert figure.box.evaluate("box => box.contains(document.activeElement)")
    assert figure.image.bounding_box()["height"] > 250 and figure.box.bounding_box()["y"] < 200
    before, player = figure.bytes(), figure.button("play").count()
    if player:
        play(page, figure)
    handle = figure.box.locator(".noUi-handle").first
    tab_to(page, handle)
    assert handle.evaluate("one => getComputedStyle(one).outlineWidth") == "5px"
    value = handle.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    if handle.get_attribute("aria-valuenow") == value:  # it was at its end
        page.keyboard.press("ArrowLeft")
    if not player:
        until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")


def play(page: Page, figure: Figure) -> None:
    """Tab to the button, and start and stop the player."""
    tab_to(page, figure.button("play"))
    before, picture = figure.number(), figure.bytes()
    page.keyboard.press("Space")
    figure.newer(before + 5)
    page.keyboard.press("Space")
    figure.button("play").wait_for()
    assert figure.bytes() != picture


def tab_to(page: Page, control: Locator) -> None:
    for _ in range(20):
        if control.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    pytest.fail("the Tab key did not reach it")
