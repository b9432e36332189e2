"""``u3lab demo``: each chapter's page for the stage, driven by the keyboard alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.desk import RUN_SECONDS, SECONDS, Figure, until
from tests.browser.jupyter import stage
from tests.u3server.load.stage import another, kernel_of
from u3server import demo

FOCUSED = "element => element === document.activeElement"
VALUE = "one => one.options ? String(one.selectedIndex) : one.ariaValueText"
AT_ITS_END = """one => one.options ? one.selectedIndex === one.options.length - 1
                               : one.ariaValueNow === one.ariaValueMax"""
LEAST = 18  # pixels of type, on the page; what is in a picture is a matter of the picture
SMALL = """least => [...document.querySelectorAll("#rendered_cells *")].filter(one => one.checkVisibility() && (
    [...one.childNodes].some(part => part.nodeType === Node.TEXT_NODE && part.data.trim())
    || one.matches("input:not([type=checkbox], [type=radio], [type=file])"))
).map(one => [parseFloat(getComputedStyle(one).fontSize) * (one.getScreenCTM?.().a ?? 1), one.textContent.trim()]
).filter(([size]) => size < least)"""
ANEW = {("05", 2)}  # a player whose first slider, the generator's depth, begins the run anew
QUICK = "02b"  # whose kernel has least to compute


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """A page for the projector, which asks nobody but its own server."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.set_default_timeout(SECONDS * 1000)
    elsewhere: list[str] = []
    page.on("request", lambda request: request.url.startswith((url, "data:", "blob:"))
            or elsewhere.append(request.url))
    try:
        page.goto(url, timeout=RUN_SECONDS * 1000)
        yield page
    finally:
        page.close()
    assert elsewhere == []


def shown(page: Page, chapter: str) -> list[Figure]:
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
        assert page.evaluate(SMALL, 2 * LEAST) and page.evaluate(SMALL, LEAST) == []
        for number, figure in enumerate(figures, 1):
            page.keyboard.press(str(number))
            steer(page, figure, anew=(chapter, number) in ANEW)
        assert page.get_by_text("Traceback").count() == 0


def test_a_page_that_is_loaded_again_was_computed_before(browser: Browser, tmp_path: Path):
    with stage(tmp_path, QUICK, preheated=True) as url:
        with opened(browser, url) as page:
            shown(page, QUICK)
            first = kernel_of(page)
        second = another(tmp_path, first, RUN_SECONDS)
        with opened(browser, url) as page:
            figure = shown(page, QUICK)[0]
            assert kernel_of(page) == second
            page.keyboard.press("1")
            steer(page, figure)
            next(one for one in psutil.process_iter(["cmdline"])
                 if any(second in word for word in one.info["cmdline"] or ())).kill()
            asleep = "box => getComputedStyle(box, '::after').content"
            until(lambda: "load the page again" in figure.box.evaluate(asleep), "a dead figure pretends to live")


def steer(page: Page, figure: Figure, *, anew: bool = False) -> None:
    """The figure is where its key has led; Tab to a slider or a menu, which is then seen to be chosen, and move it."""
    assert figure.box.evaluate("box => box.contains(document.activeElement)")
    assert figure.image.bounding_box()["height"] > 250 and figure.box.bounding_box()["y"] < 200
    before, player = figure.bytes(), figure.button("play").count()
    handles = figure.box.locator(".noUi-handle")
    control = handles.first if handles.count() else figure.box.locator("select").first
    tab_to(page, control)
    assert control.evaluate("one => getComputedStyle(one).outlineWidth") == "5px"
    stood = control.evaluate(VALUE)
    page.keyboard.press("ArrowLeft" if control.evaluate(AT_ITS_END) else "ArrowRight")
    until(lambda: control.evaluate(VALUE) != stood, "the control did not move")
    if not player or anew:
        until(lambda: figure.bytes() != before, "the control was moved, and the picture stayed")
    if player:  # what its slider does is seen while it runs, and then the picture changes by itself
        play(page, figure)


def play(page: Page, figure: Figure) -> None:
    tab_to(page, figure.button("play"))
    before = figure.number()
    page.keyboard.press("Space")
    figure.newer(before + 5)
    page.keyboard.press("Space")
    figure.button("play").wait_for()


def tab_to(page: Page, control: Locator) -> None:
    for _ in range(40):
        if control.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    pytest.fail("the Tab key did not reach it")
