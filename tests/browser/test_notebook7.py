"""The live figures in Jupyter Notebook 7: no JupyterLab around them, and they move; small ones, and a chapter's."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, TimeoutError

from tests.browser.desk import OVER, RUN_SECONDS, SECONDS, Desk, Figure, until
from tests.browser.jupyter import jupyterlab, write_notebook
from tests.browser.small import EXPLORER, PLAYER, QUIZ, SETUP, lives
from u3server import demo

BEGUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .some(one => /[*\\d]/.test(one.innerText))"""
CHAPTER = "06b"  # sliders, menus, a place to click at, and a player
CLICKS = """
live.explore(lambda place: (torch.full((1, 3, 40, 60), place[0]), f"across {place[0]:.1f}"), place=live.Click(0.5, 0.5))
"""


@contextmanager
def run(browser: Browser, file: Path) -> Iterator[Desk]:
    with jupyterlab(file.parent / "home", file.parent, program="notebook") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{server.url}notebooks/{file.name}?token={server.token}")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
        until(lambda: any(one["connections"] for one in server.get("api/kernels")), "no page has joined the kernel")
        desk = Desk(page, server, file)
        run_all(desk)
        page.wait_for_function(OVER, polling=300, timeout=RUN_SECONDS * 1000)
        yield desk
        page.close()


def run_all(desk: Desk) -> None:
    """Until page and kernel are joined, Run All does nothing, though the page says idle already."""
    for _ in range(6):
        desk.menu("Run", "Run All Cells")
        with suppress(TimeoutError):
            desk.page.wait_for_function(BEGUN, timeout=SECONDS * 1000 / 6)
            return


def test_a_slider_a_click_a_player_and_a_quiz(browser: Browser, tmp_path: Path):
    with run(browser, write_notebook(tmp_path / "small.ipynb", (SETUP, EXPLORER, CLICKS, PLAYER, QUIZ))) as desk:
        explorer, clicked, player = (desk.figure(number) for number in (1, 2, 3))
        clicked.image.click(position={"x": 2, "y": 2})
        clicked.says("across 0.0")
        lives(desk.page, explorer, player)
        explorer.press("level", "ArrowLeft")  # a key that is a shortcut of Notebook 7, too
        explorer.says("level 7")
        player.button("play").press("Enter")
        player.newer(player.number() + 5)
        player.button("pause").press(" ")
        player.button("play").wait_for()


def test_the_figures_of_a_chapter(browser: Browser, tmp_path: Path):
    """Those of its page for the stage: each follows its first slider, or plays."""
    made = demo.page(nbformat.read(demo.find(CHAPTER), as_version=4))
    nbformat.write(made, tmp_path / "chapter.ipynb")
    with run(browser, tmp_path / "chapter.ipynb") as desk:
        code = [cell for cell in made.cells if cell.cell_type == "code"]
        shown = [desk.figure(number) for number, cell in enumerate(code) if "live." in cell.source]
        assert len(shown) == len(demo.figures(nbformat.read(demo.find(CHAPTER), as_version=4))) > 1
        for figure in shown:
            follows(figure)


def follows(figure: Figure) -> None:
    if figure.button("play").count():
        before = figure.number()
        figure.button("play").click()
        figure.newer(before)  # a run of few steps may be over by now
    else:
        before = figure.bytes()
        figure.box.locator(".noUi-handle").first.press("ArrowRight")
        until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")
