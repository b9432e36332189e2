"""A student opens a notebook in JupyterLab, runs it all, moves a slider and sees another picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page

RUN_SECONDS, SECONDS = 900, 90  # generous: the machine may be busy, and nothing here is a measurement
FIRST, LAST = "00_start_here.ipynb", "06_saliency.ipynb"
RED = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'  # tracebacks, and warnings
# The prompt of a cell is [ ]: before it runs, [*]: while it waits or runs, [7]: afterwards. An error empties those that
# still wait. A dialogue says, for example, that the kernel has died.
OVER = """() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")].map(prompt => prompt.innerText);
    const over = prompts.some(text => /\\d/.test(text)) && !prompts.some(text => text.includes("*"));
    return over || document.querySelector(".jp-Dialog") !== null;
}"""
BYTES = """async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer()))"""


@dataclass(frozen=True)
class Ran:
    """A notebook that was run from top to bottom: the page that shows it and the file behind it."""

    page: Page
    file: Path
    complaints: list[str]  # what the page's scripts threw


@pytest.fixture(scope="module", params=[FIRST, LAST])
def ran(request: pytest.FixtureRequest, browser: Browser, lab) -> Iterator[Ran]:
    """Open the notebook, choose Run All Cells in the menu, and wait until every cell has run or one has failed."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(SECONDS * 1000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(lab.address(request.param))
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    # Before the kernel is there, Run All does nothing. A dialogue comes if the notebook names no kernel.
    dialogue = page.locator(".jp-Dialog")
    page.locator("#jp-main-statusbar", has_text="| Idle").or_(dialogue).first.wait_for()
    assert dialogue.all_inner_texts() == []
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(OVER, polling=500, timeout=RUN_SECONDS * 1000)
    yield Ran(page, lab.folder / request.param, complaints)
    page.close()


def test_every_cell_runs_and_none_fails(ran: Ran):
    assert ran.page.locator(".jp-Dialog").all_inner_texts() == []
    assert [text for text in ran.page.locator(RED).all_inner_texts() if "Error" in text] == []
    assert ran.page.get_by_text("javascript error").count() == 0  # what stands in the place of a broken widget
    assert ran.complaints == []
    cells = [cell for cell in saved(ran).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


def saved(ran: Ran) -> nbformat.NotebookNode:
    """Save with the keyboard and read the file, once it holds what the page shows."""
    ran.page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    ran.page.keyboard.press("ControlOrMeta+s")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        notebook = nbformat.read(ran.file, as_version=4)
        if any(cell.get("execution_count") for cell in notebook.cells):
            return notebook
        time.sleep(0.5)
    raise AssertionError(f"{ran.file.name} was not saved")


def test_a_slider_that_moves_brings_another_picture(ran: Ran):
    view = ran.page.locator(".jp-OutputArea-output", has=ran.page.locator("img.widget-image")).first
    handle, picture = view.locator(".noUi-handle").first, view.locator("img.widget-image")
    handle.scroll_into_view_if_needed()
    before, words = picture.evaluate(BYTES), view.locator(".widget-html").last.inner_text()
    end = time.monotonic() + SECONDS
    handle.focus()
    ran.page.keyboard.press("ArrowRight")
    while picture.evaluate(BYTES) == before:
        assert time.monotonic() < end, "the slider was moved, and the picture stayed"
        time.sleep(0.2)
    ran.page.wait_for_function("([line, words]) => line.innerText !== words", timeout=SECONDS * 1000,
                               arg=[view.locator(".widget-html").last.element_handle(), words])
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_every_picture_has_the_alt_text_of_its_output(ran: Ran):
    shown = ran.page.locator(".jp-RenderedImage img").evaluate_all("all => all.map(image => image.alt)")
    assert shown
    wanted = [output.metadata[kind]["alt"] for cell in saved(ran).cells for output in cell.get("outputs", ())
              for kind in ("image/png", "image/jpeg") if kind in output.get("data", {})
              and "application/vnd.jupyter.widget-view+json" not in output.data]
    assert shown == wanted
