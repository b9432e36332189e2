"""A notebook that is opened again, or whose kernel ends: stills in place of figures, and no script of a stranger's."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import anywidget
import nbformat
import pytest
from nbformat.sign import NotebookNotary
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from tests.browser.desk import Desk, until
from tests.browser.jupyter import KERNEL, Lab, write_notebook
from tests.browser.small import EXPLORER, PLAYER, QUIZ, SETUP

CELLS = (SETUP, EXPLORER, PLAYER, QUIZ, 'course.exercise("6-guided")', "1")
FIGURES, TEXTS = (1, 2), {3: "Question 1.", 4: "Exercise."}
ASLEEP, LIVE = ".u3lab-still:visible", ".jupyter-widgets:visible"
OF = anywidget.AnyWidget()._model_module_version
# A widget that brings its own script, as it lies in the file of whoever made it.
TRAP = {"application/vnd.jupyter.widget-state+json": {"version_major": 2, "version_minor": 0, "state": {"a" * 32: {
    "model_module": "anywidget", "model_module_version": OF, "model_name": "AnyModel", "state": {
        "_esm": "export default { initialize() { window.trapped = true; } };", "_anywidget_id": "trap",
        "_model_module": "anywidget", "_model_module_version": OF, "_model_name": "AnyModel",
        "_view_module": "anywidget", "_view_module_version": OF, "_view_name": "AnyView"}}}}}


@pytest.fixture
def ran(browser: Browser, lab: Lab, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A notebook of all that lives, run and saved."""
    name = f"day-two-{abs(hash(request.node.name))}.ipynb"
    write_notebook(lab.folder / name, CELLS)
    desk = Desk.open(browser, lab, name)
    desk.run_all()
    for number in (*FIGURES, *TEXTS):
        desk.cell(number).locator(LIVE).first.wait_for()
    yield desk
    desk.close()


def saved(desk: Desk) -> None:
    desk.page.keyboard.press("ControlOrMeta+s")
    until(lambda: "widget-view" in desk.file.read_text(), "the notebook was not saved")


def stills(desk: Desk) -> list[Locator]:
    """What each figure shows in its stead; asserts that the texts are there too, and nothing that seems alive."""
    for number, words in TEXTS.items():
        desk.cell(number).locator(ASLEEP, has_text=words).get_by_text("Shift+Enter").wait_for()
    found = [desk.cell(number).locator(ASLEEP) for number in FIGURES]
    for still in found:
        still.get_by_text("Shift+Enter").wait_for()
        assert still.locator("img").evaluate("image => image.decode().then(() => image.naturalHeight)") > 20
        assert still.locator("img").get_attribute("alt")
    assert desk.page.locator(LIVE).count() == 0
    assert desk.page.get_by_text("Error displaying widget").count() == 0
    return found


def test_a_saved_notebook_shows_its_stills_until_its_cells_are_run(browser: Browser, lab: Lab, ran: Desk):
    saved(ran)
    ran.close()
    again = Desk.open(browser, lab, ran.file.name)
    stills(again)
    again.run_all()
    for number in (*FIGURES, *TEXTS):
        again.cell(number).locator(LIVE).first.wait_for()
        assert again.cell(number).locator(ASLEEP).count() == 0
    again.figure(FIGURES[0]).press("level", "End")
    again.figure(FIGURES[0]).says("level 8")
    again.close()


def restart(desk: Desk) -> None:
    desk.menu("Kernel", "Restart Kernel…")
    desk.page.locator(".jp-Dialog button.jp-mod-accept").click()


def shut_down(desk: Desk) -> None:
    desk.menu("Kernel", "Shut Down Kernel")


def die(desk: Desk) -> None:
    desk.process().kill()


@pytest.mark.parametrize("ended", [restart, shut_down, die])
def test_when_the_kernel_ends_figures_are_veiled_and_no_player_pretends_to_run(ran: Desk, ended: Callable):
    ran.figure(FIGURES[1]).button("play").click()
    ran.figure(FIGURES[1]).button("pause").wait_for()
    ended(ran)
    for still in stills(ran):
        assert "u3lab-veiled" in still.get_attribute("class")
    if ended is not shut_down:
        ran.page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()  # begun again


