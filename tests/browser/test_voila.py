"""The same notebooks as pages of Voilà: no cells, and everything lives."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Page

from tests.browser.desk import RUN_SECONDS, SECONDS, Figure, until
from tests.browser.jupyter import NOTEBOOKS, voila, without_outputs, write_notebook
from tests.browser.small import EXPLORER, PLAYER, QUIZ, SETUP, lives

QUICK = "06c_equivariance.ipynb"  # of those with a slider and a quiz the quickest to run


@contextmanager
def page_of(browser: Browser, home: Path, notebook: Path) -> Iterator[Page]:
    with voila(home, notebook) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        page.goto(url, timeout=RUN_SECONDS * 1000)
        page.locator("img.widget-image").first.wait_for(timeout=RUN_SECONDS * 1000)
        yield page
        page.close()


def shown(page: Page, number: int) -> Figure:
    outputs = page.locator(".jp-OutputArea-output", has=page.locator("img.widget-image"))
    outputs.nth(number).wait_for()
    return Figure(page, outputs.nth(number))


def test_a_slider_a_player_and_a_quiz(browser: Browser, tmp_path: Path):
    notebook = write_notebook(tmp_path / "small.ipynb", (SETUP, EXPLORER, PLAYER, QUIZ))
    with page_of(browser, tmp_path, notebook) as page:
        lives(page, shown(page, 0), shown(page, 1))


def test_a_whole_notebook_of_the_course(browser: Browser, tmp_path: Path):
    notebook = tmp_path / QUICK
    nbformat.write(without_outputs(NOTEBOOKS / notebook.name), notebook)
    with page_of(browser, tmp_path, notebook) as page:
        figure = shown(page, 1)  # the first one has menus alone
        before = figure.bytes()
        figure.box.locator(".noUi-handle").first.focus()
        page.keyboard.press("End")
        until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")
        assert page.get_by_text("Traceback").count() == 0
