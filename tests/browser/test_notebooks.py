"""A student opens a notebook in JupyterLab, runs it all, moves a slider and sees another picture."""

import nbformat
import pytest

from tests.browser.desk import PROMPTS, SECONDS, Desk, Figure, until
from tests.browser.jupyter import NOTEBOOKS
from u3server import copies

FIRST, QUICK = "00_start_here.ipynb", "06c_equivariance.ipynb"  # what a student opens first, and the quickest to run
RED = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'  # tracebacks, and warnings


@pytest.fixture(scope="module", params=[FIRST, QUICK])
def ran(request: pytest.FixtureRequest, open_notebook) -> Desk:
    return open_notebook(request.param)


def test_run_all_leaves_the_page_at_its_top(ran: Desk):
    assert ran.page.locator(".jp-WindowedPanel-outer").evaluate("panel => panel.scrollTop") == 0


def test_every_cell_runs_and_none_fails(ran: Desk):
    assert ran.page.locator(".jp-Dialog").all_inner_texts() == []
    assert [text for text in ran.page.locator(RED).all_inner_texts() if "Error" in text] == []
    assert ran.page.get_by_text("javascript error").count() == 0  # what stands in the place of a broken widget
    assert ran.complaints == []
    cells = [cell for cell in saved(ran).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


def test_a_notebook_that_was_run_and_saved_was_not_worked_on(ran: Desk):
    """JupyterLab writes outputs, numbers and what it likes into the file; `u3lab start` has to see through that."""
    saved(ran)
    came, now = (NOTEBOOKS / ran.file.name).read_bytes(), ran.file.read_bytes()
    assert copies.cells(now) == copies.cells(came) != "" and now != came


def saved(ran: Desk) -> nbformat.NotebookNode:
    """Save with the keyboard and read the file, once it holds what the page shows."""
    ran.page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    ran.page.keyboard.press("ControlOrMeta+s")
    shown = [int(prompt.strip("[]: \n")) if any(map(str.isdigit, prompt)) else None
             for prompt in ran.page.evaluate(PROMPTS)]

    def holds() -> bool:
        try:
            notebook = nbformat.read(ran.file, as_version=4)
        except ValueError:  # written by half
            return False
        # JupyterLab saves by itself as well, every two minutes, also in the middle of a run
        return [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == shown

    until(holds, f"{ran.file.name} was not saved")
    return nbformat.read(ran.file, as_version=4)


def test_a_slider_that_moves_brings_another_picture(ran: Desk):
    page = ran.page
    explorers = page.locator(".jp-OutputArea-output", has=page.locator("img.widget-image")) \
        .filter(has=page.locator(".noUi-handle")).filter(has_not=page.locator(".fa-play"))  # a player stands still
    figure = Figure(page, explorers.first)
    handle, line = figure.box.locator(".noUi-handle").first, figure.box.locator(".widget-html").last
    handle.scroll_into_view_if_needed()
    before, words = figure.bytes(), line.inner_text()
    handle.focus()
    page.keyboard.press("ArrowRight")
    until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")
    page.wait_for_function("([line, words]) => line.innerText !== words", timeout=SECONDS * 1000,
                           arg=[line.element_handle(), words])
    assert figure.image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_every_picture_has_the_alt_text_of_its_output(ran: Desk):
    shown = ran.page.locator(".jp-RenderedImage img").evaluate_all("all => all.map(image => image.alt)")
    assert shown
    wanted = [output.metadata[kind]["alt"] for cell in saved(ran).cells for output in cell.get("outputs", ())
              for kind in ("image/png", "image/jpeg") if kind in output.get("data", {})
              and "application/vnd.jupyter.widget-view+json" not in output.data]
    assert shown == wanted


def test_every_live_picture_has_words(ran: Desk):
    assert ran.words() and all(ran.words())