def test_a_page_that_is_loaded_again_beside_its_kernel_is_alive(ran: Desk):
    saved(ran)
    ran.page.reload()
    for number in (*FIGURES, *TEXTS):
        ran.cell(number).locator(LIVE).first.wait_for()
    ran.figure(FIGURES[0]).press("level", "End")
    ran.figure(FIGURES[0]).says("level 8")


@pytest.fixture
def settings(browser: Browser, lab: Lab) -> Iterator[Callable[[str, dict], None]]:
    """``settings(plugin, values)``: JupyterLab's settings, put back afterwards."""
    page, before = browser.new_page(), {}

    def put(plugin: str, values: dict | str) -> None:
        address = f"{lab.url}lab/api/settings/@jupyterlab/{plugin}?token={lab.token}"
        before.setdefault(plugin, page.request.get(address).json()["raw"])
        raw = values if isinstance(values, str) else json.dumps(values)
        assert page.request.put(address, data=json.dumps({"raw": raw})).ok

    yield put
    for plugin, values in before.items():
        put(plugin, values)
    page.close()


def test_a_link_to_evidence_lands_there_and_opens_it(browser: Browser, lab: Lab, settings: Callable):
    settings("notebook-extension:tracker", {})  # as it comes: cells get their height when they come near the screen
    tall, text = nbformat.v4.new_output("stream", text="tall\n" * 40), nbformat.v4.new_markdown_cell
    fold = nbformat.v4.new_output("display_data", {"text/html": "<details><summary>Evidence</summary>Behind</details>"})
    cells = [text("# Top\n\n[A link](#Evidence:-what-we-saw) to it."),
             *(nbformat.v4.new_code_cell(str(n), outputs=[tall]) for n in range(30)),
             text("## Further", metadata={"jp-MarkdownHeadingCollapsed": True}),
             text("### Evidence: what *we* saw"), nbformat.v4.new_code_cell("1", outputs=[fold]),
             *(nbformat.v4.new_code_cell(str(n), outputs=[tall]) for n in range(9))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), lab.folder / "links.ipynb")
    desk = Desk.open(browser, lab, "links.ipynb")
    desk.page.get_by_role("link", name="A link").click()
    desk.page.get_by_text("Behind").wait_for()
    heading = desk.page.get_by_role("heading", name="Evidence: what we saw")
    until(lambda: 0 < heading.bounding_box()["y"] < 300, "the page did not land at the heading")
    desk.close()


def trap(file: Path) -> Path:
    """A notebook whose saved widget has a script."""
    made = nbformat.read(write_notebook(file, ("1",)), 4)
    made.metadata["widgets"] = TRAP
    nbformat.write(made, file)
    return file


def trapped(page: Page) -> bool:
    page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()
    page.wait_for_timeout(1500)  # the widgets of a file are made after the kernel has answered
    return page.evaluate("window.trapped === true")


@pytest.mark.parametrize("signed", [False, True])
def test_a_strangers_notebook_runs_nothing_when_it_is_opened(browser: Browser, lab: Lab, signed: bool):
    """One's own does, which shows that the trap works."""
    file = trap(lab.folder / f"trap-{signed}.ipynb")
    if signed:
        NotebookNotary().sign(nbformat.read(file, 4))
    desk = Desk.open(browser, lab, file.name)
    assert trapped(desk.page) == signed
    desk.close()


def test_in_the_dark_theme_charts_are_dark_and_pictures_do_not_glare(browser: Browser, lab: Lab, settings: Callable):
    settings("apputils-extension:themes", {"theme": "JupyterLab Dark"})
    cells = (f"{SETUP}from u3lab import figures\nchart = figures.curves({{'y': [1, 2]}}, 'x', 'y', alt='A line.')",
             "chart", "figures.grid([torch.ones(3, 9, 9)], alt='White.')", "live.explore(lambda n: chart, n=(0, 3))")
    write_notebook(lab.folder / "dark.ipynb", cells)
    desk = Desk.open(browser, lab, "dark.ipynb")
    desk.run_all()
    for number, ground in {1: (0, 80), 2: (150, 220), 3: (0, 80)}.items():
        image = desk.cell(number).locator(".jp-OutputArea img").first
        image.evaluate("image => image.decode()")
        corner = Image.open(io.BytesIO(image.screenshot())).convert("L").getpixel((3, 3))
        assert ground[0] <= corner <= ground[1], (number, corner)
    desk.close()
